"""Claims that are decided by many different rules, and their certificates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from boundcalc.library.problem_text import problem_from
from boundcalc.search.decide import decide
from boundcalc.search.tighten import tighten


@dataclass(frozen=True)
class Claimed:
    """A claim, and the verdict that is known to be right."""

    name: str
    formulas: tuple[str, ...]
    condition: str
    constants: tuple[tuple[str, str], ...]
    verdict: str
    domain: str | None = None
    ball: str | None = None
    residual: bool = False


SINE = ("x^2 + 3*sin(x)^2",)
PAIR = ("(x-1)^2/2", "(x+1)^2/2")
RIDGE = ("(x+y)^2/(1+(x+y)^2)", "(x+y+1)^2/(1+(x+y+1)^2)")
PROVED, REFUTED = "proved", "refuted"

CLAIMS = [
    Claimed("paving", SINE, "pl", (("mu", "0.17553098587"),), PROVED),
    Claimed("gram", SINE, "smooth", (("L", "8"),), PROVED),
    Claimed("minimisers", SINE, "qg", (("mu", "2"),), PROVED),
    Claimed("boxes", SINE, "rsi", (("mu", "0.6965982307"),), PROVED),
    Claimed("aiming", SINE, "aiming", (("theta", "0.4960900621"),), PROVED),
    Claimed("direction", SINE, "smooth", (("L", "7.9999999"),), REFUTED),
    Claimed("point", SINE, "pl", (("mu", "0.17553098588"),), REFUTED),
    Claimed("infima", PAIR, "alpha-beta", (("alpha", "2"), ("beta", "1/2")), PROVED),
    Claimed("infima-fail", PAIR, "alpha-beta", (("alpha", "2"), ("beta", "0.499")), REFUTED),
    Claimed("forms", RIDGE, "alpha-beta", (("alpha", "1"), ("beta", "4/5")), PROVED),
    Claimed("tail", ("x^2/(1+x^2)",), "pl", (("mu", "1/100"),), REFUTED),
    Claimed("sturm", ("x^2/(1+x^2)",), "pl", (("mu", "1/4"),), PROVED, domain="x=-1:1"),
    Claimed("into", ("x^4",), "pl", (("mu", "any"),), REFUTED),
    Claimed("curve", ("x^2+(y-x^2)^2",), "pl", (("mu", "1/100"),), REFUTED),
    Claimed(
        "kernel", ("u*v-1",), "pl-star", (("mu", "1/2"),), PROVED,
        domain="u=1/2:2,v=1/2:2", residual=True,
    ),
    Claimed("origin", ("u*v-1",), "pl-star", (("mu", "any"),), REFUTED, residual=True),
    Claimed("kernel-line", ("y-sin(x)",), "pl-star", (("mu", "1"),), PROVED, residual=True),
    Claimed(
        "conditioning", ("1-x", "10*(y-x^2)"), "uniform-conditioning", (("mu", "0.058790979646"),),
        PROVED, domain="x=-2:2,y=-oo:oo", residual=True,
    ),
    Claimed("convexity", ("log(1+exp(x))+x^2/10",), "pl", (("mu", "1/5"),), PROVED),
    Claimed("enclosed", ("x^2 + 2*sin(x) + cos(x)/3",), "pl", (("mu", "1/10"),), PROVED),
    Claimed("stationary", ("x^4/4 - x^2/2 + x/10",), "pl", (("mu", "any"),), REFUTED),
    Claimed("squares", ("x^4 - 2*x^2*y + 2*y^2 + y^4",), "nonnegative", (), PROVED),
    Claimed("weights", ("log(1+exp(x+2*y)) + log(1+exp(x-y)) + (x^2+y^2)/20",), "strongly-convex",
            (("mu", "1/10"),), PROVED),
    Claimed("parts", ("x^2 + 3*sin(x)^2 + 2*y^2 + 3*sin(y)^2",), "pl", (("mu", "1/10"),), PROVED),
    Claimed("below", ("x^3 + y^2",), "pl", (("mu", "1"),), REFUTED),
    Claimed("empty", ("1/(1+x^2)",), "rsi", (("mu", "1"),), REFUTED),
    Claimed("charts", ("x^2 + sin(3*x)/2 + y^2 - cos(x+y)",), "smooth", (("L", "9"),), PROVED),
    Claimed("ball", ("x^2*y + x^2 + y^2",), "strongly-convex", (("mu", "1/10"),), PROVED,
            ball="0,0;1/2"),
    Claimed("not-convex", SINE, "convex", (), REFUTED),
    Claimed("images", ("x^4 - 3*x^2 + cos(x)",), "qg", (("mu", "1/10"),), PROVED),
    Claimed("zeros", ("(x^2+y-11)^2 + (x+y^2-7)^2",), "qg", (("mu", "20"),), REFUTED),
    Claimed("arc", ("(x^2+y^2-1)^2/4",), "qg", (("mu", "4/5"),), PROVED,
            domain="x=-3/5:3/5,y=1/2:3/2"),
    Claimed("foot", ("x*y-1",), "rsi", (("mu", "0.76"),), REFUTED, domain="x=1/2:2,y=1/2:2",
            residual=True),
    Claimed("cross", ("x^2*y^2/2",), "aiming", (("theta", "2"),), PROVED),
    Claimed("growth", ("y-sin(x)",), "qg", (("mu", "1"),), PROVED, residual=True),
    Claimed("falls", ("log(1 + exp(-x - 2*y))", "softplus(y - 3*x)"), "pl", (("mu", "1"),),
            REFUTED),
    Claimed("square-root", ("sqrt(1 + x^2) - x",), "pl", (("mu", "1"),), REFUTED),
    Claimed("exponential", ("exp(x) - x",), "pl", (("mu", "1/100"),), REFUTED),
    Claimed("absolute", ("abs(x)^3",), "aiming", (("theta", "3"),), PROVED),
    Claimed("powers", ("abs(x)^(3/2)",), "pl", (("mu", "9/8"),), PROVED, domain="x=-1:1"),
    Claimed("domain", ("x - log(x)",), "pl", (("mu", "1/4"),), PROVED, domain="x=1/2:2"),
]  # fmt: skip


@cache
def certificate(claimed: Claimed) -> dict[str, Any]:
    """A certificate that the search finds, with the right verdict."""
    problem = problem_from(
        claimed.formulas, residual=claimed.residual, domain=claimed.domain, ball=claimed.ball
    )
    constants = dict(claimed.constants)
    if "any" in constants.values():
        sought = tighten(problem, claimed.condition, {}, 9, 40)
        assert sought.verdict == claimed.verdict, (claimed.name, sought.reason)
        return sought.certificate["certificates"][0]
    found = decide(problem, claimed.condition, constants, 40)
    assert found.verdict == claimed.verdict, (claimed.name, found.reason, found.attempts)
    return found.certificate


def rules(data: Any) -> set[str]:
    """All rules, facts and kinds of witness that a certificate uses."""
    found = set()
    if isinstance(data, dict):
        found |= {data["rule"]} if isinstance(data.get("rule"), str) else set()
        for key in ("minimisers", "enclosed", "infimum", "infima", "forms", "point", "direction",
                    "stationary", "curve", "falls", "kind", "via", "images", "zeros", "foot",
                    "flats"):  # fmt: skip
            if key in data:
                found.add(key if key not in ("kind", "via") else data[key])
        data = list(data.values())
    if isinstance(data, list):
        for entry in data:
            found |= rules(entry)
    return found
