"""Network files: widths, activation and data of a network, in TOML. All faults are collected."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from boundcalc.errors import Fault
from boundcalc.landscape.activations import ACTIVATIONS
from boundcalc.landscape.network import Network, parameters, shapes, weight_names, with_seed
from boundcalc.library.numbers import exact_number
from boundcalc.library.problem_formulas import shown
from boundcalc.library.problem_text import Faults
from boundcalc.library.toml_file import read_toml
from boundcalc.logs.guard import shown as one_line
from boundcalc.logs.log import Float
from boundcalc.logs.named import read_arrays

EXPECTED = "a network file (TOML text with a table [network])"
KEYS = {
    "widths", "activation", "output", "bias", "loss", "points", "data", "weights", "seed", "scale",
}  # fmt: skip
TOP_KEYS = {"name", "source", "note", "network"}
LOSSES = ("square",)
MOST_LAYERS = 100
MOST_SEEDED = 1 << 26  # parameters that are drawn; counts alone may be of any size
MOST_DIGITS = 4_000


def read_network(path: str | os.PathLike[str]) -> Network:
    """The network of a file; paths in it are relative to its folder.

    Raises InputError with every fault: unknown keys, widths that are no widths, an unknown
    activation, data or weights that are missing, of a wrong shape, or not finite.
    """
    return network_from(read_toml(Path(path), EXPECTED), str(path))


def read_weights(path: str | Path, net: Network) -> tuple[Float, ...]:
    """Weights of `net` in an npz file (W1, b1, W2, ...). Raises InputError with every fault."""
    names = weight_names(net)
    expected = f"the weights of widths {list(net.widths)} ({', '.join(names[:4])}, ...)"
    arrays = read_arrays(path, names, names, expected)
    faults = Faults()
    for name, shape in zip(names, shapes(net), strict=True):
        if arrays[name].shape != shape:
            found, wanted = f"shape {arrays[name].shape}", f"{shape}, by the widths"
            fix = "W_l is (n_l, n_(l-1)) and b_l (n_l,)"
            faults.append(Fault(f"{path}: array {name}", found, wanted, fix))
    faults.settle()
    return tuple(arrays[name] for name in names)


def network_from(raw: Mapping[str, Any], where: str) -> Network:
    """The network of the keys and values of a file; `where` is its path. Raises InputError."""
    reader = _Reader(where, raw)
    net = reader.network()
    reader.faults.settle()
    return net


class _Reader:
    """One pass over a file's keys; faults are kept, and what is wrong is left out."""

    def __init__(self, where: str, raw: Mapping[str, Any]) -> None:
        self.where = where
        self.raw = raw
        self.faults = Faults()
        table = raw.get("network")
        self.table: Mapping[str, Any] = table if isinstance(table, dict) else {}

    def fault(self, key: str, found: str, expected: str, fix: str = "correct it") -> None:
        self.faults.append(Fault(f"{self.where}: {key}", found, expected, fix))

    def network(self) -> Network:
        self._unknown(self.raw, TOP_KEYS, "")
        if not self.table:
            found = "nothing" if "network" not in self.raw else shown(self.raw["network"])
            fix = 'add [network] with widths = [4, 8, 1], activation = "tanh", points = 10'
            self.fault("network", found, "a table of widths, activation and data", fix)
            self.faults.settle()
        self._unknown(self.table, KEYS, "network ")
        widths = self._widths()
        net = Network(
            name=self._words("name", Path(self.where).stem),
            widths=widths or (1, 1),
            activation=self._one_of("activation", tuple(ACTIVATIONS), None),
            bias=self._flag("bias", True),
            loss=self._one_of("loss", LOSSES, "square"),
            points=1,
            x=None,
            y=None,
            weights=None,
            output=self._one_of("output", tuple(ACTIVATIONS), "linear"),
            source=self.where,
        )
        for key in ("source", "note"):
            self._words(key, "")
        net = self._with_data(net, widths is not None)
        return replace(net, weights=self._weights(net, widths is not None))

    def _unknown(self, table: Mapping[str, Any], known: set[str], prefix: str) -> None:
        for key in sorted(set(table) - known):
            fix = "remove or correct it"
            if key in KEYS:
                fix = "write it under [network]"
            expected = f"one of {', '.join(sorted(known))}"
            self.fault(f"{prefix}{one_line(key)}", "an unknown key", expected, fix)

    def _words(self, key: str, otherwise: str) -> str:
        value = self.raw.get(key, otherwise)
        if isinstance(value, str):
            return value
        self.fault(key, shown(value), "text in quotes")
        return otherwise

    def _one_of(self, key: str, known: tuple[str, ...], otherwise: str | None) -> str:
        expected = "one of " + ", ".join(f'"{name}"' for name in known)
        if key not in self.table:
            if otherwise is None:
                self.fault(key, "nothing", expected, "add it")
            return otherwise or known[0]
        value = self.table[key]
        if isinstance(value, str) and value in known:
            return value
        fix = "other losses have other theorems" if key == "loss" else "choose one"
        self.fault(key, shown(value), expected, fix)
        return known[0]

    def _flag(self, key: str, otherwise: bool) -> bool:
        value = self.table.get(key, otherwise)
        if isinstance(value, bool):
            return value
        self.fault(key, shown(value), "true or false")
        return otherwise

    def _count(self, key: str, value: Any, least: int) -> int | None:
        """A whole number from `least` on, of any size that prints."""
        if isinstance(value, int) and not isinstance(value, bool):
            if value.bit_length() > MOST_DIGITS:
                self.fault(key, f"a number of {value.bit_length()} bits", "a smaller one")
                return None
            if value >= least:
                return value
        text = isinstance(value, str) and value.strip().isdigit()
        found = shown(value) + (" (text)" if text else "")  # 2.0 is text too, as TOML was read
        fix = "write it without quotes" if text else "correct it"
        self.fault(key, found, f"a whole number from {least} on", fix)
        return None

    def _widths(self) -> tuple[int, ...] | None:
        value = self.table.get("widths")
        if not isinstance(value, list) or not 2 <= len(value) <= MOST_LAYERS + 1:
            found = "nothing" if value is None else shown(value)
            expected = f"a list of 2 to {MOST_LAYERS + 1} widths: inputs, hidden layers, outputs"
            self.fault("widths", found, expected, "write widths = [4, 8, 1]")
            return None
        found_widths = [self._count(f"widths[{k}]", one, 1) for k, one in enumerate(value)]
        widths = tuple(one for one in found_widths if one is not None)
        return widths if len(widths) == len(value) else None

    def _with_data(self, net: Network, widths_known: bool) -> Network:
        points = self._count("points", self.table["points"], 1) if "points" in self.table else None
        if "data" not in self.table:
            if "points" not in self.table:
                expected = 'points = N (the count) or data = "file.npz" (x and y)'
                self.fault("points, data", "neither", expected, "add one of them")
            return replace(net, points=points or 1)
        path = self._path("data")
        arrays = path and self.faults.attempt(
            read_arrays, path, ("x", "y"), ("x", "y"), "data: x (N, n_0) and y (N, n_L)"
        )
        if not arrays:
            return net
        x, y = arrays["x"], arrays["y"]
        if widths_known and not self._shapes_fit(net, x, y):
            return net
        if points is not None and points != len(x):
            self.fault("points", str(points), f"{len(x)}, the rows of {path}", "leave it out")
        return replace(net, points=len(x), x=x, y=y)

    def _shapes_fit(self, net: Network, x: Float, y: Float) -> bool:
        before = len(self.faults)
        for name, values, width in (("x", x, net.widths[0]), ("y", y, net.widths[-1])):
            if values.ndim != 2 or values.shape[1] != width or not len(values):
                expected = f"(N, {width}) with N from 1 on, by the widths"
                fix = f"reshape it, or change widths (a column: {name}[:, None])"
                self.fault(f"data: array {name}", f"shape {values.shape}", expected, fix)
        if before == len(self.faults) and len(x) != len(y):
            found = f"{len(x)} rows of x and {len(y)} of y"
            self.fault("data", found, "as many of both", "pair inputs and outputs")
        return before == len(self.faults)

    def _path(self, key: str) -> Path | None:
        value = self.table[key]
        if isinstance(value, str) and value.strip():
            return Path(self.where).parent / value
        self.fault(key, shown(value), 'the path of an npz file, such as "iris.npz"')
        return None

    def _weights(self, net: Network, widths_known: bool) -> tuple[Float, ...] | None:
        seeded = "seed" in self.table or "scale" in self.table
        if "weights" in self.table:
            if seeded:
                self.fault("weights, seed", "both", "one of the two", "leave one out")
            path = self._path("weights")
            if path is None or not widths_known:
                return None
            return self.faults.attempt(read_weights, path, net)
        if not seeded:
            return None
        seed = self._count("seed", self.table.get("seed", 0), 0)
        scale = self._scale()
        if seed is None or scale is None or not widths_known:
            return None
        count = parameters(net)
        if count > MOST_SEEDED:
            expected = f"at most {MOST_SEEDED} parameters to draw"
            fix = "leave the seed out: counts need no weights"
            self.fault("seed", f"a network of {count} parameters", expected, fix)
            return None
        return with_seed(net, seed, scale)

    def _scale(self) -> float | None:
        value = self.table.get("scale", 1)
        expected = 'a positive number, such as 1 or "1/2"'
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            number = self.faults.attempt(exact_number, str(value), f"{self.where}: scale")
            if number is None:
                return None
            with np.errstate(all="ignore"):
                scale = float(number) if abs(number) < 1 << 1000 else 0.0
            if scale > 0:
                return scale
        self.fault("scale", shown(value), expected)
        return None
