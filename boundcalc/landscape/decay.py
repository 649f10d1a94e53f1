"""How the loss decays along the snapshots, against Π(1 − ημ) of gradient descent under PL*."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.landscape.snapshots import Tangent
from boundcalc.logs.log import Float, Log

_STEP_TOLERANCE = 1e-3  # relative: how far w may be from where gradient descent takes it


@dataclass(frozen=True)
class Decay:
    """Losses L_t = ½‖r_t‖² over L_0, beside Π_{s<t} (1 − η_s μ_s)^k_s; (T,) each, no unit.

    mu_s : the lower end of λ_min at snapshot s; k_s : steps between s and s + 1.
    step_sizes : η_s of the T − 1 gaps, parameter²/loss; how : where they are from.
    above : the first snapshot at which the loss is larger than the product, or None.
    beyond : the first snapshot with η·λ_max > 1, where the theorem's step-size limit is passed.
    """

    observed: tuple[float, ...]
    promised: tuple[float, ...]
    step_sizes: tuple[float, ...]
    how: str
    above: int | None
    beyond: int | None


def decay(log: Log, tangent: Tangent, step_size: float | None = None) -> Decay | str:
    """The comparison, or why there is none.

    step_size : η of every step, in place of the log's. The product takes μ at the snapshots only:
    it is a promise where λ_min does not fall below them in between, which no log can tell.

    Raises: InputError for step sizes or steps that are no such numbers.
    """
    losses = [one.loss for one in tangent.snapshots]
    if len(losses) < 2:
        return "one snapshot"
    if losses[0] == 0 or not all(map(math.isfinite, losses)):
        return "the first loss is 0" if losses[0] == 0 else "a loss beyond float64"
    counts = _counts(log)
    found = _step_sizes(log, counts, step_size)
    if isinstance(found, str):
        return found
    sizes, how = found
    promised, product = [1.0], 1.0
    for eta, steps, one in zip(sizes, counts, tangent.snapshots, strict=False):
        product *= max(0.0, 1 - eta * one.least.lower) ** steps
        promised.append(product)
    observed = [loss / losses[0] for loss in losses]
    above = next(
        (t for t, (a, b) in enumerate(zip(observed, promised, strict=True)) if a > b * (1 + 1e-9)),
        None,
    )
    beyond = next(
        (t for t, eta in enumerate(sizes) if eta * tangent.snapshots[t].largest.lower > 1), None
    )
    return Decay(tuple(observed), tuple(promised), tuple(sizes), how, above, beyond)


def _counts(log: Log) -> list[int]:
    """Steps from each snapshot to the next, (T − 1,)."""
    if "step" not in log.columns:
        return [1] * (log.rows - 1)
    steps = np.asarray(log.columns["step"].read(0, log.rows)).astype(np.int64)
    gaps = np.diff(steps)
    if (gaps < 1).any():
        row = int(np.argmax(gaps < 1)) + 1
        raise InputError(
            Fault(
                f"{log.source}: column step",
                f"{int(steps[row])} in row {row} after {int(steps[row - 1])}",
                "increasing step numbers",
                "sort the snapshots of one run by step",
            )
        )
    return [int(gap) for gap in gaps]


def _step_sizes(log: Log, counts: list[int], given: float | None) -> tuple[list[float], str] | str:
    """η of every gap and where it is from, or why it is not known."""
    if given is not None:
        return [given] * len(counts), "--step-size"
    if "stepsize" in log.columns:
        values = np.asarray(log.columns["stepsize"].read(0, log.rows), dtype=np.float64)
        bad = ~(np.isfinite(values) & (values > 0))
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                Fault(
                    f"{log.source}: column stepsize",
                    f"{float(values[row])} in row {row}",
                    "a positive number",
                    "log the step size of every step",
                )
            )
        return [float(v) for v in values[:-1]], "column stepsize"
    if "w" not in log.vectors:
        return "no column stepsize, no column w and no --step-size"
    if max(counts) > 1:
        return "no column stepsize, and w is not logged at every step"
    return _from_iterates(log)


def _from_iterates(log: Log) -> tuple[list[float], str] | str:
    """η_t with w_{t+1} = w_t − η_t Jᵀr, where the run is gradient descent."""
    sizes = []
    for t in range(log.rows - 1):
        w = log.vectors["w"].read(t, t + 2).astype(np.float64)
        move, gradient = w[0] - w[1], _gradient(log, t)
        square = float(gradient @ gradient)
        eta = float(move @ gradient) / square if square > 0 else math.nan
        off = float(np.linalg.norm(move - eta * gradient))
        if not eta > 0 or not off <= _STEP_TOLERANCE * float(np.linalg.norm(move)):
            return f"w of row {t + 1} is not w − η·Jᵀr of row {t} for any η > 0"
        sizes.append(eta)
    return sizes, "from w, which takes steps of gradient descent"


def _gradient(log: Log, row: int) -> Float:
    """∇L = Jᵀr at a row, (m,)."""
    jacobian = log.vectors["jacobian"].read(row, row + 1)[0].astype(np.float64)
    residual = log.vectors["residual"].read(row, row + 1)[0].astype(np.float64)
    gradient: Float = residual @ jacobian
    return gradient
