"""Intervals contain the values that mpmath computes to 100 digits, on points and on boxes."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from mpmath import mp, mpf

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.grammar import GrammarError

from .expressions import Expression, NoValue, TooLarge, exactly, expression, rational

BATCH = 500
PRECISIONS = (53, 106, 128, 256)


def value(f: Expression, at: dict[str, Fraction]) -> tuple[mpf, mpf]:
    """f at a point and a bound of the error, with digits added until 100 of them are stable."""
    for digits in (130, 400, 1500):
        with mp.workdps(digits):
            first = f.value({name: exactly(x) for name, x in at.items()})
        with mp.workdps(digits + 30):
            second = f.value({name: exactly(x) for name, x in at.items()})
            error = abs(first - second)
            if error <= abs(second) * mpf(10) ** -100:
                return second, abs(second) * mpf(10) ** -95
    raise TooLarge


def contains(found: iv.Interval, x: mpf, error: mpf) -> bool:
    with mp.workdps(2000):
        return (not found[0].is_finite() or _mpf(found[0]) <= x + error) and (
            not found[1].is_finite() or x - error <= _mpf(found[1])
        )


def _mpf(x: object) -> mpf:
    mantissa, exponent = x.man_exp()
    return mp.ldexp(mpf(int(mantissa)), int(exponent))


def point(source: random.Random, box: dict[str, iv.Interval]) -> dict[str, Fraction]:
    """A point of a box, often at its ends."""
    found = {}
    for name, (lo, hi) in box.items():
        if lo is None or hi is None:
            step = abs(rational(source))
            found[name] = (
                -step if lo is None and hi is None else (hi - step if lo is None else lo + step)
            )
        else:
            share = source.choice((Fraction(0), Fraction(1), Fraction(source.randint(0, 97), 97)))
            found[name] = lo + share * (hi - lo)
    return found


def box_around(source: random.Random) -> dict[str, tuple]:
    found = {}
    for name in ("x", "y"):
        lo = rational(source)
        kind = source.randrange(8)
        width = abs(rational(source)) * source.choice((0, 0, 1, Fraction(1, 1000)))
        found[name] = (lo, lo + width) if kind < 6 else (lo, None) if kind == 6 else (None, lo)
    return found


def sweep(seed: int, count: int) -> tuple[int, int, int]:
    """How many (expression, box, point) were compared to an enclosure with a finite end; had no
    value; and were too large, or had no enclosure."""
    source = random.Random(seed)
    compared = without = skipped = 0
    while compared < count:
        f = expression(source, source.randint(1, 5))
        terms = Terms()
        try:
            node = terms.read(parse(f.text), {"x": terms.var("x"), "y": terms.var("y")})
        except GrammarError:
            continue  # 1/0, 0^-1, or exponents beyond the limit
        for _ in range(3):
            box = box_around(source)
            found = enclosed(terms, node, box, source.choice(PRECISIONS))
            for _ in range(3):
                at = point(source, box)
                try:
                    truth, error = value(f, at)
                except TooLarge:
                    skipped += 1
                    continue
                except NoValue:
                    without += 1
                    # what is folded away (0 times a logarithm, say) does have a value
                    assert found is None or folded(f.text, terms, node), (f.text, at)
                    continue
                if found is None or not (found[0].is_finite() or found[1].is_finite()):
                    skipped += 1
                    continue
                compared += 1
                assert contains(found, truth, error), (f.text, box, at, found)
    return compared, without, skipped


def enclosed(terms: Terms, node: Node, box: dict, bits: int) -> iv.Interval | None:
    with iv.precision(bits):
        try:
            return evaluate(terms, node, {name: iv.between(*ends) for name, ends in box.items()})
        except Undefined:
            return None


def folded(text: str, terms: Terms, node: Node) -> bool:
    """Whether the graph lacks some function of the text that is not defined everywhere."""
    kinds = [terms.nodes[place][0] for place in terms.order([node])]
    written = sum(text.count(word) for word in ("/", "sqrt(", "log(", "tan(", "**(-"))
    kept = sum(kind in ("inv", "sqrt", "log", "root") for kind in kinds)
    return kept < written


@pytest.mark.parametrize("seed", range(10))
def test_random_expressions_are_enclosed(seed: int) -> None:
    compared, without, _ = sweep(seed, BATCH)
    assert compared >= BATCH
    assert without > 10


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_a_hundred_thousand_enclosures(seed: int) -> None:
    assert sweep(seed, 2500)[0] >= 2500


def test_an_enclosure_of_a_point_is_tight() -> None:
    """Without this, intervals that are always infinite would pass."""
    terms = Terms()
    node = terms.read(parse("sin(x)*exp(x) + log(x)^2/sqrt(x)"), {"x": terms.var("x")})
    with iv.precision(106):
        lo, hi = iv.outward(evaluate(terms, node, {"x": iv.rational(Fraction(7, 3))}))
    with mp.workdps(60):
        x = mpf(7) / 3
        truth = mp.sin(x) * mp.exp(x) + mp.log(x) ** 2 / mp.sqrt(x)
        assert exactly(lo) <= truth <= exactly(hi)
    assert 0 < hi - lo < Fraction(1, 2**95)


@pytest.mark.parametrize(
    ("text", "box", "image"),
    [
        ("sin(x)", (0, 4), (None, 1)),
        ("sin(x)", (3, 6), (-1, None)),
        ("sin(x)", (0, 7), (-1, 1)),
        ("cos(x)", (-1, 1), (None, 1)),
        ("cos(x)", (2, 4), (-1, None)),
        ("x^2", (-3, 2), (0, 9)),
        ("x^3", (-3, 2), (-27, 8)),
        ("cosh(x)", (-1, 2), (1, None)),
        ("1/x", (2, 4), (Fraction(1, 4), Fraction(1, 2))),
        ("1/x", (-4, -2), (Fraction(-1, 2), Fraction(-1, 4))),
        ("sqrt(x)", (4, 9), (2, 3)),
        ("x^(1/3)", (8, 27), (2, 3)),
    ],
)
def test_images_that_are_known(text: str, box, image) -> None:
    terms = Terms()
    node = terms.read(parse(text), {"x": terms.var("x")})
    with iv.precision(106):
        lo, hi = iv.outward(evaluate(terms, node, {"x": iv.between(*map(Fraction, box))}))
    for end, known, sign in ((lo, image[0], -1), (hi, image[1], 1)):
        if known is not None:
            assert 0 <= sign * (end - known) < Fraction(1, 2**90)


@pytest.mark.parametrize(
    "text", ["1/x", "log(x)", "sqrt(x - 1)", "x^(1/3) - 1/(x + 1)", "tan(2*x)"]
)
def test_no_value_is_no_interval(text: str) -> None:
    terms = Terms()
    node = terms.read(parse(text), {"x": terms.var("x")})
    with pytest.raises(Undefined):
        evaluate(terms, node, {"x": iv.between(Fraction(-2), Fraction(2))})


def test_the_precision_is_put_back() -> None:
    from flint import ctx

    before = ctx.prec
    with pytest.raises(Undefined), iv.precision(300):
        iv.log(iv.ZERO)
    assert ctx.prec == before
