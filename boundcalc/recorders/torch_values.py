"""What the recorder reads off tensors and optimizers: losses, vectors, learning rates."""

from __future__ import annotations

from typing import Any

import torch  # type: ignore[import-not-found, unused-ignore]

from boundcalc.errors import Fault, InputError

Tensor = Any
_NO_FLOAT64 = ("mps",)


def number(loss: Tensor) -> float:
    """The loss as a number. Raises InputError where it is not one."""
    if isinstance(loss, torch.Tensor):
        if loss.numel() != 1:
            found = f"a loss of shape {tuple(loss.shape)}"
            fix = "take its mean, or use Recorder.step_each for a row per sample"
            raise InputError(Fault("loss", found, "one number", fix))
        if loss.is_complex():
            raise InputError(Fault("loss", "a complex loss", "a real number", "take its real part"))
        return float(loss.detach())
    return float(loss)


def flat(tensor: Tensor) -> Tensor:
    """The entries, (n,), on the tensor's device where that has float64.

    Complex entries are pairs of real ones, so that products are those of the real gradient.
    """
    plain = tensor.detach()
    if plain.layout is not torch.strided:
        plain = plain.to_dense()
    if plain.is_complex():
        plain = torch.view_as_real(plain.resolve_conj())
    if plain.device.type in _NO_FLOAT64:
        plain = plain.cpu()
    return plain.reshape(-1)


def wide(tensor: Tensor) -> Tensor:
    """The entries in float64, (n,), as `flat` has them."""
    return flat(tensor).double()


def optimized(model: torch.nn.Module, optimizer: torch.optim.Optimizer | None) -> list[Tensor]:
    """The parameters that training moves: x. Shared ones count once.

    Raises InputError where the optimizer has parameters that the model lacks, or there are none.
    """
    trained = [entry for entry in model.parameters() if entry.requires_grad]
    if optimizer is not None:
        held = {id(entry) for group in optimizer.param_groups for entry in group["params"]}
        if held - {id(entry) for entry in model.parameters()}:
            found = "parameters that are not the model's"
            fix = "put all modules that are trained into one, say torch.nn.ModuleList([a, b])"
            raise InputError(Fault("optimizer", found, "parameters of the model", fix))
        trained = [entry for entry in trained if id(entry) in held]
    if not trained:
        fix = "give the model and the optimizer that are trained"
        raise InputError(Fault("model", "no parameter that is trained", "at least one", fix))
    return trained


def rate_of(optimizer: torch.optim.Optimizer | None) -> float | None:
    """The learning rate. Raises InputError where groups of parameters have several."""
    if optimizer is None:
        return None
    rates = {float(group["lr"]) for group in optimizer.param_groups if group["params"]}
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
