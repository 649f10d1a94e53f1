"""The JAX recorder: with PyTorch's on one model, and with optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from sklearn.datasets import load_digits

from boundcalc.errors import InputError
from boundcalc.recorders import jax as recorder_jax
from boundcalc.recorders import torch as recorder_torch

RATE, STEPS, BATCH = 0.1, 20, 8


@pytest.fixture(autouse=True)
def _float64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def data():
    features, labels = load_digits(return_X_y=True)
    return features[: STEPS * BATCH] / 16.0, labels[: STEPS * BATCH]


def weights():
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 64)) / 8, rng.normal(size=(10, 6)) / 3


def loss_fn(params, x, y):
    hidden = jnp.tanh(x @ params["in"].T)
    return -jax.nn.log_softmax(hidden @ params["out"].T)[jnp.arange(len(y)), y].mean()


def train_jax(recorder, optimizer):
    x, y = data()
    inner, outer = weights()
    params = {"in": jnp.asarray(inner), "out": jnp.asarray(outer)}
    state = optimizer.init(params)
    for k in range(STEPS):
        here = slice(k * BATCH, (k + 1) * BATCH)
        _, grads = recorder.value_and_grad(params, x[here], y[here], sample=k, stepsize=RATE)
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params


def train_torch(path, momentum):
    x, y = (torch.tensor(part) for part in data())
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 6, bias=False), torch.nn.Tanh(), torch.nn.Linear(6, 10, bias=False)
    ).double()
    with torch.no_grad():
        for p, value in zip(model.parameters(), weights(), strict=True):
            p.copy_(torch.tensor(value))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=momentum)

    def train(recorder):
        for k in range(STEPS):
            here = slice(k * BATCH, (k + 1) * BATCH)
            optimizer.zero_grad()

            def loss_at(here=here):
                return torch.nn.functional.cross_entropy(model(x[here]), y[here])

            loss = loss_at()
            loss.backward()
            recorder.step(loss, loss_at, sample=k)
            optimizer.step()

    return recorder_torch.replay(train, model, optimizer, path, quiet=True)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_jax_and_torch_record_the_same(tmp_path, momentum):
    optimizer = optax.sgd(RATE, momentum=momentum or None)
    report = recorder_jax.replay(
        lambda r: train_jax(r, optimizer), loss_fn, tmp_path / "jax.npz", quiet=True
    )
    assert report.differing == 0
    train_torch(tmp_path / "torch.npz", momentum)
    with np.load(tmp_path / "jax.npz") as one, np.load(tmp_path / "torch.npz") as other:
        assert set(one.files) == set(other.files)
        for name in one.files:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-15)


def test_whole_data_values(tmp_path):
    x, y = data()
    recorder_jax.replay(
        lambda r: train_jax(r, optax.adam(0.01)),
        loss_fn,
        tmp_path / "log.npz",
        full=lambda params: loss_fn(params, x, y),
        full_every=5,
        quiet=True,
    )
    inner, outer = weights()
    with np.load(tmp_path / "log.npz") as log:
        assert np.flatnonzero(~np.isnan(log["full_loss"])).tolist() == [0, 5, 10, 15]
        hidden = torch.tensor(x) @ torch.tensor(inner).T
        scores = torch.tanh(hidden) @ torch.tensor(outer).T
        wanted = torch.nn.functional.cross_entropy(scores, torch.tensor(y)).item()
        assert log["full_loss"][0] == pytest.approx(wanted, rel=1e-12)


def test_tangent_snapshots(tmp_path):
    x, y = data()

    def residual(params):
        return (jnp.tanh(x[:3] @ params["in"].T) @ params["out"].T).sum(axis=1) - y[:3]

    recorder_jax.replay(
        lambda r: train_jax(r, optax.sgd(RATE)),
        loss_fn,
        tmp_path / "log.npz",
        residual=residual,
        residual_every=8,
        quiet=True,
    )
    inner, outer = weights()
    with np.load(tmp_path / "log-tangent.npz") as log:
        assert log["step"].tolist() == [0, 8, 16]
        assert log["w"].shape == (3, inner.size + outer.size)
        hidden = np.tanh(x[:3] @ inner.T)
        assert log["residual"][0] == pytest.approx((hidden @ outer.T).sum(axis=1) - y[:3])
        slopes = ((1 - hidden**2) * outer.sum(axis=0))[:, :, None] * x[:3, None, :]
        wanted = np.concatenate(
            [slopes.reshape(3, -1), np.tile(hidden[:, None, :], (1, 10, 1)).reshape(3, -1)], axis=1
        )
        np.testing.assert_allclose(log["jacobian"][0], wanted, rtol=1e-12, atol=1e-15)


def test_keys_and_nested_trees_in_float32(tmp_path):
    def loss(params, key, x):
        kept = jax.random.bernoulli(key, 0.5, x.shape)
        (weight,), more = params["layers"]
        return jnp.mean((jnp.where(kept, x, 0.0) @ weight - more["bias"]) ** 2)

    def train(recorder):
        key = jax.random.key(0)
        start = jnp.ones((4, 2), jnp.float32)
        params = {"layers": [(start,), {"bias": jnp.zeros(2, jnp.float32), "none": None}]}
        for k in range(6):
            key, one = jax.random.split(key)
            x = jnp.full((3, 4), 0.25 * k, jnp.float32)
            _, grads = recorder.value_and_grad(params, one, x)
            params = jax.tree_util.tree_map(lambda p, g: p - jnp.float32(0.1) * g, params, grads)
        assert all(leaf.dtype == jnp.float32 for leaf in jax.tree_util.tree_leaves(params))
        return params

    report = recorder_jax.replay(train, loss, tmp_path / "log.npz", quiet=True)
    assert (report.rows, report.differing) == (6, 0)


def test_what_jax_loops_get_wrong(tmp_path):
    def forgets(recorder):
        train_jax(recorder, optax.sgd(RATE))

    def compiles(recorder):
        x, y = data()
        inner, outer = map(jnp.asarray, weights())
        return jax.jit(recorder.value_and_grad)({"in": inner, "out": outer}, x[:2], y[:2])

    for train, said in ((forgets, "return the last parameters"), (compiles, "outside of jit")):
        with pytest.raises(InputError, match=said):
            recorder_jax.replay(train, loss_fn, tmp_path / "log.npz", quiet=True)
        assert not list(tmp_path.iterdir())
