"""Results as JSON-ready data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Only dicts, lists, strings, bools, None and finite numbers; "inf", "nan" as strings."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    number = float(value) if not isinstance(value, Fraction) else _float(value)
    return number if math.isfinite(number) else str(number)


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def dumps(value: Any) -> str:
    """One JSON object, never with NaN or Infinity in it."""
    return json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
