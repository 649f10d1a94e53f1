"""A small run of SGD, computed here, and what a fit says of the log that a tracker made of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from boundcalc import fit_log
from boundcalc.errors import InputError
from boundcalc.logs import open_log
from boundcalc.logs.mapping import parse_mapping

STEPS, BATCH = 40, 16


def data():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(320, 6, generator=generator)
    return x, (x @ torch.arange(-3.0, 3.0) > 0).long()


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.Tanh(), torch.nn.Linear(12, 2))


def plain_run(steps=STEPS, clip=None):
    """(loss, gradient norm) of every step of SGD, computed here; the norm after clipping."""
    x, y = data()
    net = network()
    out = []
    for k in range(steps):
        at = torch.arange(k * BATCH, (k + 1) * BATCH) % len(x)
        loss = torch.nn.functional.cross_entropy(net(x[at]), y[at])
        net.zero_grad()
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        norm = torch.sqrt(sum(p.grad.double().square().sum() for p in net.parameters()))
        with torch.no_grad():
            for p in net.parameters():
                p.sub_(0.3 * p.grad)
        out.append((loss.item(), norm.item()))
    return np.array(out)


def constants(run):
    loss, norm = run[:, 0], run[:, 1]
    ratio = norm**2 / loss / 2
    return ratio.min(), ratio.max()


def found(path, **options):
    constants = fit_log(str(path), **options).fit.constants
    return constants["pl"], constants["self-bounding"]


def refusal(path, *mapping):
    with pytest.raises(InputError) as raised:
        open_log(path, asked=parse_mapping(mapping))
    (fault,) = raised.value.faults
    return fault
