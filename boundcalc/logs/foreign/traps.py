"""What foreign logs conceal, seen in their numbers: means, rounding, sampling, clipping.

Each trap gives a note (the log is fitted all the same, as far as that means something), or the
reason why the rows mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.foreign.history import History
from boundcalc.logs.foreign.names import HUGGING_FACE, OTHER_LOSS, plain

DECIMALS = 4  # that the Hugging Face trainer keeps of a loss
_UNIT = 10.0**-DECIMALS
_TOLERATED = 0.01  # relative rounding error of a loss that is still worth a row
_FEW = 8  # values that may look rounded by chance
_PLATEAU = 1e-4  # relative width of the ceiling that clipping leaves; torch divides by norm + 1e-6
_ON_PLATEAU = 3

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Loss and gradient norm at the same steps, (n,) each, and the metrics they come from.

    norm_steps : all steps at which the norm was logged.
    """

    loss_name: str
    norm_name: str | None
    step: Ints
    loss: Floats
    norm: Floats | None
    norm_steps: Ints


def meaningless(history: History, pairs: Pairs) -> Iterator[str]:
    """Why loss and gradient norm of these rows must not be set against each other."""
    if pairs.norm is None:
        return
    name = plain(pairs.loss_name)
    for what, names in OTHER_LOSS.items():
        if name in names:
            yield f"{pairs.loss_name} is {what}, {pairs.norm_name} the gradient of one step"
            return
    points, norms = len(history.series[pairs.loss_name].step), len(pairs.norm_steps)
    if points < norms and len(pairs.step) > 1 and int(np.diff(pairs.step).max()) > 1:
        yield (
            f"{pairs.loss_name} is there at {len(pairs.step)} of the {norms} steps of "
            f"{pairs.norm_name}: it looks like a mean over the steps between"
        )
        return
    every = averaged_over(history, pairs.step)
    if every is not None and every != "1":
        yield (
            f"{pairs.loss_name} is a mean over {every} steps (logging_steps), {pairs.norm_name} "
            "the gradient of one of them: their ratio is no PL ratio"
        )


def averaged_over(history: History, step: Ints) -> str | None:
    """Over how many steps the losses are means; "1" for none, None where nothing tells."""
    gaps = np.diff(step)
    widest = int(gaps.max()) if len(gaps) else 1
    if history.averaged is not None:
        return str(max(history.averaged, widest))
    names = {plain(name) for name in history.series}
    if names.issuperset(HUGGING_FACE) and widest > 1:
        return f"{widest}"
    return None


def rounded(pairs: Pairs, certain: bool) -> tuple[NDArray[np.bool_], str | None]:
    """Rows to keep, (n,), and what is to be said of losses that were rounded to a few decimals.

    certain : the format is known to round, so that few rows are evidence enough.
    """
    loss = pairs.loss
    keep = np.ones(len(loss), dtype=np.bool_)
    finite = loss[np.isfinite(loss)]
    if len(finite) < (1 if certain else _FEW):
        return keep, None
    exact = np.round(finite, DECIMALS) == finite
    if not exact.all() or np.all(finite == np.round(finite)):
        return keep, None
    keep = ~(np.abs(loss) < _UNIT / 2 / _TOLERATED)
    left = np.abs(loss[keep & np.isfinite(loss)])
    worst = _UNIT / 2 / float(left.min()) if len(left) else 0.0
    said = (
        f"losses are rounded to {DECIMALS} decimals: μ and L are off by up to {worst:.2g} of them"
    )
    dropped = int(np.count_nonzero(~keep))
    if dropped:
        said += (
            f"; {dropped} rows with a loss below {_UNIT / 2 / _TOLERATED:g}, where that is more "
            f"than {_TOLERATED:.0%}, were left out"
        )
    return keep, said


def clipped(history: History, pairs: Pairs) -> tuple[str | None, str | None]:
    """(why L is withheld, or None; what else is to be said of clipping, or None)."""
    norm = pairs.norm
    if norm is None or not np.isfinite(norm).any():
        return None, None
    top = float(np.nanmax(np.where(np.isfinite(norm), norm, np.nan)))
    clip = history.clip
    if clip is not None and clip > 0 and top > clip * (1 + _PLATEAU):
        return None, (
            f"gradients were clipped at {clip:g} and {pairs.norm_name} was taken before that: the "
            "steps were shorter than these norms say"
        )
    at_top = int(np.count_nonzero(norm >= top * (1 - _PLATEAU)))
    if top > 0 and at_top >= _ON_PLATEAU and at_top > len(norm) // 200:
        return (
            f"{at_top} of {len(norm)} values of {pairs.norm_name} lie at its largest, {top:.6g}: "
            "they look clipped, so that the gradients were longer; L would be too small (μ holds "
            "all the more)"
        ), None
    return None, None


def sampled(history: History, pairs: Pairs) -> str | None:
    """What is to be said of steps that are not there."""
    gaps = np.diff(pairs.step)
    if not len(gaps) or int(gaps.max()) <= 1:
        return None
    first, last = int(pairs.step[0]), int(pairs.step[-1])
    if len(np.unique(gaps)) == 1:
        said = f"only every {int(gaps[0])}th step was logged"
    else:
        said = f"{len(pairs.step)} of {last - first + 1} steps are there, unevenly"
    how = f" ({history.sampled})" if history.sampled else ""
    unsure = (
        ""
        if history.averaged == 1
        else ("; if the trainer averages losses between reports, μ and L mean nothing")
    )
    return f"{said}{how}: the fit is of these rows{unsure}"
