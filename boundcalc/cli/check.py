"""`boundcalc check PROBLEM`: does a condition hold everywhere on a domain, with these constants?"""

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


def check(
    context: typer.Context,
    condition: Annotated[
        str | None,
        typer.Option(metavar="ID", help="A condition. [default: all claims of the case file]"),
    ] = None,
    domain: Domain = None,
    ball: InBall = None,
    minimiser: Known = None,
    residual: IsResidual = False,
    certificate: Certificate = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="At most so long for each claim.")
    ] = 20.0,
    as_json: AsJson = False,
) -> None:
    """CASE.toml or "FORMULA" ["FORMULA2" ...]: prove or refute a condition on a domain.

    Several formulas are the components f_1, f_2, ... of f, their mean. Constants are options of
    their own, and exact: --condition pl --mu 1/4, or --condition alpha-beta --alpha 1 --beta 0.1.

    Exit codes: 0 proved, 1 refuted, 2 bad input, 3 undecided.
    """
    from boundcalc.library.case_claims import claims_asked
    from boundcalc.questions import Region, check_claims, problem_of

    formulas, constants = words("check", context.args)
    problem = problem_of(formulas, Region(domain, ball, tuple(minimiser or ()), residual))
    claims = claims_asked(problem, condition, constants)
    proofs = Certificates(certificate)

    from boundcalc.report.check import check_json, check_lines, exit_code
    from boundcalc.report.check_progress import stage_progress

    with proofs.told():
        with stage_progress() as progress:
            checked = check_claims(problem, claims, time_limit, progress)
        paths = proofs.write([one.decision.certificate for one in checked])
        body = check_json(problem, checked, paths) if as_json else None
        show(body, check_lines(problem, checked, paths))
    raise typer.Exit(exit_code([one.decision.verdict for one in checked]))
