"""The state that decides where a run goes: parameters, optimizers, schedulers, random numbers."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found, unused-ignore]

from boundcalc.errors import Fault, InputError

Restore = Callable[[], None]


def saved(things: Iterable[Any]) -> Restore:
    """A function that puts `things` and all global random number generators back to where they are.

    things : what has state_dict and load_state_dict (modules, optimizers, schedulers, scalers),
    torch.Generator, numpy.random.Generator.

    Raises InputError for anything else.
    """
    restores = [_saved(thing) for thing in things]
    python, legacy, tensors = random.getstate(), np.random.get_state(), torch_state()  # noqa: NPY002

    def restore() -> None:
        for one in restores:
            one()
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        set_torch_state(tensors)

    return restore


def _saved(thing: Any) -> Restore:
    if isinstance(thing, torch.Generator):
        state = thing.get_state()
        return lambda: _ignore(thing.set_state(state))
    if isinstance(thing, np.random.Generator):
        bits = copy.deepcopy(thing.bit_generator.state)
        return lambda: setattr(thing.bit_generator, "state", copy.deepcopy(bits))
    if hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict"):
        values = copy.deepcopy(thing.state_dict())
        return lambda: _ignore(thing.load_state_dict(copy.deepcopy(values)))
    raise InputError(
        Fault(
            "state",
            f"a {type(thing).__name__}",
            "what has state_dict() and load_state_dict(), or a random generator of torch or numpy",
            "restore it at the beginning of the training function instead",
        )
    )


def _ignore(_: object) -> None:
    """Some load_state_dict return what they could not match; strict ones raise."""


def torch_state() -> tuple[Any, list[Any]]:
    """States of torch's generators: that of the processor, and one per CUDA device in use."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return torch.get_rng_state(), devices


def set_torch_state(state: tuple[Any, list[Any]]) -> None:
    """Put torch's generators back."""
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])
