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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found, unused-ignore]

from boundcalc.errors import Fault, InputError
from boundcalc.recorders.course import Course, Report, abandoned_on_error
from boundcalc.recorders.torch_state import saved, set_torch_state, torch_state
from boundcalc.recorders.writer import PART_ROWS, LogWriter, Value

Tensor = Any
Closure = Callable[[], Tensor]


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
    with abandoned_on_error(course):
        tangent = _tangent_writer(course, path, append) if residual is not None else None
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
            if tangent is not None:
                tangent.close()
    return course.finish(quiet=quiet)


def _tangent_writer(course: Course, path: str | os.PathLike[str], append: bool) -> LogWriter:
    name = os.fspath(path)
    return LogWriter(name.removesuffix(".npz") + "-tangent.npz", append=append)


class Recorder:
    """What the training loop calls. Made by `replay`."""

    def __init__(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None, course: Course
    ) -> None:
        self.model, self.course = model, course
        self.parameters = [entry for entry in model.parameters() if entry.requires_grad]
        self.reference: list[Tensor] = []
        self._optimizer = optimizer
        self._full: tuple[Closure | None, int] = (None, 1)
        self._residual: tuple[Closure | None, int, LogWriter | None] = (None, 1, None)
        self._loss, self._loss_ref = 0.0, 0.0
        self._gap: list[Tensor] = []
        self._gradient: tuple[float, float] | None = None
        self._entered, self._fresh = torch_state(), True
        self._hook = model.register_forward_pre_hook(self._forward)

    def start(
        self,
        full: Closure | None,
        full_every: int,
        residual: Closure | None,
        residual_every: int,
        tangent: LogWriter | None,
    ) -> None:
        """Whole-data values and tangent snapshots, as `replay` has them."""
        self._full = (full, max(1, full_every))
        self._residual = (residual, max(1, residual_every), tangent)

    def stop(self) -> None:
        """Let go of the model."""
        self._hook.remove()

    def enter(self) -> None:
        """A forward pass begins: dropout must draw the same masks when f_i is taken at x_ref."""
        self._entered, self._fresh = torch_state(), False

    def _forward(self, *_: object) -> None:
        if self._fresh and self.model.training and torch.is_grad_enabled():
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
            self._loss += _number(loss)
            if self.course.recording:
                self._gradient = self._measured([entry.grad for entry in self.parameters], scale)
                self._loss_ref += _number(self._with_reference(again))
            self._fresh = True

    def finish_step(
        self, *, sample: int | str | None = None, stepsize: float | None = None
    ) -> None:
        """End the step: write its row, unless it has been written sample by sample."""
        with self.course.timed():
            if self.course.recording and self._gradient is not None:
                inner, square = self._gradient
                self._write(self._loss, self._loss_ref, inner, square, sample, stepsize)
            if self.course.recording:
                self._snapshot()
            self.course.saw(self._loss)
            self._loss, self._loss_ref, self._gradient, self._gap = 0.0, 0.0, None, []

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
            if self.course.recording:
                at_ref = self._with_reference(again).detach().double().cpu()
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
        rate = self._rate() if stepsize is None else stepsize
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
                dense = (grad.to_dense() if grad.is_sparse else grad).detach().double().reshape(-1)
                inner += float(torch.dot(dense, gap)) / scale
                square += float(torch.dot(dense, dense)) / scale**2
        return inner, square

    def _gaps(self) -> list[Tensor]:
        """x − x_ref in float64, the same until the step ends."""
        if not self._gap:
            self._gap = [
                (entry.detach().double() - reference).reshape(-1)
                for entry, reference in zip(self.parameters, self.reference, strict=True)
            ]
        return self._gap

    def _distance(self) -> float:
        """‖x − x_ref‖²."""
        return sum(float(torch.dot(gap, gap)) for gap in self._gaps())

    def _rate(self) -> float | None:
        """The learning rate, where it is one."""
        if self._optimizer is None:
            return None
        rates = {float(group["lr"]) for group in self._optimizer.param_groups}
        if len(rates) == 1:
            return rates.pop()
        raise InputError(
            Fault(
                "optimizer",
                f"groups of parameters with {len(rates)} learning rates",
                "one step size for a row",
                "pass stepsize=..., the one that the theorem is to speak of",
            )
        )

    def _with_reference(self, again: Closure) -> Tensor:
        """The closure at x_ref, with the random numbers of its first forward pass."""
        with _undisturbed(self.model), torch.no_grad():
            set_torch_state(self._entered)
            own = [entry.data for entry in self.parameters]
            try:
                for entry, reference in zip(self.parameters, self.reference, strict=True):
                    entry.data = reference
                return again()
            finally:
                for entry, value in zip(self.parameters, own, strict=True):
                    entry.data = value

    def _whole(self) -> dict[str, float]:
        """Loss and squared gradient norm on the whole data, NaN between the steps that take it."""
        full, every = self._full
        if full is None or self.course.step % every:
            return {"full_loss": float("nan"), "full_grad_sqnorm": float("nan")}
        with _undisturbed(self.model), torch.enable_grad():
            loss = full()
            grads = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        square = sum(float((g.detach().double() ** 2).sum()) for g in grads if g is not None)
        return {"full_loss": _number(loss), "full_grad_sqnorm": square}

    def _snapshot(self) -> None:
        """The Jacobian of the residual, row by row, every so many steps."""
        residual, every, writer = self._residual
        if residual is None or writer is None or self.course.step % every:
            return
        with _undisturbed(self.model), torch.enable_grad():
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
        return np.concatenate([part.double().cpu().numpy().ravel() for part in whole])


def _number(loss: Tensor) -> float:
    return float(loss.detach()) if hasattr(loss, "detach") else float(loss)


@contextmanager
def _undisturbed(model: torch.nn.Module) -> Iterator[None]:
    """What is evaluated inside leaves no trace: buffers (batch norm), random numbers."""
    state = torch_state()
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
        set_torch_state(state)
