"""The Lightning callback against the recorder for plain loops."""

import contextlib
import signal
import warnings

import numpy as np
import pytest
import torch
from test_recorder_torch import BATCH, data, network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecations inside the package
    import lightning

    from boundcalc.recorders import lightning as recorder_lightning

from boundcalc.errors import InputError
from boundcalc.recorders import torch as recorder_torch

pytestmark = pytest.mark.filterwarnings("ignore")  # the trainer's hints on workers and loggers
TRAINER = {
    "max_epochs": 1,
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


class Module(lightning.LightningModule):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.net = network(dropout)
        self.logged = 0

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self.net(x), y)
        self.log("loss", loss)
        return loss

    def log(self, *args, **kwargs):
        self.logged += 1

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


def loader():
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(*data()), batch_size=BATCH, shuffle=True
    )


def by_loop(path, accumulate, clip, dropout):
    model = network(dropout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def train(recorder):
        lightning.seed_everything(3, verbose=False)
        for index, (x, y) in enumerate(loader()):

            def loss_at(x=x, y=y):
                return torch.nn.functional.cross_entropy(model(x), y) / accumulate

            loss = loss_at()
            loss.backward()
            recorder.accumulate(loss, loss_at)
            if (index + 1) % accumulate == 0:
                recorder.finish_step(sample=index)
                if clip:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
                optimizer.step()
                optimizer.zero_grad()

    recorder_torch.replay(train, model, optimizer, path, quiet=True)


@pytest.mark.parametrize(
    ("accumulate", "clip", "dropout"),
    [(1, None, 0.0), (2, None, 0.0), (1, 0.05, 0.0), (1, None, 0.3)],
)
def test_the_callback_records_what_a_loop_records(tmp_path, accumulate, clip, dropout):
    module = Module(dropout)

    def fit(callback):
        lightning.seed_everything(3, verbose=False)
        trainer = lightning.Trainer(
            **TRAINER,
            callbacks=[callback],
            accumulate_grad_batches=accumulate,
            gradient_clip_val=clip,
        )
        trainer.fit(module, loader())

    report = recorder_lightning.replay(fit, module, tmp_path / "callback.npz", quiet=True)
    assert report.differing == 0
    assert module.logged == 2 * report.steps * accumulate  # evaluations at x_ref do not log
    by_loop(tmp_path / "loop.npz", accumulate, clip, dropout)
    with np.load(tmp_path / "callback.npz") as one, np.load(tmp_path / "loop.npz") as other:
        assert set(one.files) == set(other.files)
        for name in one.files:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-15)


def fitting(module, **options):
    def fit(callback):
        lightning.seed_everything(3, verbose=False)
        lightning.Trainer(**(TRAINER | options), callbacks=[callback]).fit(module, loader())

    return fit


def test_validation_and_max_steps_do_not_disturb(tmp_path):
    class Validated(Module):
        def validation_step(self, batch, _):
            self.net(batch[0]).sum()

        def val_dataloader(self):
            return loader()

    kept = []
    for kind in (Module, Validated):
        module = kind(0.3)
        path = tmp_path / f"{kind.__name__}.npz"
        fit = fitting(
            module,
            max_epochs=2,
            max_steps=30,
            num_sanity_val_steps=0,
            limit_val_batches=0 if kind is Module else 2,
        )
        assert recorder_lightning.replay(fit, module, path, quiet=True).differing == 0
        with np.load(path) as log:
            kept.append(dict(log))
    assert len(kept[0]["loss"]) == len(kept[1]["loss"]) == 30


def test_bfloat16_is_evaluated_alike_and_a_step_may_take_the_batch_alone(tmp_path):
    class Short(Module):
        def __init__(self):
            super().__init__()
            self.net.float()

        def training_step(self, batch):
            return torch.nn.functional.cross_entropy(self.net(batch[0].float()), batch[1])

    module = Short()
    x, y = data()
    report = recorder_lightning.replay(
        fitting(module, precision="bf16-mixed"), module, tmp_path / "log.npz",
        full=lambda: torch.nn.functional.cross_entropy(module.net(x.float()), y), full_every=10,
        quiet=True,
    )  # fmt: skip
    assert report.differing == 0
    with np.load(tmp_path / "log.npz") as log:
        assert np.flatnonzero(~np.isnan(log["full_loss"])).tolist() == [0, 10, 20]


def test_tangent_snapshots(tmp_path):
    module = Module()
    x, _ = data()

    def residual(net):
        return net(x[:2])[:, 0] - 0.5

    recorder_lightning.replay(
        fitting(module), module, tmp_path / "log.npz",
        residual=lambda: residual(module.net), residual_every=10, quiet=True,
    )  # fmt: skip
    fresh = Module().net
    parameters = list(fresh.parameters())
    rows = [
        torch.cat([g.reshape(-1) for g in torch.autograd.grad(r, parameters, retain_graph=True)])
        for r in residual(fresh)
    ]
    with np.load(tmp_path / "log-tangent.npz") as tangent:
        assert tangent["step"].tolist() == [0, 10, 20]
        np.testing.assert_allclose(tangent["jacobian"][0], torch.stack(rows).numpy(), rtol=1e-12)


class Manual(Module):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False


def scaled():
    scaler = torch.amp.GradScaler("cpu")
    return lightning.pytorch.plugins.MixedPrecision("16-mixed", "cpu", scaler=scaler)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [(Manual, dict, "manual optimization"), (Module, lambda: {"plugins": [scaled()]}, "scaled")],
)
def test_trainers_that_cannot_be_recorded(tmp_path, kind, options, said):
    module = kind()
    with pytest.raises(InputError, match=said):
        recorder_lightning.replay(fitting(module, **options()), module, tmp_path / "log.npz")
    assert not list(tmp_path.iterdir())


def test_several_learning_rates(tmp_path):
    class Groups(Module):
        def configure_optimizers(self):
            layers = self.net[0].parameters(), self.net[2].parameters()
            groups = [{"params": p, "lr": lr} for p, lr in zip(layers, (0.1, 0.2), strict=True)]
            return torch.optim.SGD(groups)

    module = Groups()
    with pytest.raises(InputError, match="2 learning rates"):
        recorder_lightning.replay(fitting(module), module, tmp_path / "log.npz")


def test_ctrl_c_in_a_trainer_ends_the_recording(tmp_path):
    class Stopped(Module):
        def training_step(self, batch, batch_idx):
            if batch_idx == 3:
                raise KeyboardInterrupt
            return super().training_step(batch, batch_idx)

    module = Stopped()
    fit, passes = fitting(module), []

    def fit_and_go_on(callback):
        passes.append(0)
        before = signal.getsignal(signal.SIGINT)
        try:
            with contextlib.suppress(SystemExit):  # as some versions do
                fit(callback)
        finally:
            signal.signal(signal.SIGINT, before)

    with pytest.raises(KeyboardInterrupt):
        recorder_lightning.replay(fit_and_go_on, module, tmp_path / "log.npz")
    assert len(passes) == 1
    assert not list(tmp_path.iterdir())
