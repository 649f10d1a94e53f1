"""Logs written by the real packages: each has a trap, and the reader finds it."""

from __future__ import annotations

import csv
import json
import logging
import os

import numpy as np
import pytest
import torch

from boundcalc import fit_log
from boundcalc.errors import InputError
from boundcalc.logs import open_log, open_logs
from boundcalc.logs.mapping import parse_mapping

pytestmark = pytest.mark.filterwarnings("default")  # other projects' deprecations

STEPS, BATCH = 40, 16


@pytest.fixture(scope="module", autouse=True)
def offline():
    os.environ["HF_HUB_OFFLINE"] = "1"
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def data():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(320, 6, generator=generator)
    return x, (x @ torch.arange(-3.0, 3.0) > 0).long()


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.Tanh(), torch.nn.Linear(12, 2))


def plain_run(steps=STEPS, clip=None):
    """(loss, gradient norm) of every step of SGD, computed here; the norm after clipping."""
    x, y = data()
    net = network()
    out = []
    for k in range(steps):
        at = torch.arange(k * BATCH, (k + 1) * BATCH) % len(x)
        loss = torch.nn.functional.cross_entropy(net(x[at]), y[at])
        net.zero_grad()
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        norm = torch.sqrt(sum(p.grad.double().square().sum() for p in net.parameters()))
        with torch.no_grad():
            for p in net.parameters():
                p.sub_(0.3 * p.grad)
        out.append((loss.item(), norm.item()))
    return np.array(out)


def constants(run):
    loss, norm = run[:, 0], run[:, 1]
    ratio = norm**2 / loss / 2
    return ratio.min(), ratio.max()


def found(path, **options):
    constants = fit_log(str(path), **options).fit.constants
    return constants["pl"], constants["self-bounding"]


def refusal(path, *mapping):
    with pytest.raises(InputError) as raised:
        open_log(path, asked=parse_mapping(mapping))
    (fault,) = raised.value.faults
    return fault


# Hugging Face


def trained(folder, logging_steps, **options):
    """The checkpoint of a run of the Hugging Face trainer."""
    from transformers import Trainer, TrainingArguments

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x, labels):
            out = self.net(x)
            return {"loss": torch.nn.functional.cross_entropy(out, labels), "logits": out}

    rows = [{"x": a, "labels": b} for a, b in zip(*data(), strict=True)]
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        logging_steps=logging_steps,
        save_steps=STEPS,
        learning_rate=0.05,
        use_cpu=True,
        disable_tqdm=True,
        **({"report_to": "none"} | options),
    )
    Trainer(model=Model(), args=arguments, train_dataset=rows).train()
    return folder / f"checkpoint-{STEPS}"


def test_hugging_face_at_every_step(tmp_path):
    checkpoint = trained(tmp_path, 1)
    history = json.loads((checkpoint / "trainer_state.json").read_text())["log_history"]
    run = np.array([(one["loss"], one["grad_norm"]) for one in history if "loss" in one])
    mu, smooth = constants(run)
    assert len(run) == STEPS
    pl, bounding = found(checkpoint)
    assert pl.value == pytest.approx(mu, rel=1e-12)
    assert bounding.value == pytest.approx(smooth, rel=1e-12)
    log = open_log(checkpoint / "trainer_state.json")
    assert any("before clipping" in said for said in log.warnings)
    assert any("inner: alpha-beta, aiming, rsi" in said for said in log.warnings)
    np.testing.assert_array_equal(log.columns["step"].read(0, STEPS), np.arange(1, STEPS + 1))


def test_hugging_face_means_over_ten_steps(tmp_path):
    checkpoint = trained(tmp_path, 10)
    fault = refusal(checkpoint)
    assert "mean over 10 steps" in fault.found
    assert "logging_steps = 1" in fault.fix
    pairs = parse_mapping(["loss=loss", "grad_sqnorm=grad_norm^2"])
    log = open_log(checkpoint, asked=pairs)  # at the user's word
    assert log.rows == STEPS // 10
    assert any("mean over 10 steps" in said for said in log.warnings)


def test_hugging_face_means_are_seen_in_tensorboard_too(tmp_path):
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(tmp_path / "tb")
    try:
        trained(tmp_path / "run", 10, report_to=["tensorboard"])
    finally:
        del os.environ["TENSORBOARD_LOGGING_DIR"]
    (folder,) = {path.parent for path in (tmp_path / "tb").rglob("*tfevents*")}
    assert "mean over 10 steps" in refusal(folder).found


# Lightning


def lightning_run(folder, every=1, clip=None, on_epoch=False, logger="csv"):
    import lightning.pytorch as lightning
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = network()

        def training_step(self, batch, _):
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=not on_epoch, on_epoch=True)
            return loss

        def on_before_optimizer_step(self, _):
            self.norm(None)

        def norm(self, limit):
            norm = torch.sqrt(sum(p.grad.square().sum() for p in self.parameters()))
            self.log("grad_norm", norm)

        def validation_step(self, batch, _):
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("val_loss", loss)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.3)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data()), batch_size=BATCH)
    kind = {"csv": CSVLogger, "tensorboard": TensorBoardLogger}[logger]
    trainer = lightning.Trainer(
        max_steps=STEPS,
        logger=kind(str(folder), name="run"),
        log_every_n_steps=every,
        gradient_clip_val=clip,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        accelerator="cpu",
    )
    trainer.fit(Module(), loader, loader)
    return folder / "run" / "version_0"


def test_lightning_merges_blanks_by_step(tmp_path):
    folder = lightning_run(tmp_path)
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert any(row["train_loss_step"] == "" for row in rows)  # the trap: blanks
    by_step = {}
    for row in rows:
        by_step.setdefault(row["step"], {}).update({k: v for k, v in row.items() if v != ""})
    run = np.array(
        [
            (float(row["train_loss_step"]), float(row["grad_norm"]))
            for row in by_step.values()
            if "train_loss_step" in row and "grad_norm" in row
        ]
    )
    mu, smooth = constants(run)
    assert len(run) == STEPS
    for path in (folder, folder / "metrics.csv"):
        pl, bounding = found(path)
        assert pl.value == pytest.approx(mu, rel=1e-12)
        assert bounding.value == pytest.approx(smooth, rel=1e-12)
    np.testing.assert_allclose(run, plain_run(), rtol=1e-4)  # float32 on both sides


def test_lightning_samples_steps(tmp_path):
    log = open_log(lightning_run(tmp_path, every=10))
    assert log.rows == STEPS // 10
    assert any("only every 10th step" in said for said in log.warnings)


def test_lightning_epoch_means_are_refused(tmp_path):
    folder = lightning_run(tmp_path, on_epoch=True)
    assert "a mean over the steps between" in refusal(folder).found
    assert "the loss of other data" in refusal(folder, "loss=val_loss").found
    both = lightning_run(tmp_path / "both")
    assert "a mean over an epoch" in refusal(both, "loss=train_loss_epoch").found


def test_lightning_through_tensorboard(tmp_path):
    folder = lightning_run(tmp_path, logger="tensorboard")
    mu, smooth = constants(plain_run())
    pl, bounding = found(folder)
    assert pl.value == pytest.approx(mu, rel=1e-4)
    assert bounding.value == pytest.approx(smooth, rel=1e-4)


# TensorBoard


def test_tensorboard_has_more_scalars_than_its_reader_keeps(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    rng = np.random.default_rng(0)
    points = 11_000
    run = np.column_stack([1 + rng.random(points), 2 + rng.random(points)]).astype(np.float32)
    run[7] = 4.0, 0.5  # the row that binds μ, which a sample may miss
    with SummaryWriter(str(tmp_path)) as writer:
        for k, (loss, norm) in enumerate(run.tolist()):
            writer.add_scalar("train/loss", loss, k)
            writer.add_scalar("train/grad_norm", norm, k)
        writer.add_text("note", "hello", 0)
        writer.add_histogram("weights", rng.random(50), 0)
    default = EventAccumulator(str(tmp_path))
    default.Reload()
    assert len(default.Scalars("train/loss")) < points  # the trap
    log = open_log(tmp_path)
    assert log.rows == points
    assert any("float32" in said for said in log.warnings)
    pl, bounding = found(tmp_path)
    mu, smooth = constants(run.astype(np.float64))
    assert pl.row == 7
    assert pl.value == pytest.approx(mu, rel=1e-12)
    assert bounding.value == pytest.approx(smooth, rel=1e-12)


def test_tensorboard_of_a_resumed_run(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    for number, (first, last, loss) in enumerate([(0, 10, 1.0), (6, 15, 2.0)]):
        with SummaryWriter(str(tmp_path), filename_suffix=f".{number}") as writer:
            for k in range(first, last):
                writer.add_scalar("loss", loss, k)
                writer.add_scalar("grad_norm", 1.0 + k, k)
    log = open_log(tmp_path)
    assert log.rows == 15
    np.testing.assert_array_equal(log.columns["loss"].read(0, 15), [1.0] * 6 + [2.0] * 9)
    assert any("resumed" in said for said in log.warnings)


def test_torn_tensorboard_file(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        for k in range(20):
            writer.add_scalar("loss", 1.0, k)
            writer.add_scalar("grad_norm", 1.0 + k, k)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    log = open_log(file)
    assert log.rows == 19
    assert any("cut short" in said for said in log.warnings)


# clipping


def test_clipped_norms_withhold_the_smoothness_constant(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    honest, run = plain_run(), plain_run(clip=0.5)
    assert np.count_nonzero(run[:, 1] > 0.4999) > 3  # the trap: a ceiling
    for name, values in (("honest", honest), ("clipped", run)):
        with SummaryWriter(str(tmp_path / name)) as writer:
            for k, (loss, norm) in enumerate(values.tolist()):
                writer.add_scalar("loss", loss, k)
                writer.add_scalar("grad_norm", norm, k)
    assert found(tmp_path / "honest")[1] is not None
    pl, bounding = found(tmp_path / "clipped")
    assert bounding is None
    assert pl.value == pytest.approx(constants(run)[0], rel=1e-5)
    log = open_log(tmp_path / "clipped")
    assert "look clipped" in log.withheld["self-bounding"]
    assert any("look clipped" in said for said in log.warnings)


# MLflow


@pytest.fixture
def tracking(tmp_path):
    import mlflow

    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    return mlflow


def mlflow_run(mlflow, tmp_path, log):
    with mlflow.start_run() as run:
        log()
    (folder,) = (tmp_path / "mlruns").glob(f"*/{run.info.run_id}")
    return folder


def test_mlflow_with_steps(tmp_path, tracking):
    values = plain_run()

    def log():
        tracking.log_param("max_grad_norm", 0.25)
        for k, (loss, norm) in enumerate(values.tolist()):
            tracking.log_metrics({"train/loss": loss, "train/grad_norm": norm}, step=k)

    folder = mlflow_run(tracking, tmp_path, log)
    pl, bounding = found(folder)
    mu, smooth = constants(values)
    assert pl.value == pytest.approx(mu, rel=1e-12)
    assert bounding.value == pytest.approx(smooth, rel=1e-12)
    assert any("clipped at 0.25" in said for said in open_log(folder).warnings)


def test_mlflow_without_steps(tmp_path, tracking):
    values = plain_run()

    def log():
        for loss, norm in values.tolist():
            tracking.log_metric("loss", loss)
            tracking.log_metric("grad_norm", norm)

    folder = mlflow_run(tracking, tmp_path, log)
    lines = (folder / "metrics" / "loss").read_text().splitlines()
    assert {line.split()[2] for line in lines} == {"0"}  # the trap
    log = open_log(folder)
    assert log.rows == STEPS
    assert any("without steps" in said for said in log.warnings)
    assert found(folder)[0].value == pytest.approx(constants(values)[0], rel=1e-12)

    def uneven():
        tracking.log_metric("loss", 1.0)
        tracking.log_metric("loss", 0.5)
        tracking.log_metric("grad_norm", 2.0)

    fault = refusal(mlflow_run(tracking, tmp_path, uneven))
    assert "un-stepped" in fault.found


def test_exported_mlflow_history(tmp_path, tracking):
    values = plain_run()

    def log():
        for k, (loss, norm) in enumerate(values.tolist()):
            tracking.log_metrics({"loss": loss, "grad_norm": norm}, step=k)

    folder = mlflow_run(tracking, tmp_path, log)
    client = tracking.MlflowClient()
    with (tmp_path / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "value", "timestamp", "step"])
        for key in ("loss", "grad_norm"):
            for one in client.get_metric_history(folder.name, key):
                writer.writerow([one.key, repr(one.value), one.timestamp, one.step])
    assert found(tmp_path / "history.csv")[0].value == found(folder)[0].value


def test_several_runs_of_a_tracker_in_one_fit(tmp_path, tracking):
    values = plain_run()
    for scale in (1.0, 2.0):

        def log(scale=scale):
            for k, (loss, norm) in enumerate(values.tolist()):
                tracking.log_metrics({"loss": loss * scale, "grad_norm": norm * scale}, step=k)

        mlflow_run(tracking, tmp_path, log)
    log = open_logs([f"{tmp_path}/mlruns/0/*/"])
    assert log.rows == 2 * STEPS
    assert len(np.unique(log.columns["run"].read(0, 2 * STEPS))) == 2
