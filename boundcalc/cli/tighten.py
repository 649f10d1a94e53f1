"""`boundcalc tighten PROBLEM --condition C`: the tightest constant, enclosed and proved."""

from __future__ import annotations

from typing import Annotated

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
    as_json: AsJson = False,
) -> None:
    """CASE.toml or "FORMULA" ["FORMULA2" ...]: enclose the tightest constant of a condition.

    That is the largest mu or theta, the smallest L, or the smallest beta at a given --alpha;
    alpha-beta without --alpha gives the frontier of pairs, and with --ray C the smallest alpha at
    beta = C*alpha. Constants that are fixed are options of
    their own, and exact: --alpha 1, --epsilon 0.1.

    Exit codes: 0 enclosed, 1 refuted (no constant works), 2 bad input, 3 undecided.
    """
    from boundcalc.questions import Region, problem_of, tightest

    formulas, fixed = words("tighten", context.args)
    problem = problem_of(formulas, Region(domain, ball, tuple(minimiser or ()), residual))
    proofs = Certificates(certificate)

    from boundcalc.report.check_progress import stage_progress
    from boundcalc.report.tighten import exit_code, tighten_json, tighten_lines

    with proofs.told():
        with stage_progress() as progress:
            found = tightest(problem, condition, fixed, digits, time_limit, progress)
        paths = proofs.write([one.certificate for one in found])
        answer = problem, condition, found, digits, paths, fixed
        show(tighten_json(*answer) if as_json else None, tighten_lines(*answer))
    raise typer.Exit(exit_code(found))
