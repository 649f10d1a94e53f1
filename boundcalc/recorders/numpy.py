"""A recorder for training loops in NumPy, or in anything that can give NumPy arrays.

from boundcalc.recorders.numpy import replay

def train(recorder):
    x, rng = x0.copy(), np.random.default_rng(0)
    for k in range(1000):
        i = rng.integers(n)
        g = gradient(x, i)
        recorder.step(x, loss(x, i), g, lambda y: loss(y, i), sample=i, stepsize=0.1)
        x = x - 0.1 * g
    return x

replay(train, "log.npz")
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.recorders.course import Course, Report, abandoned_on_error
from boundcalc.recorders.writer import PART_ROWS, Value

Float = NDArray[np.float64]


def replay(
    train: Callable[[Recorder], ArrayLike],
    path: str | os.PathLike[str],
    *,
    run: int | str | None = None,
    append: bool = False,
    part_rows: int = PART_ROWS,
    quiet: bool = False,
) -> Report:
    """Train twice, and write the log of the second time against the last iterate of the first.

    train : the training loop, which starts from the same point with the same random numbers each
    time, calls `Recorder.step` before every update and returns its last iterate, of any shape.
    run, append : a label of this run, and whether to add it to a log that exists.

    Raises InputError where the log cannot be written or the training function records nothing.
    """
    course = Course(path, run=run, append=append, part_rows=part_rows)
    with abandoned_on_error(course):
        last = train(Recorder(course, None))
        course.record()
        reference = np.array(last, dtype=np.float64)
        train(Recorder(course, reference))
    return course.finish(quiet=quiet)


class Recorder:
    """What the training loop calls. Made by `replay`."""

    def __init__(self, course: Course, reference: Float | None) -> None:
        self._course, self._reference = course, reference

    def step(
        self,
        x: ArrayLike,
        loss: float,
        gradient: ArrayLike,
        loss_at: Callable[[Float], float],
        *,
        sample: int | str | None = None,
        stepsize: float | None = None,
        loss_min: float | None = None,
        full: tuple[float, float] | None = None,
    ) -> None:
        """One row: a sample or mini-batch f_i at the iterate x, before it is updated.

        gradient : that of f_i at x, of the shape of x. loss_at : f_i at another point. loss_min :
        f_i*, where it is known. full : f(x) and ‖∇f(x)‖² on the whole data; (nan, nan) on rows
        where they were not evaluated, once they are given at all.
        """
        with self._course.timed():
            if self._reference is not None:
                point = np.asarray(x, dtype=np.float64)
                slope = np.asarray(gradient, dtype=np.float64)
                shapes = {point.shape, slope.shape, self._reference.shape}
                if len(shapes) > 1:
                    raise _shapes(point, slope, self._reference)
                gap = (point - self._reference).ravel()
                row: dict[str, Value] = {
                    "loss": float(loss),
                    "loss_ref": float(loss_at(self._reference.copy())),
                    "inner": float(slope.ravel() @ gap),
                    "grad_sqnorm": float(slope.ravel() @ slope.ravel()),
                    "dist_sq": float(gap @ gap),
                }
                given: dict[str, Value | None] = {
                    "sample": sample,
                    "stepsize": stepsize,
                    "loss_min": loss_min,
                }
                row |= {name: value for name, value in given.items() if value is not None}
                if full is not None:
                    row |= {"full_loss": float(full[0]), "full_grad_sqnorm": float(full[1])}
                self._course.row(**row)
            self._course.saw(float(loss))


def _shapes(point: Float, slope: Float, reference: Float) -> InputError:
    return InputError(
        Fault(
            "Recorder.step",
            f"x of shape {point.shape}, a gradient of shape {slope.shape}, and a last iterate of "
            f"shape {reference.shape}",
            "one shape",
            "return the last iterate from the training function, in the shape of x",
        )
    )
