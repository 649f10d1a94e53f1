"""The same log in several formats: what a fit of it says, without its name."""

from __future__ import annotations

import json

import numpy as np

from boundcalc import fit_log
from boundcalc.report.fit_json import fit_json
from boundcalc.report.plain import dumps


def fitted(path, **options):
    """Everything that `boundcalc fit --json` prints, but for the name of the log."""
    found = json.loads(dumps(fit_json(fit_log(path, **options))))
    for key in ("source", "sources"):
        del found[key]
    return found


def awkward(rows=500, seed=0):
    """A log of numbers that text does not forgive: all digits, tiny, huge, negative zero, NaN."""
    rng = np.random.default_rng(seed)
    x, x_ref = rng.standard_normal((rows, 3)), rng.standard_normal(3)
    grad = rng.standard_normal((rows, 3)) * 10.0 ** rng.integers(-30, 30, (rows, 1))
    full = rng.random(rows)
    full[rng.random(rows) < 0.8] = np.nan
    return {
        "loss": rng.random(rows) * 10.0 ** rng.integers(-12, 12, rows),
        "loss_ref": rng.random(rows) / 3,
        "loss_min": np.array(-0.25),
        "inner": np.sum(grad * (x - x_ref), axis=1),
        "grad_sqnorm": np.sum(grad**2, axis=1),
        "dist_sq": np.sum((x - x_ref) ** 2, axis=1),
        "stepsize": np.array(0.1),
        "full_loss": full,
        "full_grad_sqnorm": np.where(np.isnan(full), np.nan, rng.random(rows)),
        "step": np.arange(rows) // 2,
        "sample": rng.integers(0, 50, rows),
        "run": np.array(["first", 'zweiter, "quoted"', "läuft"])[np.arange(rows) % 2],
    }
