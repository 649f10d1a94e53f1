"""Discarding rows: against every subset on small logs, and what is promised on all logs."""

from fractions import Fraction
from itertools import combinations

import exact_reference as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_logs import CONSTANTS, columns_of, frontier_of, log_of, random_log

from boundcalc.errors import InputError
from boundcalc.fit.envelope import rows_of
from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees import worst
from boundcalc.guarantees.discard import discard_worst, rows_to_discard
from boundcalc.guarantees.pair import choose
from boundcalc.guarantees.worst import Worst

MARGIN = Fraction(1, 10)


def pair_of(frontier, name):
    if not isinstance(frontier, Frontier):
        return None
    try:
        return choose(frontier, name, CONSTANTS, margin=MARGIN)
    except InputError:
        return None


def search(log, name, discard):
    full = frontier_of(log)
    return discard_worst(
        log, full, name, CONSTANTS, discard, pair=pair_of(full, name), margin=MARGIN
    )


@pytest.mark.parametrize("name", ["bound", "neighbourhood", "minimal"])
@pytest.mark.parametrize("discard", [1, 2])
def test_it_is_as_good_as_every_subset_or_nearly_always(name, discard):
    best_found = tried = 0
    for seed in range(24):
        log = random_log(seed, kind=("smooth", "grid")[seed % 2])
        pairs = [
            pair_of(frontier_of(log, gone), name) for gone in combinations(range(log.rows), discard)
        ]
        values = [pair.value for pair in pairs if pair is not None]
        found = search(log, name, discard)
        tried += 1
        if found is None:
            assert not values
            best_found += 1
            continue
        assert found.value >= min(values) * (1 - 1e-12)
        best_found += found.value <= min(values) * (1 + 1e-12)
        triples = reference.demands(*columns_of(log))
        point = Fraction(found.alpha), Fraction(found.beta)
        violated = [k for k, row in enumerate(triples) if not reference.admits([row], *point)]
        assert list(found.rows) == violated
        assert found.violated == len(violated) <= discard
    assert best_found >= tried - 1  # a local search: not proved best


def test_more_discarded_is_never_worse():
    log = random_log(3, 400)
    values = [search(log, "bound", discard).value for discard in (0, 1, 4, 16, 64)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0]


def test_an_outlier_is_found():
    made = random_log(5, 300)
    columns = {
        name: made.columns[name].read(0, 300).copy() for name in ("loss", "loss_ref", "inner")
    }
    clean = search(made, "neighbourhood", 0)
    columns["inner"][137] -= 50.0
    log = log_of(**columns)
    assert search(log, "neighbourhood", 0).value > 2 * clean.value
    found = search(log, "neighbourhood", 1)
    assert found.rows == (137,)
    assert found.value <= clean.value * (1 + 1e-12)
    assert found.label.startswith("at most 1 rows discarded; best found, not proved best")


def test_rows_that_rule_out_every_pair_can_be_discarded():
    loss, ref, inner = (
        [1.0, 0.0, 2.0, 1.0, 1.5],
        [0.0, 0.0, 0.5, 0.5, 0.5],
        [-1.0, -1.0, 2.0, 0.5, 1.5],
    )
    log = log_of(loss=loss, loss_ref=ref, inner=inner)
    assert search(log, "neighbourhood", 0) is None
    assert search(log, "neighbourhood", 1) is None
    found = search(log, "neighbourhood", 2)
    assert found.rows == (0, 1)


def test_runs_that_lose_rows_are_counted():
    made = random_log(5, 120)
    columns = {
        name: made.columns[name].read(0, 120).copy() for name in ("loss", "loss_ref", "inner")
    }
    columns["inner"][50] -= 50.0
    columns["inner"][51] -= 60.0
    log = log_of(**columns, run=np.repeat(np.arange(12), 10))
    found = search(log, "neighbourhood", 2)
    assert found.rows == (50, 51)
    assert found.runs_lost == 1
    assert found.runs_given_up in (1, None)
    held = set(np.array(found.binding_rows) // 10)
    assert found.runs_given_up == (None if 5 in held else 1)
    assert search(random_log(5, 120), "neighbourhood", 2).runs_lost is None


@pytest.mark.parametrize(
    ("rows", "quantile", "discard"), [(1000, 0.99, 10), (1000, 1.0, 0), (7, 0.5, 3), (10, 0.9, 1)]
)
def test_a_quantile_is_a_number_of_rows(rows, quantile, discard):
    assert rows_to_discard(rows, quantile) == discard


@pytest.mark.parametrize("quantile", [0.0, -1.0, 1.5, float("nan"), float("inf")])
def test_a_bad_quantile_is_refused(quantile):
    with pytest.raises(InputError, match="quantile"):
        rows_to_discard(10, quantile)


@pytest.mark.parametrize("discard", [-1, 9, 100])
def test_a_bad_count_is_refused(discard):
    with pytest.raises(InputError, match="discard"):
        discard_worst(
            random_log(0, 10), frontier_of(random_log(0, 10)), "bound", CONSTANTS, discard
        )


def test_rows_that_are_dropped_cannot_be_discarded_too():
    nan = float("nan")
    log = log_of(loss=[1.0, nan, nan, 2.0], loss_ref=[0.5] * 4, inner=[1.0, 1.0, nan, 2.0])
    full = frontier_of(log_of(loss=[1.0, 2.0], loss_ref=[0.5] * 2, inner=[1.0, 2.0]))
    found = discard_worst(log, full, "neighbourhood", None, 1, drop_nonfinite=True)
    assert found.violated <= 1
    few = log_of(loss=[1.0, nan, nan, nan], loss_ref=[0.5] * 4, inner=[1.0] * 4)
    with pytest.raises(InputError, match="discard"):
        discard_worst(few, full, "neighbourhood", None, 2, drop_nonfinite=True)


numbers = st.sampled_from([0.0, 0.5, 1.0, 1.5, 1e-300, 1e300, 1 / 3, 1e-5, 1.0 + 2**-52])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=12),
    st.integers(1, 6),
    st.sampled_from([0.5, 1.0, 1e-300, 1e300, 3.0]),
    st.integers(1, 12),
    st.sampled_from([0, 1 << 16]),
)
def test_the_worst_rows_are_exact(rows, count, alpha, size, spare):
    loss, ref, inner = zip(*rows, strict=True)
    log = log_of(loss=loss, loss_ref=ref, inner=inner)
    found = Worst(alpha, count)
    kept = worst._SPARE
    worst._SPARE = spare
    try:
        for chunk in log.chunks(size):
            found.add(rows_of(chunk))
    finally:
        worst._SPARE = kept

    def demand(row):
        a, b, c = row
        excess = Fraction(alpha) * a - c
        if b == 0:
            return (1, 0) if excess > 0 else (-1, 0)
        return (0, excess / b)

    triples = reference.demands(*columns_of(log))
    order = sorted(range(len(rows)), key=lambda k: (*(-part for part in demand(triples[k])), k))
    assert found.rows().tolist() == sorted(order[:count])
