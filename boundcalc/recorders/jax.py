"""A recorder for JAX and optax: any pytree of parameters.

from boundcalc.recorders.jax import replay

def train(recorder):
    params, state = init, optimizer.init(init)
    for index, batch in enumerate(batches):
        loss, grads = recorder.value_and_grad(params, batch, sample=index, stepsize=0.1)
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params

replay(train, loss_fn, "log.npz")
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import jax  # type: ignore[import-not-found, unused-ignore]
import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.recorders.course import Course, Report, abandoned_on_error
from boundcalc.recorders.writer import PART_ROWS, LogWriter, Value, tangent_path

Tree = Any


def replay(
    train: Callable[[Recorder], Tree],
    loss: Callable[..., Any],
    path: str | os.PathLike[str],
    *,
    run: int | str | None = None,
    append: bool = False,
    full: Callable[[Tree], Any] | None = None,
    full_every: int = 1,
    residual: Callable[[Tree], Any] | None = None,
    residual_every: int = 1,
    jit: bool = True,
    part_rows: int = PART_ROWS,
    quiet: bool = False,
) -> Report:
    """Train twice, and write the log of the second time against the last iterate of the first.

    train : the training loop, which starts anew each time it is called, takes its gradients from
    `Recorder.value_and_grad` and returns its last parameters, a pytree.
    loss : f_i(params, *batch), a number; everything random in it comes from a key in the batch.
    full : the loss on the whole data, taken every `full_every` steps. jit : compile the loss.
    residual : F(w) - y on a fixed small batch, (n,); every `residual_every` steps its Jacobian goes
    into a second log, PATH-tangent.npz, for `boundcalc tangent`.
    run, append : a label of this run, and whether to add it to a log that exists.

    Raises InputError where the log cannot be written or the training function records nothing.
    """
    compiled = jax.jit if jit else lambda function: function
    recorder = Recorder(
        Course(path, run=run, append=append, part_rows=part_rows),
        compiled(jax.value_and_grad(loss)),
        compiled(loss),
    )
    course = recorder.course
    with abandoned_on_error(course), ExitStack() as files:
        if residual is not None:
            tangent = files.enter_context(LogWriter(tangent_path(path), append=append))
        recorder.reference = train(recorder)
        course.record()
        if full is not None:
            recorder.full = compiled(jax.value_and_grad(full)), max(1, full_every)
        if residual is not None:
            flat = compiled(lambda params: jax.numpy.ravel(residual(params)))
            jacobian = compiled(jax.jacrev(flat))
            recorder.residual = partial(_snapshot, flat, jacobian, tangent), max(1, residual_every)
        train(recorder)
    return course.finish(quiet=quiet)


def _snapshot(
    residual: Callable[[Tree], Any],
    jacobian: Callable[[Tree], Tree],
    tangent: LogWriter,
    params: Tree,
    step: int,
) -> None:
    """The Jacobian of the residual, its columns in the order of the tree's leaves."""
    value = np.asarray(residual(params), dtype=np.float64)
    leaves = jax.tree_util.tree_leaves(jacobian(params))
    rows = [np.asarray(leaf, dtype=np.float64).reshape(len(value), -1) for leaf in leaves]
    tangent.append(
        jacobian=np.concatenate(rows, axis=1),
        residual=value,
        w=np.concatenate(_leaves(params)),
        step=step,
    )


class Recorder:
    """What the training loop calls. Made by `replay`."""

    def __init__(self, course: Course, both: Callable[..., Any], loss: Callable[..., Any]) -> None:
        self.course = course
        self.reference: Tree = None
        self.full: tuple[Callable[..., Any] | None, int] = (None, 1)
        self.residual: tuple[Callable[[Tree, int], None] | None, int] = (None, 1)
        self._both, self._loss = both, loss

    def value_and_grad(
        self,
        params: Tree,
        *batch: Any,
        sample: int | str | None = None,
        stepsize: float | None = None,
    ) -> tuple[Any, Tree]:
        """f_i and its gradient at `params`, for the update; one row of the log in the second pass.

        The gradient is recorded as it is here, before any clipping of the optimizer's.
        """
        value, gradient = self._both(params, *batch)
        if isinstance(value, jax.core.Tracer):
            fix = "call it outside of jit; the loss itself is compiled anyway"
            raise InputError(Fault("Recorder", "a call inside jit or vmap", "numbers", fix))
        with self.course.timed():
            if self.course.recording:
                _check_trees(params, self.reference)
                inner, square, distance = _products(gradient, params, self.reference)
                row: dict[str, Value] = {
                    "loss": float(value),
                    "loss_ref": float(self._loss(self.reference, *batch)),
                    "inner": inner,
                    "grad_sqnorm": square,
                    "dist_sq": distance,
                }
                if sample is not None:
                    row["sample"] = sample
                if stepsize is not None:
                    row["stepsize"] = float(stepsize)
                self.course.row(**row, **self._whole(params))
                snapshot, every = self.residual
                if snapshot is not None and self.course.step % every == 0:
                    snapshot(params, self.course.step)
            self.course.saw(float(value))
        return value, gradient

    def _whole(self, params: Tree) -> dict[str, float]:
        """Loss and squared gradient norm on the whole data, NaN between the steps that take it."""
        function, every = self.full
        if function is None:
            return {}
        if self.course.step % every:
            return {"full_loss": float("nan"), "full_grad_sqnorm": float("nan")}
        value, gradient = function(params)
        return {
            "full_loss": float(value),
            "full_grad_sqnorm": sum(float(leaf @ leaf) for leaf in _leaves(gradient)),
        }


def _check_trees(params: Tree, reference: Tree) -> None:
    mine, last = (
        [np.shape(leaf) for leaf in jax.tree_util.tree_leaves(tree)] for tree in (params, reference)
    )
    if mine != last:
        found = f"a last iterate of {len(last)} arrays, or of other shapes than the parameters"
        fix = "return the last parameters from the training function"
        raise InputError(Fault("train", found, f"the {len(mine)} arrays of the parameters", fix))


def _leaves(tree: Tree) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    return [np.asarray(leaf, dtype=np.float64).ravel() for leaf in jax.tree_util.tree_leaves(tree)]


def _products(gradient: Tree, params: Tree, reference: Tree) -> tuple[float, float, float]:
    """⟨g, x − x_ref⟩, ‖g‖² and ‖x − x_ref‖², in float64 on the host."""
    inner, square, distance = 0.0, 0.0, 0.0
    for slope, point, last in zip(
        _leaves(gradient), _leaves(params), _leaves(reference), strict=True
    ):
        gap = point - last
        inner, square = inner + float(slope @ gap), square + float(slope @ slope)
        distance += float(gap @ gap)
    return inner, square, distance
