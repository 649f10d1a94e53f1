"""A recorder for scikit-learn's linear models that learn by `partial_fit`.

    from boundcalc.recorders.sklearn import replay

    def make():
        return SGDClassifier(loss="log_loss", alpha=1e-4, random_state=0)

    replay(make, lambda: batches(X, y), "log.npz", classes=[0, 1])

f_i is the mean loss of a batch with the model's penalty (α/2)‖w‖², x the coefficients and
intercepts before the batch is learned. `partial_fit` goes through a batch sample by sample, with
step sizes of its own: there is no column `stepsize`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped, unused-ignore]

from boundcalc.errors import Fault, InputError
from boundcalc.recorders.course import Report
from boundcalc.recorders.numpy import Recorder
from boundcalc.recorders.numpy import replay as replay_arrays
from boundcalc.recorders.writer import PART_ROWS

Float = NDArray[np.float64]
_LOSSES = ("squared_error", "log_loss")


def replay(
    make: Callable[[], Any],
    batches: Callable[[], Iterable[tuple[Any, Any]]],
    path: str | os.PathLike[str],
    *,
    classes: Sequence[Any] | None = None,
    run: int | str | None = None,
    append: bool = False,
    part_rows: int = PART_ROWS,
    quiet: bool = False,
) -> Report:
    """Learn all batches twice, and write the log of the second time against the last model.

    make : a fresh SGDRegressor (squared_error) or SGDClassifier (log_loss) with penalty "l2" or
    None and a fixed random_state. batches : the batches (X (b, d), y (b,)), the same each time.
    classes : all labels, for a classifier.

    Raises InputError for other models, or where the log cannot be written.
    """
    labels = None if classes is None else np.unique(np.asarray(classes))

    def train(recorder: Recorder) -> Float:
        model = make()
        kind = _supported(model, labels)
        x: Float | None = None
        for index, (features, y) in enumerate(batches()):
            inputs = np.asarray(features, dtype=np.float64)
            target = _targets(np.asarray(y), labels)
            x = _parameters(model, inputs.shape[1], target.shape[1])
            evaluate = partial(_value_and_gradient, inputs=inputs, target=target, model=kind)
            value, gradient = evaluate(x)
            recorder.step(x, value, gradient, partial(_first, evaluate), sample=index)
            if labels is None:
                model.partial_fit(inputs, np.asarray(y))
            else:
                model.partial_fit(inputs, np.asarray(y), classes=labels)
            x = _parameters(model, inputs.shape[1], target.shape[1])
        return np.empty(0) if x is None else x

    return replay_arrays(train, path, run=run, append=append, part_rows=part_rows, quiet=quiet)


def _supported(model: Any, labels: NDArray[np.generic] | None) -> tuple[str, float, bool]:
    """The loss of the model, its weight α of the penalty, and whether intercepts are learned."""
    from sklearn.linear_model import (  # type: ignore[import-untyped, unused-ignore]
        SGDClassifier,
        SGDRegressor,
    )

    loss, penalty = getattr(model, "loss", None), getattr(model, "penalty", None)
    rival = type(model).__name__
    known = isinstance(model, SGDClassifier | SGDRegressor)
    if not known or loss not in _LOSSES or penalty not in ("l2", None):
        expected = "SGDRegressor(loss='squared_error') or SGDClassifier(loss='log_loss'), l2 or no"
        fix = "use boundcalc.recorders.numpy, with a loss and gradient of your own"
        found = f"{rival} with loss {loss!r} and penalty {penalty!r}"
        raise InputError(Fault("make", found, f"{expected} penalty", fix))
    if model.average or getattr(model, "class_weight", None) is not None:
        found = f"{rival} with average or class_weight"
        fix = "leave them out: coef_ would not be the iterate, or the loss another"
        raise InputError(Fault("make", found, "plain SGD", fix))
    if (labels is None) != (loss == "squared_error") or (labels is not None and len(labels) < 2):
        found = "no labels" if labels is None else f"{len(labels)} labels"
        fix = "classes=[0, 1], say, for a classifier; none for a regressor"
        raise InputError(Fault("classes", f"{found} for {rival}", "labels that fit the model", fix))
    return str(loss), float(model.alpha) if penalty == "l2" else 0.0, bool(model.fit_intercept)


def _targets(y: NDArray[np.generic], labels: NDArray[np.generic] | None) -> Float:
    """(b, r) numbers: y itself, or ±1 for each class against the others."""
    if labels is None:
        return y.astype(np.float64)[:, None]
    against = labels[1:] if len(labels) == 2 else labels
    return np.where(y[:, None] == against[None, :], 1.0, -1.0)


def _parameters(model: Any, features: int, outputs: int) -> Float:
    """Coefficients and intercepts, (r, d + 1); a fresh model starts at zero."""
    if not hasattr(model, "coef_"):
        return np.zeros((outputs, features + 1))
    coef = np.asarray(model.coef_, dtype=np.float64).reshape(outputs, features)
    return np.column_stack([coef, np.asarray(model.intercept_, dtype=np.float64)])


def _first(evaluate: Callable[[Float], tuple[float, Float]], x: Float) -> float:
    return evaluate(x)[0]


def _value_and_gradient(
    x: Float, *, inputs: Float, target: Float, model: tuple[str, float, bool]
) -> tuple[float, Float]:
    """Mean loss of the batch, summed over outputs, with the penalty; and its gradient."""
    loss, alpha, intercept = model
    coef = x[:, :-1]
    scores = inputs @ coef.T + x[:, -1]
    if loss == "squared_error":
        values, slopes = 0.5 * (scores - target) ** 2, scores - target
    else:
        margin = target * scores
        values, slopes = np.logaddexp(0.0, -margin), -target * expit(-margin)
    value = values.sum(axis=1).mean() + 0.5 * alpha * (coef**2).sum()
    gradient = np.column_stack([slopes.T @ inputs, slopes.sum(axis=0)]) / len(inputs)
    gradient[:, :-1] += alpha * coef
    if not intercept:
        gradient[:, -1] = 0.0  # no parameter
    return float(value), gradient
