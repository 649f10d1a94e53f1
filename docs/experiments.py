"""The experiments of Islamov et al. (2024) in small: train, record, fit, draw.

    python docs/experiments.py collect    train and fit (some minutes), write experiments.json
    python docs/experiments.py figures    draw docs/figures/experiments-*.png
    python docs/experiments.py tables     print the tables of docs/experiments.md

Data: scikit-learn's digits and breast cancer, and the texts that describe its data sets.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
FOUND = HERE / "experiments.json"
STEPS, RATE, SEEDS = 560, 0.1, (0, 1)
WIDTHS = (8, 16, 32, 64, 128, 256)
CHANNELS = (2, 4, 8, 16, 32)
BATCHES = (4, 8, 16, 32, 64, 128, 256)
Json = dict[str, Any]


def fitted(path: Path) -> Json:
    """α, β as in the paper (smallest α + β, α − β ≥ 0.1), and what the best pair promises."""
    from boundcalc import fit_log

    minimal = fit_log(path, objective="minimal", margin=Fraction(1, 10))
    best = fit_log(path)
    found: Json = {
        "sigma2": _number(best.fit.interpolation_error),
        "mu": _value(best.fit.constants["pl"]),
        "L": _value(best.fit.constants["self-bounding"]),
        "theta": _value(best.fit.constants["aiming"]),
        "observed": None if best.fit.observed is None else best.fit.observed.smallest,
        "initial": None if best.fit.observed is None else best.fit.observed.initial,
    }
    if minimal.pair is not None:
        found |= {"alpha": float(minimal.pair.alpha), "beta": float(minimal.pair.beta)}
    if best.pair is not None and best.guarantees:
        promise = best.guarantees[-1]
        found |= {"bound": promise.bound, "limit": promise.step_size_limit}
        found["vacuous"] = promise.vacuous
    return found


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _value(extremum: Any) -> float | None:
    return None if extremum is None else float(extremum.value)


def trained(
    model: Any, data: tuple[Any, Any], batch: int, seed: int, path: Path, steps: int = STEPS
) -> None:
    """SGD on the cross-entropy of mini-batches, recorded."""
    import torch

    from boundcalc.recorders.torch import replay

    x, y = data
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def train(recorder: Any) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(steps):
            here = rng.choice(len(y), size=batch, replace=False)
            optimizer.zero_grad()

            def loss_at(here: Any = here) -> Any:
                return torch.nn.functional.cross_entropy(model(x[here]), y[here])

            loss = loss_at()
            loss.backward()
            recorder.step(loss, loss_at)
            optimizer.step()

    replay(train, model, optimizer, path, quiet=True)


def digits() -> tuple[Any, Any]:
    import torch
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return torch.tensor(x / 16.0), torch.tensor(y)


def perceptron(width: int, seed: int) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    ).double()


def convolutional(channels: int, seed: int) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8 * channels, 10),
    ).double()  # fmt: skip


def sweep(
    values: tuple[int, ...], make: Callable[[int, int], Any], batch: Callable[[int], int]
) -> list[Json]:
    found = []
    for value in values:
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "log.npz"
                trained(make(value, seed), digits(), batch(value), seed, path)
                found.append({"at": value, "seed": seed, **fitted(path)})
            say(found[-1])
    return found


def texts() -> str:
    from sklearn import datasets

    names = ("iris", "wine", "breast_cancer", "diabetes", "digits", "linnerud")
    return "\n".join(getattr(datasets, f"load_{name}")().DESCR for name in names)


def recurrent() -> Json:
    """A character model (LSTM) on the texts: the angle between ∇f_i and x − x_K, and ½‖g‖²/f."""
    import torch
    from torch import nn

    from boundcalc.recorders.torch import replay

    text = texts()
    letters = sorted(set(text))
    code = torch.tensor([letters.index(c) for c in text])
    torch.manual_seed(0)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(len(letters), 24)
            self.lstm = nn.LSTM(24, 64, batch_first=True)
            self.out = nn.Linear(64, len(letters))

        def forward(self, x: Any) -> Any:
            return self.out(self.lstm(self.embed(x))[0])

    model = Model().double()
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0)
    length, batch, steps = 32, 16, 1500

    def train(recorder: Any) -> None:
        rng = np.random.default_rng(0)
        for _ in range(steps):
            starts = rng.integers(0, len(code) - length - 1, size=batch)
            rows = torch.stack([code[s : s + length + 1] for s in starts])
            optimizer.zero_grad()

            def loss_at(rows: Any = rows) -> Any:
                scores = model(rows[:, :-1])
                return nn.functional.cross_entropy(scores.flatten(0, 1), rows[:, 1:].flatten())

            loss = loss_at()
            loss.backward()
            recorder.step(loss, loss_at)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.npz"
        replay(train, model, optimizer, path, quiet=True)
        with np.load(path) as log:
            cosine = log["inner"] / np.sqrt(log["grad_sqnorm"] * log["dist_sq"])
            gap = log["loss"] - log["loss_ref"]
            return {
                **fitted(path),
                "letters": len(text),
                "parameters": sum(p.numel() for p in model.parameters()),
                "cosine": _thin(cosine),
                "aiming": _thin(np.where(gap > 0, log["inner"] / gap, np.nan)),
                "below": int((log["inner"] < 0).sum()),
                "failing": int(((log["inner"] < 0) & (gap > 0)).sum()),
                "first_failing": int(np.argmax((log["inner"] < 0) & (gap > 0))),
                "pl": _thin(0.5 * log["grad_sqnorm"] / log["loss"]),
                "loss": _thin(log["loss"]),
                "steps": steps,
            }


def _thin(values: np.ndarray[Any, Any], points: int = 250) -> list[float]:
    """Every so many values, six digits."""
    chosen = values[:: max(1, len(values) // points)]
    return [float(f"{value:.6g}") if np.isfinite(value) else 0.0 for value in chosen]


def half_space() -> list[Json]:
    """Half-space learning: f_i(x) = sigmoid(−b_i⟨a_i, x⟩) + λ/2‖x‖², by SGD in NumPy."""
    from scipy.special import expit
    from sklearn.datasets import load_breast_cancer

    from boundcalc.recorders.numpy import replay

    features, labels = load_breast_cancer(return_X_y=True)
    a = np.column_stack([(features - features.mean(0)) / features.std(0), np.ones(len(labels))])
    b, ridge = 2.0 * labels - 1.0, 1e-5
    found = []
    for batch in (1, 8, 64):

        def loss(x: Any, here: Any) -> float:
            return float(expit(-b[here] * (a[here] @ x)).mean() + 0.5 * ridge * x @ x)

        def gradient(x: Any, here: Any) -> Any:
            value = expit(-b[here] * (a[here] @ x))
            slope = -(value * (1 - value) * b[here]) @ a[here] / len(here)
            return slope + ridge * x

        def train(recorder: Any, batch: int = batch) -> Any:
            rng = np.random.default_rng(0)
            x = np.zeros(a.shape[1])
            for _ in range(3000):
                here = rng.choice(len(b), size=batch, replace=False)
                slope = gradient(x, here)
                recorder.step(
                    x, loss(x, here), slope, lambda z, here=here: loss(z, here), stepsize=RATE
                )
                x = x - RATE * slope
            return x

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log.npz"
            replay(train, path, quiet=True)
            found.append({"at": batch, "seed": 0, **fitted(path)})
        say(found[-1])
    return found


def collect() -> None:
    """Run everything."""
    import torch

    torch.set_num_threads(1)
    found = {
        "width": sweep(WIDTHS, perceptron, lambda _: 64),
        "channels": sweep(CHANNELS, convolutional, lambda _: 64),
        "batch": sweep(BATCHES, lambda _, seed: perceptron(64, seed), lambda batch: batch),
        "half_space": half_space(),
        "lstm": recurrent(),
    }
    FOUND.write_text(json.dumps(found, indent=1) + "\n")


def tables() -> None:
    """The tables, as Markdown."""
    found = json.loads(FOUND.read_text())
    for name in ("width", "channels", "batch", "half_space"):
        say(f"\n| {name} | seed | α | β | σ² | μ (PL) | bound | observed | at start | vacuous |")
        say("| --- " * 10 + "|")
        for row in found[name]:
            cells = [row["at"], row["seed"]]
            cells += [_short(row.get(key)) for key in ("alpha", "beta", "sigma2", "mu")]
            cells += [_short(row.get(key)) for key in ("bound", "observed", "initial")]
            say("| " + " | ".join(map(str, [*cells, row.get("vacuous", "-")])) + " |")
    lstm = found["lstm"]
    kept = ("alpha", "beta", "mu", "theta", "bound", "observed", "initial", "vacuous", "below")
    say({key: lstm.get(key) for key in (*kept, "failing", "first_failing", "parameters")})


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def figures() -> None:
    """Draw them."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from boundcalc.report.ink import BLUE, GREY, ORANGE, RED, house_style

    found = json.loads(FOUND.read_text())
    with house_style():
        figure, panels = plt.subplots(1, 3, figsize=(9, 2.9), sharey=True)
        for axes, (name, title) in zip(
            panels,
            (("width", "MLP: width"), ("channels", "CNN: channels"), ("batch", "MLP: batch size")),
            strict=True,
        ):
            at = np.array([row["at"] for row in found[name]])
            for key, colour, mark in (("alpha", BLUE, "o"), ("beta", ORANGE, "s")):
                values = np.array([row.get(key, np.nan) for row in found[name]], dtype=float)
                means = [np.nanmean(values[at == one]) for one in np.unique(at)]
                axes.plot(np.unique(at), means, color=colour, lw=1)
                axes.plot(
                    at, values, mark, color=colour, ms=4, label={"alpha": "α", "beta": "β"}[key]
                )
            axes.set_xscale("log", base=2)
            axes.set_title(title)
            axes.set_xlabel(name)
        panels[0].set_ylabel("smallest pair, α − β ≥ 0.1")
        panels[0].legend(loc="upper right")
        figure.tight_layout()
        figure.savefig(HERE / "figures" / "experiments-sweeps.png", dpi=110)
        plt.close(figure)

        lstm = found["lstm"]
        steps = np.linspace(0, lstm["steps"], len(lstm["cosine"]), endpoint=False)
        figure, panels = plt.subplots(1, 3, figsize=(9, 2.7))
        angle = np.degrees(np.arccos(np.clip(lstm["cosine"], -1, 1)))
        panels[0].plot(steps, angle, ".", color=BLUE, ms=3)
        panels[0].axhline(90, color=RED, lw=1)
        panels[0].set_title("angle of ∇fᵢ and x − x_K")
        panels[0].set_ylabel("degrees (above 90: aiming fails)")
        panels[1].semilogy(steps, lstm["pl"], ".", color=ORANGE, ms=3)
        panels[1].set_title("½‖∇fᵢ‖²/fᵢ (its minimum is μ)")
        panels[2].plot(steps, lstm["loss"], ".", color=GREY, ms=3)
        panels[2].set_title("loss fᵢ")
        for axes in panels:
            axes.set_xlabel("step")
        figure.tight_layout()
        figure.savefig(HERE / "figures" / "experiments-lstm.png", dpi=110)
        plt.close(figure)


if __name__ == "__main__":
    tasks = {"collect": collect, "figures": figures, "tables": tables}
    if len(sys.argv) != 2 or sys.argv[1] not in tasks:
        sys.exit(__doc__)
    tasks[sys.argv[1]]()
