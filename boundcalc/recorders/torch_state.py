"""The state that decides where a run goes: parameters, optimizers, schedulers, random numbers."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
    numbers = random_state()

    def restore() -> None:
        for one in restores:
            one()
        set_random_state(numbers)

    return restore


def _saved(thing: Any) -> Restore:
    if isinstance(thing, torch.Generator):
        state = thing.get_state()
        return lambda: _ignore(thing.set_state(state))
    if isinstance(thing, np.random.Generator):
        bits = copy.deepcopy(thing.bit_generator.state)
        return lambda: setattr(thing.bit_generator, "state", copy.deepcopy(bits))
    if isinstance(thing, torch.nn.Module):
        return _saved_module(thing)
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


def _saved_module(module: torch.nn.Module) -> Restore:
    """Values, and what is in no state_dict: gradients, what is frozen, training or evaluation."""
    values = copy.deepcopy(module.state_dict())
    modes = [(one, one.training) for one in module.modules()]
    entries = [
        (entry, entry.requires_grad, None if entry.grad is None else entry.grad.detach().clone())
        for entry in module.parameters()
    ]

    def restore() -> None:
        module.load_state_dict(copy.deepcopy(values))
        for one, mode in modes:
            one.training = mode
        for entry, trained, gradient in entries:
            entry.requires_grad_(trained)
            kept = None if gradient is None else gradient.to(entry.device, copy=True)
            entry.grad = kept

    return restore


RandomState = tuple[Any, Any, Any, list[Any]]


def random_state() -> RandomState:
    """States of the global generators: Python's, NumPy's, torch's, and one per CUDA device."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    legacy = np.random.get_state()  # noqa: NPY002
    return random.getstate(), legacy, torch.get_rng_state(), devices


def set_random_state(state: RandomState) -> None:
    """Put the global generators back."""
    random.setstate(state[0])
    np.random.set_state(state[1])  # noqa: NPY002
    torch.set_rng_state(state[2])
    if state[3]:
        torch.cuda.set_rng_state_all(state[3])


@contextmanager
def undisturbed(model: torch.nn.Module) -> Iterator[None]:
    """What is evaluated inside leaves no trace: buffers (batch norm), random numbers."""
    state = random_state()
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)
        set_random_state(state)
