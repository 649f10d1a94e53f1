"""What the names of a claim stand for: scalars, vectors, points and functions, kept apart.

Inner products of vectors are variables that only this file makes: their names, such as
"<grad(x),x>", are not names of the grammar. So are values of functions ("f(x)") and expectations
("E[f(y)]"). Every variable has a level: constant, state (known before an index is sampled), sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from boundcalc.kernel.claim import NAME
from boundcalc.kernel.grammar import Binary, Call, Expr, GrammarError, Name, Number, Power
from boundcalc.kernel.polynomial import (
    ZERO_RATIO,
    Monomial,
    Polynomial,
    Ratio,
    constant,
    ratio,
    spend,
    symbol,
)

CONSTANT, STATE, SAMPLE = 0, 1, 2

FUNCTIONS = ("dot", "sqnorm", "square", "E")


@dataclass(frozen=True)
class Vector:
    """Σ coefficient · named vector, all of one space."""

    space: str
    terms: dict[str, Ratio]

    def plus(self, other: Vector, sign: int) -> Vector:
        """self + sign·other."""
        spend(len(self.terms) + len(other.terms))
        terms = dict(self.terms)
        for name, coefficient in other.terms.items():
            terms[name] = terms.get(name, ZERO_RATIO) + ratio(Fraction(sign)) * coefficient
        return Vector(self.space, terms)

    def scaled(self, by: Ratio) -> Vector:
        """by·self."""
        return Vector(self.space, {name: by * c for name, c in self.terms.items()})


@dataclass(frozen=True)
class Signature:
    """Argument kinds ("point" or a space), result ("scalar" or a space), level, name of the mean.

    A function whose result is a vector is linear in an argument that is a vector.
    """

    arguments: tuple[str, ...]
    result: str
    level: int = STATE
    mean: str | None = None


@dataclass(frozen=True)
class Point:
    """A point of the space X. inside: it is known to lie in the ball that hypotheses speak of."""

    kind: str  # any, minimiser, projection, fixed, defined
    projection_of: str | None = None
    inside: bool = False


BUILT_IN = {
    "f": Signature(("point",), "scalar"),
    "grad": Signature(("point",), "X"),
    "f_i": Signature(("point",), "scalar", SAMPLE, "f"),
    "grad_i": Signature(("point",), "X", SAMPLE, "grad"),
    "dist2": Signature(("point",), "scalar"),
}


@dataclass
class Scope:
    """The names of one claim. Grows while the claim is read; a name is never declared twice."""

    scalars: dict[str, Ratio] = field(default_factory=dict)
    vectors: dict[str, Vector] = field(default_factory=dict)
    points: dict[str, Point] = field(default_factory=dict)
    functions: dict[str, Signature] = field(default_factory=lambda: dict(BUILT_IN))
    level: dict[str, int] = field(default_factory=dict)  # of variables and of named vectors
    mean: dict[str, Ratio] = field(default_factory=dict)  # sampled variable → its mean
    mean_vector: dict[str, Vector] = field(default_factory=dict)
    gram: dict[str, tuple[str, str]] = field(default_factory=dict)
    made_of: dict[str, frozenset[str]] = field(default_factory=dict)  # defined variable → variables

    def fresh(self, name: str) -> None:
        """Raises GrammarError where the name is taken or not a name of the grammar."""
        if NAME.fullmatch(name) is None:
            raise GrammarError(f"{name!r} is not a name", 0)
        if name != "dist2" and (name in self.functions or name in FUNCTIONS):
            raise GrammarError(f"{name} is a function", 0)
        if name in self.scalars or name in self.vectors or name in self.level:
            raise GrammarError(f"{name} is declared twice", 0)

    def add_scalar(self, name: str, level: int) -> None:
        """Declare a variable."""
        self.fresh(name)
        self.scalars[name] = symbol(name)
        self.level[name] = level

    def add_defined(self, name: str, level: int, made_of: frozenset[str]) -> None:
        """Declare a variable that a definition gives a meaning in terms of others."""
        self.add_scalar(name, level)
        self.made_of[name] = self.behind(made_of)

    def behind(self, names: frozenset[str]) -> frozenset[str]:
        """Variables, and those in their definitions."""
        return names.union(*(self.made_of.get(name, frozenset()) for name in names))

    def add_vector(self, name: str, space: str, level: int) -> None:
        """Declare a named vector."""
        self.fresh(name)
        self.vectors[name] = self.atom(name, space, level)

    def atom(self, name: str, space: str, level: int) -> Vector:
        """A named vector, as a vector."""
        self.level[name] = level
        return Vector(space, {name: ratio(Fraction(1))})

    def levels(self, names: frozenset[str]) -> int:
        """The highest level among variables."""
        return max((self.level[name] for name in names), default=CONSTANT)

    def vector_level(self, vector: Vector) -> int:
        """The highest level in a vector."""
        parts = [frozenset(vector.terms), *(c.variables() for c in vector.terms.values())]
        return max(self.levels(names) for names in parts)

    def inner(self, left: Vector, right: Vector) -> Ratio:
        """⟨left, right⟩ in the inner products of named vectors."""
        if left.space != right.space:
            raise GrammarError(f"inner product of spaces {left.space} and {right.space}", 0)
        total = ZERO_RATIO
        for a, x in left.terms.items():
            for b, y in right.terms.items():
                total = total + x * y * symbol(self._gram(a, b))
        return total

    def _gram(self, a: str, b: str) -> str:
        first, second = sorted((a, b))
        name = f"<{first},{second}>"
        self.gram[name] = (first, second)
        self.level[name] = max(self.level[first], self.level[second])
        return name

    def scalar(self, expr: Expr) -> Ratio:
        """The value of a scalar expression; raises GrammarError for a vector."""
        value = self.read(expr)
        if isinstance(value, Vector):
            raise GrammarError("expected a scalar, found a vector", expr.position)
        return value

    def vector(self, expr: Expr) -> Vector:
        """The value of a vector expression; raises GrammarError for a scalar."""
        value = self.read(expr)
        if isinstance(value, Ratio):
            raise GrammarError("expected a vector, found a scalar", expr.position)
        return value

    def read(self, expr: Expr) -> Ratio | Vector:
        """The value of an expression in the variables of this scope."""
        match expr:
            case Number(value):
                return ratio(value)
            case Name(name, position):
                if name in self.scalars:
                    return self.scalars[name]
                if name in self.vectors:
                    return self.vectors[name]
                raise GrammarError(f"{name} is not declared", position)
            case Binary("+" | "-" as op, left, right, position):
                return self._sum(op, left, right, position)
            case Binary("*", left, right, _):
                return self._product(left, right)
            case Binary(_, left, right, _):
                return self.quotient(self.read(left), right)
            case Power(base, exponent, _):
                if not exponent:
                    raise GrammarError("an exponent is not 0", expr.position)
                raised, power = self.scalar(base), ratio(Fraction(1))
                for _ in range(abs(exponent)):
                    power = power * raised
                return power if exponent >= 0 else ratio(Fraction(1)) / power
            case Call():  # pragma: no branch - the last kind of node
                return self._call(expr)

    def _sum(self, op: str, left: Expr, right: Expr, position: int) -> Ratio | Vector:
        sign = 1 if op == "+" else -1
        b = self.read(right)
        if isinstance(b, Vector) and left == Number(Fraction(0)):
            return b.scaled(ratio(Fraction(sign)))
        a = self.read(left)
        if isinstance(a, Ratio) and isinstance(b, Ratio):
            return a + b if sign == 1 else a - b
        if isinstance(a, Vector) and isinstance(b, Vector) and a.space == b.space:
            return a.plus(b, sign)
        raise GrammarError("a sum needs two scalars or two vectors of one space", position)

    def _product(self, left: Expr, right: Expr) -> Ratio | Vector:
        a, b = self.read(left), self.read(right)
        if isinstance(a, Vector):
            if isinstance(b, Vector):
                raise GrammarError("a product of vectors is written dot(u, v)", left.position)
            return a.scaled(b)
        return b.scaled(a) if isinstance(b, Vector) else a * b

    def quotient(self, value: Ratio | Vector, by: Expr) -> Ratio | Vector:
        """value / by, factor by factor, so that the factors stay apart."""
        match by:
            case Binary("*", left, right, _):
                return self.quotient(self.quotient(value, left), right)
            case Power(base, exponent, _) if exponent > 0:
                for _ in range(exponent):
                    value = self.quotient(value, base)
                return value
        try:
            inverse = ratio(Fraction(1)) / self.scalar(by)
        except ZeroDivisionError as error:
            raise GrammarError(str(error), by.position) from None
        return value.scaled(inverse) if isinstance(value, Vector) else value * inverse

    def _call(self, call: Call) -> Ratio | Vector:
        match call.function, call.arguments:
            case "dot", (left, right):
                return self.inner(self.vector(left), self.vector(right))
            case "sqnorm", (inside,):
                value = self.vector(inside)
                return self.inner(value, value)
            case "square", (inside,):
                scalar = self.scalar(inside)
                return scalar * scalar
            case "E", (inside,):
                return self.expect(self.scalar(inside))
        if call.function not in self.functions:
            raise GrammarError(f"{call.function} is not a function here", call.position)
        return self._apply(call, self.functions[call.function])

    def _apply(self, call: Call, signature: Signature) -> Ratio | Vector:
        """f(x) as a variable, grad(x) as a named vector; linear in arguments that are vectors."""
        if len(call.arguments) != len(signature.arguments):
            count = len(signature.arguments)
            raise GrammarError(f"{call.function} takes {count} argument(s)", call.position)
        at = call.position
        spread: list[tuple[Ratio, tuple[str, ...]]] = [(ratio(Fraction(1)), ())]
        for kind, argument in zip(signature.arguments, call.arguments, strict=True):
            choices = self._argument(kind, argument)
            spend(len(spread) * len(choices))
            spread = [(c * d, (*names, n)) for c, names in spread for d, n in choices]
        if signature.result == "scalar":
            if len(spread) != 1 or spread[0][0] != ratio(Fraction(1)):
                raise GrammarError("expected the name of a vector: no sum, no multiple", at)
            return self._scalar_value(call.function, signature, spread[0][1])
        total = Vector(signature.result, {})
        for coefficient, names in spread:
            part = self._vector_value(call.function, signature, names)
            total = total.plus(part.scaled(coefficient), 1)
        return total

    def _argument(self, kind: str, argument: Expr) -> list[tuple[Ratio, str]]:
        if kind == "point":
            if not isinstance(argument, Name) or argument.name not in self.points:
                raise GrammarError("expected the name of a point", argument.position)
            return [(ratio(Fraction(1)), argument.name)]
        value = self.vector(argument)
        if value.space != kind:
            raise GrammarError(f"expected a vector of {kind}", argument.position)
        return [(coefficient, name) for name, coefficient in value.terms.items()]

    def _atom(
        self, function: str, signature: Signature, names: tuple[str, ...]
    ) -> tuple[str, bool]:
        """The variable's name, and whether its mean is that of another function at known points."""
        known = max(self._known_at(name) for name in names)
        atom = f"{function}({','.join(names)})"
        self.level[atom] = max(signature.level, known)
        return atom, signature.mean is not None and known < SAMPLE

    def _scalar_value(self, function: str, signature: Signature, names: tuple[str, ...]) -> Ratio:
        if function in ("f", "dist2"):
            return self._by_definition(function, names[0])
        atom, has_mean = self._atom(function, signature, names)
        if has_mean:
            self.mean[atom] = self._by_definition(str(signature.mean), names[0])
        return symbol(atom)

    def _vector_value(self, function: str, signature: Signature, names: tuple[str, ...]) -> Vector:
        if function == "grad":
            return self._gradient(function, names[0])
        atom, has_mean = self._atom(function, signature, names)
        if has_mean:
            self.mean_vector[atom] = self._gradient(str(signature.mean), names[0])
        return self.atom(atom, signature.result, self.level[atom])

    def _by_definition(self, function: str, point: str) -> Ratio:
        """f(x), dist2(x) as variables, or what they are by definition: f = fstar on minimisers."""
        if function == "f" and self.points[point].kind in ("minimiser", "projection"):
            return symbol("fstar")
        if function == "dist2":
            for name, other in self.points.items():
                if other.projection_of == point:
                    away = self.vectors[point].plus(self.vectors[name], -1)
                    return self.inner(away, away)
        self.level[f"{function}({point})"] = max(STATE, self._known_at(point))
        return symbol(f"{function}({point})")

    def _gradient(self, function: str, point: str) -> Vector:
        """grad(x) as a named vector; 0 at minimisers, where it keeps its name (and divisors)."""
        named = self.atom(f"{function}({point})", "X", max(STATE, self._known_at(point)))
        if self.points[point].kind in ("minimiser", "projection"):
            return named.scaled(ZERO_RATIO)
        return named

    def _known_at(self, name: str) -> int:
        return self.vector_level(self.vectors[name]) if name in self.vectors else self.level[name]

    def expect(self, value: Ratio) -> Ratio:
        """The expectation over the sampled index, given the state. Linear; never a product of two.

        Raises GrammarError where a denominator depends on the sampled index.
        """
        for factor in value.factors:
            if self.levels(factor.variables()) == SAMPLE:
                raise GrammarError("no expectation of a quotient by a sampled quantity", 0)
        return value.map(self._expect)

    def _expect(self, p: Polynomial) -> Polynomial:
        total = constant(Fraction(0))
        for monomial, coefficient in p.terms.items():
            known = tuple((n, e) for n, e in monomial if self.level[n] != SAMPLE)
            sampled = tuple((n, e) for n, e in monomial if self.level[n] == SAMPLE)
            part = Polynomial({known: coefficient})
            total = total + (part * self._mean_of(sampled).numerator if sampled else part)
        return total

    def _mean_of(self, sampled: Monomial) -> Ratio:
        """A polynomial: f(x) for f_i(x), ⟨grad(x), v⟩ for ⟨grad_i(x), v⟩, else a new variable."""
        (name, exponent), rest = sampled[0], sampled[1:]
        if not rest and exponent == 1:
            if name in self.mean:
                return self.mean[name]
            a, b = self.gram.get(name, ("", ""))
            for one, other in ((a, b), (b, a)):
                if one in self.mean_vector and self.level[other] != SAMPLE:
                    space = self.mean_vector[one].space
                    return self.inner(
                        self.mean_vector[one], Vector(space, {other: ratio(Fraction(1))})
                    )
        atom = "E[" + "*".join(f"{n}^{e}" for n, e in sampled) + "]"
        self.level[atom] = STATE
        return symbol(atom)
