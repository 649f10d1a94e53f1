"""Logs of training runs: the column schema, and one reader per format."""

from boundcalc.logs.arrays import log_from_arrays
from boundcalc.logs.log import Chunk, Column, Log
from boundcalc.logs.open import open_log, open_logs

__all__ = ["Chunk", "Column", "Log", "log_from_arrays", "open_log", "open_logs"]
