"""A recorder for PyTorch: any module, any optimizer, accumulation, clipping, mixed devices.

    from boundcalc.recorders.torch import replay

    def train(recorder):
        for epoch in range(5):
            for index, (x, y) in enumerate(loader):
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                recorder.step(loss, lambda: criterion(model(x), y), sample=index)
                clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()

    replay(train, model, optimizer, "log.npz")

`train` runs twice from the same state. The gradient is the one that lies in `.grad` when the
recorder is called: call it after `backward` and before clipping, and it is the gradient of f_i
itself. Weight decay that an optimizer adds is not part of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found, unused-ignore]

from boundcalc.errors import Fault, InputError
from boundcalc.recorders.course import Course, Report, abandoned_on_error
from boundcalc.recorders.torch_state import random_state, saved, set_random_state, undisturbed
from boundcalc.recorders.torch_values import flat, number, optimized, rate_of, wide
from boundcalc.recorders.writer import PART_ROWS, LogWriter, Value, tangent_log

Tensor = Any
Closure = Callable[[], Tensor]
_SAME = 1e-4  # how far two evaluations of one loss may be apart: accelerators add in any order


def replay(
    train: Callable[[Recorder], object],
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    path: str | os.PathLike[str],
    *,
    state: Sequence[Any] = (),
    run: int | str | None = None,
    append: bool = False,
    full: Closure | None = None,
    full_every: int = 1,
    residual: Closure | None = None,
    residual_every: int = 1,
    part_rows: int = PART_ROWS,
    quiet: bool = False,
) -> Report:
    """Train twice, and write the log of the second time against the last iterate of the first.

    train : the training loop; it calls `Recorder.step` after every backward pass.
    state : whatever else the run depends on (schedulers, scalers, generators of data loaders);
    model, optimizer and the global random generators are put back to the start as they are.
    run, append : a label of this run, and whether to add it to a log that exists.
    full : the loss on the whole data at the present parameters, taken every `full_every` steps
    into full_loss and full_grad_sqnorm.
    residual : F(w) - y on a fixed small batch, (n,); every `residual_every` steps its Jacobian goes
    into a second log, PATH-tangent.npz, for `boundcalc tangent`.

    Raises InputError where the log cannot be written or the training function records nothing.
    """
    restore = saved([model, optimizer, *state])
    course = Course(path, run=run, append=append, part_rows=part_rows)
    with (
        abandoned_on_error(course),
        tangent_log(path, wanted=residual is not None, append=append) as tangent,
    ):
        recorder = Recorder(model, optimizer, course)
        try:
            train(recorder)
            course.record()
            recorder.reference = [entry.detach().clone() for entry in recorder.parameters]
            restore()
            recorder.start(full, full_every, residual, residual_every, tangent)
            train(recorder)
        finally:
            recorder.stop()
    return course.finish(quiet=quiet)


class Recorder:
    """What the training loop calls. Made by `replay`."""

    def __init__(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None, course: Course
    ) -> None:
        self.model, self.course = model, course
        self.parameters = optimized(model, optimizer)
        self.reference: list[Tensor] = []
        self._optimizer = optimizer
        self._full: tuple[Closure | None, int] = (None, 1)
        self._residual: tuple[Closure | None, int, LogWriter | None] = (None, 1, None)
        self._loss, self._loss_ref = 0.0, 0.0
        self._gap: list[Tensor] = []
        self._gradient: tuple[float, float] | None = None
        self._entered, self._fresh = random_state(), True
        self._buffers: list[tuple[Tensor, Tensor]] = []
        self._whole_of: tuple[int, dict[str, float]] = (-1, {})
        # a loop may call parts of the model only
        self._hooks = [one.register_forward_pre_hook(self._forward) for one in model.modules()]

    def start(
        self,
        full: Closure | None,
        full_every: int,
        residual: Closure | None,
        residual_every: int,
        tangent: LogWriter | None,
    ) -> None:
        """The second pass begins; whole-data values and tangent snapshots as `replay` has them."""
        self._forget()
        self._full = (full, max(1, full_every))
        self._residual = (residual, max(1, residual_every), tangent)

    def stop(self) -> None:
        """Let go of the model."""
        for hook in self._hooks:
            hook.remove()

    def enter(self) -> None:
        """A forward pass begins: dropout must draw the same masks when f_i is taken at x_ref."""
        self._entered, self._fresh = random_state(), False
        if self.course.recording:  # a forward pass may move buffers that the loss depends on
            self._buffers = [(one, one.detach().clone()) for one in self.model.buffers()]

    def _forward(self, module: torch.nn.Module, _: object) -> None:
        if self._fresh and module.training and torch.is_grad_enabled():
            self.enter()

    def step(
        self,
        loss: Tensor,
        again: Closure,
        *,
        sample: int | str | None = None,
        stepsize: float | None = None,
        scale: float = 1.0,
    ) -> None:
        """One row, and the end of an optimizer's step: call it after the (last) backward pass.

        loss : f_i(x^k), as it went into backward. again : the same loss at the parameters that the
        model has when it is called. stepsize : by default the optimizer's learning rate.
        scale : the factor on the gradients (GradScaler.get_scale()).
        """
        self.accumulate(loss, again, scale=scale)
        self.finish_step(sample=sample, stepsize=stepsize)

    def accumulate(self, loss: Tensor, again: Closure, *, scale: float = 1.0) -> None:
        """A micro-batch of the step: f_i is the sum of the losses given before the step ends."""
        with self.course.timed():
            value = number(loss)
            self._loss += value
            gradient = [entry.grad for entry in self.parameters]
            if all(one is None for one in gradient):
                raise _no_gradient()
            if self.course.recording:
                if self.course.step == 0:
                    self._compare(value, number(self._evaluated(again, self.parameters)))
                self._gradient = self._measured(gradient, scale)
                self._loss_ref += number(self._evaluated(again, self.reference))
            self._fresh = True

    def finish_step(
        self, *, sample: int | str | None = None, stepsize: float | None = None
    ) -> None:
        """End the step: write its row, unless it has been written sample by sample."""
        with self.course.timed():
            if self.course.recording and self._gradient is not None:
                inner, square = self._gradient
                self._write(self._loss, self._loss_ref, inner, square, sample, stepsize)
            elif stepsize is None:
                rate_of(self._optimizer)  # what cannot be recorded is told in the first pass
            if self.course.recording:
                self._snapshot()
            self.course.saw(self._loss)
            self._forget()

    def step_each(
        self,
        losses: Tensor,
        again: Closure,
        *,
        samples: Sequence[int] | None = None,
        stepsize: float | None = None,
    ) -> None:
        """A row per sample, in place of `step`: call it before the backward pass of their mean.

        losses : f_i(x^k) of each sample of the batch, (b,), with its graph; again : the same.
        samples : their indices in the data set, (b,).
        """
        with self.course.timed():
            values = losses.detach().double().cpu()
            if values.ndim != 1:
                found = f"losses of shape {tuple(values.shape)}"
                raise InputError(Fault("losses", found, "one per sample", "use reduction='none'"))
            if stepsize is None:
                rate_of(self._optimizer)
            if self.course.recording:
                if self.course.step == 0:
                    repeated = self._evaluated(again, self.parameters)
                    self._compare(float(values.sum()), float(repeated.detach().double().sum()))
                at_ref = self._evaluated(again, self.reference).detach().double().cpu()
                for k in range(len(values)):
                    grads = torch.autograd.grad(
                        losses[k], self.parameters, retain_graph=True, allow_unused=True
                    )
                    inner, square = self._measured(grads, 1.0)
                    sample = k if samples is None else int(samples[k])
                    self._write(float(values[k]), float(at_ref[k]), inner, square, sample, stepsize)
                self._snapshot()
            self.course.saw(float(values.sum()))
            self._fresh, self._gap = True, []

    def _write(
        self,
        loss: float,
        loss_ref: float,
        inner: float,
        square: float,
        sample: int | str | None,
        stepsize: float | None,
    ) -> None:
        row: dict[str, Value] = {"loss": loss, "loss_ref": loss_ref, "inner": inner}
        row |= {"grad_sqnorm": square, "dist_sq": self._distance()}
        if sample is not None:
            row["sample"] = sample
        rate = rate_of(self._optimizer) if stepsize is None else stepsize
        if rate is not None:
            row["stepsize"] = rate
        if self._full[0] is not None:
            row |= self._whole()
        self.course.row(**row)

    def _measured(self, gradient: Sequence[Tensor | None], scale: float) -> tuple[float, float]:
        """⟨g, x − x_ref⟩ and ‖g‖², summed in float64 on the device of each parameter."""
        inner, square = 0.0, 0.0
        for gap, grad in zip(self._gaps(), gradient, strict=True):
            if grad is not None:
                dense = wide(grad)
                inner += float(torch.dot(dense, gap)) / scale
                square += float(torch.dot(dense, dense)) / scale**2
        return inner, square

    def _gaps(self) -> list[Tensor]:
        """x − x_ref in float64, the same until the step ends."""
        if not self._gap:
            self._gap = [
                wide(entry) - flat(reference)
                for entry, reference in zip(self.parameters, self.reference, strict=True)
            ]
        return self._gap

    def _distance(self) -> float:
        """‖x − x_ref‖²."""
        return sum(float(torch.dot(gap, gap)) for gap in self._gaps())

    def _evaluated(self, again: Closure, point: Sequence[Tensor]) -> Tensor:
        """The closure at a point, with the random numbers of its first forward pass."""
        with undisturbed(self.model), torch.no_grad():
            set_random_state(self._entered)
            for buffer, entered in self._buffers:
                buffer.copy_(entered)
            own = [entry.data for entry in self.parameters]
            try:
                for entry, value in zip(self.parameters, point, strict=True):
                    entry.data = value.data
                return again()
            finally:
                for entry, value in zip(self.parameters, own, strict=True):
                    entry.data = value

    def _compare(self, loss: float, repeated: float) -> None:
        """Raise InputError where `again` is another function than the one that was trained on."""
        if not abs(loss - repeated) > _SAME * max(abs(loss), abs(repeated)):
            return
        raise InputError(
            Fault(
                "again",
                f"{repeated:.9g} at the parameters where the loss is {loss:.9g}",
                "the same loss of the same batch",
                "draw what is random outside of the model before, divide the loss alike, and "
                "enter autocast inside of it",
            )
        )

    def _forget(self) -> None:
        """Begin a step."""
        self._loss, self._loss_ref, self._gradient, self._gap = 0.0, 0.0, None, []
        self._fresh = True

    def _whole(self) -> dict[str, float]:
        """Loss and squared gradient norm on the whole data, NaN between the steps that take it."""
        full, every = self._full
        step, values = self._whole_of
        if step == self.course.step:  # a step of many rows
            return values
        if full is None or self.course.step % every:
            return {"full_loss": float("nan"), "full_grad_sqnorm": float("nan")}
        with undisturbed(self.model), torch.enable_grad():
            loss = full()
            grads = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        flat = [wide(grad) for grad in grads if grad is not None]
        square = sum(float(torch.dot(grad, grad)) for grad in flat)
        self._whole_of = self.course.step, {"full_loss": number(loss), "full_grad_sqnorm": square}
        return self._whole_of[1]

    def _snapshot(self) -> None:
        """The Jacobian of the residual, row by row, every so many steps."""
        residual, every, writer = self._residual
        if residual is None or writer is None or self.course.step % every:
            return
        with undisturbed(self.model), torch.enable_grad():
            value = residual().reshape(-1)
            rows = [
                self._flat(
                    torch.autograd.grad(one, self.parameters, retain_graph=True, allow_unused=True)
                )
                for one in value
            ]
        writer.append(
            jacobian=np.stack(rows),
            residual=value.detach().double().cpu().numpy(),
            w=self._flat([entry.detach() for entry in self.parameters]),
            step=self.course.step,
        )

    def _flat(self, parts: Sequence[Tensor | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """One vector, in the order of the parameters."""
        whole = [
            torch.zeros_like(entry) if part is None else part
            for entry, part in zip(self.parameters, parts, strict=True)
        ]
        return np.concatenate([wide(part).cpu().numpy() for part in whole])


def _no_gradient() -> InputError:
    return InputError(
        Fault(
            "Recorder.step",
            "no parameter with a gradient",
            "a call between backward and zero_grad",
            "call it after loss.backward(), on the model that is trained",
        )
    )
