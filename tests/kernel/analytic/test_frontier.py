"""Certificates of beta*(alpha): they hold the closed form, and no mutant of them is accepted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from mpmath import mp, mpf

from boundcalc.kernel.__main__ import analytic, is_analytic
from boundcalc.kernel.analytic.check import is_genuine, prepared
from boundcalc.kernel.analytic.frontier import Band, lies_below, slopes, verify_frontier
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.interval import rational
from boundcalc.kernel.analytic.polygon import above, chords, envelope, upper_hull
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.library.analytic import claim_of
from boundcalc.library.problem_text import problem_from
from boundcalc.search.tighten import frontier

from .certified import CLAIMS
from .certified import certificate as certified

PAIR = ("(x-1)^2/2", "(x+1)^2/2")
RIDGE = ("x^2/(1+x^2)", "(x+1)^2/(1+(x+1)^2)")
BOUNDED = ("(x-1)^2/2 + (x-1)^4/8", "(x+1)^2/2 + (x-1/2)^4/16")  # minimiser without a formula


@cache
def certificate(formulas: tuple[str, ...], wanted: str, domain: str | None = None) -> Any:
    found = frontier(problem_from(list(formulas), domain=domain), 9, 900, Fraction(wanted)).band
    assert not isinstance(found, str), found
    return found.certificate


def pair() -> Any:
    return copy.deepcopy(certificate(PAIR, "1/8"))


def of(chain: list) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(alpha), Fraction(beta)) for alpha, beta in chain]


def alphas(band: Band, count: int) -> list[Fraction]:
    first, last = band.lower[0][0], band.lower[-1][0]
    return [first + (last - first) * k / count for k in range(count + 1)]


def test_the_band_of_the_pair_holds_its_closed_form() -> None:
    band = verify_frontier(pair())
    assert (band.lower[0][0], band.lower[-1][0]) == (Fraction(1, 4), 10)
    for alpha in {*alphas(band, 997), *(x for x, _ in (*band.lower, *band.upper))}:
        assert above(band.lower, alpha) <= (alpha - 1) ** 2 / alpha <= above(band.upper, alpha)
        assert above(band.upper, alpha) - above(band.lower, alpha) <= band.width <= Fraction(1, 8)
    assert all(map(is_genuine, band.parts))
    assert band.checks > len(band.parts)


def test_the_band_of_the_ridges_holds_four_fifths_alpha() -> None:
    """beta* = 4/5 alpha from 5(sqrt(5) - 2)/2 on, and is larger before."""
    band = verify_frontier(certificate(RIDGE, "1/2"))
    with mp.workdps(30):
        corner = 5 * (mp.sqrt(5) - 2) / 2
    for alpha in alphas(band, 499):
        low, high = above(band.lower, alpha), above(band.upper, alpha)
        if mpf(alpha.numerator) / alpha.denominator >= corner:
            assert low <= alpha * 4 / 5 <= high
        else:
            assert high > alpha * 4 / 5
    assert above(band.lower, Fraction(10)) == 8 == above(band.upper, Fraction(10))
    assert any("curve" in line["witness"] for line in certificate(RIDGE, "1/2")["lines"])


def test_the_band_where_the_minimiser_is_only_enclosed() -> None:
    """Against the largest ratio on a grid, computed with mpmath from the definition."""
    data = certificate(BOUNDED, "1/2", "x=-2:2")
    assert all("enclosed" in part["facts"] for part in data["certificates"] if "via" not in part)
    band = verify_frontier(data)
    with mp.workdps(30):
        f = [lambda x: (x - 1) ** 2 / 2 + (x - 1) ** 4 / 8,
             lambda x: (x + 1) ** 2 / 2 + (x - mpf(1) / 2) ** 4 / 16]  # fmt: skip
        foot = mp.findroot(mp.diffun(lambda x: f[0](x) + f[1](x)), 0)
        least = [
            g(mp.findroot(mp.diffun(g), start)) for g, start in zip(f, (0.9, -0.6), strict=True)
        ]
        rows = [
            tuple(map(float, (g(x) - g(foot), g(x) - low, mp.diff(g, x) * (x - foot))))
            for g, low in zip(f, least, strict=True)
            for x in mp.linspace(-2, 2, 4001)
        ]
        for alpha in alphas(band, 60):
            truth = max(0, *((float(alpha) * a - c) / b for a, b, c in rows if b > 1e-5))
            assert truth <= float(above(band.upper, alpha)) + 1e-9
            assert truth >= float(above(band.lower, alpha)) - 1e-4  # of the grid


def test_along_curves_minimisers_must_be_exact() -> None:
    data = copy.deepcopy(certificate(BOUNDED, "1/2", "x=-2:2"))
    data["lines"][0]["witness"] = {"curve": ["1/t"]}
    with pytest.raises(Rejected, match="must be exact"):
        verify_frontier(data)


def test_the_kernel_says_what_a_frontier_shows() -> None:
    data = pair()
    assert is_analytic(data)
    assert analytic(data).startswith("proved: beta* for alpha in [1/4, 10] in a band of width ")


def rebuilt(data: Any) -> Any:
    """The same items with the band that they would give."""
    proved = [p["claim"]["constants"] for p in data["certificates"] if p["verdict"] == "proved"]
    hull = upper_hull([(Fraction(c["alpha"]), Fraction(c["beta"])) for c in proved])
    last = max(hull[-1][0], Fraction(data["band"]["lower"][-1][0]))
    lines = [tuple(map(Fraction, line["line"])) for line in data["lines"]]
    chain = {"lower": envelope(lines, hull[0][0], last)[0], "upper": chords(hull, last)}
    data["band"] = {side: [[str(x), str(y)] for x, y in rows] for side, rows in chain.items()}
    return data


def test_what_rebuilt_makes_is_the_band() -> None:
    assert rebuilt(pair()) == pair()


@pytest.mark.parametrize("side", ["lower", "upper"])
def test_a_vertex_moved_dropped_or_doubled_is_rejected(side: str) -> None:
    count = len(pair()["band"][side])
    assert count > 10
    for k in range(count):
        for place in (0, 1):
            data = pair()
            vertex = data["band"][side][k]
            step = Fraction((-1) ** (k + place), 10**9)
            vertex[place] = str(Fraction(vertex[place]) + step)
            with pytest.raises(Rejected):
                verify_frontier(data)
        data = pair()
        chain = data["band"][side]
        chain[k : k + 1] = [chain[k]] * (2 * (k % 2))  # dropped, or doubled
        with pytest.raises(Rejected):
            verify_frontier(data)


def test_a_certificate_dropped_is_rejected_even_with_the_band_that_is_left() -> None:
    """Left out with the lines that use it, and renumbered: a wider band, so not the one stated."""
    data = pair()
    for k in range(len(data["certificates"])):
        less = pair()
        del less["certificates"][k]
        less["lines"] = [
            {**line, "of": line["of"] - (line["of"] > k)}
            for line in less["lines"]
            if line["of"] != k
        ]
        with pytest.raises(Rejected):
            verify_frontier(less)


def test_lines_dropped_doubled_or_swapped_are_rejected() -> None:
    count = len(pair()["lines"])
    assert count > 8
    for k in range(count):
        data = pair()
        del data["lines"][k]
        with pytest.raises(Rejected, match="not the one that follows"):
            verify_frontier(data)
        data = pair()
        data["lines"].append(data["lines"][k])
        with pytest.raises(Rejected, match="needed"):
            verify_frontier(data)
    swaps = 0
    for k in range(count):
        for other in range(max(0, k - 2), k):
            data = pair()
            rows = data["lines"]
            rows[k]["line"], rows[other]["line"] = rows[other]["line"], rows[k]["line"]
            if not all(map(shown, (rows[k], rows[other]))):
                swaps += 1
                with pytest.raises(Rejected, match="lie below"):
                    verify_frontier(data)
    assert swaps > count  # few are mirror images: what f_1 shows, f_2 shows at -x


def shown(entry: Any) -> bool:
    """Whether f_1 or f_2 shows a line at its witness: by hand, for the pair."""
    x, slope, intercept = map(Fraction, (*entry["witness"]["point"], *entry["line"]))
    return any(
        b > 0 and slope <= (b - Fraction(1, 2)) / b and intercept <= -(x - foot) * x / b
        for foot in (1, -1)
        for b in [(x - foot) ** 2 / 2]
    )


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("step", ["1e-9", "1/1000", "1"])
def test_a_band_narrowed_from_below_is_rejected(place: int, step: str) -> None:
    """Every line raised (at some alpha ≥ 0), and the band that would follow stated."""
    for k in range(len(pair()["lines"])):
        data = pair()
        line = data["lines"][k]["line"]
        line[place] = str(Fraction(line[place]) + Fraction(step))
        with pytest.raises(Rejected, match="lie below"):
            verify_frontier(rebuilt(data))


def renamed(part: Any, **constants: str) -> None:
    part["claim"]["constants"] |= constants
    part["claim_sha256"] = digest(part["claim"])


@pytest.mark.parametrize("less", ["1/100", "1/10"])
def test_a_band_narrowed_from_above_is_rejected(less: str) -> None:
    """Every proved pair lowered, and the band that would follow stated."""
    changed = 0
    for k in range(len(pair()["certificates"])):
        data = pair()
        part = data["certificates"][k]
        beta = Fraction(part["claim"]["constants"]["beta"]) - Fraction(less)
        if beta >= 0:
            changed += 1
            renamed(part, beta=str(beta))
            with pytest.raises(Rejected):
                verify_frontier(rebuilt(data))
    assert changed > 5


def test_a_pair_at_another_alpha_is_rejected() -> None:
    """A tight pair moved to where the frontier is higher."""
    for k, sign in ((0, -1), (-1, 1)):
        data = pair()
        alpha = Fraction(data["certificates"][k]["claim"]["constants"]["alpha"])
        renamed(data["certificates"][k], alpha=str(alpha + sign * Fraction(1, 10)))
        with pytest.raises(Rejected):
            verify_frontier(rebuilt(data))


def with_constants(alpha: str, beta: str) -> Any:
    """At alpha = 1, where every beta is proved since both functions are convex."""
    data = pair()
    convex = next(part for part in data["certificates"] if part["via"] == "convexity")
    renamed(convex, alpha=alpha, beta=beta)
    return data


def one_line(**changes: Any) -> Any:
    data = pair()
    data["lines"][0] |= changes
    return data


def refused() -> Iterator[tuple[Any, str]]:
    yield [], "expected an object"
    yield {**pair(), "schema": "boundcalc.frontier-certificate/2"}, "expected schema"
    yield {**pair(), "more": 1}, "unknown"
    yield {**pair(), "certificates": []}, "of one problem, at least one"
    yield {**pair(), "lines": [pair()["lines"][0]] * 2_001}, "at most"
    yield {**pair(), "band": {"lower": [], "upper": []}}, "two vertices"
    yield {**pair(), "band": {"lower": [["1"]], "upper": []}}, "two numbers"
    short = pair()
    short["band"]["lower"] = short["band"]["lower"][:3]
    yield short, "ends before"
    yield with_constants("1", "1/10^9"), "not the one that follows"
    yield with_constants("1", "1/2/3"), "needed"  # 1/6, which is above the other chords
    yield with_constants("1", "sqrt(2)"), "at rational alpha"
    yield one_line(of=99), "the number of a certificate"
    yield one_line(of=-1), "the number of a certificate"
    yield one_line(of=True), "the number of a certificate"
    yield one_line(witness={}), "a point or a curve"
    yield one_line(witness={"point": ["1"], "curve": ["t"]}), "a point or a curve"
    yield one_line(witness={"point": ["0"]}), "lie below"  # a = c = 0 there
    yield one_line(witness={"point": ["1"]}), "lie below"  # b = 0 for f_1
    yield one_line(witness={"curve": ["t"]}), "lie below"
    yield one_line(witness={"curve": ["1 + 1/t"]}), "lie below"  # b → 0
    yield one_line(witness={"point": ["1", "2"]}), "one coordinate"
    yield one_line(witness={"curve": ["exp(t)"]}), "rational function"
    yield one_line(line=["0", "1/0"]), "rational number"


def test_what_is_refused_is_told() -> None:
    for data, said in refused():
        with pytest.raises(Rejected, match=said):
            verify_frontier(data)


def test_certificates_of_another_problem_or_condition_are_refused() -> None:
    data = pair()
    aiming = next(c for c in CLAIMS if c.condition != "alpha-beta")
    strange = certified(aiming)
    with pytest.raises(Rejected, match="of one problem"):
        verify_frontier({**data, "certificates": [*data["certificates"], strange]})
    with pytest.raises(Rejected, match="alpha-beta condition"):
        verify_frontier({**data, "certificates": [strange]})


def test_without_a_proof_there_is_no_band() -> None:
    problem = problem_from(list(PAIR))
    parts = frontier(problem, 9, 900, Fraction(100)).points[0].parts
    refutation = next(part for part in parts if part["verdict"] == "refuted")
    with pytest.raises(Rejected, match="no pair is proved"):
        verify_frontier({**pair(), "certificates": [refutation], "lines": []})
    idle = pair()
    idle["certificates"].append(refutation)
    with pytest.raises(Rejected, match="needed"):
        verify_frontier(idle)
    used = pair()  # its facts will do for a line
    used["certificates"].append(refutation)
    used["lines"][0]["of"] = len(used["certificates"]) - 1
    assert verify_frontier(used).lower == verify_frontier(pair()).lower


def test_a_witness_speaks_of_its_nearest_minimiser_only() -> None:
    """(x^2 - 1)^2 at 1/2, and far out on the right: the foot is 1, not -1."""
    claim = claim_of(problem_from(["(x^2-1)^2"]), "alpha-beta", {"alpha": "1", "beta": "1"})
    facts = {"minimisers": {"points": [["-1"], ["1"]]}, "infimum": {"lower": "0", "at": ["1"]}}
    statement, _, read = prepared(claim, facts)
    (near,) = slopes(statement, read, {"point": ["1/2"]})
    a, b, c = (evaluate(statement.context.terms, node, {}) for node in (near.a, near.b, near.c))
    assert a == b == rational(Fraction(9, 16))
    assert c == rational(Fraction(3, 4))  # 4x(x^2 - 1)(x - 1)
    (far,) = slopes(statement, read, {"curve": ["t"]})
    assert lies_below(statement, far, Fraction(1), Fraction(-4))
    assert not lies_below(statement, far, Fraction(1), Fraction(-39, 10))
    (left,) = slopes(statement, read, {"curve": ["-t"]})
    assert lies_below(statement, left, Fraction(1), Fraction(-4))
