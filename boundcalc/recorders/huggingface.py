"""A recorder for the Trainer of Hugging Face's transformers.

    from boundcalc.recorders.huggingface import replay

    def make_trainer():
        model = AutoModelForSequenceClassification.from_config(config)
        return Trainer(model=model, args=arguments, train_dataset=data)

    replay(make_trainer, "log.npz")

`make_trainer` is called twice, each time from the same random state. The rows carry the gradient
after `backward` and before clipping (`max_grad_norm`), unlike `grad_norm` in trainer_state.json,
and the loss of every step, unrounded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from transformers import TrainerCallback  # type: ignore[import-not-found, unused-ignore]

from boundcalc.errors import Fault, InputError
from boundcalc.recorders.course import Course, Report, abandoned_on_error
from boundcalc.recorders.torch import Recorder
from boundcalc.recorders.torch_state import saved
from boundcalc.recorders.torch_values import rate_of
from boundcalc.recorders.writer import PART_ROWS, tangent_log


def replay(
    make_trainer: Callable[[], Any],
    path: str | os.PathLike[str],
    *,
    run: int | str | None = None,
    append: bool = False,
    full: Callable[[Any], Any] | None = None,
    full_every: int = 1,
    residual: Callable[[Any], Any] | None = None,
    residual_every: int = 1,
    part_rows: int = PART_ROWS,
    quiet: bool = False,
) -> Report:
    """Train twice, and write the log of the second time against the last iterate of the first.

    make_trainer : a Trainer with a fresh model; fp16 is not supported (its gradients are scaled),
    nor are several devices or processes.
    full : the loss on the whole data of the model that it is given, taken every `full_every` steps
    into full_loss and full_grad_sqnorm.
    residual : F(w) - y of that model on a fixed small batch, (n,); every `residual_every` steps its
    Jacobian goes into a second log, PATH-tangent.npz.
    run, append : a label of this run, and whether to add it to a log that exists.

    Raises InputError where the log cannot be written, no step was trained, or the Trainer is one
    that is not supported.
    """
    restore = saved([])
    course = Course(path, run=run, append=append, part_rows=part_rows)
    with (
        abandoned_on_error(course),
        tangent_log(path, wanted=residual is not None, append=append) as tangent,
    ):
        reference = _train(make_trainer(), course, [])
        course.record()
        restore()

        def start(recorder: Recorder) -> None:
            whole, part = (of and partial(of, recorder.model) for of in (full, residual))
            recorder.start(whole, full_every, part, residual_every, tangent)

        _train(make_trainer(), course, reference, start)
    return course.finish(quiet=quiet)


def _train(
    trainer: Any,
    course: Course,
    reference: list[Any],
    start: Callable[[Recorder], None] | None = None,
) -> list[Any]:
    """One pass; returns its last iterate. start : what the second one begins with."""
    _check(trainer)
    recorder = Recorder(trainer.model, None, course)
    if start is not None:
        recorder.reference = _placed(reference, recorder.parameters)
        start(recorder)
    whole = trainer.training_step

    def training_step(model: Any, inputs: Any, *rest: Any, **options: Any) -> Any:
        recorder.enter()
        kept = dict(inputs)  # the Trainer may take things out
        loss = whole(model, inputs, *rest, **options)

        def again() -> Any:
            with _no_backward(trainer):
                return whole(model, dict(kept), *rest, **options)

        recorder.accumulate(loss, again)
        return loss

    trainer.training_step = training_step
    trainer.add_callback(RecorderCallback(recorder))
    try:
        trainer.train()
    finally:
        recorder.stop()
        del trainer.training_step
    return [entry.detach().clone() for entry in recorder.parameters]


def _placed(reference: list[Any], parameters: list[Any]) -> list[Any]:
    """x_ref on the devices of the second model. Raises InputError where it is another model."""
    if [one.shape for one in reference] != [one.shape for one in parameters]:
        found = "two models with parameters of different shapes"
        fix = "build the same model each time that it is called"
        raise InputError(Fault("make_trainer", found, "one model", fix))
    return [value.to(entry.device) for value, entry in zip(reference, parameters, strict=True)]


def _check(trainer: Any) -> None:
    """Raise InputError for a Trainer whose gradients are not those of its losses."""
    found, fix = "", ""
    if trainer.args.fp16 or getattr(trainer.accelerator, "scaler", None) is not None:
        found, fix = "gradients that are scaled (fp16)", "train with bf16=True or in float32"
    elif trainer.args.n_gpu > 1 or trainer.args.world_size > 1:
        found, fix = "several devices or processes", "show the program one device"
    if found:
        expected = "one device, gradients unscaled"
        raise InputError(Fault("TrainingArguments", found, expected, fix))


class RecorderCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Ends a row where the Trainer ends a step."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        optimizer = kwargs.get("optimizer")
        self._recorder.finish_step(stepsize=rate_of(optimizer))


@contextmanager
def _no_backward(trainer: Any) -> Iterator[None]:
    """Inside, a training step evaluates its loss and leaves the gradients alone."""
    accelerator = trainer.accelerator
    accelerator.backward = lambda *_, **__: None
    try:
        yield
    finally:
        del accelerator.backward
