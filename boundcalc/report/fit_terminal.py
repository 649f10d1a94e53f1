"""`boundcalc fit` in a terminal: the answer, the constants, the guarantees, the small print."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from boundcalc.fit.exact import float_near
from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees.assessment import Assessment
from boundcalc.guarantees.crosscheck import CrossCheck
from boundcalc.guarantees.theorem_at import Guarantee
from boundcalc.report.sentence import answer, number

# condition -> (symbol, the inequality with the convention that fixes the constant)
CONVENTIONS = {
    "pl": ("μ", "½‖∇f_i‖² ≥ μ (f_i − f_i*), row by row"),
    "pl-star": ("μ", "½‖∇f_i‖² ≥ μ f_i, row by row"),
    "self-bounding": ("L", "‖∇f_i‖² ≤ 2L (f_i − f_i*)"),
    "aiming": ("θ", "⟨∇f_i, x − x_p⟩ ≥ θ (f_i − f_i(x_p)) where f_i > f_i(x_p)"),
    "rsi": ("μ", "⟨∇f_i, x − x_p⟩ ≥ μ ‖x − x_p‖²"),
    "eb": ("μ", "‖∇f_i‖ ≥ μ ‖x − x_p‖"),
    "qg": ("μ", "f_i − f_i(x_p) ≥ (μ/2) ‖x − x_p‖²"),
}

ON_FULL_LOSS = "½‖∇f‖² ≥ μ (f − f*), on full_loss"


def print_fit(assessment: Assessment, console: Console) -> None:
    """Print the assessment; the first line is the answer."""
    fit = assessment.fit
    console.print(answer(assessment), highlight=False, markup=False, soft_wrap=True)
    console.print()
    console.print(_constants(assessment))
    if assessment.guarantees:
        console.print(_guarantees(assessment))
    for line in _small_print(assessment):
        console.print(escape(line), highlight=False, soft_wrap=True)
    for warning in (*fit.warnings, *assessment.notes):
        console.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False, soft_wrap=True)


def _constants(assessment: Assessment) -> Table:
    fit = assessment.fit
    table = Table(
        title="Measured on the rows of the log (numbered from 0)",
        title_justify="left",
        show_edge=False,
    )
    table.add_column("condition")
    table.add_column("constant", justify="right")
    table.add_column("binding row", justify="right")
    table.add_column("convention", style="dim")
    pair = assessment.pair
    if pair is not None:
        table.add_row(
            "alpha-beta",
            f"α = {number(pair.alpha)}\nβ = {number(pair.beta)}",
            "\n".join(fit.named(row) for row in pair.binding_rows),
            f"⟨∇f_i, x − x_p⟩ ≥ α (f_i − f_i(x_p)) − β (f_i − f_i*)\nchosen for: {pair.objective}",
        )
    for condition, (symbol, convention) in CONVENTIONS.items():
        found = fit.constants.get(condition)
        if found is None:
            continue
        fails = condition != "self-bounding" and found.value <= 0
        inequality = ON_FULL_LOSS if found.on == "full_loss" else convention
        shown = f"no {symbol} > 0 ({number(found.value)})" if fails else number(found.value)
        table.add_row(
            condition, shown if fails else f"{symbol} = {shown}", fit.named(found.row), inequality
        )
    smooth = assessment.smooth
    if smooth is not None:
        table.add_row(
            "smooth",
            "no L at all" if smooth.contradiction else f"L ≥ {number(smooth.value)}",
            " and ".join(fit.named(row) for row in smooth.rows),
            f"any smooth function through all {smooth.pairs:,} pairs of points",
        )
    if fit.interpolation_error is not None:
        table.add_row(
            "σ²", number(float_near(fit.interpolation_error)), "", "mean of f_i(x_p) − f_i*"
        )
    if fit.initial_dist_sq is not None:
        table.add_row("D₀", number(float_near(fit.initial_dist_sq)), "", "‖x⁰ − x_p‖²")
    return table


def _guarantees(assessment: Assessment) -> Table:
    table = Table(
        title=f"\nWhat theory promises for {assessment.steps:,} steps: min E\\[f − f*] ≤ bound",
        title_justify="left",
        show_edge=False,
    )
    table.add_column("theorem", no_wrap=True)
    table.add_column("step sizes")
    table.add_column("limit", justify="right")
    table.add_column("bound", justify="right")
    table.add_column("verdict")
    for one in assessment.guarantees:
        table.add_row(
            one.theorem,
            f"best constant: {number(one.step_size)}",
            _limit(one),
            number(one.bound),
            _verdict(one.vacuous),
        )
        if one.logged is not None:
            logged = one.logged
            sizes = number(logged.smallest)
            if logged.largest != logged.smallest:
                sizes += f" … {number(logged.largest)}"
            table.add_row(
                "",
                f"as logged: {sizes}",
                "",
                "" if logged.bound is None else number(logged.bound),
                _verdict(logged.vacuous) if logged.bound is not None else f"[red]{logged.why}[/]",
            )
    return table


def _limit(one: Guarantee) -> str:
    return f"{'<' if one.step_size_strict else '≤'} {number(one.step_size_limit)}"


def _verdict(vacuous: bool | None) -> str:
    if vacuous is None:
        return "nothing observed to compare with"
    return "[red]vacuous[/]" if vacuous else "[green]says something[/]"


def _small_print(assessment: Assessment) -> list[str]:
    fit = assessment.fit
    said = [""]
    if fit.observed is not None:
        said.append(
            f"observed: {number(fit.observed.smallest)} (at first {number(fit.observed.initial)}); "
            f"{fit.observed.how}"
        )
        if fit.observed.row_mean is not None:
            said.append(f"mean of loss − loss_ref over all rows: {number(fit.observed.row_mean)}")
    if isinstance(fit.alpha_beta, Frontier):
        frontier = fit.alpha_beta
        said.append(
            f"frontier: {len(frontier.vertices)} vertices, from α = "
            f"{number(float_near(frontier.alpha_min))} on; beyond the last one β* grows with slope "
            f"{number(float_near(frontier.slope))} (--json lists them)"
        )
    if assessment.smooth is not None and assessment.smooth.note:
        said.append(f"smooth: {assessment.smooth.note}")
    aiming = fit.constants.get("aiming")
    if aiming is not None and aiming.value > 0 and aiming.broken_by:
        rows = ", ".join(str(row) for row in aiming.broken_by)
        said.append(
            f"aiming: with θ = {number(aiming.value)} not all rows with loss ≤ loss_ref hold (row "
            f"{rows} does not): no θ holds on every row"
        )
    said.extend(_extras(assessment))
    said.extend(f"assumed: {one}" for one in fit.assumptions)
    said.append("measured on these rows only: a log shows nothing about points it does not have")
    return said


def _extras(assessment: Assessment) -> list[str]:
    """What was asked for on top: discarded rows, the scenario bound, cross-checks."""
    said = []
    given_up = assessment.discarded
    if given_up is not None:
        rows = ", ".join(str(row) for row in given_up.rows) or "none"
        more = ", ..." if given_up.violated > len(given_up.rows) else ""
        said.append(
            f"giving up {given_up.violated} rows ({rows}{more}): α = {number(given_up.alpha)}, "
            f"β = {number(given_up.beta)}, {given_up.objective} {number(given_up.value)} "
            f"({given_up.label})"
        )
        said.extend(given_up.notes)
    for bound in (assessment.scenario, assessment.discarded_scenario):
        if bound is not None:
            said.append(f"{bound.sentence} Assumed: {bound.assumption}.")
    checked = assessment.cross_check
    if checked is not None:
        said.extend(_cross_check(checked))
    return said


def _cross_check(checked: CrossCheck) -> list[str]:
    words = {True: "agrees", False: "DISAGREES", None: "undecided"}
    program, grid = checked.lp, checked.grid
    lp = f"cross-check, linear program ({program.solver}, {program.rows:,} rows): "
    lp += words[checked.lp_agrees]
    if checked.lp_difference is not None:
        polished = ", at the vertex next to the solver's point" if checked.lp_polished else ""
        lp += f", {checked.objective} differs by {checked.lp_difference:.1e} relative{polished}"
    if program.note:
        lp += f" ({program.note})"
    on_grid = (
        f"cross-check, grid (spacing {grid.alpha_spacing:.3g} in α, {grid.beta_spacing:.3g} in β): "
        f"{words[checked.grid_agrees]} within its spacing"
    )
    if grid.alpha is not None and grid.beta is not None and grid.value is not None:
        on_grid += (
            f"; its best is α = {number(grid.alpha)}, β = {number(grid.beta)}, "
            f"{checked.objective} {number(grid.value)}"
        )
    return [lp, on_grid]
