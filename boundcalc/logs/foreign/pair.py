"""From the series of a foreign log to the columns of a log, with what stands against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.array import MemoryArray
from boundcalc.logs.foreign.history import History, Series
from boundcalc.logs.foreign.names import AXIS, LOSS, NORM, OTHER_LOSS, candidates
from boundcalc.logs.foreign.traps import Pairs, clipped, meaningless, rounded, sampled
from boundcalc.logs.found import Found
from boundcalc.logs.guard import listed
from boundcalc.logs.mapping import Asked

_MAP = "say which they are: --map loss=NAME --map grad_sqnorm=NAME^2"
_RECORD = (
    "no trainer logs ⟨∇f_i(x), x − x_ref⟩ or f_i(x_ref): for alpha-beta, aiming and rsi replay the "
    "run with a recorder (docs/log.md)"
)


def found_in(history: History, asked: Asked) -> Found:
    """Loss, squared gradient norm and step of a foreign log, merged by step.

    Metrics that a mapping names are taken at the user's word: what stands against them is said and
    does not stop the fit. Those that are recognised by their names must mean something.

    Raises InputError where they do not, or where none is recognised.
    """
    history = _by_optimiser_step(history)
    chosen = {column: name.removesuffix("^2") for column, name in asked.mapping.items()}
    own_word = {"loss", "grad_sqnorm"} <= set(chosen)
    if "loss" not in chosen and "full_loss" not in chosen:
        chosen["loss"] = _chosen(history, "loss", LOSS)
    if "grad_sqnorm" not in chosen and (norms := candidates(history.series, NORM)):
        chosen["grad_sqnorm"] = _one_of(history, "grad_sqnorm", norms)
    faults = [_absent(history, c, n) for c, n in chosen.items() if n not in history.series]
    if faults:
        raise InputError(*faults)
    step, values, notes = _merged(history, dict.fromkeys(chosen.values()))
    norm = chosen.get("grad_sqnorm")
    pairs = Pairs(
        chosen.get("loss", ""),
        norm,
        step,
        values[chosen["loss"]] if "loss" in chosen else np.full(len(step), np.nan),
        None if norm is None else values[norm],
        np.empty(0, dtype=np.int64) if norm is None else np.unique(history.series[norm].step),
    )
    reasons = list(meaningless(history, pairs))
    if reasons and not own_word:
        fix = "log every step (logging_steps = 1, no epoch means), or use a recorder; --map insists"
        raise InputError(*(Fault(history.source, r, "values of one step", fix) for r in reasons))
    keep, said = rounded(pairs, history.rounded)
    withheld, about_clipping = clipped(history, pairs)
    notes += [*reasons, *filter(None, (said, about_clipping, withheld, sampled(history, pairs)))]
    if history.single:
        notes.append("values are float32: μ and L carry a relative error of about 1e-7")
    if norm is not None:
        notes.append(
            "loss and gradient are of mini-batches: μ and L are those of the f_i, not of f"
        )
    said_by = f"read as {history.kind}"
    arrays = {
        name: MemoryArray(f"{history.source}: metric {name}", column[keep])
        for name, column in values.items()
    }
    arrays["step"] = MemoryArray(f"{history.source}: step", step[keep])
    if norm is not None and "grad_sqnorm" not in asked.mapping:
        where = f"{history.source}: metric {norm}, squared"
        arrays["grad_sqnorm"] = MemoryArray(where, _squared(values[norm][keep]))
    if "loss" in chosen and "loss" not in asked.mapping:
        arrays["loss"] = arrays[chosen["loss"]]
    kept = {"loss", "grad_sqnorm", "step", *chosen.values()}
    renamed = [n for c, n in chosen.items() if n != c and c not in asked.mapping]
    others = [n for n in (*history.series, *history.others) if n not in kept]
    for name in renamed:
        del arrays[name]
    return Found(
        history.source,
        arrays,
        tuple(others),
        notes=(said_by, *history.notes, *notes, _RECORD),
        withheld={} if withheld is None else {"self-bounding": withheld},
    )


def _chosen(history: History, column: str, known: tuple[str, ...]) -> str:
    names = candidates(history.series, known)
    if names:
        return _one_of(history, column, names)
    for what, others in OTHER_LOSS.items():
        if found := candidates(history.series, others):
            found_text = f"only {found[0]}, which is {what}"
            fix = f"log the loss of every step as well, or {_MAP}"
            raise InputError(Fault(history.source, found_text, "the loss of one step", fix))
    found_text = listed([*history.series, *history.others]) or "no metric"
    raise InputError(Fault(history.source, found_text, "a metric such as train/loss", _MAP))


def _one_of(history: History, column: str, names: list[str]) -> str:
    if len(names) > 1:
        raise InputError(Fault(history.source, listed(names), f"one metric for {column}", _MAP))
    return names[0]


def _absent(history: History, column: str, name: str) -> Fault:
    found = f"no metric {name}, only {listed([*history.series, *history.others])}"
    return Fault(f"{history.source}: --map {column}", found, "a metric of the log", _MAP)


def _by_optimiser_step(history: History) -> History:
    """The same series on the axis of optimiser steps, where that was logged as a metric."""
    from dataclasses import replace

    axes = candidates(history.series, AXIS)
    if len(axes) != 1:
        return history
    axis = history.series[axes[0]]
    whole = np.isfinite(axis.value) & (np.trunc(axis.value) == axis.value)
    if not whole.all() or len(np.unique(axis.step)) < len(axis.step) or len(axis.step) < 2:
        return history
    order = np.argsort(axis.step, kind="stable")
    own, steps = axis.step[order], axis.value[order].astype(np.int64)
    moved = {}
    for name, series in history.series.items():
        if name == axes[0]:
            continue
        at = np.searchsorted(own, series.step).clip(max=len(own) - 1)
        there = own[at] == series.step
        moved[name] = Series(steps[at][there], series.value[there])
    return replace(history, series=moved)


def _merged(
    history: History, names: dict[str, None]
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]], list[str]]:
    """Steps at which all metrics were logged, their values there, and what is to be said."""
    notes: list[str] = []
    series = {name: _stepped(history.series[name], name, notes) for name in names}
    if any(s is None for s in series.values()):
        return _by_position(history, names, notes)
    clean = {name: s for name, s in series.items() if s is not None}
    step: NDArray[np.int64] | None = None
    for one in clean.values():
        step = one.step if step is None else np.intersect1d(step, one.step, assume_unique=True)
    steps = np.empty(0, dtype=np.int64) if step is None else step
    counts = {name: len(one.step) for name, one in clean.items()}
    if not len(steps):
        found = f"{listed(f'{name} ({count} steps)' for name, count in counts.items())}: no step "
        fix = "log them at the same steps"
        fault = Fault(history.source, f"{found}has all", "values at the same steps", fix)
        raise InputError(fault)
    if any(count > len(steps) for count in counts.values()):
        said = listed(f"{name} at {count} steps" for name, count in counts.items())
        notes.append(f"{said}: the {len(steps)} that have all of them were taken")
    values = {n: s.value[np.searchsorted(s.step, steps)] for n, s in clean.items()}
    return steps, values, notes


def _stepped(series: Series, name: str, notes: list[str]) -> Series | None:
    """The series by increasing step, the last value of each; None where all sit on one step."""
    steps, first = np.unique(series.step[::-1], return_index=True)
    if len(steps) == 1 < len(series.step):
        return None
    last = len(series.step) - 1 - first
    twice = len(series.step) - len(steps)
    if twice:
        notes.append(
            f"{name}: {twice} values at steps that came again (a run that was resumed?): the last "
            "ones were taken"
        )
    return Series(steps, series.value[last])


def _by_position(
    history: History, names: dict[str, None], notes: list[str]
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]], list[str]]:
    """Un-stepped metrics, paired in the order in which they were logged."""
    series = {name: history.series[name] for name in names}
    counts = {len(one.step) for one in series.values()}
    if len(counts) > 1:
        found = listed(f"{name} {len(one.step)} times" for name, one in series.items())
        found = (
            f"un-stepped metrics, all on one step ({found}): nothing tells which belong together"
        )
        fix = "log with step=k"
        raise InputError(Fault(history.source, found, "a step with every value", fix))
    (count,) = counts
    notes.append(
        f"{listed(series)}: logged without steps, so that all {count} values sit on one step; they "
        "were paired in the order in which they were logged"
    )
    return np.arange(count), {name: one.value for name, one in series.items()}, notes


def _squared(norm: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        return np.where(norm < 0, norm, norm * norm)
