"""What goes wrong in loops of PyTorch: recorded rightly, or told in one clear error."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from test_recorder_torch import BATCH, OPTIMIZERS, data, network
from torch import nn

from boundcalc.errors import InputError
from boundcalc.recorders.torch import replay
from boundcalc.recorders.writer import recover

STEPS = 6


def batches():
    features, labels = data()
    for k in range(STEPS):
        here = slice(k * BATCH, (k + 1) * BATCH)
        yield features[here], labels[here]


def loop(model, optimizer, *, loss_of=None, again_of=None, after=None):
    """A loop; what differs from the plain one is given."""
    plain = lambda x, y: nn.functional.cross_entropy(model(x), y)  # noqa: E731
    loss_of = loss_of or plain
    again_of = again_of or loss_of

    def train(recorder):
        for x, y in batches():
            optimizer.zero_grad()
            loss = loss_of(x, y)
            loss.backward()
            recorder.step(loss, lambda x=x, y=y: again_of(x, y))
            optimizer.step()
        if after is not None:
            after()

    return train


def read(path):
    with np.load(path) as log:
        return dict(log)


def test_only_what_the_optimizer_moves_is_x(tmp_path):
    model = network()
    head = model[2]
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
    replay(loop(model, optimizer), model, optimizer, tmp_path / "a.npz", quiet=True)
    model = network()
    for entry in model[0].parameters():
        entry.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    replay(loop(model, optimizer), model, optimizer, tmp_path / "b.npz", quiet=True)
    head, frozen = read(tmp_path / "a.npz"), read(tmp_path / "b.npz")
    for name in head:
        np.testing.assert_allclose(head[name], frozen[name], rtol=1e-12, err_msg=name)


def test_an_optimizer_of_another_model(tmp_path):
    model, other = network(), network()
    optimizer = OPTIMIZERS["sgd"]([*model.parameters(), *other.parameters()])
    with pytest.raises(InputError, match="not the model's"):
        replay(loop(model, optimizer), model, optimizer, tmp_path / "log.npz")
    assert not list(tmp_path.iterdir())


def test_tied_weights_and_sparse_gradients(tmp_path):
    torch.manual_seed(0)
    tokens = torch.randint(0, 20, (STEPS, 5))

    class Tied(nn.Module):
        def __init__(self, sparse):
            super().__init__()
            torch.manual_seed(1)
            self.table = nn.Embedding(20, 4, sparse=sparse).double()
            self.out = nn.Linear(4, 20, bias=False).double()
            if not sparse:  # nn.Linear has no sparse gradient to add to
                self.out.weight = self.table.weight

        def forward(self, x):
            return self.out(self.table(x))

    def run(path, sparse):
        model = Tied(sparse)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def train(recorder):
            for x in tokens:
                optimizer.zero_grad()
                loss_at = lambda x=x: nn.functional.cross_entropy(model(x[:-1]), x[1:])  # noqa: E731
                loss = loss_at()
                loss.backward()
                if recorder.course.recording:
                    grads = [p.grad.to_dense().reshape(-1) for p in model.parameters()]
                    squares.append(sum(float(g @ g) for g in grads))
                recorder.step(loss, loss_at)
                optimizer.step()

        squares = []
        replay(train, model, optimizer, path, quiet=True)
        assert read(path)["grad_sqnorm"].tolist() == pytest.approx(squares, rel=1e-12)

    run(tmp_path / "tied.npz", sparse=False)
    run(tmp_path / "sparse.npz", sparse=True)


def test_a_loss_scaled_by_a_scaler(tmp_path):
    def run(path, scaler):
        model = network()
        optimizer = OPTIMIZERS["sgd"](model.parameters())

        def train(recorder):
            for x, y in batches():
                optimizer.zero_grad()
                loss_at = lambda x=x, y=y: nn.functional.cross_entropy(model(x), y)  # noqa: E731
                loss = loss_at()
                scaler.scale(loss).backward()
                recorder.step(loss, loss_at, scale=scaler.get_scale())
                scaler.step(optimizer)
                scaler.update()

        report = replay(train, model, optimizer, path, state=[scaler], quiet=True)
        assert report.differing == 0
        return read(path)

    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    scaled = run(tmp_path / "a.npz", scaler)
    plain = run(tmp_path / "b.npz", torch.amp.GradScaler("cpu", enabled=False))
    for name in plain:
        np.testing.assert_allclose(scaled[name], plain[name], rtol=1e-9, atol=1e-15)


def test_what_no_state_dict_has_is_put_back(tmp_path):
    """Evaluation mode, frozen layers and leftover gradients of the first pass."""
    model = nn.Sequential(network(dropout=0.5), nn.Identity())
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    features, labels = data()

    def train(recorder):
        for k in range(7):  # two micro-batches to a step: one is left over
            here = slice(k * BATCH, (k + 1) * BATCH)
            loss_at = lambda here=here: nn.functional.cross_entropy(  # noqa: E731
                model(features[here]), labels[here]
            )
            loss = loss_at()
            loss.backward()
            recorder.accumulate(loss, loss_at)
            if k % 2:
                recorder.finish_step()
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        model[0][0].weight.requires_grad_(False)

    report = replay(train, model, optimizer, tmp_path / "log.npz", quiet=True)
    assert (report.steps, report.differing) == (3, 0)


def test_random_numbers_of_every_library_replay(tmp_path):
    """The model draws from Python and NumPy; the evaluation at x_ref draws the same, unseen."""

    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x):
            return self.net(x) * (1 + random.random() + np.random.random())  # noqa: NPY002

    model = Noisy()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    report = replay(loop(model, optimizer), model, optimizer, tmp_path / "log.npz", quiet=True)
    assert report.differing == 0


def test_buffers_that_the_forward_pass_moves(tmp_path):
    """A spectral norm moves its vectors on every forward pass."""
    model = network()
    model[0] = nn.utils.parametrizations.spectral_norm(model[0])
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    report = replay(loop(model, optimizer), model, optimizer, tmp_path / "log.npz", quiet=True)
    assert report.differing == 0


def test_parts_of_a_model_may_be_called_alone(tmp_path):
    model = network(dropout=0.5)
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    loss_of = lambda x, y: nn.functional.cross_entropy(model[3](model[2](model[0](x))), y)  # noqa: E731
    train = loop(model, optimizer, loss_of=loss_of)
    assert replay(train, model, optimizer, tmp_path / "log.npz", quiet=True).differing == 0


def test_a_closure_that_is_another_loss(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    half = lambda x, y: nn.functional.cross_entropy(model(x), y) / 2  # noqa: E731
    with pytest.raises(InputError, match="at the parameters where the loss is"):
        replay(loop(model, optimizer, again_of=half), model, optimizer, tmp_path / "log.npz")
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_closure_leaves_the_model_as_it_was(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    before = []

    def fails(x, y):
        if len(before) == 2:  # at x_ref of the second step
            raise ZeroDivisionError
        before.append([p.detach().clone() for p in model.parameters()])
        return nn.functional.cross_entropy(model(x), y)

    with pytest.raises(ZeroDivisionError):
        replay(loop(model, optimizer, again_of=fails), model, optimizer, tmp_path / "log.npz")
    assert [p.data_ptr() for p in model.parameters()] != []
    assert len(read(recover(tmp_path / "log.npz"))["loss"]) == 1
    at_ref = before[1]
    assert any((p != r).any() for p, r in zip(model.parameters(), at_ref, strict=True))


def test_calls_at_the_wrong_place(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    kept = []

    def too_early(recorder):
        for x, y in batches():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            recorder.step(loss, lambda loss=loss: loss)

    with pytest.raises(InputError, match=r"after loss\.backward"):
        replay(too_early, model, optimizer, tmp_path / "log.npz")
    each = lambda x, y: nn.functional.cross_entropy(model(x), y, reduction="none")  # noqa: E731

    def several(recorder):
        kept.append(recorder)
        for x, y in batches():
            losses = each(x, y)
            losses.mean().backward()
            recorder.step(losses, lambda losses=losses: losses)

    with pytest.raises(InputError, match="shape"):
        replay(several, model, optimizer, tmp_path / "log.npz")
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(data()[0]), data()[1]).backward()
    with pytest.raises(InputError, match="after its replay"):
        kept[0].step(torch.tensor(1.0), lambda: torch.tensor(1.0))


def test_several_learning_rates_are_told_before_training(tmp_path):
    model = network()
    groups = [
        {"params": model[0].parameters(), "lr": 0.1},
        {"params": model[2].parameters(), "lr": 0.2},
    ]
    optimizer = torch.optim.SGD(groups)
    ends = []
    train = loop(model, optimizer, after=lambda: ends.append(0))
    with pytest.raises(InputError, match="2 learning rates"):
        replay(train, model, optimizer, tmp_path / "log.npz")
    assert not ends


def test_an_optimizer_with_closures_has_a_row_per_evaluation(tmp_path):
    torch.set_default_dtype(torch.float64)
    try:
        model = nn.Linear(3, 1)
        x, y = torch.randn(12, 3), torch.randn(12, 1)
    finally:
        torch.set_default_dtype(torch.float32)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3)

    def train(recorder):
        def closure():
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            recorder.step(loss, lambda: nn.functional.mse_loss(model(x), y))
            return loss

        for _ in range(3):
            optimizer.step(closure)

    report = replay(train, model, optimizer, tmp_path / "log.npz", quiet=True)
    assert report.differing == 0
    assert report.rows == report.steps == 9
    rows = read(tmp_path / "log.npz")
    gap = rows["loss"] - rows["loss_ref"]
    assert (rows["inner"] >= gap - 1e-12).all()  # a quadratic is convex: the rows fit together


def test_complex_parameters_are_pairs_of_real_ones(tmp_path):
    def run(path, kind):
        start = torch.tensor([1.0 + 2.0j, -0.5 + 0.25j], dtype=torch.complex128)
        model = nn.Module()
        value = start if kind == "complex" else torch.view_as_real(start).clone()
        model.w = nn.Parameter(value.clone())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loss_at = lambda: (model.w.abs() ** 2).sum() if kind == "complex" else (model.w**2).sum()  # noqa: E731

        def train(recorder):
            for _ in range(4):
                optimizer.zero_grad()
                loss = loss_at()
                loss.backward()
                recorder.step(loss, loss_at)
                optimizer.step()

        replay(train, model, optimizer, path, quiet=True)
        return read(path)

    pairs, real = run(tmp_path / "a.npz", "complex"), run(tmp_path / "b.npz", "real")
    for name in real:
        np.testing.assert_allclose(pairs[name], real[name], rtol=1e-12, atol=1e-14)


@pytest.mark.filterwarnings("ignore:os.fork")  # said where JAX was imported before
@pytest.mark.filterwarnings("ignore:This process")
def test_workers_of_a_loader_replay(tmp_path):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    features, labels = data()
    rows = torch.utils.data.TensorDataset(features[: 6 * BATCH], labels[: 6 * BATCH])
    loader = torch.utils.data.DataLoader(rows, batch_size=BATCH, shuffle=True, num_workers=2)

    def train(recorder):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            recorder.step(loss, lambda x=x, y=y: nn.functional.cross_entropy(model(x), y))
            optimizer.step()

    assert replay(train, model, optimizer, tmp_path / "log.npz", quiet=True).differing == 0


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_the_parts_of_both_logs(tmp_path, stop):
    model = network()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    passes = []

    def after():
        passes.append(0)
        if len(passes) == 2:
            raise stop

    with pytest.raises(stop):
        replay(
            loop(model, optimizer, after=after), model, optimizer, tmp_path / "log.npz",
            residual=lambda: model(data()[0][:2]).sum(dim=1),
        )  # fmt: skip
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ["log-tangent.npz.parts", "log.npz.parts"]
    assert len(read(recover(tmp_path / "log-tangent.npz"))["step"]) == STEPS


def test_runs_that_nobody_could_tell_apart(tmp_path):
    path = tmp_path / "log.npz"

    def record(**options):
        model = network()
        optimizer = OPTIMIZERS["sgd"](model.parameters())
        return replay(loop(model, optimizer), model, optimizer, path, quiet=True, **options)

    record()
    with pytest.raises(InputError, match="no column run"):
        record(append=True, run=1)
    path.unlink()
    record(run="a", append=True)
    with pytest.raises(InputError, match="without run"):
        record(append=True)
    with pytest.raises(InputError, match="the run 'a'"):
        record(append=True, run="a")
    record(append=True, run="bb")
    assert read(path)["run"].tolist() == ["a"] * STEPS + ["bb"] * STEPS


def test_the_loop_of_the_docs_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    text = (Path(__file__).parents[2] / "docs" / "recorders.md").read_text(encoding="utf-8")
    loop_in_docs, recovery = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    model = network()
    names = {
        "model": model,
        "optimizer": OPTIMIZERS["sgd"](model.parameters()),
        "criterion": nn.CrossEntropyLoss(),
        "loader": list(batches()),
    }
    exec(loop_in_docs, names)  # noqa: S102  # our own page
    said = capsys.readouterr().err
    assert f"log.npz: {5 * STEPS} rows of {5 * STEPS} steps; recording took" in said
    assert "bit for bit" in said
    with pytest.raises(InputError, match="no parts"):
        exec(recovery, {})  # noqa: S102
