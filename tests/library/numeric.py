"""Formulas of the catalogue in floating point, on functions that one can call."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from oracle_world import tree

RELATION = re.compile("[<>]=?|=")
Array = np.ndarray[Any, Any]


@dataclass
class Instance:
    """f = the mean of f_i on R^dim, with what is known of it in closed form.

    facts : (condition, "f" or "f_i") -> its constants. maps : functions that a theorem declares,
    by name. sizes : dimensions of spaces. sample : a random point at which things are tried.
    """

    name: str
    dim: int
    parts: list[tuple[Callable[[Array], float], Callable[[Array], Array], float]]  # f_i, grad, inf
    project: Callable[[Array], Array]
    facts: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    maps: dict[str, Callable[..., Any]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    reach: float = 3.0

    def f(self, x: Array) -> float:
        return float(np.mean([value(x) for value, _, _ in self.parts]))

    def grad(self, x: Array) -> Array:
        return np.mean([slope(x) for _, slope, _ in self.parts], axis=0)

    @cached_property
    def fstar(self) -> float:
        return self.f(self.project(np.zeros(self.dim)))

    @property
    def sigma2(self) -> float:
        return self.fstar - float(np.mean([inf for _, _, inf in self.parts]))

    def points(self, rng: np.random.Generator, count: int) -> Array:
        return rng.uniform(-self.reach, self.reach, (count, self.dim))


class Numbers:
    """Values of expressions at an instance and a sampled index, or a batch of them."""

    def __init__(self, instance: Instance, index: int = 0, batch: tuple[int, ...] = ()) -> None:
        self.instance, self.index, self.batch = instance, index, batch

    def __call__(self, text: str | ast.expr, env: Mapping[str, Any]) -> Any:
        node = tree(text) if isinstance(text, str) else text
        match node:
            case ast.Constant(value=number):
                return float(number)
            case ast.Name(id=name):
                return self._name(env.get(name, name))
            case ast.UnaryOp(operand=inside):
                return -self(inside, env)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, self(left, env), self(right, env))
            case ast.Call(func=ast.Name(id=name), args=args):
                given = env.get(name)  # a function by another name, or a constant of this one
                return self._call(given if isinstance(given, str) else name, args, env)
        raise ValueError(ast.dump(node))

    def slack(self, relation: str, env: Mapping[str, Any]) -> float:
        """left − right of left >= right; −|left − right| of an equality."""
        match = RELATION.search(relation)
        assert match is not None
        left, right = self(relation[: match.start()], env), self(relation[match.end() :], env)
        if match.group() == "=":
            return -float(np.max(np.abs(left - right)))
        return float(left - right if match.group()[0] == ">" else right - left)

    def _name(self, name: Any) -> Any:
        if not isinstance(name, str):
            return name
        if name == "inf_i":
            return self.instance.parts[self.index][2]
        return {"fstar": self.instance.fstar, "sigma2": self.instance.sigma2}[name]

    def _binary(self, op: ast.operator, a: Any, b: Any) -> Any:
        match op:
            case ast.Add():
                return a + b
            case ast.Sub():
                return a - b
            case ast.Mult():
                return a * b
            case ast.Div():
                return np.inf if np.ndim(b) == 0 and b == 0 else a / b
            case ast.Pow():
                return a**b
        raise ValueError(op)

    def _call(self, name: str, args: list[ast.expr], env: Mapping[str, Any]) -> Any:
        if name == "E":
            size = int(env["s"]) if "batch" in ast.unparse(args[0]) else 1
            every = itertools.product(range(len(self.instance.parts)), repeat=size)
            means = [Numbers(self.instance, drawn[0], drawn)(args[0], env) for drawn in every]
            return np.mean(means, axis=0)
        values = [self(arg, env) for arg in args]
        plain: dict[str, Callable[..., Any]] = {
            "dot": np.dot,
            "sqnorm": lambda v: float(v @ v),
            "square": lambda e: e * e,
            "sqrt": lambda e: math.sqrt(e) if e >= 0 else math.nan,
            "min": min,
            "max": max,
            "f": self.instance.f,
            "grad": self.instance.grad,
            "f_i": self.instance.parts[self.index][0],
            "grad_i": self.instance.parts[self.index][1],
            "dist2": lambda x: float(np.sum((x - self.instance.project(x)) ** 2)),
            "norm": lambda x: float(np.linalg.norm(self.instance.grad(x))),
            "batch": self._mean_of_batch,
        }
        return {**plain, **self.instance.maps}[name](*values)

    def _mean_of_batch(self, x: Array) -> Array:
        return np.mean([self.instance.parts[i][1](x) for i in self.batch], axis=0)
