"""`boundcalc fit` in a terminal: the answer, the constants, the guarantees, the small print."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees.assessment import Assessment
from boundcalc.guarantees.theorem_at import Guarantee
from boundcalc.report.sentence import answer, number

# condition -> (symbol, the inequality with the convention that fixes the constant)
CONVENTIONS = {
    "pl": ("μ", "½‖∇f‖² ≥ μ (f − f*)"),
    "pl-star": ("μ", "½‖∇L‖² ≥ μ L"),
    "self-bounding": ("L", "‖∇f_i‖² ≤ 2L (f_i − f_i*)"),
    "aiming": ("θ", "⟨∇f_i, x − x_p⟩ ≥ θ (f_i − f_i(x_p))"),
    "rsi": ("μ", "⟨∇f_i, x − x_p⟩ ≥ μ ‖x − x_p‖²"),
    "eb": ("μ", "‖∇f_i‖ ≥ μ ‖x − x_p‖"),
    "qg": ("μ", "f_i − f_i(x_p) ≥ (μ/2) ‖x − x_p‖²"),
}


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
    table = Table(title="Measured on the rows of the log", title_justify="left", show_edge=False)
    table.add_column("condition")
    table.add_column("constant", justify="right")
    table.add_column("bound by row", justify="right")
    table.add_column("convention", style="dim")
    pair = assessment.pair
    if pair is not None:
        table.add_row(
            "alpha-beta",
            f"α = {number(pair.alpha)}\nβ = {number(pair.beta)}",
            "\n".join(str(row) for row in pair.binding_rows),
            f"⟨∇f_i, x − x_p⟩ ≥ α (f_i − f_i(x_p)) − β (f_i − f_i*)\nchosen for: {pair.objective}",
        )
    for condition, (symbol, inequality) in CONVENTIONS.items():
        found = fit.constants.get(condition)
        if found is None:
            continue
        fails = condition != "self-bounding" and found.value <= 0
        shown = f"no {symbol} > 0 ({number(found.value)})" if fails else number(found.value)
        table.add_row(
            condition, shown if fails else f"{symbol} = {shown}", str(found.row), inequality
        )
    if fit.interpolation_error is not None:
        table.add_row("σ²", number(float(fit.interpolation_error)), "", "mean of f_i(x_p) − f_i*")
    if fit.initial_dist_sq is not None:
        table.add_row("D₀", number(float(fit.initial_dist_sq)), "", "‖x⁰ − x_p‖²")
    return table


def _guarantees(assessment: Assessment) -> Table:
    table = Table(
        title=f"\nWhat theory promises for {assessment.steps:,} steps: min E\\[f − f*] ≤ bound",
        title_justify="left",
        show_edge=False,
    )
    table.add_column("theorem")
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
                _verdict(logged.vacuous) if logged.within_limit else "[red]outside the limit[/]",
            )
    return table


def _limit(one: Guarantee) -> str:
    return number(one.step_size_limit)


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
            f"frontier: {len(frontier.vertices)} vertices from α = "
            f"{number(float(frontier.alpha_min))}; beyond the last one β* grows with slope "
            f"{number(float(frontier.slope))} (--json lists them)"
        )
    said.extend(f"assumed: {one}" for one in fit.assumptions)
    said.append("measured on these rows only: a log shows nothing about points it does not have")
    return said
