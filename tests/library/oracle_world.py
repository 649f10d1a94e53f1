"""The oracle's own reading of claims, in sympy: names, vectors, functions, expectations.

It shares no code with the kernel: text is read by Python's syntax tree, algebra is sympy's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp

CONSTANT, STATE, SAMPLE = 0, 1, 2
WHERE_F_IS_LEAST = ("minimiser", "projection")


class NotShownError(Exception):
    """The oracle does not see a proof; says why."""


@dataclass(frozen=True)
class Vec:
    """A linear combination of named vectors of one space."""

    space: str
    terms: Mapping[str, sp.Expr]

    def add(self, other: Vec, sign: int = 1) -> Vec:
        if self.space != other.space:
            raise NotShownError("vectors of two spaces")
        terms = dict(self.terms)
        for name, c in other.terms.items():
            terms[name] = terms.get(name, sp.S.Zero) + sign * c
        return Vec(self.space, terms)

    def times(self, by: sp.Expr) -> Vec:
        return Vec(self.space, {name: by * c for name, c in self.terms.items()})


@dataclass(frozen=True)
class At:
    """A point, by its name."""

    name: str


@dataclass(frozen=True)
class Function:
    """Kinds of the arguments ("point" or a space), "scalar" or a space, level, name of the mean."""

    arguments: tuple[str, ...]
    result: str
    level: int = STATE
    mean: str = ""


Value = Any  # sp.Expr, Vec or At


@cache
def tree(text: str) -> ast.expr:
    """The syntax tree of an expression, with ^ for powers."""
    try:
        return ast.parse(text.replace("^", "**").strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NotShownError(f"not an expression: {text}") from error


@cache
def vanishes(expr: sp.Expr) -> bool:
    """Whether a rational function is identically 0: refuted at a point, proved by expansion."""
    point = {s: sp.Rational(97 + 13 * k, 89 + 7 * k) for k, s in enumerate(_symbols(expr))}
    value = expr.xreplace(point)
    if value.is_Rational and value != 0:
        return False
    return sp.expand(sp.fraction(sp.together(expr))[0]) == 0


def _symbols(expr: sp.Expr) -> list[sp.Symbol]:
    return sorted(expr.free_symbols, key=str)


class World:
    """What the names of one claim stand for."""

    def __init__(self) -> None:
        self.scalars: dict[str, sp.Expr] = {}
        self.vectors: dict[str, Vec] = {}
        self.points: dict[str, tuple[str, str]] = {}  # kind, and of which point it is a projection
        self.level: dict[str, int] = {}
        self.pairs: dict[str, tuple[str, str]] = {}  # inner product -> the two vectors
        self.mean_value: dict[str, sp.Expr] = {}
        self.mean_vector: dict[str, Vec] = {}
        self.made_of: dict[str, set[str]] = {}  # defined variable -> what its definition mentions
        self.divisors: list[sp.Expr] = []  # divided by, and not yet shown to be nonzero
        self.functions = {
            "f": Function(("point",), "scalar"),
            "grad": Function(("point",), "X"),
            "dist2": Function(("point",), "scalar"),
            "f_i": Function(("point",), "scalar", SAMPLE, "f"),
            "grad_i": Function(("point",), "X", SAMPLE, "grad"),
        }

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Read something without asking yet whether its divisions are possible."""
        waiting = list(self.divisors)
        yield
        self.divisors[:] = waiting

    def scalar_name(self, name: str, level: int) -> sp.Symbol:
        """Declare a variable."""
        if name in self.scalars or name in self.vectors:
            raise NotShownError(f"{name} twice")
        self.level[name] = level
        self.scalars[name] = sp.Symbol(name)
        return self.scalars[name]

    def basis(self, name: str, space: str, level: int) -> Vec:
        """A named vector."""
        self.level[name] = level
        return Vec(space, {name: sp.S.One})

    def highest(self, value: Value) -> int:
        """The level of what a value is made of."""
        names = {s.name for s in value.free_symbols} if isinstance(value, sp.Expr) else set()
        if isinstance(value, Vec):
            names = set(value.terms).union(
                *({s.name for s in c.free_symbols} for c in value.terms.values())
            )
        return max((self.level[name] for name in names), default=CONSTANT)

    def behind(self, value: sp.Expr) -> set[str]:
        """The variables of a value and, through definitions, what they are made of."""
        names = {s.name for s in value.free_symbols}
        return names.union(*(self.made_of.get(name, set()) for name in names))

    def inner(self, a: Vec, b: Vec) -> sp.Expr:
        """The inner product, in symbols for those of named vectors."""
        if a.space != b.space:
            raise NotShownError("inner product of two spaces")
        total = sp.S.Zero
        for m, c in a.terms.items():
            for n, d in b.terms.items():
                first, second = sorted((m, n))
                name = f"<{first}|{second}>"
                self.pairs[name] = (first, second)
                self.level[name] = max(self.level[first], self.level[second])
                total += c * d * sp.Symbol(name)
        return total

    def scalar(self, text: str | ast.expr, env: Mapping[str, Value] | None = None) -> sp.Expr:
        """A scalar expression."""
        value = self.read(text, env)
        if not isinstance(value, sp.Expr):
            raise NotShownError("a scalar was expected")
        return value

    def vector(self, text: str | ast.expr, env: Mapping[str, Value] | None = None) -> Vec:
        """A vector expression; the name of a point is its vector."""
        value = self.read(text, env)
        if not isinstance(value, Vec):
            raise NotShownError("a vector was expected")
        return value

    def read(self, text: str | ast.expr, env: Mapping[str, Value] | None = None) -> Value:
        """The value of an expression; `env` gives names (and roles of functions) a meaning."""
        node, env = (tree(text) if isinstance(text, str) else text), env or {}
        match node:
            case ast.Constant(value=int() | float()):
                return sp.Rational(ast.unparse(node))
            case ast.Name(id=name):
                return self._name(env.get(name, name))
            case ast.UnaryOp(op=ast.USub(), operand=inside):
                value = self.read(inside, env)
                return value.times(sp.S.NegativeOne) if isinstance(value, Vec) else -value
            case ast.UnaryOp(op=ast.UAdd(), operand=inside):
                return self.read(inside, env)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(self.scalar(left, env), right)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, self.read(left, env), self.read(right, env))
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._call(env.get(name, name), args, env)
        raise NotShownError(f"unreadable: {ast.dump(node)[:80]}")

    def _name(self, name: Value) -> Value:
        if isinstance(name, At):
            return self.vectors[name.name]
        if not isinstance(name, str):
            return name
        if name in self.scalars:
            return self.scalars[name]
        if name in self.vectors:
            return self.vectors[name]
        raise NotShownError(f"{name} is unknown")

    def _power(self, base: sp.Expr, exponent: ast.expr) -> sp.Expr:
        sign = 1
        if isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub):
            sign, exponent = -1, exponent.operand
        if not (isinstance(exponent, ast.Constant) and isinstance(exponent.value, int)):
            raise NotShownError("an exponent is a whole number")
        if sign < 0:
            self.divisors.append(base)
        return base ** (sign * exponent.value)

    def _binary(self, op: ast.operator, a: Value, b: Value) -> Value:
        vectors = isinstance(a, Vec) + isinstance(b, Vec)
        if isinstance(op, ast.Add | ast.Sub):
            sign = 1 if isinstance(op, ast.Add) else -1
            if isinstance(b, Vec) and isinstance(a, sp.Integer) and a == 0:
                return b.times(sp.Integer(sign))  # -v, written out
            if vectors == 1:
                raise NotShownError("a vector and a scalar")
            return a.add(b, sign) if vectors else a + sign * b
        if isinstance(op, ast.Div):
            if isinstance(b, Vec):
                raise NotShownError("division by a vector")
            if sp.expand(b) == 0:
                raise NotShownError("division by 0")
            self.divisors.append(b)
            b = 1 / b
        elif not isinstance(op, ast.Mult) or vectors == 2:
            raise NotShownError("no such product")
        if isinstance(a, Vec):
            return a.times(b)
        return b.times(a) if isinstance(b, Vec) else a * b

    def _call(self, function: str, args: list[ast.expr], env: Mapping[str, Value]) -> Value:
        if function == "dot" and len(args) == 2:
            return self.inner(self.vector(args[0], env), self.vector(args[1], env))
        if function == "sqnorm" and len(args) == 1:
            inside = self.vector(args[0], env)
            return self.inner(inside, inside)
        if function == "square" and len(args) == 1:
            return self.scalar(args[0], env) ** 2
        if function == "E" and len(args) == 1:
            return self.expect(self.scalar(args[0], env))
        signature = self.functions.get(function)
        if signature is None or len(args) != len(signature.arguments):
            raise NotShownError(f"{function} of {len(args)} arguments")
        return self._apply(function, signature, args, env)

    def _apply(
        self, function: str, signature: Function, args: list[ast.expr], env: Mapping[str, Value]
    ) -> Value:
        """Multilinear in vector arguments: expanded over named vectors."""
        spread: list[tuple[sp.Expr, tuple[str, ...]]] = [(sp.S.One, ())]
        for kind, arg in zip(signature.arguments, args, strict=True):
            if kind == "point":
                choices = [(self.point(arg, env), sp.S.One)]
            else:
                vector = self.vector(arg, env)
                if vector.space != kind:
                    raise NotShownError("a vector of another space")
                choices = list(vector.terms.items())
            spread = [(c * d, (*names, n)) for c, names in spread for n, d in choices]
        if signature.result == "scalar":
            ((_, names),) = spread
            return self._value_at(function, signature, names[0])
        total = Vec(signature.result, {})
        for c, names in spread:
            total = total.add(self._vector_at(function, signature, names).times(c))
        return total

    def point(self, node: ast.expr, env: Mapping[str, Value]) -> str:
        """The name of a point."""
        name = env.get(node.id, node.id) if isinstance(node, ast.Name) else None
        name = name.name if isinstance(name, At) else name
        if not isinstance(name, str) or name not in self.points:
            raise NotShownError("the name of a point was expected")
        return name

    def _known_at(self, name: str) -> int:
        return self.highest(self.vectors[name]) if name in self.vectors else self.level[name]

    def _value_at(self, function: str, signature: Function, point: str) -> sp.Expr:
        known = self._known_at(point)
        if function == "f" and self.points[point][0] in WHERE_F_IS_LEAST:
            return self.scalars["fstar"]
        if function == "dist2":
            for name, (kind, of) in self.points.items():
                if kind == "projection" and of == point:
                    away = self.vectors[point].add(self.vectors[name], -1)
                    return self.inner(away, away)
        name = f"{function}({point})"
        self.level[name] = max(signature.level, known)
        if signature.mean and known < SAMPLE:
            self.mean_value[name] = self._value_at("f", self.functions["f"], point)
        return sp.Symbol(name)

    def _vector_at(self, function: str, signature: Function, names: tuple[str, ...]) -> Vec:
        known = max(self._known_at(name) for name in names)
        if function == "grad" and self.points[names[0]][0] in WHERE_F_IS_LEAST:
            return Vec("X", {})
        name = f"{function}({','.join(names)})"
        if signature.mean and known < SAMPLE:
            self.mean_vector[name] = self._vector_at("grad", self.functions["grad"], names)
        return self.basis(name, signature.result, max(signature.level, known))

    def expect(self, value: sp.Expr) -> sp.Expr:
        """The expectation over the sampled index: linear, known factors come out."""
        above, below = sp.fraction(sp.together(value))
        if self.highest(below) == SAMPLE:
            raise NotShownError("expectation of a quotient by a sampled quantity")
        sampled = [s for s in _symbols(above) if self.level[s.name] == SAMPLE]
        if not sampled:
            return value
        total = sp.S.Zero
        for powers, coefficient in sp.Poly(above, *sampled).terms():
            parts = [(s.name, e) for s, e in zip(sampled, powers, strict=True) if e]
            total += coefficient * self._mean(parts)
        return total / below

    def _mean(self, parts: list[tuple[str, int]]) -> sp.Expr:
        if not parts:
            return sp.S.One
        name, power = parts[0]
        if len(parts) == 1 and power == 1:
            if name in self.mean_value:
                return self.mean_value[name]
            a, b = self.pairs.get(name, ("", ""))
            for one, other in ((a, b), (b, a)):
                if one in self.mean_vector and self.level[other] < SAMPLE:
                    mean = self.mean_vector[one]
                    return self.inner(mean, Vec(mean.space, {other: sp.S.One}))
        made = "E[" + " ".join(f"{n}^{e}" for n, e in parts) + "]"
        self.level[made] = STATE
        return sp.Symbol(made)
