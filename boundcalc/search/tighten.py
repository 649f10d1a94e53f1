"""The tightest constant of a condition, enclosed: proved at one end, refuted beyond the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, log10
from typing import Any

from boundcalc.library.problem import Problem
from boundcalc.search.band import Band, band
from boundcalc.search.decide import SMALLEST, TIME_UP, Case, said, sought_of, value_of
from boundcalc.search.defined import require_defined
from boundcalc.search.numeric.estimate import Estimate
from boundcalc.search.prove.attempt import Success
from boundcalc.search.prove.budget import Budget

Progress = Callable[..., None]

SCHEMA = "boundcalc.enclosure-certificate/1"
COARSE_DIGITS = 4
SPARE = 2  # significant digits beyond the ones that are asked for
COARSER = (2, 4, 6, 8)  # digits given up, step by step, where a proof fails
BAND_SHARE = 0.4  # of the time: kept for the band between the points of a frontier
BAND_WIDTH = Fraction(1, 100)
FRONTIER = tuple(map(Fraction, ("1/4", "1/2", "3/4", "1", "5/4", "3/2", "2", "3", "5", "10")))


@dataclass(frozen=True)
class Tightest:
    """What is known of the tightest constant.

    constant : its name; verdict : "enclosed", "refuted" (no positive value works), "undecided";
    lower, upper : enclose it, as far as was shown; fixed : the other constants; certificate : of
    both ends; method : how the safe end was proved; parts : every certificate that was found.
    """

    constant: str
    verdict: str
    lower: Fraction | None
    upper: Fraction | None
    attained_at: Mapping[str, str] | None
    certificate: dict[str, Any] | None
    reason: str
    seconds: float
    attempts: tuple[tuple[str, str], ...]
    fixed: Mapping[str, str]
    method: str = ""
    parts: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Frontier:
    """The smallest beta at chosen alpha, and a band around beta* for all alpha between them.

    band : a `boundcalc.search.band.Band`, or why there is none.
    """

    points: tuple[Tightest, ...]
    band: Band | str


def tighten(
    problem: Problem,
    condition: str,
    fixed: Mapping[str, str],
    digits: int,
    seconds: float,
    progress: Progress | None = None,
) -> Tightest:
    """Enclose the largest (smallest, for L and beta) constant to `digits` digits and two to spare.

    fixed : the other constants, name → formula. Raises InputError where the formula is not defined
    on the domain.
    """
    budget = Budget(seconds, progress)
    require_defined(problem, budget)
    return _tighten(Case(problem, condition, budget), fixed, digits)


def frontier(
    problem: Problem,
    digits: int,
    seconds: float,
    wanted: Fraction = BAND_WIDTH,
    progress: Progress | None = None,
) -> Frontier:
    """The smallest beta of the alpha-beta-condition at a range of alpha, and in a band around it.

    wanted : width of the band at which refining it ends.
    """
    whole = Budget(seconds, progress)
    require_defined(problem, whole)
    case = Case(problem, "alpha-beta", whole)
    found = []
    for k, alpha in enumerate(FRONTIER):
        share = max(0.0, whole.left() - BAND_SHARE * seconds)
        case.budget = whole.part(share / (len(FRONTIER) - k))
        found.append(_tighten(case, {"alpha": str(alpha)}, digits))
    case.budget = whole
    certificates = [part for one in found for part in one.parts]
    return Frontier(tuple(found), band(case, certificates, wanted))


def ray(
    problem: Problem, slope: str, digits: int, seconds: float, progress: Progress | None = None
) -> Tightest:
    """The smallest alpha with which the alpha-beta-condition holds at beta = slope·alpha."""
    budget = Budget(seconds, progress)
    require_defined(problem, budget)
    case = Case(problem, "alpha-beta", budget)
    empty = Tightest("alpha", "undecided", None, None, None, None, "", 0.0, (), {"ray": slope})
    start, best = _first_on_ray(case, value_of(slope))
    if start is None:
        spent = case.budget.left() <= 0
        why = TIME_UP if spent else "no alpha was found with which it holds on this ray"
        return _closed(case, replace(empty, reason=why), best)

    def pair(alpha: Fraction) -> dict[str, str]:
        return {"alpha": str(alpha), "beta": f"({slope})*({alpha})"}

    found = _both(case, replace(empty, fixed={"ray": slope}), start, digits, True, pair)
    return _closed(case, found, best)


def _first_on_ray(case: Case, slope: Fraction) -> tuple[Any, Estimate | None]:
    """Where beta*(alpha) − slope·alpha, a convex function, first is 0: by bisection from a grid."""
    best: Estimate | None = None

    def above(alpha: Fraction) -> bool:
        nonlocal best
        found = case.estimate({"alpha": alpha}, 2.0)
        if found is None or found.value is None or found.value > slope_times(alpha):
            return True
        best = found
        return False

    def slope_times(alpha: Fraction) -> float:
        return float(slope * alpha) * (1 + 1e-13) + 1e-15

    grid = sorted({*FRONTIER, *(Fraction(2) ** k for k in range(-6, 10))})
    high = next((alpha for alpha in grid if not above(alpha)), None)
    if high is None:
        return None, best
    low = max((alpha for alpha in grid if alpha < high), default=Fraction(0))
    while high - low > high * Fraction(1, 2**44) and case.budget.left() > 0.5 * case.budget.total:
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    from mpmath import mpf

    return mpf(high.numerator) / high.denominator, best


def _tighten(case: Case, fixed: Mapping[str, str], digits: int) -> Tightest:
    sought = sought_of(case.condition)
    if sought is None:
        raise ValueError(f"{case.condition} has no constant")
    empty = Tightest(sought, "undecided", None, None, None, None, "", 0.0, (), dict(fixed))
    if case.budget.left() <= 0:
        return _closed(case, replace(empty, reason=TIME_UP), None)
    best = case.estimate(case.fixed(fixed), 0.4 * case.budget.left())
    if _hopeless(case, best, fixed):
        case.budget.tell("looking for a counterexample to every constant")
        found = case.refute({**fixed, sought: "any"}, 0.9 * case.budget.left())
        if isinstance(found, Success):
            body = {"schema": SCHEMA, "certificates": [found.certificate]}
            reason = said(found.certificate)
            ends = empty
            if case.condition == "alpha-beta" and best is not None and best.value is not None:
                ends = _enclosed(case, empty, best, digits)  # beta* itself, though it is ≥ alpha
            refuted = replace(
                empty,
                verdict="refuted",
                lower=ends.lower,
                upper=ends.upper,
                certificate=body,
                reason=reason,
                parts=(found.certificate, *ends.parts),
            )
            return _closed(case, refuted, best)
        return _closed(case, replace(empty, reason=_unconfirmed(case, best, found.reason)), best)
    if best is None or best.value is None:
        return _closed(case, replace(empty, reason="no value was found to start from"), best)
    return _closed(case, _enclosed(case, empty, best, digits), best)


def _unconfirmed(case: Case, best: Estimate | None, why: str) -> str:
    """What is said where every constant seems to fail, or none could be estimated."""
    last = [reason for method, reason in case.attempts if method == "numeric search"]
    if best is None and last:
        return f"no constant was estimated: {last[-1]}"
    return f"it seems that no constant works, and that was not confirmed: {why}"


def _hopeless(case: Case, best: Estimate | None, fixed: Mapping[str, str]) -> bool:
    """Whether floating point says that no constant works."""
    if case.minima.found.kind in ("unbounded-below", "no-minimiser") and (
        case.needs_points or case.needs_infima
    ):
        return True
    if best is None or best.value is None:
        return True  # it may be infinite, or 0: a counterexample to all decides
    if case.condition == "alpha-beta" and best.value is not None:
        return float(best.value) >= float(case.fixed(fixed)["alpha"])
    return best.no_constant is not None


def _enclosed(case: Case, empty: Tightest, best: Estimate, digits: int) -> Tightest:
    """Both ends, each as near to the estimate as it can be shown."""
    smallest = empty.constant in SMALLEST

    def constants(value: Fraction) -> dict[str, str]:
        return {**empty.fixed, empty.constant: str(value)}

    return _both(case, empty, best.value, digits, smallest, constants)


def _both(
    case: Case,
    empty: Tightest,
    start: Any,
    digits: int,
    smallest: bool,
    constants: Callable[[Fraction], dict[str, str]],
) -> Tightest:
    """Proved at one end and refuted beyond the other, starting from an estimate."""
    certificates: list[dict[str, Any]] = []
    safe = bad = None
    method = ""
    for value in _ends(start, digits, smallest):
        case.budget.tell(f"proving {empty.constant} = {float(value):.12g}")
        share = 0.5 * case.budget.left()
        found = case.prove(constants(value), share)
        if isinstance(found, Success):
            safe, method = value, found.method
            certificates.append(found.certificate)
            break
        if case.budget.left() < 0.2:
            break
    if smallest and start <= 0:
        bad = Fraction(0)  # beta ≥ 0 by definition: nothing smaller is a constant at all
    for value in _ends(start, digits, not smallest) if bad is None else ():
        if value <= 0:
            break
        case.budget.tell(f"refuting {empty.constant} = {float(value):.12g}")
        refuted = case.refute(constants(value), case.budget.left())
        if isinstance(refuted, Success):
            bad = value
            certificates.append(refuted.certificate)
            break
        if case.budget.left() < 0.1:
            break
    lower, upper = (bad, safe) if smallest else (safe, bad)
    verdict = "enclosed" if safe is not None and bad is not None else "undecided"
    reason = "" if verdict == "enclosed" else _missing(case, empty.constant, safe, bad)
    body = {"schema": SCHEMA, "certificates": certificates} if certificates else None
    return replace(
        empty,
        verdict=verdict,
        lower=lower,
        upper=upper,
        certificate=body,
        reason=reason,
        method=method,
        parts=tuple(certificates),
    )


def enclosed(
    case: Case, fixed: Mapping[str, str], best: Estimate
) -> tuple[Fraction, Fraction] | None:
    """Both ends of the tightest constant, a few digits of it, or None."""
    sought = sought_of(case.condition) or ""
    empty = Tightest(sought, "undecided", None, None, None, None, "", 0.0, (), dict(fixed))
    found = _enclosed(case, empty, best, COARSE_DIGITS)
    if found.lower is None or found.upper is None:
        return None
    return found.lower, found.upper


def _missing(case: Case, constant: str, safe: Fraction | None, bad: Fraction | None) -> str:
    if safe is None:
        what = f"no value of {constant} was proved"
    else:
        what = f"no value of {constant} beyond was refuted"
    last = [f"{method}: {why}" for method, why in case.attempts[-1:]]
    return "; ".join([what, *last])


def _ends(value: Any, digits: int, above: bool) -> Iterator[Fraction]:
    """Rationals at or beyond the estimate on one side: the value itself where it is a short
    fraction (and this side is the safe one for it), then decimals of fewer and fewer digits."""
    exact = _fraction(value)
    if not exact:
        yield Fraction(0)
        scale = 0
    else:
        near = exact.limit_denominator(2_000)
        if abs(near - exact) <= abs(exact) * Fraction(1, 10**18):
            exact = near
        scale = floor(log10(abs(exact.numerator)) - log10(exact.denominator))
    if exact and exact.denominator <= 2_000:
        yield exact
    for less in (0, *COARSER):
        places = digits + SPARE - 1 - less
        if places < 0:
            return
        step = Fraction(10) ** (scale - places)
        units = floor(exact / step)
        if above:
            units = -floor(-exact / step)
        if units * step == exact:
            units += 1 if above else -1
        yield units * step


def _fraction(value: Any) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** int(exponent)


def _closed(case: Case, found: Tightest, best: Estimate | None) -> Tightest:
    """With the time that was spent, what was tried, and where the constant is attained."""
    where = None
    if best is not None and best.at is not None and best.kind in ("point", "boundary"):
        words = best.words or (None,) * len(best.at)
        where = {
            name: word if word is not None else _digits(x)
            for name, x, word in zip(case.problem.variables, best.at, words, strict=True)
        }
    return replace(
        found,
        attained_at=where,
        seconds=case.budget.spent(),
        attempts=tuple(case.attempts),
    )


def _digits(x: Any) -> str:
    from mpmath import mp

    return str(mp.nstr(x, 15))
