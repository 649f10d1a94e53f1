"""The PyTorch recorder against a log written by hand in plain PyTorch, in two passes."""

import copy

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from boundcalc.errors import InputError
from boundcalc.logs.open import open_log
from boundcalc.recorders.torch import replay
from boundcalc.recorders.writer import recover

BATCH, STEPS = 16, 24


def data():
    features, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))[: BATCH * STEPS]
    return (
        torch.tensor(features[order] / 16.0, dtype=torch.float64),
        torch.tensor(labels[order], dtype=torch.int64),
    )


def network(dropout=0.0, norm=False):
    torch.manual_seed(7)
    layers = [nn.Linear(64, 12), nn.Tanh()]
    if norm:
        layers.append(nn.BatchNorm1d(12))
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(12, 10)).double()


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
}


class ByHand:
    """Two loops over one run, with deep copies and no recorder."""

    def __init__(self, make_model, make_optimizer, *, accumulate=1, schedule=False, clip=None):
        self.make = make_model, make_optimizer
        self.accumulate, self.schedule, self.clip = accumulate, schedule, clip

    def rows(self):
        last = self._run(None)
        return self._run([p.detach().clone() for p in last.parameters()])

    def _run(self, reference):
        model = self.make[0]()
        optimizer = self.make[1](model.parameters())
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        features, labels = data()
        torch.manual_seed(1)
        rows = []
        for start in range(0, len(labels), BATCH * self.accumulate):
            optimizer.zero_grad()
            row = dict.fromkeys(("loss", "loss_ref"), 0.0)
            for part in range(self.accumulate):
                here = slice(start + part * BATCH, start + (part + 1) * BATCH)
                before = torch.get_rng_state()
                twin = copy.deepcopy(model)
                loss = nn.functional.cross_entropy(model(features[here]), labels[here])
                loss = loss / self.accumulate
                loss.backward()
                row["loss"] += loss.item()
                if reference is not None:
                    after = torch.get_rng_state()
                    torch.set_rng_state(before)
                    with torch.no_grad():
                        for p, r in zip(twin.parameters(), reference, strict=True):
                            p.copy_(r)
                    at_ref = nn.functional.cross_entropy(twin(features[here]), labels[here])
                    row["loss_ref"] += at_ref.item() / self.accumulate
                    torch.set_rng_state(after)
            if reference is not None:
                g = torch.cat([p.grad.reshape(-1) for p in model.parameters()])
                x = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
                gap = x - torch.cat([r.reshape(-1) for r in reference])
                row |= {"inner": g.dot(gap).item(), "grad_sqnorm": g.dot(g).item()}
                row |= {"dist_sq": gap.dot(gap).item(), "step": len(rows)}
                row["stepsize"] = optimizer.param_groups[0]["lr"]
                rows.append(row)
            if self.clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), self.clip)
            optimizer.step()
            if self.schedule:
                scheduler.step()
        return model if reference is None else rows


def recorded(path, hand):
    model = hand.make[0]()
    optimizer = hand.make[1](model.parameters())
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    features, labels = data()

    def train(recorder):
        torch.manual_seed(1)
        for start in range(0, len(labels), BATCH * hand.accumulate):
            optimizer.zero_grad()
            for part in range(hand.accumulate):
                here = slice(start + part * BATCH, start + (part + 1) * BATCH)

                def loss_at(here=here):
                    loss = nn.functional.cross_entropy(model(features[here]), labels[here])
                    return loss / hand.accumulate

                loss = loss_at()
                loss.backward()
                recorder.accumulate(loss, loss_at)
            recorder.finish_step()
            if hand.clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), hand.clip)
            optimizer.step()
            if hand.schedule:
                scheduler.step()

    return replay(train, model, optimizer, path, state=[scheduler], quiet=True)


CASES = {
    **{name: {"make_optimizer": make} for name, make in OPTIMIZERS.items()},
    "accumulation": {"make_optimizer": OPTIMIZERS["sgd"], "accumulate": 3},
    "scheduler": {"make_optimizer": OPTIMIZERS["sgd"], "schedule": True},
    "clipping": {"make_optimizer": OPTIMIZERS["sgd"], "clip": 0.01},
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("layers", ["plain", "dropout", "batch-norm"])
def test_the_log_is_that_of_two_passes_by_hand(tmp_path, name, layers):
    options = {"plain": {}, "dropout": {"dropout": 0.3}, "batch-norm": {"norm": True}}[layers]
    hand = ByHand(lambda: network(**options), **CASES[name])
    report = recorded(tmp_path / "log.npz", hand)
    assert report.differing == 0
    wanted = hand.rows()
    with np.load(tmp_path / "log.npz") as log:
        assert set(log.files) == set(wanted[0])
        for column in log.files:
            mine = log[column]
            theirs = np.array([row[column] for row in wanted])
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-15)
    assert open_log(tmp_path / "log.npz").rows == len(wanted)


def test_a_row_for_every_sample(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    features, labels = data()
    start = copy.deepcopy(model)

    def train(recorder):
        for k in range(3):
            here = slice(k * 4, k * 4 + 4)
            optimizer.zero_grad()

            def losses_at(here=here):
                return nn.functional.cross_entropy(
                    model(features[here]), labels[here], reduction="none"
                )

            losses = losses_at()
            recorder.step_each(losses, losses_at, samples=range(k * 4, k * 4 + 4))
            losses.mean().backward()
            optimizer.step()

    replay(train, model, optimizer, tmp_path / "log.npz", quiet=True)
    with np.load(tmp_path / "log.npz") as log:
        assert log["sample"].tolist() == list(range(12))
        assert log["step"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
        for k in range(4):  # the first step: gradients of single samples at the start
            start.zero_grad()
            loss = nn.functional.cross_entropy(start(features[k : k + 1]), labels[k : k + 1])
            loss.backward()
            square = sum((p.grad**2).sum().item() for p in start.parameters())
            assert log["loss"][k] == pytest.approx(loss.item(), rel=1e-12)
            assert log["grad_sqnorm"][k] == pytest.approx(square, rel=1e-9)


def simple_train(model, optimizer, steps=6):
    features, labels = data()

    def loss_at(k):
        here = slice(k * BATCH, (k + 1) * BATCH)
        return nn.functional.cross_entropy(model(features[here]), labels[here])

    def train(recorder):
        for k in range(steps):
            optimizer.zero_grad()
            loss = loss_at(k)
            loss.backward()
            recorder.step(loss, lambda k=k: loss_at(k), sample=k)
            optimizer.step()

    return train


def test_whole_data_values_and_tangent_snapshots(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    features, labels = data()

    def full():
        return nn.functional.cross_entropy(model(features), labels)

    def residual():
        return model(features[:2])[:, :2] - 0.5

    replay(
        simple_train(model, optimizer),
        model,
        optimizer,
        tmp_path / "log.npz",
        full=full,
        full_every=3,
        residual=residual,
        residual_every=2,
        quiet=True,
    )
    with np.load(tmp_path / "log.npz") as log:
        assert np.isnan(log["full_loss"]).tolist() == [False, True, True, False, True, True]
        fresh = network()
        loss = nn.functional.cross_entropy(fresh(features), labels)
        loss.backward()
        square = sum((p.grad**2).sum().item() for p in fresh.parameters())
        assert log["full_loss"][0] == pytest.approx(loss.item(), rel=1e-12)
        assert log["full_grad_sqnorm"][0] == pytest.approx(square, rel=1e-12)
    with np.load(tmp_path / "log-tangent.npz") as tangent:
        assert tangent["jacobian"].shape[:2] == (3, 4)
        first = torch.func.jacrev(
            lambda p: torch.func.functional_call(fresh, p, (features[:2],))[:, :2].reshape(-1)
        )(dict(network().named_parameters()))
        whole = torch.cat([first[n].reshape(4, -1) for n, _ in network().named_parameters()], 1)
        np.testing.assert_allclose(tangent["jacobian"][0], whole.detach().numpy(), rtol=1e-12)


def test_runs_are_added_to_one_log(tmp_path):
    path = tmp_path / "log.npz"
    for run in range(2):
        model = network()
        optimizer = OPTIMIZERS["sgd"](model.parameters())
        replay(
            simple_train(model, optimizer), model, optimizer, path,
            run=run, append=run > 0, quiet=True,
        )  # fmt: skip
    with np.load(path) as log:
        assert log["run"].tolist() == [0] * 6 + [1] * 6
        assert (log["loss"][:6] == log["loss"][6:]).all()


def test_the_training_type_is_kept(tmp_path):
    model = network().float()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    features, labels = data()

    def train(recorder):
        for k in range(4):
            optimizer.zero_grad()
            here = slice(k * BATCH, (k + 1) * BATCH)

            def loss_at(here=here):
                return nn.functional.cross_entropy(model(features[here].float()), labels[here])

            loss = loss_at()
            loss.backward()
            recorder.step(loss, loss_at)
            optimizer.step()

    report = replay(train, model, optimizer, tmp_path / "log.npz", quiet=True)
    assert report.differing == 0
    assert all(p.dtype == torch.float32 for p in model.parameters())


def test_a_loader_that_shuffles_by_the_global_state_replays(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    own = torch.Generator().manual_seed(5)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(*data()), batch_size=BATCH, shuffle=True, generator=own
    )

    def train(recorder):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            recorder.step(loss, lambda x=x, y=y: nn.functional.cross_entropy(model(x), y))
            optimizer.step()

    kept = replay(train, model, optimizer, tmp_path / "a.npz", state=[own], quiet=True)
    assert kept.differing == 0
    lost = replay(train, model, optimizer, tmp_path / "b.npz", quiet=True)
    assert lost.differing == STEPS
    assert lost.difference > 0
    assert "replay is another run" in str(lost)


def test_state_that_cannot_be_restored(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    with pytest.raises(InputError, match="state_dict"):
        replay(lambda _: None, model, optimizer, tmp_path / "log.npz", state=[3])
    assert not list(tmp_path.iterdir())


def test_a_failing_training_function_leaves_parts_that_can_be_recovered(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    good = simple_train(model, optimizer)
    calls = []

    def train(recorder):
        good(recorder)
        calls.append(0)
        if len(calls) == 2:
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        replay(train, model, optimizer, tmp_path / "log.npz", quiet=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.npz.parts"]
    assert open_log(recover(tmp_path / "log.npz")).rows == 6
