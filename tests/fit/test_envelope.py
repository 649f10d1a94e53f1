"""The (α, β) frontier against brute force in exact rationals, and the laws of its sketch."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from exact_reference import admits, beta_star, demands, kinks, smallest_alpha

from boundcalc.fit import envelope
from boundcalc.fit.frontier import Frontier, Infeasible


def random_floats(rng, n):
    low = np.zeros(n)
    loss = 5 * rng.random(n)
    return loss, rng.random(n), low, rng.normal(size=n) * 2 + 2


def small_integers(rng, n):  # ties, duplicates, collinear points, b = 0
    low = rng.integers(0, 2, n).astype(float)
    return (
        low + rng.integers(0, 4, n),
        low + rng.integers(0, 4, n),
        low,
        rng.integers(-2, 6, n) * 1.0,
    )


def quadratic_pair(rng, n):  # f = ½(x ∓ 1)²: every row is on the frontier
    x, side = 3 * rng.normal(size=n), rng.choice([-1, 1], n)
    return 0.5 * (x - side) ** 2, np.full(n, 0.5), np.zeros(n), (x - side) * x


def all_magnitudes(rng, n):  # 1e-300 to 1e300
    scale = 10.0 ** rng.integers(-300, 300, n)
    loss = rng.random(n) * scale
    ref = np.minimum(loss * rng.random(n) * rng.integers(0, 3, n), 1e300)
    return loss, ref, np.zeros(n), rng.normal(size=n) * scale


def interpolation(rng, n):  # loss_ref = loss_min: every slope is 1
    loss = rng.random(n)
    return loss, np.zeros(n), np.zeros(n), loss * (2 * rng.random(n) + 0.1 * rng.integers(0, 2))


def below_reference(rng, n):  # a < 0 on most rows
    return 0.1 * rng.random(n), rng.random(n), np.zeros(n), rng.normal(size=n) - 0.5


def duplicates(rng, n):
    columns = [
        rng.integers(0, 3, n) * 1.0,
        rng.integers(0, 3, n) * 1.0,
        rng.integers(-1, 3, n) * 1.0,
    ]
    pick = rng.integers(0, n, n)
    loss, ref, inner = (column[pick] for column in columns)
    return loss, ref, np.zeros(n), inner


def own_minimum(rng, n):  # a loss_min per row, some rows exactly at it
    low = rng.normal(size=n)
    return (
        low + rng.random(n) * rng.integers(0, 2, n),
        low + rng.random(n) * rng.integers(0, 2, n),
        low,
        rng.normal(size=n) + 0.5,
    )


MAKERS = (
    random_floats,
    small_integers,
    quadratic_pair,
    all_magnitudes,
    interpolation,
    below_reference,
    duplicates,
    own_minimum,
)


def rows_from(columns):
    return envelope.Rows(*columns, np.arange(len(columns[0]), dtype=np.int64))


def agree_with_brute_force(columns):
    """The finished frontier of these rows is what brute force says; returns whether feasible."""
    found = envelope.finish(envelope.envelope_of(rows_from(columns)))
    rows = demands(*columns)
    start = smallest_alpha(rows)
    if isinstance(found, Infeasible):
        assert start is None
        assert smallest_alpha([rows[row] for row in found.rows]) is None  # they alone prove it
        return False
    assert isinstance(found, Frontier)
    assert found.alpha_min == start
    assert [alpha for alpha, _, _ in found.vertices[1:]] == kinks(rows, start)
    for alpha, beta, binding in found.vertices:
        assert beta == beta_star(rows, alpha) == found.beta(alpha)
        for row in binding:
            a, b, c = rows[row]
            assert alpha * a - beta * b == c
    last, beta, _ = found.vertices[-1]
    assert beta_star(rows, last + 7) == beta + 7 * found.slope == found.beta(last + 7)
    return True


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_frontier_equals_brute_force(maker, monkeypatch):
    rng = np.random.default_rng(MAKERS.index(maker))
    seen = set()
    for case in range(125):
        # every other log goes through the float filter, although it is small
        monkeypatch.setattr(envelope, "_FEW", 4 if case % 2 else 256)
        monkeypatch.setattr(envelope, "_SAMPLE", 3 if case % 2 else 64)
        seen.add(agree_with_brute_force(maker(rng, int(rng.integers(1, 25)))))
    assert True in seen


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_larger_logs_equal_brute_force_at_sampled_alphas(maker):
    rng = np.random.default_rng(50)
    columns = maker(rng, 300)
    found = envelope.finish(envelope.envelope_of(rows_from(columns)))
    rows = demands(*columns)
    assert isinstance(found, Infeasible) == (smallest_alpha(rows) is None)
    if isinstance(found, Frontier):
        assert found.alpha_min == smallest_alpha(rows)
        for _ in range(40):
            alpha = found.alpha_min + Fraction(float(10.0 ** rng.uniform(-6, 6)))
            assert found.beta(alpha) == beta_star(rows, alpha)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_sketch_does_not_depend_on_chunks_order_or_hints(maker):
    rng = np.random.default_rng(60)
    for _ in range(20):
        rows = rows_from(maker(rng, int(rng.integers(2, 1500))))
        whole = envelope.envelope_of(rows)
        parts = np.array_split(rng.permutation(len(rows)), int(rng.integers(1, 6)))
        serial = envelope.Envelope()
        for part in parts:
            hint = serial if rng.random() < 0.5 else None
            serial = envelope.merge(serial, envelope.envelope_of(rows.take(part), hint))
        assert serial == whole
        sketches = [envelope.envelope_of(rows.take(part)) for part in parts]
        while len(sketches) > 1:  # any tree of merges, in any order
            k = int(rng.integers(len(sketches) - 1))
            sketches[k : k + 2] = [envelope.merge(sketches[k + 1], sketches[k])]
        assert sketches[0] == whole
        assert envelope.merge(whole, envelope.Envelope()) == whole
        assert envelope.merge(envelope.Envelope(), whole) == whole
        assert envelope.merge(whole, whole) == whole


def test_closed_form_of_the_quadratic_pair():
    """β*(α) = (α−1)²/α for α > ½ (reference value); rows sample it, so they lie just below it."""
    x = np.linspace(-40, 40, 20001)
    loss = np.concatenate([0.5 * (x - 1) ** 2, 0.5 * (x + 1) ** 2])
    inner = np.concatenate([(x - 1) * x, (x + 1) * x])
    columns = (loss, np.full(len(loss), 0.5), np.zeros(len(loss)), inner)
    found = envelope.finish(envelope.envelope_of(rows_from(columns)))
    assert isinstance(found, Frontier)
    assert float(found.alpha_min) == pytest.approx(0.5, abs=1e-6)
    for alpha in (0.6, 0.75, 1.0, 1.5, 3.0):
        exact = (alpha - 1) ** 2 / alpha
        assert float(found.beta(Fraction(alpha))) == pytest.approx(exact, abs=1e-5)
        assert float(found.beta(Fraction(alpha))) <= exact + 1e-12


def test_first_example_of_islamov_et_al():
    """β*(α) = ⅘α from α = 5(√5−2)/2 ≈ 0.5902 on; the pair published for it is looser (2.5, 2)."""
    u = np.linspace(-60, 60, 40001)
    v = u + 1
    loss = np.concatenate([u**2 / (1 + u**2), v**2 / (1 + v**2)])
    slope = np.concatenate([2 * u / (1 + u**2) ** 2, 2 * v / (1 + v**2) ** 2])
    inner = slope * np.concatenate([u + 0.5, u + 0.5])
    columns = (loss, np.full(len(loss), 0.2), np.zeros(len(loss)), inner)
    sketch = envelope.envelope_of(rows_from(columns))
    demanded = max(line.at(Fraction(1, 2)) for line in envelope.exact_lines(sketch.lines))
    assert float(demanded) == pytest.approx(0.78470482186, abs=1e-5)
    found = envelope.finish(sketch)
    assert isinstance(found, Frontier)
    assert found.alpha_min > Fraction(1, 2)  # where β* is still above α, no pair is admitted
    knee = 5 * (5**0.5 - 2) / 2
    for alpha in (knee, 1.0, 2.5):
        assert float(found.beta(Fraction(alpha))) == pytest.approx(0.8 * alpha, abs=1e-3)


def test_infeasible_logs_name_one_row_that_proves_it():
    loss = np.array([1.0, 2.0, 3.0, 0.5])
    ref = np.array([0.5, 0.0, 0.1, 0.5])
    inner = np.array([1.0, -0.25, 1.0, 1.0])
    found = envelope.finish(envelope.envelope_of(rows_from((loss, ref, np.zeros(4), inner))))
    assert found == Infeasible((1,), found.reason)
    assert "α − β" in found.reason


def test_wrong_pairs_just_beyond_the_frontier_are_violated():
    rng = np.random.default_rng(70)
    columns = random_floats(rng, 500)
    rows = demands(*columns)
    found = envelope.finish(envelope.envelope_of(rows_from(columns)))
    assert isinstance(found, Frontier)
    for alpha, beta, _ in found.vertices[1:]:
        assert admits(rows, alpha, beta)
        assert not admits(rows, alpha, beta * (1 - Fraction(1, 10**30)))
