"""Panels over the run: slack of every row, promise against observed loss, the PL staircase."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator, SymmetricalLogLocator

from boundcalc.fit.result import Staircase
from boundcalc.guarantees.assessment import Assessment
from boundcalc.guarantees.theorem_at import SHARP, Guarantee, step_at
from boundcalc.kernel.value import evaluate
from boundcalc.library.theorems import load_theorem
from boundcalc.logs.log import Float
from boundcalc.report.ink import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PALE,
    RED,
    legend_below,
    log_limits,
    plain_log_ticks,
    short,
)
from boundcalc.report.pixels import Profile
from boundcalc.report.trace import Trace

_DECADES = 12  # of slack that are told from 0


def draw_slack(axes: Axes, assessment: Assessment, seen: Trace) -> None:
    """Panel (b): how far every row is from binding at the chosen pair."""
    profile, pair = seen.slack, assessment.pair
    assert profile is not None and pair is not None  # noqa: S101  # the panel's condition
    axes.set_title(
        f"Slack of every row at α = {short(pair.alpha)}, β = {short(pair.beta)}: a row at 0 binds"
    )
    _set_limits(axes, profile, assessment.fit.rows)
    if profile.count.max(initial=0) <= 1:
        size = 3 if len(profile.at) > 60 else 7
        axes.plot(profile.at, profile.low, ".", color=BLUE, ms=size, label="one dot per row")
    else:
        rows = int(profile.count.max())
        axes.fill_between(
            profile.at,
            profile.low,
            profile.high,
            step="mid",
            color=PALE,
            lw=0,
            label=f"smallest to largest of {rows:,} neighbouring rows",
        )
        axes.plot(
            profile.at, profile.low, color=BLUE, lw=0.8, drawstyle="steps-mid", label="smallest"
        )
    for k, row in enumerate(sorted(seen.witnesses)):
        axes.plot(row, 0, "^", color=RED, ms=8, mec="white", mew=0.6, clip_on=False, zorder=5)
        late = row > 0.9 * assessment.fit.rows
        axes.annotate(
            f"row {row}",
            (row, 0),
            xytext=(-6 if late else 6, 4 + 10 * (k % 2)),
            textcoords="offset points",
            ha="right" if late else "left",
            color=RED,
            path_effects=[withStroke(linewidth=3, foreground="white", alpha=0.8)],
            zorder=6,
        )
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda row, _: f"{row:,.0f}"))
    axes.set_xlabel("row of the log")
    axes.set_ylabel("T = inner − α(loss − loss_ref)\n+ β(loss − loss_min)   [loss]")
    legend_below(axes)


def _set_limits(axes: Axes, profile: Profile, rows: int) -> None:
    """A logarithmic axis that still has a 0, below which only discarded rows lie."""
    axes.set_autoscale_on(False)
    axes.set_xlim(-0.01 * rows - 0.5, 1.01 * rows - 0.5)
    lowest, highest = profile.low.min(initial=0.0), profile.high.max(initial=0.0)
    sizes = np.abs(np.concatenate([profile.low, profile.high]))
    largest = sizes.max(initial=0.0)
    if largest <= 0:
        axes.set_ylim(0, 1)
        axes.set_yticks([0])
        return
    small = max(sizes[sizes > 0].min(), largest * 10.0**-_DECADES)
    threshold = 10.0 ** max(np.floor(np.log10(small)), -300.0)
    axes.set_yscale("symlog", linthresh=threshold, linscale=0.5)
    locator = SymmetricalLogLocator(base=10, linthresh=threshold)
    locator.set_params(numticks=7)
    axes.yaxis.set_major_locator(locator)
    axes.set_ylim(2 * max(lowest, -1e307), 2 * max(min(highest, 1e307), threshold))


def draw_course(axes: Axes, assessment: Assessment, seen: Trace) -> None:
    """Panel (d): what theory promises for every number of steps, and what was observed."""
    fit = assessment.fit
    sharp = next((one for one in assessment.guarantees if one.theorem == SHARP), None)
    axes.set_title(_verdict(sharp))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_autoscale_on(False)
    values = [np.empty(0)] if sharp is None else _draw_promise(axes, assessment, seen, sharp)
    across = [np.ones(1)] if sharp is None else [np.array(seen.horizons, dtype=float)]
    if fit.observed is not None and fit.observed.initial > 0:
        values.append(np.array([fit.observed.initial]))
        axes.axhline(
            fit.observed.initial,
            color=BLACK,
            lw=1.1,
            ls=":",
            label=f"level at the start: {short(fit.observed.initial)}",
        )
    if seen.observed is not None:
        across.append(seen.observed.at)
        values.append(_draw_observed(axes, seen.observed, seen.how, values))
    axes.set_xlim(log_limits(np.concatenate(across)))
    axes.set_ylim(log_limits(np.concatenate(values)))
    axes.set_xlabel("number of steps K")
    axes.set_ylabel("f − f_ref   [loss]")
    plain_log_ticks(axes.xaxis)
    plain_log_ticks(axes.yaxis)
    legend_below(axes, 1)


def _verdict(sharp: Guarantee | None) -> str:
    if sharp is None:
        return "The loss over the run, and no bound to compare"
    if sharp.initial is None:
        return f"{short(sharp.bound)} is promised after {short(sharp.steps)} steps"
    if sharp.vacuous:
        return f"VACUOUS: {short(sharp.bound)} promised, {short(sharp.initial)} at the start"
    return f"Theory promises {short(sharp.bound)}; the start is {short(sharp.initial)}"


def bounds_at(assessment: Assessment, horizons: tuple[int, ...]) -> Float:
    """Bound of the sharp theorem at its best constant step for each horizon, (h,), loss units."""
    theorem, constants, pair = load_theorem(SHARP), assessment.constants, assessment.pair
    assert constants is not None and pair is not None  # noqa: S101  # there is a guarantee
    env = constants.env(Fraction(pair.alpha), Fraction(pair.beta))
    found = (step_at(theorem, {**env, "steps": Fraction(k)}) for k in horizons)
    return np.array([np.nan if best is None else _float(best[1]) for best in found])


def bounds_as_logged(assessment: Assessment, seen: Trace) -> Float:
    """Bound of the sharp theorem at the logged step sizes, (h,); NaN before the first step."""
    theorem, constants, pair = load_theorem(SHARP), assessment.constants, assessment.pair
    assert constants is not None and pair is not None and seen.steps is not None  # noqa: S101
    assert theorem.bound_varying is not None  # noqa: S101  # the catalogue's entry has one
    env = constants.env(Fraction(pair.alpha), Fraction(pair.beta))
    values = np.full(len(seen.horizons), np.nan)
    for k, (total, square) in enumerate(
        zip(seen.steps.gamma_sum.tolist(), seen.steps.gamma_sqsum.tolist(), strict=True)
    ):
        if total > 0:  # and not NaN
            sums = {"gamma_sum": Fraction(total), "gamma_sqsum": Fraction(square)}
            values[k] = _float(evaluate(theorem.bound_varying, {**env, **sums}))
    return values


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("nan")


def _draw_promise(axes: Axes, assessment: Assessment, seen: Trace, sharp: Guarantee) -> list[Float]:
    at = np.array(seen.horizons, dtype=float)
    best = bounds_at(assessment, seen.horizons)
    axes.plot(at, best, color=RED, lw=1.8, label="promised, best constant step for each K")
    if seen.horizons[-1] == assessment.steps:
        axes.plot(at[-1:], best[-1:], "o", color=RED, ms=5, zorder=5)
    drawn = [best]
    if sharp.logged is not None and sharp.logged.bound is not None and seen.steps is not None:
        logged = bounds_as_logged(assessment, seen)
        sizes = short(sharp.logged.smallest)
        if sharp.logged.largest != sharp.logged.smallest:
            sizes += f" … {short(sharp.logged.largest)}"
        axes.plot(
            at, logged, color=ORANGE, lw=1.5, ls="--", label=f"promised, logged steps {sizes}"
        )
        drawn.append(logged)
    return drawn


def _draw_observed(axes: Axes, profile: Profile, how: str, others: list[Float]) -> Float:
    """Draws the profile; what is not positive goes under everything else. What was drawn."""
    there = profile.mean > 0
    spread = profile.high > np.maximum(profile.low, 0)
    if np.any(spread):
        low = np.where(profile.low > 0, profile.low, np.nan)
        axes.fill_between(profile.at, low, profile.high, color=PALE, lw=0)
    style = "o-" if len(profile.at) < 20 else "-"
    mean = np.where(there, profile.mean, np.nan)
    axes.plot(profile.at, mean, style, color=BLUE, lw=1.2, ms=3.5, label=f"observed: {how}")
    drawn = np.concatenate([mean, profile.high])
    if not there.all():
        floor = log_limits(np.concatenate([drawn, *others]))[0]
        below = profile.at[~there]
        label = "observed ≤ 0: below the reference"
        axes.plot(below, np.full(len(below), floor), "v", color=BLUE, ms=4, label=label)
        drawn = np.append(drawn, floor)
    return drawn


def draw_staircase(axes: Axes, staircase: Staircase) -> None:
    """The PL* constant on the rows with loss ≥ ε, over ε."""
    epsilon, mu = np.array(staircase.epsilon), np.array(staircase.mu)
    title = f"PL* holds with μ = {short(mu[0])}"
    if mu[0] <= 0:
        title = "PL* fails, but where loss ≥ ε for the larger ε"
    elif mu[-1] > 1.001 * mu[0]:
        title = f"PL*: μ = {short(mu[0])}, larger where loss ≥ ε"
    axes.set_title(title)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_autoscale_on(False)
    left = max(epsilon[0] / 3, np.finfo(float).tiny)
    across, up = np.append(left, epsilon), np.append(mu[0], mu)
    axes.plot(across, up, color=GREEN, lw=1.6, drawstyle="steps-pre")
    if len(epsilon) <= 60:
        axes.plot(epsilon, mu, "o", color=GREEN, ms=3.5)
    axes.set_xlim(log_limits(across))
    axes.set_ylim(log_limits(up))
    plain_log_ticks(axes.xaxis)
    plain_log_ticks(axes.yaxis)
    axes.set_xlabel("ε   [loss]")
    axes.set_ylabel("μ(ε): ½‖∇f_i‖² ≥ μ f_i   [loss/parameter²]")
