"""A run in MLflow's file store: a folder with metrics/KEY, a line per value."""

from __future__ import annotations

from pathlib import Path

from boundcalc.errors import Fault, InputError
from boundcalc.logs.foreign.history import Gathering, History
from boundcalc.logs.foreign.pair import found_in
from boundcalc.logs.formats.lines import lines
from boundcalc.logs.found import Found
from boundcalc.logs.guard import guarded, shown
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place

_MOST_FILES = 100_000
_LONGEST_PARAMETER = 64


def is_run(folder: Path) -> bool:
    """Whether a folder is a run of MLflow's file store."""
    return (folder / "metrics").is_dir() and (folder / "meta.yaml").is_file()


def read_mlflow(place: Place, asked: Asked) -> Found:
    """Un-stepped metrics sit on step 0, all of them; parameters tell of averaging and clipping."""
    folder = place.path
    gathering = Gathering(place.shown, asked)
    with guarded(place.shown):
        files = sorted(p for p in (folder / "metrics").rglob("*") if p.is_file())[:_MOST_FILES]
    for file in files:
        name = file.relative_to(folder / "metrics").as_posix()
        if gathering.serves(name):
            _points(gathering, name, file, f"{place.shown}: metrics/{shown(name)}")
    every = _parameter(folder, "logging_steps")
    history = History(
        place.shown,
        "a run of MLflow's file store",
        gathering.series(),
        gathering.others,
        averaged=None if every is None or every < 1 else int(every),
        clip=_parameter(folder, "max_grad_norm") or _parameter(folder, "gradient_clip_val"),
    )
    return found_in(history, asked)


def _points(gathering: Gathering, name: str, file: Path, where: str) -> None:
    for number, line in enumerate(lines(file, where), start=1):
        parts = line.split()
        try:
            value, step = float(parts[1]), int(parts[2]) if len(parts) > 2 else 0
        except (ValueError, IndexError):
            found, expected = shown(line, 40), "timestamp, value and step"
            fix = "copy the run again"
            raise InputError(Fault(f"{where}, line {number}", found, expected, fix)) from None
        gathering.add(name, step, value)


def _parameter(folder: Path, name: str) -> float | None:
    """A parameter of the run as a number, None where it is none."""
    file = folder / "params" / name
    try:
        if not file.is_file() or file.stat().st_size > _LONGEST_PARAMETER:
            return None
        return float(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
