"""The main job: fit a log, choose a pair, evaluate the theorems, compare with what was observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from boundcalc.errors import Fault, InputError
from boundcalc.fit.fold import fold, plan_for
from boundcalc.fit.frontier import Frontier
from boundcalc.fit.measure import measure
from boundcalc.fit.positions import with_positions
from boundcalc.fit.result import Fit
from boundcalc.fit.sketch import Sketch
from boundcalc.guarantees.pair import OBJECTIVES, Pair, choose
from boundcalc.guarantees.theorem_at import Constants, Guarantee, constants_of, guarantees
from boundcalc.logs.log import Log

if TYPE_CHECKING:  # imported where they are used: most fits need none of them
    from boundcalc.fit.cluster import Cluster
    from boundcalc.fit.interpolation import SmoothFit
    from boundcalc.guarantees.crosscheck import CrossCheck
    from boundcalc.guarantees.discard import Discarded
    from boundcalc.guarantees.scenario import Scenario

Progress = Callable[[str, int], None]  # (stage, rows done)

METHODS = ("exact", "lp", "grid")

_THEOREMS = 2  # that a pair feeds
_SAME_FLOAT = (
    "no pair is printed: at the best one α and β are the same float64, or beyond its range"
)
_SMOOTH_WORK = 10**11  # multiplications that still are a matter of seconds
_TOO_MANY_PAIRS = (
    "the smallest L of a smooth function through the points was left out: that many pairs of rows "
    "take long (--smooth insists, --no-smooth silences this)"
)


@dataclass(frozen=True)
class Request:
    """What a user asks of a fit; the defaults are those of the command line.

    objective : one of OBJECTIVES; margin : α − β for the objective "minimal".
    steps : horizon K of the bounds; None: the log's own.
    method : one of METHODS; cross_check : run the other methods as well and compare.
    discard, quantile : give up that many rows, or that share 1 − q of them.
    drop_nonfinite : leave out rows with NaN or infinity; epoch : rows per epoch.
    smooth : compare all pairs of logged points; None: if that is a matter of seconds.
    """

    objective: str = "bound"
    margin: Fraction = Fraction(1, 10)
    steps: int | None = None
    method: str = "exact"
    cross_check: bool = False
    discard: int = 0
    quantile: float | None = None
    drop_nonfinite: bool = False
    epoch: int | None = None
    smooth: bool | None = None

    def __post_init__(self) -> None:
        whole = {"steps": self.steps, "epoch": self.epoch}
        faults = [
            Fault(name, repr(value), f"one of {', '.join(known)}", "choose one of these")
            for name, value, known in (
                ("objective", self.objective, OBJECTIVES),
                ("method", self.method, METHODS),
            )
            if value not in known
        ]
        faults += [
            Fault(name, str(value), "a whole number from 1 up", "leave it out for the log's own")
            for name, value in whole.items()
            if value is not None and value < 1
        ]
        if not self.margin > 0:
            faults.append(Fault("margin", str(self.margin), "a positive number", "try 0.1"))
        if self.discard and self.quantile is not None:
            faults.append(
                Fault("discard", "both --discard and --quantile", "one of them", "leave one out")
            )
        if faults:
            raise InputError(*faults)


@dataclass(frozen=True)
class Assessment:
    """A fit and what follows from it.

    pair : the reported (α, β), None where no pair is admissible or columns lack.
    smooth : smallest L of any smooth function through the logged points (vector form).
    """

    fit: Fit
    request: Request
    constants: Constants | None
    pair: Pair | None
    guarantees: tuple[Guarantee, ...]
    smooth: SmoothFit | None
    discarded: Discarded | None
    scenario: Scenario | None
    discarded_scenario: Scenario | None
    cross_check: CrossCheck | None
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
    Reference: Islamov et al. 2024 (arXiv 2410.12455), Definition 1 and Theorem 1.
    """
    request = request or Request()
    log = with_positions(log)
    return conclude(log, sketched(log, request, progress), request, progress)


def sketched(
    log: Log,
    request: Request,
    progress: Progress | None = None,
    cluster: Cluster | None = None,
    *,
    aligned: bool = False,
) -> Sketch:
    """The sketch of all rows, folded here or on a cluster.

    log : with positions; aligned : so that it can be joined with sketches of other logs.

    Raises InputError for a log whose rows contradict the schema.
    """
    labels = None if cluster is None else cluster.labels
    plan = plan_for(
        log,
        drop_nonfinite=request.drop_nonfinite,
        epoch=request.epoch,
        aligned=aligned,
        labels=labels,
    )
    told = _stage(progress, "fit")
    return fold(log, plan, progress=told) if cluster is None else cluster.fold(log, plan, told)


def conclude(
    log: Log, sketch: Sketch, request: Request, progress: Progress | None = None
) -> Assessment:
    """What follows from the sketch of a log; other passes over its rows where they were asked for.

    Raises InputError for a request that the log cannot meet.
    """
    fit = measure(log, sketch)
    constants = constants_of(fit, request.steps)
    frontier = fit.alpha_beta
    pair, unprintable = None, False
    if isinstance(frontier, Frontier):
        pair = choose(frontier, request.objective, constants, margin=request.margin)
        unprintable = pair is None
    checked = _cross_check(log, fit, pair, constants, request, progress)
    discarded = _discarded(log, fit, pair, constants, request, progress)
    if pair is not None and isinstance(frontier, Frontier) and request.method != "exact":
        pair = _other_pair(log, frontier, pair, constants, request, progress)
    promised = (
        guarantees(fit, pair.alpha, pair.beta, constants)
        if pair is not None and constants is not None
        else ()
    )
    smooth = _smooth(log, request, progress)
    notes = (*(pair.notes if pair is not None else ()), *_contradictions(fit, promised))
    if unprintable:
        notes = (*notes, _SAME_FLOAT)
    if pair is not None and constants is not None and len(promised) < _THEOREMS:
        notes = (*notes, "a bound is not printed: its best step size is beyond float64")
    if discarded is None and (request.discard or request.quantile is not None):
        notes = (*notes, "no admissible pair was found after discarding the worst rows either")
    if smooth is None and "grad" in log.vectors and request.smooth is None:
        notes = (*notes, _TOO_MANY_PAIRS)
    return Assessment(
        fit,
        request,
        constants,
        pair,
        promised,
        smooth,
        discarded,
        _scenario(fit, pair, request),
        _scenario_after_discard(fit, discarded),
        checked if request.cross_check else None,
        notes,
    )


def _cross_check(
    log: Log,
    fit: Fit,
    pair: Pair | None,
    constants: Constants | None,
    request: Request,
    progress: Progress | None,
) -> CrossCheck | None:
    if not request.cross_check or fit.alpha_beta is None:
        return None
    from boundcalc.guarantees.crosscheck import cross_check

    return cross_check(
        log,
        fit.alpha_beta,
        pair,
        constants,
        margin=request.margin,
        drop_nonfinite=request.drop_nonfinite,
        progress=_stage(progress, "cross-check"),
    )


def _discarded(
    log: Log,
    fit: Fit,
    pair: Pair | None,
    constants: Constants | None,
    request: Request,
    progress: Progress | None,
) -> Discarded | None:
    if not request.discard and request.quantile is None:
        return None
    if fit.alpha_beta is None:
        raise InputError(
            Fault(
                fit.source,
                "no loss, loss_ref and inner",
                "these columns where rows are to be discarded for alpha-beta",
                "leave out --discard and --quantile, or log the columns",
            )
        )
    from boundcalc.guarantees.discard import discard_worst, rows_to_discard

    count = request.discard
    if request.quantile is not None:
        count = rows_to_discard(fit.rows_used, request.quantile)
    return discard_worst(
        log,
        fit.alpha_beta,
        request.objective,
        constants,
        count,
        pair=pair,
        margin=request.margin,
        drop_nonfinite=request.drop_nonfinite,
        progress=_stage(progress, "discard"),
    )


def _other_pair(
    log: Log,
    frontier: Frontier,
    pair: Pair,
    constants: Constants | None,
    request: Request,
    progress: Progress | None,
) -> Pair:
    """The pair by LP or on the grid; lifted onto the frontier where its rounding fell below."""
    from boundcalc.guarantees.objective import objective_at

    objective = objective_at(frontier, pair, constants, request.margin)
    read = _stage(progress, request.method)
    if request.method == "lp":
        from boundcalc.guarantees.lp import lp_pair

        found = lp_pair(
            log,
            objective,
            scale=pair.alpha,
            drop_nonfinite=request.drop_nonfinite,
            progress=read,
        )
        alpha, beta, value = found.alpha, found.beta, found.value
        if found.polished_value is not None:
            alpha, beta, value = found.polished_alpha, found.polished_beta, found.polished_value
        how = f"linear program ({found.solver}, {found.rows:,} of {found.rows_total:,} rows)"
        why = found.note
    else:
        from boundcalc.guarantees.grid import axes, grid, grid_pair

        best = grid_pair(
            grid(log, *axes(frontier, pair), drop_nonfinite=request.drop_nonfinite, progress=read),
            objective,
        )
        alpha, beta, value = best.alpha, best.beta, best.value
        how = f"grid with spacings {best.alpha_spacing:.3g} in α, {best.beta_spacing:.3g} in β"
        why = "no grid point is feasible"
    if alpha is None or beta is None or value is None:
        raise InputError(
            Fault(f"--method {request.method}", why, "a pair", "use --method exact, which decides")
        )
    return pair.moved_to(frontier, alpha, beta, value, f"pair found by the {how}")


def _smooth(log: Log, request: Request, progress: Progress | None) -> SmoothFit | None:
    if "grad" not in log.vectors or request.smooth is False:
        return None
    from boundcalc.fit.interpolation import pairs_work, smooth_constant

    if request.smooth is None and pairs_work(log) > _SMOOTH_WORK:
        return None
    return smooth_constant(log, progress=_stage(progress, "pairs of rows"))


def _scenario(fit: Fit, pair: Pair | None, request: Request) -> Scenario | None:
    """Where the rows are of declared independent runs and the pair is a true optimum over them."""
    if pair is None or not pair.attained or request.method != "exact":
        return None
    from boundcalc.guarantees.scenario import scenario

    return scenario(fit.runs, objective=pair.objective)


def _scenario_after_discard(fit: Fit, discarded: Discarded | None) -> Scenario | None:
    """The same for the pair that is left when whole runs were given up, and only then."""
    if discarded is None or not discarded.runs_given_up or not discarded.attained:
        return None
    from boundcalc.guarantees.scenario import scenario

    return scenario(fit.runs, discarded.runs_given_up, objective=discarded.objective)


def _contradictions(fit: Fit, promised: tuple[Guarantee, ...]) -> tuple[str, ...]:
    """Bounds that the rows themselves break.

    With a constant step size and one row per step, summing the proof's inequality over the rows of
    a run bounds the mean of loss − loss_ref without any expectation. A log that exceeds that bound
    is not the log of such a run, which is worth telling.
    """
    sizes, seen = fit.step_sizes, fit.observed
    if sizes is None or seen is None or seen.row_mean is None or sizes.smallest != sizes.largest:
        return ()
    if fit.rows_used != fit.horizon * (fit.runs or 1) or fit.rows_below_float_floor:
        return ()  # not one row for each step, or rows that the fitted L does not hold on
    return tuple(
        f"the rows' mean of loss − loss_ref, {seen.row_mean:.6g}, exceeds {one.logged.bound:.6g}, "
        f"which {one.theorem} proves for any run of plain SGD with the logged step size: these "
        "rows are not such a run (momentum, clipping, another optimiser, another reference?)"
        for one in promised
        if one.steps == fit.horizon
        and one.logged is not None
        and one.logged.bound is not None
        and seen.row_mean > one.logged.bound
    )


def _stage(progress: Progress | None, name: str) -> Callable[[int], None] | None:
    return None if progress is None else lambda rows: progress(name, rows)
