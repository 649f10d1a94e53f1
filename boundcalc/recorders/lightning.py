"""A recorder for Lightning, as a callback of the Trainer.

    from boundcalc.recorders.lightning import replay

    def fit(callback):
        lightning.seed_everything(0)
        trainer = lightning.Trainer(max_epochs=5, callbacks=[callback])
        trainer.fit(module, loader)

    replay(fit, module, "log.npz")

Rows carry the gradient after `backward` and before clipping. Automatic optimization with one
optimizer, in one process; with mixed precision use bf16, whose gradients are not scaled.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lightning.pytorch import Callback  # type: ignore[import-not-found, unused-ignore]

from boundcalc.errors import Fault, InputError
from boundcalc.recorders.course import Course, Report, abandoned_on_error
from boundcalc.recorders.torch import Closure, Recorder
from boundcalc.recorders.torch_state import saved
from boundcalc.recorders.torch_values import rate_of
from boundcalc.recorders.writer import PART_ROWS, tangent_log


def replay(
    fit: Callable[[Callback], object],
    module: Any,
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
    """Fit twice, and write the log of the second time against the last iterate of the first.

    fit : makes a Trainer with the callback that it is given, and fits `module`; the module, the
    global random generators and `state` are put back to the start in between.
    run, append : a label of this run, and whether to add it to a log that exists.
    full : the loss on the whole data at the module's present parameters, taken every `full_every`
    steps into full_loss and full_grad_sqnorm.
    residual : F(w) - y of the module on a fixed small batch, (n,); every `residual_every` steps its
    Jacobian goes into a second log, PATH-tangent.npz.

    Raises InputError where the log cannot be written, no step was trained, or the Trainer is one
    that is not supported (manual optimization, scaled gradients, several processes).
    """
    restore = saved([module, *state])
    course = Course(path, run=run, append=append, part_rows=part_rows)
    with (
        abandoned_on_error(course),
        tangent_log(path, wanted=residual is not None, append=append) as tangent,
    ):
        recorder = Recorder(module, None, course)
        try:
            _fit(fit, recorder)
            course.record()
            recorder.reference = [entry.detach().clone().cpu() for entry in recorder.parameters]
            restore()
            recorder.start(full, full_every, residual, residual_every, tangent)
            _fit(fit, recorder)
        finally:
            recorder.stop()
    return course.finish(quiet=quiet)


def _fit(fit: Callable[[Callback], object], recorder: Recorder) -> None:
    """One pass. Raises what ended it, even where the Trainer keeps that to itself (Ctrl-C)."""
    rows = _Rows(recorder)
    fit(rows)
    if rows.failure is not None:
        raise rows.failure


class _Rows(Callback):  # type: ignore[misc, unused-ignore]
    """Hands every micro-batch and every step of a Trainer to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._batch: tuple[Any, int] = (None, 0)
        self._loss: Any = None
        self.failure: BaseException | None = None

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.failure = exception

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        _check(trainer, pl_module)
        # the module may have moved to an accelerator
        self._recorder.reference = [
            value.to(entry.device)
            for value, entry in zip(
                self._recorder.reference, self._recorder.parameters, strict=False
            )
        ]

    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        self._batch = (batch, batch_idx)
        self._recorder.enter()

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        self._loss = loss.detach()

    def on_after_backward(self, trainer: Any, pl_module: Any) -> None:
        batch, index = self._batch
        several = len(inspect.signature(pl_module.training_step).parameters) > 1
        given = (batch, index) if several else (batch,)
        share = 1.0 / trainer.accumulate_grad_batches  # as Lightning scales the loss

        def again() -> Any:
            with _silent(pl_module), trainer.precision_plugin.train_step_context():
                found = pl_module.training_step(*given)
            return (found["loss"] if isinstance(found, dict) else found) * share

        self._recorder.accumulate(self._loss, again)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        self._recorder.finish_step(sample=self._batch[1], stepsize=rate_of(optimizer))


def _check(trainer: Any, module: Any) -> None:
    """Raise InputError for a Trainer whose steps are not those of one optimizer on f_i."""
    found, fix = "", ""
    if not module.automatic_optimization:
        found = "manual optimization"
        fix = "use boundcalc.recorders.torch in a loop of your own"
    elif getattr(trainer.precision_plugin, "scaler", None) is not None:
        found = "gradients that are scaled (precision='16-mixed')"
        fix = "train with precision='bf16-mixed' or '32-true'"
    elif trainer.world_size > 1:
        found, fix = f"{trainer.world_size} processes", "train with devices=1"
    if found:
        expected = "automatic optimization in one process, gradients unscaled"
        raise InputError(Fault("Trainer", found, expected, fix))


@contextmanager
def _silent(module: Any) -> Iterator[None]:
    """What training_step logs inside is not part of the run."""
    names = ("log", "log_dict")
    for name in names:
        setattr(module, name, lambda *_, **__: None)
    try:
        yield
    finally:
        for name in names:
            delattr(module, name)
