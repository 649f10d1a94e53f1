"""TensorBoard event files, read record by record: every scalar, not the 1,000 of its reader."""

from __future__ import annotations

from pathlib import Path

from boundcalc.logs.foreign.events import scalars
from boundcalc.logs.foreign.history import Gathering, History
from boundcalc.logs.foreign.pair import found_in
from boundcalc.logs.found import Found
from boundcalc.logs.guard import guarded, listed
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place

MARK = "tfevents"


def event_files(folder: Path) -> list[Path]:
    """The event files right in a folder, the oldest first (their names begin with the time)."""
    return sorted(p for p in folder.iterdir() if MARK in p.name and p.is_file())


def read_tensorboard(place: Place, asked: Asked) -> Found:
    """The scalars of one event file, or of all those in a folder: one run."""
    path = place.path
    gathering = Gathering(place.shown, asked)
    notes: list[str] = []
    with guarded(place.shown):
        files = event_files(path) if path.is_dir() else [path]
    for file in files:
        where = place.shown if file == path else f"{place.shown}/{file.name}"
        with guarded(where):
            torn = yield_into(gathering, file, where)
        if torn:
            notes.append(f"{where}: the last record is cut short (a run that still writes?)")
    if len(files) > 1:
        notes.append(f"{len(files)} event files: {listed(file.name for file in files)}")
    history = History(
        place.shown,
        "TensorBoard events",
        gathering.series(),
        gathering.others,
        single=True,
        notes=tuple(notes),
    )
    return found_in(history, asked)


def yield_into(gathering: Gathering, file: Path, where: str) -> bool:
    """Gather the scalars of a file; whether its last record is torn."""
    reading = scalars(file, where)
    while True:
        try:
            tag, step, value = next(reading)
        except StopIteration as end:
            return bool(end.value)
        if gathering.serves(tag):
            gathering.add(tag, step, value)
