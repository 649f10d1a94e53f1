"""`boundcalc rate THEOREM --alpha .. --L ..`: a theorem at given constants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fractions import Fraction

    from boundcalc.kernel.value import Pair
    from boundcalc.library.rate import Rate

_SELF_BOUNDING = (
    "note: L of a log is the self-bounding constant; rows that rest on smooth(f) presume that it "
    "is the smoothness constant too (--L says otherwise)"
)
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def rate(
    context: typer.Context,
    steps: Annotated[int | None, typer.Option(min=1, help="Horizon K.")] = None,
    step_size: Annotated[
        str | None, typer.Option(help="Step size γ. [default: the best one]", metavar="NUMBER")
    ] = None,
    epsilon: Annotated[
        str | None, typer.Option(help="Count steps until the bound is this.", metavar="NUMBER")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(help='Step sizes that vary, such as "0.1/sqrt(k + 1)".', metavar="FORMULA"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--list", help="All theorems that the constants feed, tightest first.")
    ] = False,
    conditions: Annotated[
        str | None,
        typer.Option(help='With --list: what holds, such as "pl(f), smooth(f; L = 2)".'),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="gd or sgd: find and prove the worst case under --conditions, on the fly: of --n "
            "steps of gd (--midpoints M uses the conditions at M points of each step too), of any "
            "number of steps of sgd. --measure gap|dist|grad, --from gap|dist|drop say of what."
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="With --method: write the proof.", show_default=False)
    ] = None,
    fit: Annotated[
        Path | None, typer.Option(help="Take constants from a fit of this log.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """THEOREM --constant NUMBER...: step-size limit, bound or rate, best step size, iterations.

    Constants of the theorem are options of their own: --alpha 1 --beta 0.1 --L 5/2. They are exact:
    0.1 is 1/10.
    """
    from boundcalc.errors import Fault, InputError

    theorem, constants = _words(context.args)
    said = tuple(constants)
    if fit is not None:
        fitted, horizon = _fitted(fit)
        if everything:
            from boundcalc.library.side_by_side import usable

            fitted = usable(fitted)
            if not as_json and "L" not in said:
                typer.echo(_SELF_BOUNDING, err=True)
        constants = {**fitted, **constants}
        steps = steps or horizon
    if method is not None:
        from boundcalc.cli.worst import worst

        worst(method, conditions, step_size, steps, constants, certificate, as_json)
        return
    if everything:
        _list(constants, conditions, steps, step_size, epsilon, as_json)
        return
    if theorem is None:
        raise InputError(Fault("rate", "no theorem", "a theorem's id, or --list", "say which"))
    from boundcalc.library.evaluate import rate as evaluated
    from boundcalc.library.files import read

    read("theorems", theorem)
    if fit is not None:
        from boundcalc.library.rate import needed, start_of
        from boundcalc.library.theorems import load_theorem

        statement = load_theorem(theorem)
        if "smooth" in statement.hypotheses and "L" not in said:
            raise InputError(
                Fault(
                    "--fit",
                    "L of a log, which is the self-bounding constant",
                    f"the smoothness constant that {theorem} asks for (it may be larger)",
                    "give --L",
                )
            )
        wanted = {*needed(statement), start_of(statement)}
        constants = {n: v for n, v in constants.items() if n in wanted or n in said}
    if schedule is not None:
        from boundcalc.cli.schedule import show

        if step_size is not None or epsilon is not None or steps is None:
            given = "--schedule with --step-size, with --epsilon or without --steps"
            raise InputError(Fault("rate", given, "--schedule and --steps", "change the options"))
        show(theorem, schedule, steps, constants, as_json)
        return
    found = evaluated(theorem, steps, step_size, epsilon, **constants)
    if as_json:
        typer.echo(json.dumps(rate_json(found)))
    else:
        _print(found)


def _words(words: list[str]) -> tuple[str | None, dict[str, Any]]:
    """The theorem, and --name value or --name=value in any order."""
    from boundcalc.errors import Fault, InputError

    theorem: str | None = None
    found: dict[str, Any] = {}
    faults, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") and theorem is None:
            theorem = word
        elif not word.startswith("--"):
            faults.append(Fault("rate", repr(word), "--name value", "name each constant"))
        elif not equals and (not rest or rest[0].startswith("--")):
            faults.append(Fault("rate", f"{word} without a value", "--name value", "give a number"))
        else:
            name, value = name.replace("-", "_"), value if equals else rest.pop(0)
            if name in found:
                faults.append(Fault("rate", f"--{name} twice", "each constant once", "remove one"))
            found[name] = value
    if faults:
        raise InputError(*faults)
    return theorem, found


def _fitted(log: Path) -> tuple[dict[str, Any], int]:
    """Constants of a fit, in the catalogue's names, and its horizon K."""
    from fractions import Fraction

    from boundcalc.guarantees.assessment import Request, assess
    from boundcalc.logs.open import open_log

    assessed = assess(open_log(log), Request())
    pair, taken = assessed.pair, assessed.fit.constants
    found: dict[str, Any] = {}
    if pair is not None:
        found |= {"alpha": Fraction(pair.alpha), "beta": Fraction(pair.beta)}
    for condition, name in (("self-bounding", "L"), ("pl", "mu"), ("aiming", "theta")):
        extremum = taken.get(condition)
        if extremum is not None and extremum.value > 0 and not extremum.broken_by:
            found[name] = Fraction(extremum.value)
    if assessed.fit.interpolation_error is not None:
        found["sigma2"] = assessed.fit.interpolation_error
    if assessed.fit.initial_dist_sq is not None:
        found["dist2"] = assessed.fit.initial_dist_sq
    return found, assessed.fit.horizon


LARGER_IS_WEAKER = {"L", "beta", "A", "B", "C", "H", "lambda_max"}  # of concluded constants


def finite_above(pair: Pair | None) -> float | str | None:
    """A float at or above an enclosed value; text where it is infinite."""
    from boundcalc.library.numbers import upper

    return None if pair is None else _finite(upper(pair))


def finite_below(pair: Pair | None) -> float | str | None:
    """A float at or below an enclosed value; text where it is infinite."""
    from boundcalc.library.numbers import lower

    return None if pair is None else _finite(lower(pair))


def _finite(number: float) -> float | str:
    from math import isfinite

    return number if isfinite(number) else str(number)


def _step(step: Fraction | None, limit: Pair | None) -> float | str | None:
    """The decimals of a step size; a float above the limit only where the step size is."""
    from boundcalc.library.numbers import lower

    if step is None:
        return None
    try:
        near = float(step)
    except OverflowError:
        return "inf"
    return min(near, lower(limit)) if limit is not None and step <= limit[0] else near


def _ends(value: Fraction | Pair) -> Pair:
    return value if isinstance(value, tuple) else (value, value)


def _from_below(found: Rate) -> bool:
    """Whether the bound is a lower bound, as of an eigenvalue."""
    return found.theorem.kind == "inequality"


def rate_json(found: Rate) -> dict[str, Any]:
    """The keys of the contract: bounds rounded up, limits and lower bounds rounded down."""
    outward = finite_below if _from_below(found) else finite_above
    body: dict[str, Any] = {
        "schema": "boundcalc.rate/1",
        "theorem": found.theorem.id,
        "quantity": found.theorem.quantity,
        "admissible": found.admissible,
        "step_size_limit": finite_below(found.step_size_limit),
        "step_size": _step(found.step_size, found.step_size_limit),
        "bound": outward(found.bound),
        "best_step_size": _step(found.best_step_size, found.step_size_limit),
        "best_bound": outward(found.best_bound),
        "iterations": found.iterations,
        "reason": found.reason,
        "unused": list(found.unused),
    }
    if found.theorem.rate is not None:
        body |= {"relative": found.relative, "start": found.start}
        body |= {"rate": finite_above(found.rate), "own_rate": finite_above(found.own_rate)}
        body["rate_theorem"] = None if found.upper is None else found.upper.theorem
        body |= {"factor": finite_above(found.factor), "floor": finite_above(found.floor)}
        for key, value, side in (
            ("lower", found.lower, finite_below),
            ("upper", found.upper, finite_above),
        ):
            body[key] = None if value is None else side(value.pair)
            body[f"{key}_theorem"] = None if value is None else value.theorem
    for name in found.theorem.raw.get("defaults", {}):
        body[name] = finite_above(_ends(found.constants[name]))
    if found.radius is not None:
        body["radius"] = finite_above(found.radius)
    if found.critical_batch is not None:
        body["critical_batch"] = finite_below(found.critical_batch)
    if found.concluded:
        body["constants"] = {
            name: (finite_above if name in LARGER_IS_WEAKER else finite_below)(pair)
            for name, pair in found.concluded.items()
        }
    return body


def _print(found: Rate) -> None:
    from boundcalc.library.numbers import rounded

    def say(name: str, pair: Pair | None, sign: int, note: str = "", digits: int = 10) -> None:
        if pair is not None:
            typer.echo(f"  {name:<16} {rounded(pair, sign, digits)}{note}")

    def point(step: Fraction | None) -> Pair | None:
        return None if step is None else (step, step)

    typer.echo(f"{found.theorem.id}: {found.theorem.title}")
    if found.theorem.quantity:
        typer.echo(f"  {'bounds':<16} {found.theorem.quantity}")
    for name in found.theorem.raw.get("defaults", {}):
        say(name, _ends(found.constants[name]), 1)
    say("step size limit", found.step_size_limit, -1)
    say("step size", point(found.step_size), -1)
    sign = -1 if _from_below(found) else 1
    say("bound", found.bound, sign)
    if found.relative:
        say("factor", found.factor, 1, "  times the first value")
    say("best step size", point(found.best_step_size), -1)
    say("best bound", found.best_bound, sign)
    say("floor", found.floor, 1)
    say("radius", found.radius, 1)
    say("critical batch", found.critical_batch, -1)
    for name, value, side in (("rate at most", found.upper, 1), ("rate at least", found.lower, -1)):
        if value is not None:
            say(name, value.pair, side, f"  ({value.theorem})", 12)
    for name, pair in found.concluded.items():
        say(name, pair, 1 if name in LARGER_IS_WEAKER else -1)
    if found.iterations is not None:
        typer.echo(f"  {'iterations':<16} {found.iterations}")
    if found.reason:
        typer.echo(f"  {'note':<16} {found.reason}")
    if found.unused:
        typer.echo(f"  {'not used':<16} {', '.join(found.unused)}")


def _list(
    constants: dict[str, Any],
    conditions: str | None,
    steps: int | None,
    step_size: str | None,
    epsilon: str | None,
    as_json: bool,
) -> None:
    """Every theorem that the constants feed, by way of implications where needed."""
    from boundcalc.library.numbers import rounded
    from boundcalc.library.side_by_side import listing

    found = listing(constants, conditions, steps, step_size, epsilon)
    rows = found.rows
    if as_json:
        listed = [{**rate_json(row.rate), "chain": row.chain} for row in rows]
        others = [
            {"theorem": one.theorem, "needs": list(one.needs), "reason": one.reason}
            for one in found.left_out
        ]
        body = {"schema": "boundcalc.rates/1", "theorems": listed, "left_out": others}
        typer.echo(json.dumps(body))
        return
    for row in rows:
        bound, best = row.rate.bound, row.rate.rate
        chain = f"  by {' > '.join(row.chain)}" if row.chain else ""
        value = "needs --steps" if row.rate.admissible else "outside the step-size limit"
        if bound is not None:
            value = f"bound {rounded(bound, 1, 8)}"
        elif best is not None:
            value = f"rate {rounded(best, 1, 8)}"
        typer.echo(f"{row.rate.theorem.id:<28} {value:<24} {row.rate.theorem.quantity}{chain}")
    if not rows:
        typer.echo("no theorem about an algorithm is fed by these constants")
    for one in found.left_out:
        why = f"give {', '.join(f'--{n}' for n in one.needs)}" if one.needs else one.reason
        typer.echo(f"left out: {one.theorem}: {why}")
