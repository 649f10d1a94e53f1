"""The best pair after giving up the r worst rows: a local search with exact refits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.fit.envelope import exact_lines, finish, rows_of
from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.guarantees.pair import Pair, choose
from boundcalc.guarantees.polish import worst_violated
from boundcalc.guarantees.rows import chunks, envelope_without
from boundcalc.guarantees.theorem_at import Constants
from boundcalc.guarantees.worst import worst_rows
from boundcalc.logs.log import Log

LABEL = "at most {} rows discarded; best found, not proved best; L, σ² and D₀ of all rows"
_SHOWN = 20  # row numbers that are listed
_ROUNDS = 20
_VERTICES = 6  # of the frontier, as places to start from
_OCTAVES = 8  # as far up and down from the chosen α the search starts
_DENSE = 30_000_000  # rows times starts, up to which there are several starts per octave


@dataclass(frozen=True)
class Discarded:
    """A pair that all rows but a few satisfy.

    requested : r, the rows that may be discarded; violated : the rows that do violate the pair,
    counted exactly in a pass of its own, never more than r; rows : the first of them.
    objective, value : as in `Pair`. runs_lost : runs that lost a row, None without a `run` column;
    runs_given_up : the same number where none of those runs holds the pair in place, so that it is
    the best pair for the other runs alone (what the scenario bound asks for), else None.
    """

    requested: int
    violated: int
    rows: tuple[int, ...]
    alpha: float
    beta: float
    objective: str
    value: float
    binding_rows: tuple[int, ...]
    runs_lost: int | None
    runs_given_up: int | None
    label: str
    notes: tuple[str, ...] = ()
    attained: bool = True


@dataclass(frozen=True)
class _State:
    """One place of the search: where to look for the worst rows next, and what was found so far."""

    alpha: float
    gone: NDArray[np.int64]
    pair: Pair | None = None


def rows_to_discard(rows: int, quantile: float) -> int:
    """r = floor((1 − quantile) · rows).

    Raises InputError for a quantile outside (0, 1].
    """
    if not 0 < quantile <= 1:
        raise InputError(
            Fault(
                "--quantile", f"{quantile}", "a number in (0, 1]", "0.99 discards 1 % of the rows"
            )
        )
    return int((1 - Fraction(str(quantile))) * rows)


def discard_worst(
    log: Log,
    alpha_beta: Frontier | Infeasible,
    objective: str,
    constants: Constants | None,
    discard: int,
    *,
    pair: Pair | None = None,
    margin: Fraction = Fraction(1, 10),
    drop_nonfinite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Discarded | None:
    """The best pair found that all rows but `discard` satisfy; None when none was found.

    At a given α the smallest β with at most r violated rows is the (r+1)-th largest demand, so the
    search discards the r rows with the largest demand there, refits exactly, moves to the α that
    the objective then prefers, and goes on until nothing improves; from several α at once, two
    passes over the log per round. L, σ² and D_0 stay those of all rows.

    alpha_beta, pair : the fit of all rows, and the pair chosen on it.

    Raises InputError when `discard` is negative or leaves fewer than two rows.
    """
    if not 0 <= discard <= log.rows - 2:
        raise _too_many(log, discard)
    states = [
        _State(alpha, np.empty(0, dtype=np.int64))
        for alpha in _starts(log, alpha_beta, pair, drop_nonfinite)
    ]
    best = pair
    for _ in range(_ROUNDS if discard else 0):
        alphas = [state.alpha for state in states]
        gone = worst_rows(log, alphas, discard, drop_nonfinite=drop_nonfinite, progress=progress)
        if any(len(numbers) < discard for numbers in gone):
            raise _too_many(log, discard)
        fresh = [(s, g) for s, g in zip(states, gone, strict=True) if not np.array_equal(s.gone, g)]
        sets = _distinct(g for _, g in fresh)
        if not sets:
            break
        envelopes = envelope_without(log, sets, drop_nonfinite=drop_nonfinite, progress=progress)
        pairs = [_choose(finish(e), objective, constants, margin) for e in envelopes]
        found = {s.tobytes(): p for s, p in zip(sets, pairs, strict=True)}
        for one in pairs:
            best = one if _better(one, best) else best
        states = _next(fresh, found)
        if not states:
            break
    return None if best is None else _counted(log, best, discard, drop_nonfinite, progress)


def _too_many(log: Log, discard: int) -> InputError:
    found = f"{discard} of {log.rows} rows to be discarded"
    return InputError(Fault("--discard", found, "0 to all usable rows but two", "discard fewer"))


def _next(
    fresh: list[tuple[_State, NDArray[np.int64]]], found: dict[bytes, Pair | None]
) -> list[_State]:
    """The states whose refit improved on what they had, at the α of the refit; each α once."""
    moved: dict[float, _State] = {}
    for state, gone in fresh:
        pair = found[gone.tobytes()]
        if pair is not None and _better(pair, state.pair):
            moved.setdefault(pair.alpha, _State(pair.alpha, gone, pair))
    return list(moved.values())


def _starts(
    log: Log, alpha_beta: Frontier | Infeasible, pair: Pair | None, drop_nonfinite: bool
) -> list[float]:
    """Some α to begin with: the chosen one, those around it, and kinks of the envelope."""
    if isinstance(alpha_beta, Frontier):
        lines = alpha_beta.lines
    else:
        none = np.empty(0, dtype=np.int64)
        lines = exact_lines(envelope_without(log, [none], drop_nonfinite=drop_nonfinite)[0].lines)
    kinks = [
        (left.intercept - right.intercept) / (right.slope - left.slope)
        for left, right in pairwise(lines)
    ]
    kinks = [alpha for alpha in kinks if alpha > 0]
    spread = {int(k) for k in np.linspace(0, len(kinks) - 1, _VERTICES)} if kinks else set()
    chosen = [kinks[k] for k in spread]
    if isinstance(alpha_beta, Frontier) and alpha_beta.alpha_min > 0:
        chosen.append(alpha_beta.alpha_min)
    middle = Fraction(pair.alpha) if pair is not None else max(chosen, default=Fraction(1))
    per_octave = max(1, min(8, _DENSE // (2 * _OCTAVES * log.rows)))
    steps = range(-_OCTAVES * per_octave, _OCTAVES * per_octave + 1)
    chosen += [middle * Fraction(2.0 ** (k / per_octave)) for k in steps]
    chosen.append(64 * max(chosen))
    floats = set()
    for alpha in chosen:
        try:
            floats.add(float(alpha))
        except OverflowError:
            continue
    return sorted(alpha for alpha in floats if 0 < alpha < np.inf)


def _distinct(sets: Iterable[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    return list({one.tobytes(): one for one in sets}.values())


def _choose(
    alpha_beta: Frontier | Infeasible,
    objective: str,
    constants: Constants | None,
    margin: Fraction,
) -> Pair | None:
    if isinstance(alpha_beta, Infeasible):
        return None
    try:
        return choose(alpha_beta, objective, constants, margin=margin)
    except InputError:  # no pair has this margin, or none is visible in float64
        return None


def _better(one: Pair | None, other: Pair | None) -> bool:
    if one is None or other is None:
        return one is not None
    if one.objective == "rate":
        return one.value > other.value
    return one.value < other.value


def _counted(
    log: Log,
    pair: Pair,
    discard: int,
    drop_nonfinite: bool,
    progress: Callable[[int], None] | None,
) -> Discarded:
    """The pair with the rows that violate it, counted exactly in one more pass."""
    point = Fraction(pair.alpha), Fraction(pair.beta)
    has_runs = "run" in log.columns
    violated, shown = 0, [0][:0]
    lost: set[object] = set()
    binding: set[object] = set()
    for chunk in chunks(
        log,
        drop_nonfinite=drop_nonfinite,
        also=("run",) if has_runs else (),
        progress=progress,
    ):
        rows = rows_of(chunk)
        at = np.sort(np.array(worst_violated(rows, point), dtype=np.int64))
        violated += len(at)
        shown += rows.row[at[: _SHOWN - len(shown)]].tolist()
        if has_runs:
            run = chunk.columns["run"]
            lost |= set(run[at].tolist())
            binding |= set(run[np.isin(rows.row, pair.binding_rows)].tolist())
    if violated > discard:
        raise ArithmeticError("more rows violated than discarded: this is a defect of boundcalc")
    return Discarded(
        discard,
        violated,
        tuple(shown),
        pair.alpha,
        pair.beta,
        pair.objective,
        pair.value,
        pair.binding_rows,
        len(lost) if has_runs else None,
        len(lost) if has_runs and not lost & binding else None,
        LABEL.format(discard),
        pair.notes,
        pair.attained,
    )
