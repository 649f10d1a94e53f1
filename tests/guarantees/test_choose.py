"""The chosen pair against a dense search over exact vertices."""

from fractions import Fraction
from itertools import pairwise

import exact_reference as reference
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_logs import columns_of, frontier_of, log_of

from boundcalc.errors import InputError
from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees.pair import choose
from boundcalc.guarantees.theorem_at import Constants, step_at
from boundcalc.library.theorems import load_theorem

numbers = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 7.0, 0.1, 1e-3])
rows = st.lists(
    st.tuples(numbers, numbers, st.one_of(numbers, numbers.map(lambda v: -v))),
    min_size=1,
    max_size=9,
)
constants = st.builds(
    Constants,
    L=st.sampled_from([Fraction(1, 100), Fraction(1), Fraction(50)]),
    sigma2=st.sampled_from([Fraction(0), Fraction(1, 1000), Fraction(1), Fraction(20)]),
    dist2=st.sampled_from([Fraction(1, 100), Fraction(3), Fraction(1000)]),
    steps=st.sampled_from([1, 10, 100_000]),
)
THEOREM = load_theorem("sgd-alpha-beta-sharp")


def made(rows):
    loss, ref, inner = zip(*rows, strict=True)
    log = log_of(loss=loss, loss_ref=ref, inner=inner)
    frontier = frontier_of(log)
    return frontier, reference.demands(*columns_of(log))


def places(triples, start):
    """Admissible points of the boundary: its kinks, points between them, and far along the tail."""
    kinks = [start, *reference.kinks(triples, start)]
    last = max(kinks[-1], Fraction(1, 1024))
    between = [left + (right - left) * k / 8 for left, right in pairwise(kinks) for k in range(8)]
    tail = [last * 2**k for k in range(12)]
    found = []
    for alpha in sorted({*kinks, *between, *tail}):
        beta = reference.beta_star(triples, alpha)
        if beta is not None and alpha > beta:
            found.append((alpha, beta))
    return found


def value_of(name, constants, alpha, beta):
    if name == "bound":
        return step_at(THEOREM, constants.env(alpha, beta))[1]
    return beta / (alpha - beta)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(rows, constants, st.sampled_from(["bound", "neighbourhood"]))
def test_no_point_of_the_boundary_is_better(rows, constants, name):
    frontier, triples = made(rows)
    assume(isinstance(frontier, Frontier))
    try:
        pair = choose(frontier, name, constants)
    except InputError as error:
        assert "same float" in str(error)
        return
    assert reference.admits(triples, Fraction(pair.alpha), Fraction(pair.beta))
    assert pair.alpha > pair.beta >= 0
    start = reference.smallest_alpha(triples)
    values = [value_of(name, constants, *place) for place in places(triples, start)]
    reached = value_of(name, constants, Fraction(pair.alpha), Fraction(pair.beta))
    assert float(reached) == pytest.approx(pair.value, rel=1e-6)
    tail = any("α → ∞" in note for note in pair.notes)
    if tail:  # all but 1 % of what the unbounded edge can gain over its beginning
        last = max([start, *reference.kinks(triples, start)])
        kinks = [value_of(name, constants, a, b) for a, b in places(triples, start) if a <= last]
        if kinks:
            assert pair.value <= min(kinks) * (1 + Fraction(1, 10**9))
    else:
        assert pair.value <= min(values) * (1 + Fraction(1, 10**9))


@settings(max_examples=250, deadline=None, derandomize=True)
@given(rows, st.sampled_from([Fraction(1, 10), Fraction(1, 1000), Fraction(3)]))
def test_minimal_is_the_smallest_sum_with_the_margin(rows, margin):
    frontier, triples = made(rows)
    assume(isinstance(frontier, Frontier))
    start = reference.smallest_alpha(triples)
    candidates = {start, *reference.kinks(triples, start)}
    for a, b, c in triples:  # where a line meets α − β = margin
        if b not in (0, a):
            candidates.add((margin * b - c) / (b - a))
    candidates.add(margin)  # where β = 0 does
    sums = []
    for alpha in candidates:
        beta = reference.beta_star(triples, alpha) if alpha >= start else None
        if beta is not None and alpha - beta >= margin:
            sums.append(alpha + beta)
    if not sums:
        with pytest.raises(InputError, match="margin"):
            choose(frontier, "minimal", None, margin=margin)
        return
    pair = choose(frontier, "minimal", None, margin=margin)
    assert pair.value == pytest.approx(float(min(sums)), rel=1e-12)
    assert reference.admits(triples, Fraction(pair.alpha), Fraction(pair.beta))
    assert Fraction(pair.alpha) - Fraction(pair.beta) >= margin * (1 - Fraction(1, 10**12))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(rows)
def test_rate_is_the_largest_gap_among_the_vertices(rows):
    frontier, triples = made(rows)
    assume(isinstance(frontier, Frontier))
    pair = choose(frontier, "rate", None)
    start = reference.smallest_alpha(triples)
    gaps = []
    for alpha in (start, *reference.kinks(triples, start)):
        beta = reference.beta_star(triples, alpha)
        if beta is not None and alpha > beta:
            gaps.append(alpha - beta)
    if gaps:
        assert pair.value == pytest.approx(float(max(gaps)), rel=1e-12)
    assert reference.admits(triples, Fraction(pair.alpha), Fraction(pair.beta))


@pytest.mark.parametrize("name", ["bound", "neighbourhood"])
@pytest.mark.parametrize("seed", range(6))
def test_among_hundreds_of_vertices_the_search_finds_the_best(name, seed):
    """Tangents of a convex curve: nearly every row is on the envelope."""
    rng = np.random.default_rng(seed)
    slope = np.sort(rng.uniform(-0.2, 0.9, 400))
    intercept = -((slope + 0.3) ** 2) * rng.uniform(0.1, 3) + rng.uniform(0, 0.05)
    log = log_of(loss=np.ones(400), loss_ref=1 - slope, inner=-intercept)
    frontier = frontier_of(log)
    assert isinstance(frontier, Frontier)
    assert len(frontier.vertices) > 100
    for steps in (1, 1000, 10**6):
        constants = Constants(Fraction(2), Fraction(seed, 7), Fraction(3), steps)
        pair = choose(frontier, name, constants)
        values = [value_of(name, constants, a, b) for a, b, _ in frontier.vertices if a > b]
        if any("α → ∞" in note for note in pair.notes):
            assert pair.value <= min(values) * (1 + Fraction(1, 10**9))
        else:
            assert pair.value == pytest.approx(float(min(values)), rel=1e-9)
