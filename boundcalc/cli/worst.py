"""`boundcalc rate --method gd|sgd`: a worst case at given constants, found and proved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from fractions import Fraction

    from boundcalc.kernel.outcome import Undecided
    from boundcalc.search.worst_case import WorstCase

MEASURES = {
    "gd": {"gap": ("gap", "dist"), "dist": ("dist", "gap"), "grad": ("gap", "dist", "drop")},
    "sgd": {"dist": ("dist",), "gap": ("dist", "gap"), "grad": ("gap",)},
}  # method → measure → what it is compared with, the usual one first
DEFAULT = {"gd": "gap", "sgd": "dist"}
STARTS = {"gap": "gap0", "dist": "dist2"}
WORDS = {
    "gap": "f(x_{0}) - f*",
    "dist": "dist(x_{0}, S)^2",
    "drop": "(f(x_0) - f(x_n))",
}


def worst(
    method: str,
    conditions: str | None,
    step_size: str | None,
    steps: int | None,
    constants: Mapping[str, Any],
    certificate: Path | None,
    as_json: bool,
) -> None:
    """Find and prove a worst case; exit code 3 where no proof is found."""
    from boundcalc.kernel.certificate import written
    from boundcalc.kernel.outcome import Undecided
    from boundcalc.library.side_by_side import filled, split_conditions
    from boundcalc.search.worst_case import worst_case

    gamma, n, between, measure, start = _asked(method, conditions, step_size, constants)
    said = [filled(line, constants) for line in split_conditions(conditions or "")]
    body: dict[str, Any] = {"schema": "boundcalc.worst_case/1", "method": method}
    body |= {"conditions": said, "step_size": str(gamma), "n": n if method == "gd" else steps}
    body |= {"measure": measure, "from": start}
    if method == "gd":
        found = worst_case(said, gamma, n, between, measure, start)
    else:
        found = _sgd(said, gamma, measure, start, steps, constants)
    if isinstance(found, Undecided):
        body |= {"verdict": "undecided", "reason": found.reason}
        typer.echo(json.dumps(body) if as_json else f"undecided: {found.reason}")
        raise typer.Exit(3)
    if certificate is not None:
        certificate.write_text(written(found.certificate), encoding="ascii")
    body |= _body(found)
    statement = _gd(found, n, measure, start) if method == "gd" else _said(found, measure, start)
    body |= {"statement": statement} | _values(found, start, steps, constants)
    if as_json:
        typer.echo(json.dumps(body))
        return
    typer.echo(f"proved: {statement}")
    if "bound" in body:
        typer.echo(f"  bound {body['bound']:.12g} at these values")
    axioms = ", ".join(body["axioms"]) or "none"
    typer.echo(f"  factor {found.factor}; solver {found.numerical:.9g}; axioms: {axioms}")


def _asked(
    method: str, conditions: str | None, step_size: str | None, constants: Mapping[str, Any]
) -> tuple[Fraction, int, int, str, str]:
    """Step size, steps, midpoints, measure and start. Raises InputError."""
    from boundcalc.errors import Fault, InputError
    from boundcalc.library.numbers import exact

    steps, between = constants.get("n", "1"), constants.get("midpoints", "0")
    whole = all(word.isascii() and word.isdigit() for word in (steps, between))
    if method not in MEASURES or not conditions or step_size is None or not whole:
        expected = "--method gd|sgd --conditions .. --step-size (rational) --n (whole number)"
        raise InputError(Fault("rate --method", method, expected, "complete the question"))
    gamma = exact(step_size, "--step-size")
    if isinstance(gamma, tuple) or gamma <= 0:
        raise InputError(Fault("--step-size", step_size, "a positive rational", "change it"))
    measure = constants.get("measure", DEFAULT[method])
    starts = MEASURES[method].get(measure)
    if starts is None:
        expected = f"one of {', '.join(MEASURES[method])}"
        raise InputError(Fault("--measure", measure, expected, "change it"))
    start = constants.get("from", starts[0])
    if start not in starts:
        raise InputError(Fault("--from", start, f"one of {', '.join(starts)}", "change it"))
    return gamma, int(steps), int(between), measure, start


def _sgd(
    said: list[str],
    gamma: Fraction,
    measure: str,
    start: str,
    steps: int | None,
    constants: Mapping[str, Any],
) -> WorstCase | Undecided:
    """Best coefficients: at the given first value and sigma2 where there are such, else in turn."""
    from boundcalc.library.numbers import exact
    from boundcalc.search.worst_case import sgd_worst_case

    values = [exact(constants[n], f"--{n}") for n in (STARTS[start], "sigma2") if n in constants]
    if len(values) < 2:
        return sgd_worst_case(said, gamma, measure, start)
    first, sigma2 = (float(v[1] if isinstance(v, tuple) else v) for v in values)
    many = 1 if measure == start else steps or 1
    return sgd_worst_case(said, gamma, measure, start, (first / many, sigma2, 1.0))


def _body(found: WorstCase) -> dict[str, Any]:
    from boundcalc.library.numbers import upper

    names = ("start", "sigma2", "constant")
    coefficients = {n: str(t) for n, t in zip(names, found.theta, strict=False)}
    return {
        "verdict": "proved",
        "factor": upper((found.factor, found.factor)),
        "exact": str(found.factor),
        "numerical": found.numerical,
        "coefficients": coefficients,
        "rule": found.question.rule,
        "axioms": sorted(found.proved.axioms),
    }


def _number(value: Fraction) -> str:
    from boundcalc.library.numbers import rounded

    return rounded((value, value), 1, 12)


def _gd(found: WorstCase, n: int, measure: str, start: str) -> str:
    left = "min_{k<=n} |grad f(x_k)|^2" if measure == "grad" else WORDS[measure].format(n)
    return f"{left} <= {_number(found.factor)} * ({WORDS[start].format(0).strip('()')})"


def _said(found: WorstCase, measure: str, start: str) -> str:
    """What the rule of induction concludes from the step."""
    first, sigma2, constant = found.theta
    if found.question.rule == "contraction":
        left = 1 - first
        inner, floor = WORDS[start], _noise(sigma2 / left, constant / left)
        return f"E[{inner.format('K')}] <= {_number(first)}^K * ({inner.format(0)}){floor}"
    quantity = "f(x_k) - f*" if measure == "gap" else "|grad f(x_k)|^2"
    whole = f"{_number(first)}*({WORDS[start].format(0)})/K{_noise(sigma2, constant)}"
    return f"min_(k<K) E[{quantity}] <= {whole}"


def _noise(sigma2: Fraction, constant: Fraction) -> str:
    """Like " + 0.5*sigma2 + 1", without what is 0."""
    text = f" + {_number(sigma2)}*sigma2" if sigma2 else ""
    return text + (f" + {_number(constant)}" if constant else "")


def _values(
    found: WorstCase, start: str, steps: int | None, constants: Mapping[str, Any]
) -> dict[str, Any]:
    """The bound after `steps` steps of SGD, where all values are given."""
    from boundcalc.library.numbers import exact, upper

    names = (STARTS.get(start, ""), "sigma2")
    if found.question.rule == "inequality" or steps is None or not set(names) <= set(constants):
        return {}
    given = [exact(constants[name], f"--{name}") for name in names]
    first, sigma2 = (value[1] if isinstance(value, tuple) else value for value in given)
    theta, noise = found.theta[0], found.theta[1] * sigma2 + found.theta[2]
    if found.question.rule == "telescoping":
        bound = theta * first / steps + noise
    else:
        bound = theta ** min(steps, 10_000) * first + noise / (1 - theta)
    return {"bound": upper((bound, bound))}
