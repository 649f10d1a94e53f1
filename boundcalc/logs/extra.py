"""Packages that only some formats need: imported when such a file is opened."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from boundcalc.errors import Fault, InputError


def imported(module: str, extra: str, where: str, what: str) -> ModuleType:
    """The module. Raises InputError that names the extra where it is not installed.

    what : the thing that needs it, as in "a Parquet table".
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        missing = error.name == package or isinstance(error, ModuleNotFoundError)
        found = f"{what}, but the package {package} "
        found += "is not installed" if missing else f"cannot be imported ({error})"
        fix = f"pip install 'boundcalc[{extra}]'"
        raise InputError(Fault(where, found, f"the package {package}", fix)) from error
