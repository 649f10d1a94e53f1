"""`trainer_state.json` of the Hugging Face trainer."""

from __future__ import annotations

import json
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.logs.foreign.history import Gathering, History
from boundcalc.logs.foreign.pair import found_in
from boundcalc.logs.found import Found
from boundcalc.logs.guard import corrupt, guarded, shown
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place

_LARGEST = 1 << 28  # bytes; the file is parsed as a whole


def read_trainer_state(place: Place, asked: Asked) -> Found:
    """`loss` is a mean over logging_steps, rounded; `grad_norm` is one step's, before clipping."""
    return found_in(history_of(place, asked), asked)


def state_of(place: Place) -> dict[str, Any] | None:
    """The state, or None when the file is another kind of JSON."""
    with guarded(place.shown):
        path = place.path
        if path.stat().st_size > _LARGEST:
            raise corrupt(place.shown, f"{path.stat().st_size} bytes of JSON in one object")
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            return None
    if isinstance(state, dict) and isinstance(state.get("log_history"), list):
        return state
    return None


def history_of(place: Place, asked: Asked) -> History:
    """The metrics of every report. Raises InputError for a file that is no trainer state."""
    state = state_of(place)
    if state is None:
        expected, fix = "the JSON of a Hugging Face trainer (log_history)", "copy it again"
        raise InputError(Fault(place.shown, "another or a damaged JSON file", expected, fix))
    gathering = Gathering(place.shown, asked)
    for k, report in enumerate(state["log_history"]):
        if not isinstance(report, dict) or type(report.get("step")) is not int:
            raise corrupt(f"{place.shown}: log_history[{k}]", f"{shown(report, 40)}, no report")
        for name, value in report.items():
            if name != "step" and gathering.serves(name):
                gathering.add(name, report["step"], _number(place, k, name, value))
    every = state.get("logging_steps")
    return History(
        place.shown,
        "a Hugging Face trainer_state.json",
        gathering.series(),
        gathering.others,
        averaged=int(every) if isinstance(every, (int, float)) and 1 <= every < 1 << 31 else 1,
        rounded=True,
        notes=("grad_norm was taken before clipping (max_grad_norm is not in this file)",),
    )


def _number(place: Place, k: int, name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        where = f"{place.shown}: log_history[{k}], {shown(name)}"
        fix = "copy the file again"
        raise InputError(Fault(where, shown(value, 40), "a number", fix)) from None
