"""Normal forms: polynomials over Q in the variables and in atoms such as sin(x*y) or 1/(1 + x^2).

An atom is a function of a polynomial in variables and earlier atoms. Its name, "#3" say, is no
name of the grammar. Two expressions with the same normal form are equal wherever both are defined.
What is rewritten: sqrt(p)^2 = p, cos^2 = 1 - sin^2, sinh^2 = cosh^2 - 1, sinh/cosh = tanh, products
of e^u, e^(-u) and the logistic of u, a*(1/a) = 1 for an atom a, log(1 + e^u) = softplus(u), parity,
values at 0, sin and cos at multiples of pi/6 and pi/4, and sin(u + pi) = -sin(u).
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, isqrt

from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.polynomial import ONE, Monomial, Polynomial, constant, variable

ZERO = Polynomial({})
ODD = ("sin", "tanh", "sinh", "atan")
EVEN = ("cos", "cosh")
AT_ZERO = {
    "exp": Fraction(1),
    "cos": Fraction(1),
    "cosh": Fraction(1),
    "sin": Fraction(0),
    "tanh": Fraction(0),
    "sinh": Fraction(0),
    "atan": Fraction(0),
    "sqrt": Fraction(0),
    "logistic": Fraction(1, 2),
}
# sin² at k·pi/12 up to pi/2, where it is rational
SIN_SQUARED = {
    0: Fraction(0),
    2: Fraction(1, 4),
    3: Fraction(1, 2),
    4: Fraction(3, 4),
    6: Fraction(1),
}
MAX_TERMS = 20_000
SIZES = ("size", "odd")  # |u|^p and sign(u)·|u|^p; the names of atoms go on with p


class TooMany(ValueError):
    """A normal form has too many terms."""


def number(p: Polynomial) -> Fraction | None:
    """The rational that a polynomial is, if it is one."""
    if not p.terms:
        return Fraction(0)
    if len(p.terms) == 1:
        ((monomial, value),) = p.terms.items()
        if not monomial:
            return value
    return None


def scaled(p: Polynomial, by: Fraction) -> Polynomial:
    """by * p."""
    return Polynomial({m: c * by for m, c in p.terms.items()}) if by else ZERO


class Normal:
    """Normal forms of the nodes of one graph."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.atoms: list[tuple[str, Polynomial]] = []  # name "#k" → function, argument
        self._names: dict[tuple[str, Polynomial], str] = {}
        self._known: dict[Node, Polynomial] = {}
        self._pi = ""

    def atom(self, name: str) -> tuple[str, Polynomial] | None:
        """Function and argument of an atom; None for a variable."""
        return self.atoms[int(name[1:])] if name.startswith("#") else None

    def of(self, node: Node) -> Polynomial:
        """The normal form of a node. Raises TooMany, TooLarge."""
        for place in self.terms.order([node]):
            if place not in self._known:
                self._known[place] = self._reduce(place)
        return self._known[node]

    def _reduce(self, node: Node) -> Polynomial:
        key = self.terms.nodes[node]
        kind = key[0]
        if kind == "const":
            return constant(key[1])
        if kind == "var":
            return variable(key[1])
        if kind in ("pi", "e"):
            name = self._name(kind, ZERO)
            self._pi = name if kind == "pi" else self._pi
            return variable(name)
        first = self._known[key[1]]
        if kind == "add":
            return self._small(first + self._known[key[2]])
        if kind == "mul":
            return self.times(first, self._known[key[2]])
        if kind == "power":
            return self.power(first, key[2])
        if kind == "root":
            return variable(self._name(f"root{key[2]}", first))
        if kind in SIZES:
            return self.sized(kind, key[2], first)
        return self.function(kind, first)

    def _name(self, function: str, argument: Polynomial) -> str:
        name = self._names.get((function, argument))
        if name is None:
            name = self._names[function, argument] = f"#{len(self.atoms)}"
            self.atoms.append((function, argument))
        return name

    def _small(self, p: Polynomial) -> Polynomial:
        if len(p.terms) > MAX_TERMS:
            raise TooMany(f"a normal form has more than {MAX_TERMS} terms")
        return p

    def times(self, a: Polynomial, b: Polynomial) -> Polynomial:
        """The reduced product."""
        if len(a.terms) * len(b.terms) > 50 * MAX_TERMS:
            raise TooMany(f"a product has more than {50 * MAX_TERMS} terms")
        return self._small(self._squares(a * b))

    def power(self, a: Polynomial, n: int) -> Polynomial:
        """The reduced n-th power."""
        result = ONE
        for _ in range(n):
            result = self.times(result, a)
        return result

    def _squares(self, p: Polynomial) -> Polynomial:
        """Rewrite products that have a simpler form until none is left."""
        waiting = dict(p.terms)
        reduced: dict[Monomial, Fraction] = {}
        while waiting:
            monomial, coefficient = waiting.popitem()
            found = self._square_in(monomial)
            if found is None:
                total = reduced.pop(monomial, Fraction(0)) + coefficient
                if total:
                    reduced[monomial] = total
                continue
            rest, replacement = found
            for m, c in (Polynomial({rest: coefficient}) * replacement).terms.items():
                total = waiting.pop(m, Fraction(0)) + c
                if total:
                    waiting[m] = total
            if len(waiting) + len(reduced) > 2 * MAX_TERMS:
                raise TooMany(f"a normal form has more than {MAX_TERMS} terms")
        return Polynomial(reduced)

    def _pair_in(self, monomial: Monomial) -> tuple[Monomial, Polynomial] | None:
        """e^u·s(u) = e^u − s(u), e^(−u)·s(u) = 1 − s(u), e^u·e^(−u) = 1, with s the logistic."""
        for first, _ in monomial:
            own = self._names.get(("inv", variable(first)), "")
            if own in dict(monomial):  # a·(1/a) = 1
                rest = tuple((n, e - (n in (first, own))) for n, e in monomial)
                return tuple((n, e) for n, e in rest if e), ONE
            atom = self.atom(first)
            if atom is not None and atom[0] == "sinh":
                over = self._names.get(("inv", variable(self._name("cosh", atom[1]))), "")
                if over in dict(monomial):
                    rest = tuple((n, e - (n in (first, over))) for n, e in monomial)
                    return tuple((n, e) for n, e in rest if e), self.function("tanh", atom[1])
            if atom is not None and atom[0] == "tanh":
                # cosh·tanh = sinh, sinh·tanh = cosh − 1/cosh
                cosh, sinh = self._name("cosh", atom[1]), self._name("sinh", atom[1])
                inverse = scaled(variable(self._name("inv", variable(cosh))), Fraction(-1))
                for second, product in ((cosh, variable(sinh)), (sinh, variable(cosh) + inverse)):
                    if second in dict(monomial):
                        rest = tuple((n, e - (n in (first, second))) for n, e in monomial)
                        return tuple((n, e) for n, e in rest if e), product
            if atom is None or atom[0] != "exp":
                continue
            minus = scaled(atom[1], Fraction(-1))
            partners = {
                ("logistic", atom[1]): variable(first) + scaled(self._s(atom[1]), Fraction(-1)),
                ("logistic", minus): ONE + scaled(self._s(minus), Fraction(-1)),
                ("exp", minus): ONE,
            }
            for second, _ in monomial:
                reduced = partners.get(self.atom(second) or ("", ZERO))
                if reduced is not None:
                    rest = tuple((n, e - (n in (first, second))) for n, e in monomial)
                    return tuple((n, e) for n, e in rest if e), reduced
        return None

    def _cosh(self, p: Polynomial) -> Polynomial | None:
        """u, where p is the atom cosh(u)."""
        if len(p.terms) != 1:
            return None
        ((monomial, value),) = p.terms.items()
        atom = self.atom(monomial[0][0]) if len(monomial) == 1 and monomial[0][1] == 1 else None
        return atom[1] if atom is not None and atom[0] == "cosh" and value == 1 else None

    def _s(self, u: Polynomial) -> Polynomial:
        """The atom logistic(u), where it exists already."""
        name = self._names.get(("logistic", u))
        return ZERO if name is None else variable(name)

    def sized(self, kind: str, p: Fraction, u: Polynomial) -> Polynomial:
        """|u|^p (size) or sign(u)·|u|^p (odd); p is not both whole and the exponent of a power."""
        value = number(u)
        if value == 0 and p > 0:
            return ZERO
        if value:
            sign = Fraction(-1 if value < 0 and kind == "odd" else 1)
            root = self.terms.root(self.terms.const(abs(value)), p.denominator)
            whole = self.of(root if p.denominator > 1 else self.terms.const(abs(value)))
            power = self.power(whole, abs(p.numerator))
            return scaled(power if p > 0 else self.function("inv", power), sign)
        sign = Fraction(1)
        if u and u.key[-1][1] < 0:
            u = scaled(u, Fraction(-1))
            sign = Fraction(-1 if kind == "odd" else 1)
        return scaled(variable(self._name(f"{kind}{p}", u)), sign)

    def size_of(self, name: str) -> tuple[bool, Fraction, Polynomial] | None:
        """(odd, p, u) of an atom |u|^p or sign(u)·|u|^p."""
        function, argument = self.atom(name) or ("", ZERO)
        kind = next((kind for kind in SIZES if function.startswith(kind)), None)
        return None if kind is None else (kind == "odd", Fraction(function[len(kind) :]), argument)

    def _sizes_in(self, monomial: Monomial) -> tuple[Monomial, Polynomial] | None:
        """|u|^p·|u|^q = |u|^(p+q), and so on, with u itself among the factors too; p, q > 0."""
        for first, exponent in monomial:
            found = self.size_of(first)
            if found is None or found[1] <= 0:
                continue
            odd, p, u = found
            for second, _ in monomial:
                other = self.size_of(second)
                if second == first and exponent < 2:
                    continue
                if variable(second) == u:
                    other = (True, Fraction(1), u)
                if other is None or other[2] != u or other[1] <= 0:
                    continue
                powers = dict(monomial)
                powers[first] -= 1
                powers[second] -= 1
                rest = tuple((n, e) for n, e in powers.items() if e)
                return rest, self._sized_power(odd != other[0], p + other[1], u)
        return None

    def _sized_power(self, odd: bool, p: Fraction, u: Polynomial) -> Polynomial:
        if p.denominator == 1 and p.numerator % 2 == odd:
            return self.power(u, p.numerator)
        return self.sized("odd" if odd else "size", p, u)

    def _square_in(self, monomial: Monomial) -> tuple[Monomial, Polynomial] | None:
        sizes = self._sizes_in(monomial)
        if sizes is not None:
            return sizes
        pair = self._pair_in(monomial)
        if pair is not None:
            return pair
        for name, exponent in monomial:
            atom = self.atom(name)
            if exponent < 2 or atom is None or atom[0] not in ("sqrt", "cos", "sinh", "inv"):
                continue
            if atom[0] == "inv" and self._cosh(atom[1]) is None:
                continue
            rest = tuple((n, e - 2 if n == name else e) for n, e in monomial)
            rest = tuple((n, e) for n, e in rest if e)
            if atom[0] == "sqrt":
                return rest, atom[1]
            if atom[0] == "inv":  # 1/cosh² = 1 − tanh²
                tanh = self.function("tanh", self._cosh(atom[1]) or ZERO)
                return rest, ONE + scaled(self.times(tanh, tanh), Fraction(-1))
            other = self.function("sin" if atom[0] == "cos" else "cosh", atom[1])
            square = self.times(other, other)
            sign = Fraction(-1)
            if atom[0] == "sinh":
                return rest, square + constant(sign)
            return rest, ONE + scaled(square, sign)
        return None

    def function(self, function: str, argument: Polynomial) -> Polynomial:
        """function(argument), with exact values where they are known."""
        value = number(argument)
        if value is not None:
            exact = _exact(function, value)
            if exact is not None:
                return constant(exact)
        if function in ("sin", "cos") and self._pi:
            angle = self._at_pi(function, argument)
            if angle is not None:
                return angle
            turns = floor(argument.terms.get(((self._pi, 1),), Fraction(0)))
            if turns and len(argument.terms) > 1:  # sin(u + π) = −sin u
                rest = argument + Polynomial({((self._pi, 1),): Fraction(-turns)})
                return scaled(self.function(function, rest), Fraction(-1 if turns % 2 else 1))
        if function in ("log", "inv"):
            same = self._exponential(function, argument)
            if same is not None:
                return same
        if function == "inv" and value is None:
            lead = argument.key[-1][1]
            name = self._name("inv", scaled(argument, 1 / lead))
            return scaled(variable(name), 1 / lead)
        if function in ("logistic", "softplus") and value is None and argument.key[-1][1] < 0:
            minus = scaled(argument, Fraction(-1))
            if function == "logistic":  # s(−u) = 1 − s(u), and softplus(−u) = softplus(u) − u
                return ONE + scaled(self.function("logistic", minus), Fraction(-1))
            return self.function("softplus", minus) + argument
        if function in ODD + EVEN and argument.key[-1][1] < 0:
            inside = variable(self._name(function, scaled(argument, Fraction(-1))))
            return scaled(inside, Fraction(-1)) if function in ODD else inside
        if function == "softplus" and value == 0:
            return self.function("log", constant(Fraction(2)))
        if function == "sqrt" and value is not None and value > 0:
            # √(n/d) = √(n·d)/d, so that equal roots get one name
            inside = constant(Fraction(value.numerator * value.denominator))
            return scaled(variable(self._name("sqrt", inside)), Fraction(1, value.denominator))
        return variable(self._name(function, argument))

    def _at_pi(self, function: str, argument: Polynomial) -> Polynomial | None:
        """sin, cos at multiples of pi/6 and pi/4."""
        if len(argument.terms) != 1:
            return None
        ((monomial, value),) = argument.terms.items()
        twelfths = 12 * value if function == "sin" else 12 * value + 6
        if monomial != ((self._pi, 1),) or twelfths.denominator != 1:
            return None
        place = int(twelfths) % 24
        sign = Fraction(1 if place < 12 else -1)
        square = SIN_SQUARED.get(min(place % 12, 12 - place % 12))
        if square is None:
            return None
        return scaled(self.function("sqrt", constant(square)), sign)

    def _exponential(self, function: str, argument: Polynomial) -> Polynomial | None:
        """log(1 + e^u) = softplus(u), 1/(1 + e^u) = logistic(-u), log(cosh u) by softplus."""
        rest = argument + Polynomial({(): Fraction(-1)})
        plain = rest if argument.terms.get(()) == 1 else argument
        if len(plain.terms) != 1:
            return None
        ((monomial, value),) = plain.terms.items()
        atom = self.atom(monomial[0][0]) if len(monomial) == 1 and monomial[0][1] == 1 else None
        if atom is None or value != 1:
            return None
        kind, u = atom
        if kind == "exp" and plain is rest:
            if function == "log":
                return self.function("softplus", u)
            return self.function("logistic", scaled(u, Fraction(-1)))
        if kind == "cosh" and plain is argument and function == "log":
            double = self.function("softplus", scaled(u, Fraction(2)))
            two = self.function("log", constant(Fraction(2)))
            return double + scaled(u + two, Fraction(-1))
        return None

    def substituted(self, p: Polynomial, values: dict[str, Polynomial]) -> Polynomial:
        """Names (variables or atoms) replaced by polynomials at the outermost level only."""
        total = ZERO
        for monomial, coefficient in p.terms.items():
            product = constant(coefficient)
            kept: Monomial = tuple((n, e) for n, e in monomial if n not in values)
            product = product * Polynomial({kept: Fraction(1)})
            for name, exponent in monomial:
                if name in values:
                    product = self.times(product, self.power(values[name], exponent))
            total = total + product
        return self._small(self._squares(total))

    def leaves(self, p: Polynomial) -> set[str]:
        """The variables that occur, inside atoms too."""
        found: set[str] = set()
        for name in p.variables():
            atom = self.atom(name)
            found |= {name} if atom is None else self.leaves(atom[1])
        return found

    def node(self, p: Polynomial) -> Node:
        """A node of the graph with this value."""
        t = self.terms
        total = t.zero
        for monomial, coefficient in p.key:
            product = t.const(coefficient)
            for name, exponent in monomial:
                product = t.mul(product, t.power(self._leaf(name), exponent))
            total = t.add(total, product)
        return total

    def _leaf(self, name: str) -> Node:
        atom = self.atom(name)
        if atom is None:
            return self.terms.var(name)
        function, argument = atom
        if function in ("pi", "e"):
            return self.terms.named(function)
        if function.startswith("root"):
            return self.terms.root(self.node(argument), int(function[4:]))
        size = self.size_of(name)
        if size is not None:
            odd, p, _ = size
            return (self.terms.odd if odd else self.terms.size)(self.node(argument), p)
        return self.terms.apply(function, self.node(argument))


def _exact(function: str, value: Fraction) -> Fraction | None:
    if function == "inv":
        return 1 / value if value else None
    if function == "sqrt" and value > 0:
        upper, lower = isqrt(value.numerator), isqrt(value.denominator)
        if upper * upper == value.numerator and lower * lower == value.denominator:
            return Fraction(upper, lower)
    if function == "log" and value == 1:
        return Fraction(0)
    return AT_ZERO.get(function) if value == 0 else None
