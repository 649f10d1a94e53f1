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
from typing import Any

from transformers import TrainerCallback  # type: ignore[import-not-found, unused-ignore]

from boundcalc.recorders.course import Course, Report, abandoned_on_error
from boundcalc.recorders.torch import Recorder
from boundcalc.recorders.torch_state import saved
from boundcalc.recorders.writer import PART_ROWS


def replay(
    make_trainer: Callable[[], Any],
    path: str | os.PathLike[str],
    *,
    run: int | str | None = None,
    append: bool = False,
    part_rows: int = PART_ROWS,
    quiet: bool = False,
) -> Report:
    """Train twice, and write the log of the second time against the last iterate of the first.

    make_trainer : a Trainer with a fresh model; fp16 is not supported (its gradients are scaled).
    run, append : a label of this run, and whether to add it to a log that exists.

    Raises InputError where the log cannot be written or no step was trained.
    """
    restore = saved([])
    course = Course(path, run=run, append=append, part_rows=part_rows)
    with abandoned_on_error(course):
        reference = _train(make_trainer(), course, [])
        course.record()
        restore()
        _train(make_trainer(), course, reference)
    return course.finish(quiet=quiet)


def _train(trainer: Any, course: Course, reference: list[Any]) -> list[Any]:
    """One pass; returns its last iterate."""
    recorder = Recorder(trainer.model, None, course)
    recorder.reference = [
        value.to(entry.device) for value, entry in zip(reference, recorder.parameters, strict=False)
    ]
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


class RecorderCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Ends a row where the Trainer ends a step."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        optimizer = kwargs.get("optimizer")
        rate = None if optimizer is None else float(optimizer.param_groups[0]["lr"])
        self._recorder.finish_step(stepsize=rate)


@contextmanager
def _no_backward(trainer: Any) -> Iterator[None]:
    """Inside, a training step evaluates its loss and leaves the gradients alone."""
    accelerator = trainer.accelerator
    accelerator.backward = lambda *_, **__: None
    try:
        yield
    finally:
        del accelerator.backward
