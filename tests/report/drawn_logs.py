"""Logs to draw: honest ones, and all kinds of odd ones."""

from __future__ import annotations

import numpy as np

from boundcalc.guarantees.assessment import Assessment, Request, assess
from boundcalc.logs import Log, log_from_arrays


def quadratics(rows=200, scale=1.0, spread=0.3):
    """Rows of f_i = scale/2 ‖x − c_i‖², with x drawing near x_ref = 0 (spread 0: interpolation)."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, 3)) * np.linspace(2, 0.01, rows)[:, None]
    centre = rng.standard_normal((rows, 3)) * spread
    return {
        "loss": scale * ((x - centre) ** 2).sum(1) / 2,
        "loss_ref": scale * (centre**2).sum(1) / 2,
        "inner": scale * ((x - centre) * x).sum(1),
        "grad_sqnorm": scale**2 * ((x - centre) ** 2).sum(1),
        "dist_sq": (x**2).sum(1),
        "stepsize": np.full(rows, 0.1 / scale),
    }


def without(columns, *names):
    return {name: values for name, values in columns.items() if name not in names}


def changed(columns, **values):
    """The columns with some entries replaced: name = {row: value}."""
    out = {name: column.copy() for name, column in columns.items()}
    for name, entries in values.items():
        for row, value in entries.items():
            out[name][row] = value
    return out


def fitted(columns, **request) -> tuple[Assessment, Log]:
    log = log_from_arrays(columns, source="run.npz")
    return assess(log, Request(**request)), log


def three(loss, loss_ref, inner):
    return {"loss": np.array(loss), "loss_ref": np.array(loss_ref), "inner": np.array(inner)}


LAST = {199: 0.0}
ODD = {
    "interpolation": quadratics(spread=0.0),
    "variance zero in the end": changed(
        quadratics(), loss=LAST, loss_ref=LAST, inner=LAST, grad_sqnorm=LAST, dist_sq=LAST
    ),
    "two rows": quadratics(rows=2),
    "tiny": quadratics(scale=1e-140),
    "huge": quadratics(scale=1e140),
    "contradiction": three([0.0, 1, 2], [0.0, 0.5, 0.5], [-1.0, 1, 2]),
    "steep row": three([1.0, 1, 2], [0.0, 0.5, 0.5], [-0.1, 1, 2]),
    "below the reference": three([0.1, 0.2, 0.0], [1.0, 1, 1], [-3.0, -1, -2]),
    "far α": three([1e-8, 1.0, 2.0], [0.5, 1 + 1e-9, 1.0], [-1000.0, 1e-9, 0.5]),
    "float extremes": {
        **three([1e300, 1e-300, 1.0], [1e299, 1e-300, 0.5], [1e300, 1e-310, 0.5]),
        "grad_sqnorm": np.array([1e300, 1e-300, 1]),
        "dist_sq": np.array([1e301, 1e301, 1.0]),
    },
    "only loss and gradient": without(quadratics(), "loss_ref", "inner", "dist_sq", "stepsize"),
    "no inner": without(quadratics(), "inner"),
    "no gradient": without(quadratics(), "grad_sqnorm"),
    "zero gradient": changed(quadratics(), grad_sqnorm={3: 0.0}, inner={3: 0.0}),
    "no step at first": changed(quadratics(), stepsize=dict.fromkeys(range(50), 0.0)),
    "runs": {
        **quadratics(),
        "run": np.repeat(["a", "b", "c", "d"], 50),
        "step": np.tile(np.arange(50) * 7 + 3, 4),
        "full_loss": np.where(np.arange(200) % 5 == 0, quadratics()["loss"], np.nan),
    },
    "tangent": {
        "jacobian": np.random.default_rng(2).standard_normal((5, 3, 8)),
        "residual": np.random.default_rng(3).standard_normal((5, 3)),
    },
}
