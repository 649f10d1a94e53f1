"""`boundcalc tighten PROBLEM --condition C`: the tightest constant, enclosed and proved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from boundcalc.cli.problem import (
    AsJson,
    Certificate,
    Certificates,
    Domain,
    InBall,
    IsResidual,
    Known,
    show,
    words,
)


def tighten(
    context: typer.Context,
    condition: Annotated[str, typer.Option(metavar="ID", help="A condition.", show_default=False)],
    domain: Domain = None,
    ball: InBall = None,
    minimiser: Known = None,
    residual: IsResidual = False,
    digits: Annotated[int, typer.Option(help="Significant digits of the constant.")] = 9,
    certificate: Certificate = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="At most so long altogether.")
    ] = 60.0,
    width: Annotated[
        str | None,
        typer.Option(metavar="W", help="Of the band around a frontier, at most. [default: 1/100]"),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the band around a frontier: .png, .svg or .pdf.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """CASE.toml or "FORMULA" ["FORMULA2" ...]: enclose the tightest constant of a condition.

    That is the largest mu or theta, the smallest L, or the smallest beta at a given --alpha;
    alpha-beta without --alpha gives the frontier of pairs, with a certified band around it, and
    with --ray C the smallest alpha at beta = C*alpha. Constants that are fixed are options of
    their own, and exact: --alpha 1, --epsilon 0.1.

    Exit codes: 0 enclosed, 1 refuted (no constant works), 2 bad input, 3 undecided.
    """
    from boundcalc.questions import Region, problem_of, tightest, whole_frontier
    from boundcalc.report.tighten import exit_code, is_frontier, tighten_json, tighten_lines

    formulas, fixed = words("tighten", context.args)
    whole = is_frontier(condition, fixed)
    _check_options(whole, width, plot)
    problem = problem_of(formulas, Region(domain, ball, tuple(minimiser or ()), residual))
    proofs = Certificates(certificate)

    from boundcalc.report.check_progress import stage_progress

    band: Any = None
    with proofs.told():
        with stage_progress() as progress:
            if whole:
                answers = whole_frontier(problem, digits, time_limit, width or "1/100", progress)
                found, band = answers.points, answers.band
            else:
                found = tightest(problem, condition, fixed, digits, time_limit, progress)
        more = {} if band is None or isinstance(band, str) else {"band": band.certificate}
        paths = proofs.write([one.certificate for one in found], more)
        answer = problem, condition, found, digits, paths[: len(found)], fixed
        body, lines = tighten_json(*answer), tighten_lines(*answer)
        if whole:
            from boundcalc.report.frontier import band_json, band_lines

            place = paths[-1] if more else None
            body |= {"band": band_json(band, place)}
            lines += band_lines(band, place)
            if plot is not None:
                lines.append(_drawn(plot, problem.name or ", ".join(formulas), band))
        show(body if as_json else None, lines)
    raise typer.Exit(exit_code(found))


def _check_options(whole: bool, width: str | None, plot: Path | None) -> None:
    """Raise InputError for options that are not of this question, or a place that is none."""
    from boundcalc.errors import Fault, InputError

    for name, value in (("--width", width), ("--plot", plot)):
        if value is not None and not whole:
            expected = "--condition alpha-beta without --alpha and --ray"
            raise InputError(Fault(name, str(value), expected, f"leave {name} out"))
    if plot is not None:
        from boundcalc.report.write import FIGURES, check_output_paths

        check_output_paths([(plot, FIGURES)])


def _drawn(path: Path, name: str, band: Any) -> str:
    """Draw the band; what became of that."""
    if isinstance(band, str):
        return "no figure: there is no band to draw"
    from boundcalc.report.frontier_figure import draw_frontier

    draw_frontier(path, name, band)
    return f"figure: {path}"
