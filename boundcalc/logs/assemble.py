"""From named arrays to a Log: form, checks, derived columns, and what is to be said about them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.logs.array import Array, as_label, as_real, rounding_warning
from boundcalc.logs.columns import ConstantColumn, LabelColumn, RealColumn
from boundcalc.logs.derived import DerivedColumn, Table, TangentTable, VectorTable, Window
from boundcalc.logs.guard import listed
from boundcalc.logs.log import Column, Log
from boundcalc.logs.schema import COLUMNS, FIT, NEEDS, Purpose, ruled_out
from boundcalc.logs.shapes import is_constant, is_flat, shape_faults


def assemble(
    arrays: Mapping[str, Array],
    *,
    source: str,
    loss_min: float | None,
    unknown: Iterable[str] = (),
    faults: Iterable[Fault] = (),
    purpose: Purpose = FIT,
) -> Log:
    """Make a Log of the arrays that are columns.

    arrays : column name -> array, any form.
    loss_min : the user's own f_i*, in place of the log's.
    unknown : names that are no columns; faults : what the reader already found.
    purpose : which columns and how many rows must be there.

    Raises: InputError with all faults.
    """
    found = list(faults)
    form, kept, warnings = _one_form(arrays)
    found += shape_faults(source, kept, purpose)
    if loss_min is not None and not math.isfinite(loss_min):
        found.append(Fault("--loss-min", str(loss_min), "a finite number", "leave it out for 0"))
    _raise(found)  # shapes that are wrong make everything below meaningless

    if not kept:
        found.append(_no_columns(source, unknown, purpose))
    elif not set(purpose.needed) <= set(kept):
        found.append(_lacking(source, form, kept, purpose))
    rows = next((kept[n].shape[0] for n in kept if _has_rows(n, kept[n])), 0)
    if kept and not rows:
        expected, fix = "one number per row", "log loss, loss_ref, inner, ... at every step"
        found.append(Fault(source, f"no column with rows, only {listed(kept)}", expected, fix))
    _raise(found)

    columns: dict[str, Column] = {}
    value = loss_min
    try:
        warnings += [w for w in map(rounding_warning, kept.values()) if w]
        for name, array in kept.items():
            if name == "loss_min" and (loss_min is not None or is_constant(array)):
                value = _one_loss_min(array) if loss_min is None else loss_min
            elif COLUMNS[name].form == "scalar":
                columns[name] = _column(name, array, rows)
        table = _table(form, kept, columns)
    except InputError as error:
        raise InputError(*found, *error.faults) from error
    warnings += _overridden(form, kept, columns)
    if table is not None:
        window = Window(table)
        for name in table.names:
            columns.setdefault(name, DerivedColumn(name, rows, window))
    missing = [] if purpose.needed else _missing(columns)
    _raise(() if purpose.needed else _unusable(source, columns))
    return Log(
        source=source,
        form=form,
        rows=rows,
        columns={name: columns[name] for name in COLUMNS if name in columns},
        loss_min=None if "loss_min" in columns else 0.0 if value is None else value,
        loss_min_given=value is not None or "loss_min" in columns,
        warnings=(*warnings, *_ignored(unknown), *missing),
        vectors={n: RealColumn(fresh(a)) for n, a in kept.items() if COLUMNS[n].form != "scalar"},
    )


def fresh(array: Array) -> Array:
    """The same array with a place of its own in the stream, so that readers do not interfere."""
    return dataclasses.replace(array) if dataclasses.is_dataclass(array) else array


def _raise(faults: Iterable[Fault]) -> None:
    every = tuple(faults)
    if every:
        raise InputError(*every)


def _has_rows(name: str, array: Array) -> bool:
    return COLUMNS[name].dims[0] == "N" and not is_constant(array)


def _one_form(arrays: Mapping[str, Array]) -> tuple[str, dict[str, Array], list[str]]:
    """The form of the log, the arrays that belong to it, and a warning about those that do not."""
    form = "scalar"
    if "jacobian" in arrays or "residual" in arrays:
        form = "tangent"
    if "x" in arrays or "grad" in arrays:
        form = "vector"
    kept = {name: arrays[name] for name in COLUMNS if name in arrays}
    strange = [name for name in kept if COLUMNS[name].form not in {"scalar", form}]
    for name in strange:
        del kept[name]
    said = f"ignored: {listed(strange)} (the {form} form of a log has no such column)"
    return form, kept, [said] if strange else []


def _column(name: str, array: Array, rows: int) -> Column:
    """One scalar column of the log."""
    spec = COLUMNS[name]
    if is_constant(array):
        value = array.read(0, 1)
        label = spec.kind == "label"
        return ConstantColumn(as_label(value, array.where) if label else as_real(value), rows)
    if spec.kind == "label":
        return LabelColumn(array, spec.counted)
    return RealColumn(array, is_flat(array, spec))


def _one_loss_min(array: Array) -> float:
    """The loss_min that holds for all rows."""
    value = float(as_real(array.read(0, 1))[0])
    if not math.isfinite(value):
        raise InputError(
            Fault(array.where, str(value), "a finite number", "give it with --loss-min")
        )
    return value


def _table(form: str, arrays: Mapping[str, Array], given: Collection[str]) -> Table | None:
    """What the vectors of the log yield beyond the columns that are given."""
    if form == "tangent" and "residual" in arrays:
        jacobian = None if "grad_sqnorm" in given else arrays.get("jacobian")
        if jacobian is not None or "loss" not in given:
            return TangentTable(arrays["residual"], jacobian)
    if form == "vector":
        x_ref, x, grad = None, arrays.get("x"), arrays.get("grad")
        if "x_ref" in arrays:
            x_ref = as_real(arrays["x_ref"].read(0, arrays["x_ref"].shape[0]))
            bad = np.flatnonzero(~np.isfinite(x_ref))
            if bad.size:
                where, found = arrays["x_ref"].where, f"{bad.size} NaN or infinite entries"
                first = f"{found}, the first at index {bad[0]}"
                raise InputError(Fault(where, first, "finite numbers", "log the reference point"))
        if {"inner", "dist_sq"} <= set(given):
            x = None
        if {"inner", "grad_sqnorm"} <= set(given):
            grad = None
        table = VectorTable(x, grad, x_ref)
        return table if table.names else None
    return None


def _overridden(form: str, arrays: Mapping[str, Array], given: Collection[str]) -> list[str]:
    """A warning where a logged column takes the place of one that the vectors yield."""
    every = _table(form, arrays, ())
    twice = [name for name in COLUMNS if every and name in every.names and name in given]
    vectors = [name for name in arrays if COLUMNS[name].form == form]
    if not twice:
        return []
    return [f"{listed(twice)}: used as logged, not recomputed from {listed(vectors)}"]


def _lacking(source: str, form: str, kept: Collection[str], purpose: Purpose) -> Fault:
    """The fault of a log without columns that its purpose needs."""
    names = [name for name in purpose.needed if name not in kept]
    expected = ", ".join(f"{name}: {COLUMNS[name].meaning}" for name in names)
    found = f"no column {listed(names)} in a log of the {form} form, only {listed(kept)}"
    return Fault(source, found, expected, f"log {listed(purpose.needed)} at every snapshot")


def _no_columns(source: str, unknown: Iterable[str], purpose: Purpose) -> Fault:
    names = listed(unknown)
    if purpose.needed:
        found = f"no column of a log, only {names}" if names else "no arrays"
        expected = ", ".join(f"{name}: {COLUMNS[name].meaning}" for name in purpose.needed)
        given = ", ".join(f"{name}=..." for name in purpose.needed)
        return Fault(source, found, expected, f"save them so: np.savez(path, {given})")
    return Fault(
        where=source,
        found=f"no column of a log, only {names}" if names else "no arrays",
        expected="columns such as loss, loss_ref, inner, grad_sqnorm, dist_sq",
        fix="save them under these names: np.savez(path, loss=..., loss_ref=..., inner=...)",
    )


def _unusable(source: str, columns: Collection[str]) -> Iterator[Fault]:
    """The fault of a log from which no condition can be fitted."""
    if len(ruled_out(columns)) == len(NEEDS):
        yield Fault(
            where=source,
            found=f"only {listed(columns) or 'arrays from which no column follows'}: "
            "too little for any condition",
            expected="at least loss and grad_sqnorm, or full_loss and full_grad_sqnorm with one "
            "loss_min for all rows (pl), or loss, loss_ref and inner (alpha-beta)",
            fix="log these columns as well",
        )


def _ignored(unknown: Iterable[str]) -> list[str]:
    names = listed(unknown)
    return [f"ignored, not columns of a log: {names}"] if names else []


def _missing(columns: Collection[str]) -> list[str]:
    """One warning per missing column, with the conditions that it rules out."""
    out: dict[str, list[str]] = {}
    for condition, lacking in ruled_out(columns).items():
        for name in lacking:
            out.setdefault(name, []).append(condition)
    return [f"no column {name}: {', '.join(cs)} cannot be fitted" for name, cs in out.items()]
