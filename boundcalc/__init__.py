"""boundcalc: which convergence theorems apply to your loss landscape, and what their bounds say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from boundcalc.errors import Fault, InputError

if TYPE_CHECKING:
    from boundcalc.guarantees.assessment import Assessment
    from boundcalc.library.rate import Rate

__version__ = "0.1.0"

__all__ = ["Fault", "InputError", "__version__", "fit_log", "rate"]


def fit_log(
    log: str | os.PathLike[str] | Mapping[str, Any],
    *,
    loss_min: float | None = None,
    **options: Any,
) -> Assessment:
    """Fit conditions to a training log and evaluate the theorems that follow, as `boundcalc fit`.

    log : path of a log, or columns by name (see docs/log.md), arrays of equal length.
    loss_min : f_i* of every row (loss units), in place of the column.
    options : fields of `boundcalc.guarantees.assessment.Request` (objective, steps, discard, ...).

    Raises InputError, with every fault that was found, for a log or a request that is wrong.
    Reference: Islamov et al. 2024 (arXiv 2410.12455), Definition 1 and Theorem 1.
    """
    from boundcalc.guarantees.assessment import Request, assess

    if isinstance(log, Mapping):
        from boundcalc.logs.arrays import log_from_arrays

        opened = log_from_arrays(log, loss_min=loss_min)
    else:
        from boundcalc.logs.open import open_log

        opened = open_log(log, loss_min=loss_min)
    return assess(opened, Request(**options))


def rate(theorem: str, **constants: Any) -> Rate:
    """A theorem of the catalogue at given constants, as `boundcalc rate`.

    constants : as the theorem names them (exact: 0.1 and "0.1" are 1/10, "5/2"), and `steps`,
    `step_size`, `epsilon`.

    Raises InputError for constants that are missing, of the wrong sign or in contradiction.
    """
    from boundcalc.library.evaluate import rate as evaluated

    return evaluated(theorem, **constants)
