"""Logs of trackers that need no package to be read; tests/extras has those the packages write now.

files/transformers-4.57.6-*: trainer_state.json as that version wrote it (tests/extras/
test_trackers.py, `trained`); since version 5 the trainer no longer rounds its losses.
files/wandb-0.31.0-history.jsonl: the history records of an offline run, run.log of 1/(1+k) + 0.1
and exp(-k/9), as that version wrote them to its .wandb file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from damage import DAMAGES, reads

from boundcalc import fit_log
from boundcalc.errors import InputError
from boundcalc.logs import open_log
from boundcalc.logs.mapping import parse_mapping

FILES = Path(__file__).parent / "files"
EVERY, TENTH = (FILES / f"transformers-4.57.6-logging-steps-{n}" for n in (1, 10))


def refusal(path, *mapping):
    with pytest.raises(InputError) as raised:
        open_log(path, asked=parse_mapping(mapping))
    (fault,) = raised.value.faults
    return fault


def said_of(path, *mapping):
    return " | ".join(open_log(path, asked=parse_mapping(mapping)).warnings)


def test_rounded_losses_of_hugging_face():
    history = json.loads((EVERY / "trainer_state.json").read_text())["log_history"]
    run = np.array([(one["loss"], one["grad_norm"]) for one in history if "loss" in one])
    assert np.array_equal(np.round(run[:, 0], 4), run[:, 0])  # the trap
    assert "rounded to 4 decimals" in said_of(EVERY)
    kept = run[run[:, 0] >= 0.005]
    constants = fit_log(str(EVERY)).fit.constants
    ratio = kept[:, 1] ** 2 / kept[:, 0] / 2
    assert constants["pl"].value == pytest.approx(ratio.min(), rel=1e-12)
    assert constants["self-bounding"].value == pytest.approx(ratio.max(), rel=1e-12)


def test_rows_that_rounding_spoils_are_left_out(tmp_path):
    state = json.loads((EVERY / "trainer_state.json").read_text())
    for one in state["log_history"][5:9]:
        one["loss"] = 0.0003
    (tmp_path / "trainer_state.json").write_text(json.dumps(state))
    assert "5 rows with a loss below 0.005" in said_of(tmp_path)
    assert open_log(tmp_path).rows == open_log(EVERY).rows - 4


def test_means_of_hugging_face():
    assert "mean over 10 steps" in refusal(TENTH).found
    insisted = said_of(TENTH, "loss=loss", "grad_sqnorm=grad_norm^2")
    assert "mean over 10 steps" in insisted
    assert "rounded" in insisted


def wandb(path, steps, suffix):
    """What history().to_csv() and scan_history() of W&B give."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "_step": k,
            "_runtime": 0.5 * k,
            "train/loss": 1 + rng.random(),
            "train/grad_norm": 2.0 + k,
        }
        for k in steps
    ]
    if suffix == ".csv":
        names = list(rows[0])
        lines = [",".join(["", *names])]
        lines += [
            f"{n}," + ",".join(str(row[name]) for name in names) for n, row in enumerate(rows)
        ]
        path.write_text("\n".join(lines) + "\n")
    else:
        path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_sampled_history_of_wandb(tmp_path, suffix):
    steps = sorted(np.random.default_rng(1).choice(5000, 500, replace=False).tolist())
    said = said_of(wandb(tmp_path / f"sampled{suffix}", steps, suffix))
    assert "scan_history() returns all" in said  # the trap: 500 of 5,000 rows
    whole = said_of(wandb(tmp_path / f"whole{suffix}", range(500), suffix))
    assert "scan_history" not in whole
    assert "read as a W&B history" in whole


def test_rows_that_wandb_itself_wrote(tmp_path):
    whole = FILES / "wandb-0.31.0-history.jsonl"
    k = np.arange(30)
    loss, norm = 1 / (1 + k) + 0.1, np.exp(-k / 9)
    log = open_log(whole)
    np.testing.assert_allclose(log.columns["loss"].read(0, 30), loss, rtol=1e-15)
    np.testing.assert_allclose(log.columns["grad_sqnorm"].read(0, 30), norm**2, rtol=1e-15)
    assert "scan_history" not in said_of(whole)
    sample = tmp_path / "sample.jsonl"
    lines = whole.read_text().splitlines()
    sample.write_text("\n".join(lines[k] for k in (0, 3, 4, 11, 29)))
    assert "5 of 30 steps are there, unevenly (history() returns a sample" in said_of(sample)


def test_charts_of_wandb_are_refused(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_text('"Step","run - loss","run - loss__MIN","run - loss__MAX"\n1,2,1,3\n2,2,1,3\n')
    assert "means over bins" in refusal(path).found


def test_wandb_steps_that_count_calls(tmp_path):
    """The Hugging Face trainer reports to W&B without a step: its own count hides the means."""
    path = tmp_path / "history.jsonl"
    names = ("train/loss", "train/grad_norm", "train/learning_rate", "train/epoch")
    rows = [
        {"_step": k, "train/global_step": 10 * k + 10, **dict.fromkeys(names, 1.0 + k)}
        for k in range(20)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert "mean over 10 steps" in refusal(path).found


def test_metrics_of_lightning(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text(
        "epoch,grad_norm,step,train_loss,val_loss\n"
        "0,2.0,0,,\n0,,0,1.5,\n0,3.0,1,,\n0,,1,2.5,\n0,,1,,9.0\n1,1.0,2,,\n"
    )
    log = open_log(path)
    assert log.columns["loss"].read(0, 2).tolist() == [1.5, 2.5]
    assert log.columns["grad_sqnorm"].read(0, 2).tolist() == [4, 9]
    assert "train_loss at 2 steps, grad_norm at 3 steps" in said_of(tmp_path)


def test_names_that_are_ambiguous_or_absent(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_loss,train/loss,grad_norm\n0,0,1,2,3\n0,1,1,2,3\n")
    assert "one metric for loss" in refusal(path).expected
    assert open_log(path, asked=parse_mapping(["loss=train/loss"])).rows == 2
    path.write_text("epoch,step,val_loss,grad_norm\n0,0,1,3\n0,1,1,3\n")
    assert "the loss of other data" in refusal(path).found
    path.write_text("epoch,step,train_loss,grad_norm\n0,0,1,\n0,1,,3\n")
    assert "no step has all" in refusal(path).found


def test_clipped_norms(tmp_path):
    """They look clipped where many lie at the largest; at the user's word that is only said."""
    path = tmp_path / "metrics.csv"
    norms = [0.5, 1.0, 1.0 - 1e-6, 0.25, 1.0, 1.0]
    rows = "".join(f"0,{k},{1 + k},{norm}\n" for k, norm in enumerate(norms))
    path.write_text("epoch,step,train_loss,grad_norm\n" + rows)
    constants = fit_log(path).fit.constants
    assert constants["self-bounding"] is None
    assert constants["pl"].value == pytest.approx(0.25**2 / 4 / 2)
    assert "4 of 6 values" in said_of(path)
    own_word = ["loss=train_loss", "grad_sqnorm=grad_norm^2"]
    assert fit_log(path, mapping=own_word).fit.constants["self-bounding"].value == 0.25
    assert "4 of 6 values" in said_of(path, *own_word)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["trainer_state.json", "metrics.csv", "history.jsonl"])
def test_damaged_logs_of_trackers(tmp_path, name, damage):
    if name == "trainer_state.json":
        data = (EVERY / name).read_bytes()
    elif name == "history.jsonl":
        data = wandb(tmp_path / "honest.jsonl", range(20), ".jsonl").read_bytes()
    else:
        rows = "".join(f"0,{k},{1 + k},\n0,{k},,{2 + k}\n" for k in range(20))
        data = ("epoch,step,train_loss,grad_norm\n" + rows).encode()
    rng = np.random.default_rng(len(data))
    path = tmp_path / name
    refused = 0
    for _ in range(300):
        path.write_bytes(damage(data, rng))
        refused += not reads(path)
    assert refused > 60


def test_event_file_with_damaged_records(tmp_path):
    """Put together byte by byte: the checksums are those of the format's definition."""
    import struct

    from boundcalc.logs.foreign.events import masked_crc

    assert masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) % 2**32

    def record(data):
        head = struct.pack("<Q", len(data))
        return (
            head + struct.pack("<I", masked_crc(head)) + data + struct.pack("<I", masked_crc(data))
        )

    def scalar(step, tag, value):
        inner = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", value)
        summary = b"\x0a" + bytes([len(inner)]) + inner
        return record(b"\x10" + bytes([step]) + b"\x2a" + bytes([len(summary)]) + summary)

    path = tmp_path / "events.out.tfevents.1"
    rows = [scalar(k, tag, 1.5 + k) for k in range(9) for tag in (b"loss", b"grad_norm")]
    path.write_bytes(b"".join(rows))
    log = open_log(path)
    assert log.columns["loss"].read(0, 9).tolist() == [1.5 + k for k in range(9)]
    for bad, said in [
        (rows[0][:-1] + bytes([rows[0][-1] ^ 1]), "contradict their checksum"),
        (record(b"\x0b"), "wire type 3"),
        (record(b"\x2a\x7f"), "beyond its record"),
        (record(b"\xff" * 20), "a number without end"),
    ]:
        path.write_bytes(b"".join(rows) + bad + rows[0])
        assert said in refusal(path).found
    huge = struct.pack("<Q", 1 << 40)
    path.write_bytes(rows[0] + huge + struct.pack("<I", masked_crc(huge)))
    assert "length" in refusal(path).found
