"""Rules without any rounding: by form, Sturm's theorem, sums of squares, and parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from boundcalc.kernel.analytic import sturm
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import Anchor, Context, Goal
from boundcalc.kernel.analytic.normal import ZERO, Normal, scaled
from boundcalc.kernel.analytic.statement import rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, fields, items, text
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import ONE, Polynomial, variable

NONNEGATIVE = ("exp", "sqrt", "cosh", "logistic", "softplus", "pi", "e")
POSITIVE = ("exp", "cosh", "logistic", "softplus", "pi", "e")


def _monic(p: Polynomial) -> tuple[Polynomial, Fraction]:
    lead = p.key[-1][1]
    return scaled(p, 1 / lead), lead


def cleared(context: Context, goal: Goal, p: Polynomial) -> Polynomial:
    """p times powers of denominators that are known to be positive on the box.

    A denominator q that is known to be negative is multiplied with an even power.
    """
    normal = context.normal
    signs = {}
    for polynomial in filter(None, map(normal.of, goal.positive)):
        monic, lead = _monic(polynomial)
        signs[monic] = lead > 0
    while True:
        found = _denominator(normal, p, signs)
        if found is None:
            return p
        name, q, power = found
        if not signs[q] and power % 2:
            power += 1
        p = _without(normal, p, name, q, power)


def _denominator(
    normal: Normal, p: Polynomial, signs: dict[Polynomial, bool]
) -> tuple[str, Polynomial, int] | None:
    """The newest denominator that can be cleared, and its highest power."""
    best: tuple[str, Polynomial, int] | None = None
    for name in sorted(p.variables(), key=_age, reverse=True):
        atom = normal.atom(name)
        if atom is None or atom[0] != "inv":
            continue
        if atom[1] not in signs and by_form(normal, atom[1], True):
            signs[atom[1]] = True
        if atom[1] in signs:
            power = max(e for m in p.terms for n, e in m if n == name)
            best = (name, atom[1], power)
            break
    return best


def _age(name: str) -> int:
    return int(name[1:]) if name.startswith("#") else -1


def _without(normal: Normal, p: Polynomial, name: str, q: Polynomial, power: int) -> Polynomial:
    """p * q^power with name = 1/q cancelled."""
    powers = [ONE]
    for _ in range(power):
        powers.append(normal.times(powers[-1], q))
    groups: dict[int, Polynomial] = {}
    for monomial, coefficient in p.terms.items():
        exponent = dict(monomial).get(name, 0)
        rest = tuple((n, e) for n, e in monomial if n != name)
        groups[exponent] = groups.get(exponent, ZERO) + Polynomial({rest: coefficient})
    total = ZERO
    for exponent, group in groups.items():
        total = total + normal.times(group, powers[power - exponent])
    return total


def require_defined(
    context: Context, positive: Sequence[Node], nodes: Sequence[Node], what: str
) -> None:
    """Check that what a certificate wrote is defined where `positive` is. Raises Rejected.

    sqrt(p)^2 = p and its like hold where p ≥ 0 only.
    """
    terms = context.terms
    for kind, node in terms.partial(terms.order(nodes)):
        known = node in positive or (kind == "inv" and terms.neg(node) in positive)
        if not known and not by_form(context.normal, context.normal.of(node), True):
            raise Rejected(f"{what}: a function in it is not known to be defined")


def require_smooth(context: Context, positive: Sequence[Node], nodes: Sequence[Node]) -> None:
    """Check that no |u|^p with p ≤ 0 is meant where u may be 0. Raises Rejected.

    Such terms come from derivatives: at u = 0 they do not exist.
    """
    if any(kink not in positive for kink in context.terms.kinks(nodes, 0)):
        raise Rejected("a derivative of an absolute value that may not exist")


def by_form(normal: Normal, p: Polynomial, strict: bool) -> bool:
    """Whether every term is nonnegative by its form, and one positive where that is asked for."""
    positive = False
    for monomial, coefficient in p.terms.items():
        kinds = [_kind(normal, name, exponent) for name, exponent in monomial]
        if coefficient < 0 or "" in kinds:
            return False
        positive = positive or all(kind == "positive" for kind in kinds)
    return positive or not strict


def _kind(normal: Normal, name: str, exponent: int) -> str:
    atom = normal.atom(name)
    if atom is not None:
        function, argument = atom
        if function in POSITIVE or (function == "inv" and by_form(normal, argument, True)):
            return "positive"
        if function == "sqrt" and by_form(normal, argument, True):
            return "positive"
        if function in NONNEGATIVE or function.startswith(("root", "size")):
            return "nonnegative"
    return "nonnegative" if exponent % 2 == 0 else ""


def one_variable(goal: Goal, p: Polynomial) -> tuple[sturm.Coefficients, sturm.End, sturm.End]:
    """A polynomial in one variable and the ends of that variable. Raises Rejected."""
    names = p.variables()
    if len(names) > 1 or not names <= set(goal.variables):
        raise Rejected(f"{goal.name}: not a polynomial in one variable")
    if not names:
        lo, hi = (None, None)
        coefficients = [p.terms.get((), Fraction(0))]
    else:
        (name,) = names
        lo, hi = goal.box[goal.variables.index(name)]
        degree = max(dict(m).get(name, 0) for m in p.terms)
        if degree > sturm.MAX_DEGREE:
            raise Rejected(f"{goal.name}: degree above {sturm.MAX_DEGREE}")
        coefficients = [Fraction(0)] * (degree + 1)
        for monomial, c in p.terms.items():
            coefficients[dict(monomial).get(name, 0)] = c
    whole = sturm.primitive(coefficients)
    if len(whole) ** 3 * max((c.bit_length() for c in whole), default=0) > sturm.MAX_WORK:
        raise Rejected(f"{goal.name}: degree and coefficients are too large together")
    return whole, lo, hi


def by_sturm(goal: Goal, p: Polynomial) -> bool:
    """Whether p ≥ 0 (> 0) on its interval, decided exactly. Raises Rejected."""
    coefficients, lo, hi = one_variable(goal, p)
    return sturm.nonnegative(coefficients, lo, hi, goal.strict)


def box_constraints(goal: Goal) -> list[Polynomial]:
    """x - lo and hi - x for every finite end, variable by variable."""
    found = []
    for name, (lo, hi) in zip(goal.variables, goal.box, strict=True):
        if lo is not None:
            found.append(variable(name) + scaled(ONE, -lo))
        if hi is not None:
            found.append(scaled(variable(name), Fraction(-1)) + scaled(ONE, hi))
    return found


def by_squares(context: Context, goal: Goal, p: Polynomial, proof: Json) -> None:
    """Check multiplier·p ≡ Σ w q² + Σ Π(constraints) Σ w q², exactly. Raises Rejected.

    The multiplier is {"squares": [...]} (1 is added to it). Constraints are counted: first
    x - lo and hi - x of every finite end, then those of the goal.
    """
    raw = fields(proof, "sos", {"rule", "squares"}, {"form", "products", "multiplier"})
    normal = context.normal
    names = {name: context.terms.var(name) for name in goal.variables}
    if goal.strict:
        raise Rejected("sos: a strict inequality is not for sums of squares")

    def squares(data: Json) -> Polynomial:
        total = ZERO
        for pair in items(data, "sos"):
            words = [text(part, "sos") for part in items(pair, "sos")]
            if len(words) != 2:
                raise ClaimError("sos: a square is a weight and a root")
            weight, root = words
            w = rational(weight, "sos")
            if w < 0:
                raise Rejected("sos: a negative weight")
            node = context.terms.read(parse(root), names)
            require_defined(context, goal.positive, [node], "sos")
            q = normal.of(node)
            total = total + scaled(normal.times(q, q), w)
        return total

    constraints = [*box_constraints(goal), *(normal.of(node) for node in goal.constraints)]
    multiplier = ONE + squares(raw.get("multiplier", []))
    total = squares(raw["squares"])
    for product in items(raw.get("products", []), "sos"):
        entry = fields(product, "sos", {"constraints", "squares"}, set())
        part = squares(entry["squares"])
        for index in items(entry["constraints"], "sos"):
            if not isinstance(index, int) or not 0 <= index < len(constraints):
                raise Rejected("sos: a constraint that is not there")
            part = normal.times(part, constraints[index])
        total = total + part
    if normal.times(multiplier, p) + scaled(total, Fraction(-1)):
        raise Rejected(f"{goal.name}: the sum of squares is not the goal")


def vanishes(context: Context, node: Node, names: Sequence[str], anchor: Anchor) -> bool:
    """Whether a node and its gradient are exactly 0 at an exact anchor."""
    terms = context.terms
    if anchor.point is None or terms.kinks([node], 1):
        return False
    place = dict(zip(names, anchor.point, strict=True))
    nodes = [node, *(terms.derivative(node, name) for name in names)]
    return not any(context.normal.of(terms.substitute(n, place)) for n in nodes)


def parts(context: Context, goal: Goal, p: Polynomial, shares: Json) -> list[Goal]:
    """A separable goal as one goal for each group of variables; constants by the given shares.

    Raises Rejected.
    """
    normal = context.normal
    groups: list[tuple[set[str], Polynomial]] = []
    for monomial, coefficient in p.key:
        names = set().union(*(normal.leaves(variable(n)) for n, _ in monomial), set())
        term = Polynomial({monomial: coefficient})
        if not names & set(goal.variables):
            continue
        rest = []
        for group, total in groups:
            if group & names:
                names, term = names | group, term + total
            else:
                rest.append((group, total))
        groups = [*rest, (names, term)]
    groups.sort(key=lambda group: sorted(group[0]))
    weights = [rational(share, "parts") for share in items(shares, "parts")]
    if len(weights) != len(groups) or sum(weights) != 1 or goal.constraints:
        raise Rejected("parts: one share for each group, together 1, and no constraints")
    covered = ZERO
    for _, total in groups:
        covered = covered + total
    rest_of = p + scaled(covered, Fraction(-1))
    found = []
    for k, ((names, total), share) in enumerate(zip(groups, weights, strict=True)):
        kept = [i for i, name in enumerate(goal.variables) if name in names]
        own = tuple(goal.variables[i] for i in kept)
        node = normal.node(total + scaled(rest_of, share))
        feet = [anchor.part(kept) for anchor in goal.anchors]
        found.append(
            Goal(
                f"{goal.name}.part{k}",
                own,
                tuple(goal.box[i] for i in kept),
                node,
                goal.strict,
                parameters=goal.parameters,
                anchors=tuple(foot for foot in feet if vanishes(context, node, own, foot)),
                positive=goal.positive,
            )
        )
    return found


def radical(context: Context, goal: Goal, p: Polynomial, by: str) -> list[Goal]:
    """A + B√q ≥ 0 (> 0) as two goals, with √q the newest root in p: |A| ≤ B√q, or |B|√q ≤ A.

    by : "root" for B ≥ 0 and B²q ≥ A²; "rest" for A ≥ 0 and A² ≥ B²q. For > 0 the second is
    strict. Raises Rejected.
    """
    normal = context.normal
    roots = [n for n in p.variables() if (normal.atom(n) or ("",))[0] == "sqrt"]
    if not roots or by not in ("root", "rest"):
        raise Rejected(f"{goal.name}: no square root, or not by the root or the rest")
    name = max(roots, key=_age)
    q = (normal.atom(name) or ("", ZERO))[1]
    a, b = ZERO, ZERO
    for monomial, c in p.terms.items():
        rest = tuple((n, e) for n, e in monomial if n != name)
        if rest == monomial:
            a = a + Polynomial({monomial: c})
        else:  # √q² was replaced by q: the exponent is 1
            b = b + Polynomial({rest: c})
    under = normal.times(normal.times(b, b), q)
    square = normal.times(a, a)
    first, gap = (b, under + scaled(square, Fraction(-1)))
    if by == "rest":
        first, gap = (a, square + scaled(under, Fraction(-1)))
    plain = replace(goal, anchors=())
    return [
        replace(plain, name=f"{goal.name}.{by}", term=normal.node(first), strict=False),
        replace(plain, name=f"{goal.name}.gap", term=normal.node(gap)),
    ]
