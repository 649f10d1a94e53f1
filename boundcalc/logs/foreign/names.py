"""The names under which trainers log the loss and the gradient's norm."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Of one step, by preference.
LOSS = (
    "loss",
    "train_loss",
    "training_loss",
    "loss_train",
    "train_loss_step",
    "loss_step",
    "training_loss_step",
    "batch_loss",
    "train_batch_loss",
)
NORM = (
    "grad_norm",
    "train_grad_norm",
    "grad_norm_step",
    "train_grad_norm_step",
    "gradient_norm",
    "train_gradient_norm",
    "global_grad_norm",
    "total_grad_norm",
    "grad_norm_total",
    "grad_2_0_norm_total",
    "grad_2_norm_total",
)
# Means over an epoch, and losses of other data: never to be paired with a gradient of one step.
OTHER_LOSS = {
    "a mean over an epoch": ("train_loss_epoch", "loss_epoch", "training_loss_epoch"),
    "the loss of other data": (
        "eval_loss",
        "val_loss",
        "validation_loss",
        "test_loss",
        "valid_loss",
    ),
}
# The axis that counts optimiser steps where a tracker's own step counts calls.
AXIS = ("train_global_step", "global_step", "trainer_global_step")
# What the Hugging Face trainer logs beside a loss that is a mean since its last report.
HUGGING_FACE = ("train_loss", "train_grad_norm", "train_learning_rate", "train_epoch")

_OTHERS = tuple(name for names in OTHER_LOSS.values() for name in names)
_KNOWN = {*LOSS, *NORM, *_OTHERS, *AXIS, *HUGGING_FACE}


def plain(name: str) -> str:
    """A name without the differences of spelling: Train/Grad-Norm is train_grad_norm."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def is_known(name: str) -> bool:
    """Whether a name, however it is spelled, is one that trackers use for a column."""
    return plain(name) in _KNOWN


def candidates(names: Iterable[str], known: tuple[str, ...]) -> list[str]:
    """The names that are spelled as the most preferred of `known` that occurs."""
    every = list(names)
    for one in known:
        found = [name for name in every if plain(name) == one]
        if found:
            return found
    return []
