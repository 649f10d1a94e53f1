"""The recorder for transformers' Trainer against two passes by hand."""

import numpy as np
import pytest
import torch
import transformers

from boundcalc.errors import InputError
from boundcalc.recorders import huggingface

pytestmark = pytest.mark.filterwarnings("ignore")
ROWS, BATCH = 24, 4


class Data(torch.utils.data.Dataset):
    def __init__(self):
        rng = np.random.default_rng(0)
        self.tokens = torch.tensor(rng.integers(1, 30, size=(ROWS, 6)))
        self.labels = torch.tensor(rng.integers(0, 2, size=ROWS))

    def __len__(self):
        return ROWS

    def __getitem__(self, k):
        return {"input_ids": self.tokens[k], "labels": self.labels[k]}


def make_model():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config).double()


def make_trainer(folder, accumulate=1, **more):
    return transformers.Trainer(
        model=make_model(),
        args=transformers.TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=BATCH,
            gradient_accumulation_steps=accumulate,
            num_train_epochs=1,
            learning_rate=0.05,
            lr_scheduler_type="constant",
            optim="sgd",
            max_grad_norm=0.01,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
            seed=5,
            **more,
        ),
        train_dataset=Data(),
        eval_dataset=Data(),
    )


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_rows_are_those_of_the_batches(tmp_path, accumulate):
    path = tmp_path / "log.npz"
    report = huggingface.replay(lambda: make_trainer(tmp_path, accumulate), path, quiet=True)
    assert (report.differing, report.steps) == (0, ROWS // BATCH // accumulate)
    trainer = make_trainer(tmp_path, accumulate)
    seen, whole = [], trainer.training_step

    def spied(model, inputs, *rest, **options):
        seen.append({name: value.clone() for name, value in inputs.items()})
        return whole(model, inputs, *rest, **options)

    trainer.training_step = spied
    trainer.train()  # gives x_ref and the order of the batches
    # a Trainer whose model takes the number of items leaves the division to it; this model does
    # not divide, so that the sum of the micro-batches is what is trained, and what is recorded
    share = 1 if trainer.model_accepts_loss_kwargs else accumulate
    last = [p.detach().clone() for p in trainer.model.parameters()]
    model = make_model()
    model.train()
    reference = make_model()
    reference.train()
    with torch.no_grad():
        for p, r in zip(reference.parameters(), last, strict=True):
            p.copy_(r)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with np.load(path) as log:
        assert (log["stepsize"] == 0.05).all()
        for k in range(report.steps):
            optimizer.zero_grad()
            row = {"loss": 0.0, "loss_ref": 0.0}
            for inputs in seen[k * accumulate : (k + 1) * accumulate]:
                loss = model(**inputs).loss / share
                loss.backward()
                row["loss"] += loss.item()
                row["loss_ref"] += reference(**inputs).loss.item() / share
            pairs = [
                (p.grad.reshape(-1), (p.detach() - r).reshape(-1))
                for p, r in zip(model.parameters(), last, strict=True)
                if p.grad is not None
            ]
            row["grad_sqnorm"] = sum(float(g @ g) for g, _ in pairs)
            row["inner"] = sum(float(g @ gap) for g, gap in pairs)
            for name, value in row.items():
                assert log[name][k] == pytest.approx(value, rel=1e-9), name
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            optimizer.step()


def test_evaluation_and_max_steps_do_not_disturb(tmp_path):
    kept = []
    for more in ({}, {"eval_strategy": "steps", "eval_steps": 2}):
        path = tmp_path / f"{len(kept)}.npz"
        report = huggingface.replay(
            lambda more=more: make_trainer(tmp_path, max_steps=4, **more), path, quiet=True,
            full=lambda model: model(Data().tokens, labels=Data().labels).loss, full_every=3,
        )  # fmt: skip
        assert (report.rows, report.differing) == (4, 0)
        with np.load(path) as log:
            kept.append(dict(log))
    for name in kept[0]:
        np.testing.assert_array_equal(kept[0][name], kept[1][name])
    whole = make_model()(Data().tokens, labels=Data().labels).loss.item()
    assert kept[0]["full_loss"][0] == pytest.approx(whole, rel=1e-12)
    assert np.flatnonzero(~np.isnan(kept[0]["full_loss"])).tolist() == [0, 3]


def test_tangent_snapshots(tmp_path):
    def residual(model):
        return model(Data().tokens[:3]).logits[:, 0] - 0.5

    huggingface.replay(
        lambda: make_trainer(tmp_path, max_steps=4), tmp_path / "log.npz",
        residual=residual, residual_every=2, quiet=True,
    )  # fmt: skip
    model = make_model()
    parameters = list(model.parameters())
    rows = [
        torch.autograd.grad(one, parameters, retain_graph=True, allow_unused=True)
        for one in residual(model)
    ]
    wanted = [
        torch.cat([
            (torch.zeros_like(p) if g is None else g).reshape(-1)
            for p, g in zip(parameters, row, strict=True)
        ])
        for row in rows
    ]  # fmt: skip
    with np.load(tmp_path / "log-tangent.npz") as tangent:
        assert tangent["step"].tolist() == [0, 2]
        np.testing.assert_allclose(tangent["jacobian"][0], torch.stack(wanted).numpy(), rtol=1e-9)


def test_scaled_gradients_are_refused(tmp_path):
    def scaled():
        trainer = make_trainer(tmp_path)
        trainer.args.fp16 = True
        return trainer

    with pytest.raises(InputError, match="fp16"):
        huggingface.replay(scaled, tmp_path / "log.npz")
    assert not (tmp_path / "log.npz.parts").exists()
