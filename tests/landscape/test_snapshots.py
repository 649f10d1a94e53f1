"""Kernels along a run: the path, PL* ratios, precision, and the decay of the loss."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import boundcalc
from boundcalc.errors import InputError
from boundcalc.landscape import decay, tangent_spectra
from boundcalc.landscape.snapshots import pl_star_ratio
from boundcalc.logs import log_from_arrays
from boundcalc.logs.schema import TANGENT


def linear_run(n=4, m=7, steps=12, eta=0.05, seed=0):
    """Gradient descent on F(w) = A w, whose kernel is A Aᵀ at every w."""
    rng = np.random.default_rng(seed)
    matrix, w = rng.standard_normal((n, m)), rng.standard_normal(m)
    target = rng.standard_normal(n)
    rows = []
    for _ in range(steps):
        residual = matrix @ w - target
        rows.append((matrix, residual, w))
        w = w - eta * (residual @ matrix)
    jacobian, residual, w = (np.array(column) for column in zip(*rows, strict=True))
    return {"jacobian": jacobian, "residual": residual, "w": w}


def spectra(columns):
    log = log_from_arrays(columns, purpose=TANGENT)
    return log, tangent_spectra(log)


def test_the_path_is_the_worst_of_its_snapshots():
    rng = np.random.default_rng(1)
    columns = {"jacobian": rng.standard_normal((6, 3, 8)), "residual": rng.standard_normal((6, 3))}
    found = boundcalc.tangent(columns)
    for jacobian, one in zip(columns["jacobian"], found.snapshots, strict=True):
        values = np.linalg.svd(jacobian, compute_uv=False) ** 2
        assert one.least.lower <= values[-1] * (1 + 1e-12)
        assert one.least.upper >= values[-1] * (1 - 1e-12)
        assert one.kappa.upper == pytest.approx(values[0] / values[-1], rel=1e-9)
    assert found.mu == min(one.least.lower for one in found.snapshots)
    largest = max(one.largest.upper for one in found.snapshots)
    assert found.kappa.upper >= largest / found.mu
    assert found.kappa.upper == pytest.approx(largest / found.mu, rel=1e-12)
    assert found.certified


def test_snapshots_do_not_depend_on_their_neighbours():
    """Each alone, in any company, in either memory order: the same bits."""
    rng = np.random.default_rng(2)
    jacobian, residual = rng.standard_normal((5, 6, 9)), rng.standard_normal((5, 6))
    whole = boundcalc.tangent({"jacobian": jacobian, "residual": residual})
    across = boundcalc.tangent({"jacobian": np.asfortranarray(jacobian), "residual": residual})
    assert [one.least for one in whole.snapshots] == [one.least for one in across.snapshots]
    for row in range(5):
        alone = {"jacobian": jacobian[row : row + 1], "residual": residual[row : row + 1]}
        (one,) = boundcalc.tangent(alone).snapshots
        assert one.least == whole.snapshots[row].least
        assert one.largest == whole.snapshots[row].largest
        assert one.pl_star == whole.snapshots[row].pl_star


def test_pl_star_ratios_contain_the_exact_quotient():
    rng = np.random.default_rng(3)
    for k in range(60):
        n, m = int(rng.integers(1, 6)), int(rng.integers(1, 9))
        jacobian = rng.standard_normal((n, m)) * 10.0 ** rng.uniform(-100, 100)
        residual = rng.standard_normal(n) * 10.0 ** rng.uniform(-100, 100)
        if k % 3 == 0 and m > 1:  # a gradient that nearly cancels
            jacobian = np.repeat(jacobian[:1], n, axis=0) * (1 + 1e-12 * rng.random((n, 1)))
            residual -= residual.mean()
        if not residual.any():
            continue
        r = [Fraction(x) for x in residual.tolist()]
        rows = [[Fraction(x) for x in row] for row in jacobian.tolist()]
        image = [sum(r[i] * rows[i][j] for i in range(n)) for j in range(m)]
        truth = sum(x * x for x in image) / sum(x * x for x in r)
        found = pl_star_ratio(jacobian, residual)
        assert Fraction(found.lower) <= truth <= Fraction(found.upper)
    assert pl_star_ratio(np.ones((2, 2)), np.zeros(2)) is None


def test_pl_star_lies_between_the_eigenvalues():
    _, found = spectra(linear_run())
    for one in found.snapshots:
        assert one.least.lower <= one.pl_star.upper
        assert one.pl_star.lower <= one.largest.upper
    assert found.pl_star.lower >= found.mu


def test_zero_residuals_say_nothing_of_pl_star():
    columns = {"jacobian": np.ones((2, 1, 2)), "residual": np.zeros((2, 1))}
    log, found = spectra(columns)
    assert found.pl_star is None
    assert decay(log, found, 0.1) == "the first loss is 0"


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_the_bound_before_rounding_holds_for_the_unrounded_matrix(dtype):
    rng = np.random.default_rng(4)
    for _ in range(40):
        jacobian = rng.standard_normal((1, 4, 6)) * 10.0 ** rng.uniform(-4, 2)
        columns = {"jacobian": jacobian.astype(dtype), "residual": np.ones((1, 4))}
        (one,) = boundcalc.tangent(columns).snapshots
        truth = np.linalg.svd(jacobian[0], compute_uv=False)[-1] ** 2
        assert one.unrounded <= truth
        assert one.unrounded <= one.least.lower
    precise = boundcalc.tangent({"jacobian": jacobian, "residual": np.ones((1, 4))})
    assert precise.snapshots[0].unrounded is None


def test_gradient_descent_on_a_linear_map_decays_as_promised():
    columns = linear_run()
    log, found = spectra(columns)
    compared = decay(log, found)
    assert compared.how.startswith("from w")
    assert compared.step_sizes == pytest.approx([0.05] * 11, rel=1e-9)
    assert compared.above is None
    assert compared.beyond is None
    for t, (seen, bound) in enumerate(zip(compared.observed, compared.promised, strict=True)):
        assert seen <= bound * (1 + 1e-12)
        assert bound == pytest.approx((1 - 0.05 * found.mu) ** t, rel=1e-9)


def test_steps_between_snapshots_count():
    columns = linear_run(steps=13)
    thin = {name: values[::4] for name, values in columns.items()}
    log, found = spectra({**thin, "step": np.arange(0, 13, 4), "stepsize": 0.05})
    compared = decay(log, found)
    assert compared.promised[-1] == pytest.approx((1 - 0.05 * found.mu) ** 12, rel=1e-9)
    del thin["w"]
    log, found = spectra({**thin, "step": np.arange(0, 13, 4)})
    assert "no column stepsize" in decay(log, found)
    assert decay(log, found, 0.05).promised == pytest.approx(compared.promised)


def test_a_loss_above_the_product_and_a_step_beyond_the_limit_are_seen():
    columns = linear_run(eta=1.0, steps=5)  # diverges
    log, found = spectra(columns)
    compared = decay(log, found)
    assert compared.above == 1
    assert compared.beyond == 0


def test_iterates_that_are_no_gradient_descent_are_not_compared():
    columns = linear_run()
    columns["w"] = np.random.default_rng(5).standard_normal(columns["w"].shape)
    log, found = spectra(columns)
    assert "is not w − η·Jᵀr" in decay(log, found)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"stepsize": np.array([0.1, -0.1, 0.1])}, "column stepsize"),
        ({"stepsize": np.array([0.1, np.nan, 0.1])}, "nan in row 1"),
        ({"step": np.array([0, 2, 2]), "stepsize": 0.1}, "2 in row 2 after 2"),
    ],
)
def test_steps_that_are_none_are_refused(more, said):
    columns = {"jacobian": np.ones((3, 1, 2)), "residual": np.ones((3, 1)), **more}
    log, found = spectra(columns)
    with pytest.raises(InputError) as raised:
        decay(log, found)
    assert said in str(raised.value)
