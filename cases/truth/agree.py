"""Compare the case files with this folder: formulas, domains, minimisers, f*, claims.

Run from cases/truth: python agree.py.  It reads formulas with a small evaluator of its own.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import mpmath as mp
import numpy as np
import sympy as sp
from compute import ENTRIES
from model import SUPREMUM, Case, evaluate
from optimum import sample

CASES = Path(__file__).parent.parent
FUNCTIONS = {
    name: getattr(mp, name)
    for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "atan")
}
FUNCTIONS["softplus"] = lambda t: mp.log1p(mp.exp(t))
FUNCTIONS["logistic"] = lambda t: 1 / (1 + mp.exp(-t))


def value(text: str, names: Mapping[str, object]) -> mp.mpf:
    """A formula of the case files; decimals are exact."""
    return walk(
        ast.parse(text.replace("^", "**"), mode="eval").body, text.replace("^", "**"), names
    )


def walk(node: ast.expr, text: str, names: Mapping[str, object]) -> mp.mpf:
    match node:
        case ast.Constant():
            return mp.mpf(ast.get_source_segment(text, node))
        case ast.Name():
            return {"pi": +mp.pi, "e": +mp.e, **names}[node.id]
        case ast.UnaryOp(op=ast.USub()):
            return -walk(node.operand, text, names)
        case ast.Call(func=ast.Name()):
            return FUNCTIONS[node.func.id](walk(node.args[0], text, names))
        case ast.BinOp():
            left, right = (walk(side, text, names) for side in (node.left, node.right))
            match node.op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case ast.Div():
                    return left / right
                case ast.Pow():
                    return left**right
    raise SystemExit(f"cannot read {text!r}")


def same_function(raw: Mapping[str, object], case: Case) -> list[str]:
    """The formulas of the file against the ones written here, at a few points; the domains."""
    out = []
    texts = raw.get("residual") or raw["components"]
    ours = case.residual or case.components
    if "residual" in raw and not case.residual:
        return ["residual in the file only"]
    if case.residual and "residual" not in raw:  # the same f, written as a formula
        ours = case.functions
    if len(texts) != len(ours):
        return [f"{len(texts)} formulas in the file, {len(ours)} here"]
    rng = np.random.default_rng(1)
    for _ in range(5):
        point = [mp.mpf(float(c)) for c in rng.uniform(0.3, 1.7, len(case.variables))]
        names = {str(v): c for v, c in zip(case.variables, point, strict=True)}
        if list(names) != list(raw["variables"]):
            return [f"variables {raw['variables']}, here {list(names)}"]
        for text, expression in zip(texts, ours, strict=True):
            mine = sp.lambdify(case.variables, expression, "mpmath")(*point)
            if abs(value(text, names) - mine) > mp.mpf("1e-25") * (1 + abs(mine)):
                out.append(f"{text} is {value(text, names)} at {names}, here {mine}")
    for side, v in zip(case.box, raw["variables"], strict=True):
        for end, text in zip(side, raw["domain"][v], strict=True):
            unbounded = text in ("oo", "-oo")
            if unbounded != (end is None) or not (
                unbounded or abs(value(text, {}) - mp.mpf(str(sp.N(end, 40)))) < mp.mpf("1e-25")
            ):
                out.append(f"domain of {v}: {text}, here {end}")
    return out


def right_least(raw: Mapping[str, object], case: Case) -> list[str]:
    """f* and f_i* are values that no sample goes below; f* is taken at the minimisers."""
    out = []
    points = sample(case, 30.0)
    pairs = [(case.mean, case.least)] if case.minimisers or case.affine else []
    pairs += list(zip(case.functions, case.leasts, strict=True)) if case.leasts else []
    for f, least in pairs:
        low = np.nanmin(evaluate(case.compiled([f], "numpy"), points))
        if low < float(sp.N(least, 30)) - 1e-9:
            out.append(f"f is {low} somewhere, below {least}")
    for site in case.minimisers:
        at = case.mean.subs(dict(zip(case.variables, site, strict=True)))
        if abs(sp.N(at, 40) - sp.N(case.least, 40)) > 1e-25:
            out.append(f"f{site} = {sp.N(at, 20)}, not {case.least}")
    if "minimisers" in raw:
        given = [[value(c, {}) for c in p] for p in raw["minimisers"]["points"]]
        for p, q in zip(given, case.minimisers, strict=True):
            if any(
                abs(c - mp.mpf(str(sp.N(d, 40)))) > mp.mpf("1e-25")
                for c, d in zip(p, q, strict=True)
            ):
                out.append(f"minimiser {p}, here {q}")
    return out


def expected(claim: Mapping[str, object], rows: list[Mapping[str, str]]) -> str | None:
    """ "proved" or "refuted" by the tight constants; None where they do not say."""
    constants = {k: value(v, {}) for k, v in claim.get("constants", {}).items()}
    for row in rows:
        fixed = [k for k in ("alpha", "epsilon") if k in constants]
        if row["condition"] != claim["condition"]:
            continue
        if fixed and any(abs(constants[k] - value(row[k], {})) > mp.mpf("1e-25") for k in fixed):
            continue
        if row["constant"] == "none" or row["constant"] == "yes":
            return "proved" if row["constant"] == "yes" else "refuted"
        (free,) = (v for k, v in constants.items() if k not in fixed)
        tight = mp.mpf(row["constant"])
        if abs(free - tight) <= mp.mpf("1e-15") * (1 + abs(tight)):
            return "proved"  # exactly tight: the conditions are closed
        holds = free > tight if claim["condition"] in SUPREMUM else free < tight
        return "proved" if holds and constants.get("alpha", free + 1) > free else "refuted"
    return None


def main() -> int:
    mp.mp.dps = 40
    rows = tomllib.loads((CASES / "truth" / "values.toml").read_text(encoding="utf-8"))["value"]
    entries = {entry.case.name: entry.case for entry in ENTRIES}
    files = {
        path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in CASES.glob("*.toml")
    }
    wrong = [f"{name}: no case file" for name in entries.keys() - files.keys()]
    claims = 0
    for name, raw in sorted(files.items()):
        if name not in entries:
            wrong.append(f"{name}: no truth")
            continue
        wrong += [f"{name}: {line}" for line in same_function(raw, entries[name])]
        wrong += [f"{name}: {line}" for line in right_least(raw, entries[name])]
        mine = [row for row in rows if row["case"] == name]
        for claim in raw["claims"]:
            claims += 1
            found = expected(claim, mine)
            if found != claim["expect"]:
                said = f"{claim['condition']} {claim.get('constants')}"
                wrong.append(f"{name}: {said}: file {claim['expect']}, here {found}")
    print(*wrong, sep="\n")
    print(f"{len(files)} cases, {claims} claims, {len(wrong)} disagreements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
