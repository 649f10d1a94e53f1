"""Growth of functions of t as t → ∞: finite sums of c(t)·e^Q(t)·t^k·(log t)^l, and their signs.

Q is a sum of positive powers of t with rational coefficients. A coefficient c(t) is a polynomial in
numbers and in new variables that stay in a bounded range: remainders of Taylor's formula. So the
sum is exact for all large t, and where the enclosure of its leading coefficient does not meet 0, it
has the sign of that in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cmp_to_key
from math import ceil, factorial
from typing import TypeAlias

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Context, evaluate
from boundcalc.kernel.analytic.normal import ZERO, number, scaled
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import ONE, Polynomial, constant, variable

TIME = "t"
ORDERS = (4, 9)  # of Taylor's formula, one after the other
MOST = 600  # terms of a sum
Powers: TypeAlias = tuple[tuple[Fraction, Fraction], ...]  # (power, coefficient), greatest first
Rate: TypeAlias = tuple[Powers, Fraction, Fraction]  # Q, k, l
Sum: TypeAlias = dict[Rate, Polynomial]

STILL: Rate = ((), Fraction(0), Fraction(0))
LEVEL: Mapping[str, tuple[int, int, int]] = {
    # function → its limits at −∞ and +∞, and the rate of the exponential by which it settles
    "logistic": (0, 1, 1),
    "softplus": (0, 0, 1),
    "tanh": (-1, 1, 2),
}


def compare(a: Rate, b: Rate) -> int:
    """1 where e^Q·t^k·(log t)^l grows faster for a than for b, −1 where slower, 0 where alike."""
    lead = _joined(a, b, -1)[0]
    first = (lead[0][1] if lead else 0) or a[1] - b[1] or a[2] - b[2]
    return (first > 0) - (first < 0)


def _joined(a: Rate, b: Rate, sign: int) -> Rate:
    """The rate of a product (sign 1) or of a quotient (−1)."""
    powers = dict(a[0])
    for power, coefficient in b[0]:
        powers[power] = powers.get(power, Fraction(0)) + sign * coefficient
    kept = sorted(((p, c) for p, c in powers.items() if c), reverse=True)
    return tuple(kept), a[1] + sign * b[1], a[2] + sign * b[2]


def _times(rate: Rate, by: Fraction) -> Rate:
    return tuple((p, c * by) for p, c in rate[0]), rate[1] * by, rate[2] * by


class Growth:
    """Sums for the atoms of one graph in the variable t.

    ranges : further variables with rational enclosures of what they stand for; order : of Taylor's
    formula, which is then used up to the terms before.
    """

    def __init__(
        self,
        context: Context,
        ranges: Mapping[str, tuple[Fraction, Fraction]],
        order: int = ORDERS[0],
    ) -> None:
        self.context, self.normal = context, context.normal
        self.ranges = dict(ranges)
        self.order = order
        self._known: dict[str, Sum] = {}

    def leading(self, p: Polynomial) -> tuple[Rate, int]:
        """Rate and sign of p(t) for large t; sign 0 where p is 0. Raises Rejected."""
        return self._lead(self._sum(p))[:2]

    def rate(self, p: Polynomial) -> Rate:
        """A bound of the rate of p(t): it grows no faster. Raises Rejected."""
        return self._fastest(self._sum(p))

    def _lead(self, terms: Sum) -> tuple[Rate, int, Polynomial]:
        if not terms:
            return STILL, 0, ZERO
        rate = self._fastest(terms)
        return rate, self._sign(terms[rate]), terms[rate]

    def _sign(self, coefficient: Polynomial) -> int:
        values = {name: iv.between(*ends) for name, ends in self.ranges.items()}
        node = self.normal.node(coefficient)
        low, high = evaluate(self.context.terms, node, values)
        if not (low > 0 or high < 0):
            raise Rejected("growth: a leading coefficient whose sign is not known")
        return 1 if low > 0 else -1

    # -- arithmetic

    def _plus(self, *sums: Sum) -> Sum:
        total: Sum = {}
        for terms in sums:
            for rate, c in terms.items():
                total[rate] = total.get(rate, ZERO) + c
        if len(total) > MOST:
            raise Rejected(f"growth: more than {MOST} terms")
        return {rate: c for rate, c in total.items() if c}

    def _product(self, a: Sum, b: Sum) -> Sum:
        if len(a) * len(b) > 50 * MOST:
            raise Rejected(f"growth: more than {MOST} terms")
        total: Sum = {}
        for r, c in a.items():
            for s, d in b.items():
                rate = _joined(r, s, 1)
                total[rate] = total.get(rate, ZERO) + self.normal.times(c, d)
        return self._plus(total)

    def _scaled(self, terms: Sum, by: Fraction) -> Sum:
        return {rate: scaled(c, by) for rate, c in terms.items() if by}

    def _sum(self, p: Polynomial) -> Sum:
        parts = []
        for monomial, coefficient in p.terms.items():
            product: Sum = {STILL: constant(coefficient)}
            for name, exponent in monomial:
                for _ in range(exponent):
                    product = self._product(product, self._name(name))
            parts.append(product)
        return self._plus(*parts)

    def _free(self, low: Fraction | int, high: Fraction | int) -> Polynomial:
        name = f"@w{len(self.ranges)}"
        self.ranges[name] = (Fraction(low), Fraction(high))
        return variable(name)

    def _taylor(self, small: Sum, coefficients: list[Polynomial], rest: Polynomial) -> Sum:
        """Σ coefficients_j·small^j + rest·small^order."""
        total: Sum = {}
        power: Sum = {STILL: ONE}
        for c in [*coefficients, rest] if small else coefficients[:1]:
            total = self._plus(total, self._product(power, {STILL: c} if c else {}))
            power = self._product(power, small)
        return total

    # -- atoms

    def _name(self, name: str) -> Sum:
        if name not in self._known:
            self._known[name] = self._atom(name)
        return self._known[name]

    def _atom(self, name: str) -> Sum:
        if name == TIME:
            return {((), Fraction(1), Fraction(0)): ONE}
        atom = self.normal.atom(name)
        if atom is None and name not in self.ranges:
            raise Rejected(f"growth: {name} is not known along the curve")
        if atom is None or TIME not in self.normal.leaves(variable(name)):
            return {STILL: variable(name)}
        function, argument = atom
        inner = self._sum(argument)
        if function == "inv":
            return self._power(inner, Fraction(-1))
        if function == "sqrt" or function.startswith("root"):
            return self._power(inner, Fraction(1, int(function[4:]) if function != "sqrt" else 2))
        size = self.normal.size_of(name)
        if size is not None:
            side = Fraction(self._lead(inner)[1])
            raised = self._power(self._scaled(inner, side), size[1])
            return self._scaled(raised, side if size[0] else Fraction(1))
        if function in ("sinh", "cosh"):
            sign = Fraction(-1 if function == "sinh" else 1)
            both = self._plus(
                self._exp(inner), self._scaled(self._exp(self._scaled(inner, Fraction(-1))), sign)
            )
            return self._scaled(both, Fraction(1, 2))
        if function in ("exp", "log"):
            return self._exp(inner) if function == "exp" else self._log(inner)
        if compare(self._fastest(inner), STILL) <= 0:
            return self._near(function, inner)
        return self._far(function, inner)

    def _fastest(self, terms: Sum) -> Rate:
        return max(terms, key=cmp_to_key(compare), default=STILL)

    def _ratio(self, terms: Sum) -> tuple[Rate, int, Polynomial, Sum]:
        """terms = c·rate·(1 + small): rate, the sign of c, c, small. Raises Rejected."""
        rate, sign, c = self._lead(terms)
        if not sign:
            raise Rejected("growth: a power or a logarithm of 0")
        inverse = self.normal.function("inv", c)
        small = {
            _joined(other, rate, -1): self.normal.times(d, inverse)
            for other, d in terms.items()
            if other != rate
        }
        return rate, sign, c, small

    def _power(self, terms: Sum, a: Fraction) -> Sum:
        """(c·rate·(1 + r))^a with |r| ≤ ½: Σ binomial(a, j) r^j, remainder by Lagrange."""
        rate, sign, c, small = self._ratio(terms)
        if a.denominator > 1 and sign < 0:
            raise Rejected("growth: a root of what is negative")
        binomials = [Fraction(1)]
        for j in range(self.order):
            binomials.append(binomials[-1] * (a - j) / (j + 1))
        rest = self._free(0, 2 ** ceil(abs(a - self.order)))
        coefficients = [constant(b) for b in binomials[: self.order]]
        series = self._taylor(small, coefficients, scaled(rest, binomials[self.order]))
        if number(c) == 1:
            factor = ONE
        else:
            graph = self.context.terms
            base = self.normal.node(c)
            base = base if a.denominator == 1 else graph.root(base, a.denominator)
            factor = self.normal.of(graph.power(base, a.numerator))
        return self._product({_times(rate, a): factor}, series)

    def _split(self, terms: Sum) -> tuple[Sum, Polynomial, Sum]:
        """What grows, the constant, and what vanishes."""
        grows = {rate: c for rate, c in terms.items() if compare(rate, STILL) > 0}
        fades = {rate: c for rate, c in terms.items() if compare(rate, STILL) < 0}
        return grows, terms.get(STILL, ZERO), fades

    def _exp(self, terms: Sum) -> Sum:
        """e^(Q + l·log t + c + v) = e^Q·t^l·e^c·(Σ v^j/j!), |v| ≤ 1."""
        grows, still, fades = self._split(terms)
        powers: list[tuple[Fraction, Fraction]] = []
        k = Fraction(0)
        for (inner, power, logs), c in grows.items():
            value = number(c)
            if value is None or inner or (logs and (power or logs != 1)):
                raise Rejected("growth: an exponential of what is no sum of rational powers")
            if logs:
                k = value
            else:
                powers.append((power, value))
        rest = self._free(0, Fraction(3, factorial(self.order)))
        coefficients = [constant(Fraction(1, factorial(j))) for j in range(self.order)]
        rate = (tuple(sorted(powers, reverse=True)), k, Fraction(0))
        factor = self.normal.function("exp", still)
        return self._product({rate: factor}, self._taylor(fades, coefficients, rest))

    def _log(self, terms: Sum) -> Sum:
        """log(c·e^Q·t^k·(1 + r)) = Q + k·log t + log c + Σ (−1)^(j+1) r^j/j, |r| ≤ ½."""
        (powers, k, logs), sign, c, small = self._ratio(terms)
        if logs or sign < 0:
            raise Rejected("growth: a logarithm of a logarithm, or of what is negative")
        whole: Sum = {((), p, Fraction(0)): constant(q) for p, q in powers}
        if k:
            whole[((), Fraction(0), Fraction(1))] = constant(k)
        level = self.normal.function("log", c)
        coefficients = [ZERO] + [
            constant(Fraction((-1) ** (j + 1), j)) for j in range(1, self.order)
        ]
        bound = Fraction(2**self.order, self.order)
        rest = self._free(-bound, bound)
        return self._plus(
            whole, {STILL: level} if level else {}, self._taylor(small, coefficients, rest)
        )

    def _near(self, function: str, terms: Sum) -> Sum:
        """f(c + v) by Taylor's formula: |f⁽ⁿ⁾| ≤ n!·(4/3)^n for sin, cos, tanh, atan, logistic and
        softplus, the functions that are left."""
        _, still, fades = self._split(terms)
        t = self.context.terms
        node = t.apply(function, t.var("@x"))
        place = {"@x": self.normal.node(still)}
        coefficients = []
        for j in range(self.order):
            value = self.normal.of(t.substitute(node, place))
            coefficients.append(scaled(value, Fraction(1, factorial(j))))
            node = t.derivative(node, "@x")
        bound = Fraction(4, 3) ** self.order
        return self._taylor(fades, coefficients, self._free(-bound, bound))

    def _far(self, function: str, terms: Sum) -> Sum:
        """Functions that settle, or stay bounded, where their argument grows."""
        if function in ("sin", "cos"):
            return {STILL: self._free(-1, 1)}
        sign = self._lead(terms)[1]
        if function == "atan":  # ±π/2 − 1/q + w/q³, w in [0, 1/3]
            over = self._power(terms, Fraction(-1))
            t = self.context.terms
            half = scaled(self.normal.of(t.named("pi")), Fraction(sign, 2))
            cube = self._product(over, self._product(over, over))
            return self._plus(
                {STILL: half},
                self._scaled(over, Fraction(-1)),
                self._product(cube, {STILL: self._free(0, Fraction(1, 3))}),
            )
        below, above, rate = LEVEL[function]
        fading = self._exp(self._scaled(terms, Fraction(-sign * rate)))
        square = self._product(fading, fading)
        # y/(1 + y) = y − w·y², log(1 + y) = y − w·y², w in [0, 1]
        part = self._plus(
            fading, self._product(square, {STILL: scaled(self._free(0, 1), Fraction(-1))})
        )
        level = Fraction(above if sign > 0 else below)
        if function == "softplus":
            return self._plus(terms if sign > 0 else {}, part)
        return self._plus(
            {STILL: constant(level)} if level else {}, self._scaled(part, Fraction(-sign * rate))
        )
