"""The main job: fit a log, choose a pair, evaluate the theorems, compare with what was observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.fit.fold import fold, plan_for
from boundcalc.fit.frontier import Frontier
from boundcalc.fit.measure import measure
from boundcalc.fit.result import Fit
from boundcalc.guarantees.pair import Pair, choose
from boundcalc.guarantees.theorem_at import Constants, Guarantee, constants_of, guarantees
from boundcalc.logs.log import Log

Progress = Callable[[str, int], None]  # (stage, rows done)


@dataclass(frozen=True)
class Request:
    """What a user asks of a fit; the defaults are those of the command line."""

    objective: str = "bound"
    margin: Fraction = Fraction(1, 10)
    steps: int | None = None
    method: str = "exact"
    cross_check: bool = False
    discard: int = 0
    quantile: float | None = None
    drop_nonfinite: bool = False
    epoch: int | None = None


@dataclass(frozen=True)
class Assessment:
    """A fit and what follows from it."""

    fit: Fit
    request: Request
    constants: Constants | None
    pair: Pair | None
    guarantees: tuple[Guarantee, ...]
    notes: tuple[str, ...]

    @property
    def steps(self) -> int:
        """The horizon K that the bounds are for."""
        return self.request.steps or self.fit.horizon


def assess(
    log: Log, request: Request | None = None, progress: Progress | None = None
) -> Assessment:
    """Fit `log` and evaluate what theory then promises.

    Raises InputError for a log whose rows contradict the schema, or a request it cannot meet.
    Reference: Islamov et al. 2024 (arXiv 2410.12455).
    """
    request = request or Request()
    plan = plan_for(log, drop_nonfinite=request.drop_nonfinite, epoch=request.epoch)
    fit = measure(log, fold(log, plan, progress=_stage(progress, "fit")))
    constants = constants_of(fit, request.steps)
    pair = None
    if isinstance(fit.alpha_beta, Frontier):
        pair = choose(fit.alpha_beta, request.objective, constants, margin=request.margin)
    promised = (
        guarantees(fit, pair.alpha, pair.beta, constants)
        if pair is not None and constants is not None
        else ()
    )
    notes = (*(pair.notes if pair is not None else ()), *_contradictions(fit, promised))
    return Assessment(fit, request, constants, pair, promised, notes)


def _contradictions(fit: Fit, promised: tuple[Guarantee, ...]) -> tuple[str, ...]:
    """Bounds that the rows themselves break.

    With a constant step size and one row per step, summing the proof's inequality over the rows of a
    run bounds the mean of loss − loss_ref without any expectation. A log that exceeds that bound is
    not the log of such a run, which is worth telling.
    """
    sizes, seen = fit.step_sizes, fit.observed
    if sizes is None or seen is None or seen.row_mean is None or sizes.smallest != sizes.largest:
        return ()
    if fit.rows_used != fit.horizon * (fit.runs or 1):
        return ()
    return tuple(
        f"the rows' mean of loss − loss_ref, {seen.row_mean:.6g}, exceeds {one.logged.bound:.6g}, "
        f"which {one.theorem} proves for any run of plain SGD with the logged step size: these rows "
        "are not such a run (momentum, clipping, another optimiser, another reference?)"
        for one in promised
        if one.logged is not None
        and one.logged.bound is not None
        and seen.row_mean > one.logged.bound
    )


def _stage(progress: Progress | None, name: str) -> Callable[[int], None] | None:
    return None if progress is None else lambda rows: progress(name, rows)
