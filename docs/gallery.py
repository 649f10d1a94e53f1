"""The gallery: ask boundcalc about every case file, write docs/gallery.md, draw figures.

    python docs/gallery.py collect [CASE...]   ask; keeps the answers in docs/gallery.json
    python docs/gallery.py page                write docs/gallery.md from them
    python docs/gallery.py figures             draw docs/gallery/CASE.png (not committed)

Listed among Sphinx's extensions it draws the figures before the pages are read.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gallery_figures import constant, figure

ROOT = Path(__file__).resolve().parent.parent
ANSWERS = ROOT / "docs" / "gallery.json"
PAGE = ROOT / "docs" / "gallery.md"
FIGURES = ROOT / "docs" / "gallery"
FREE = {
    "alpha-beta": "beta",
    "aiming": "theta",
    "smooth": "L",
    "self-bounding": "L",
    "convex": None,
}
SMALLEST = {"beta", "L", "alpha"}
RAY = re.compile(r"alpha >= (?P<alpha>.+), beta = (?P<over>.+)\*alpha/(?P<under>.+)")
SECONDS = "20"  # for each claim, and for each constant
NARROW = 1e-6  # enclosures wider than that, relative, are shown as intervals

Json = dict[str, Any]


def cases() -> dict[str, Json]:
    """Every case file by its name, as TOML reads it."""
    found = sorted((ROOT / "cases").glob("*.toml"))
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in found}


# --- asking -------------------------------------------------------------------------------------


def ask(*words: str) -> Json | None:
    """What `boundcalc WORDS --json` answers; None where it is an error."""
    start = [sys.executable, "-c", "from boundcalc.cli import main; main()"]
    seconds = [] if "--time-limit" in words else ["--time-limit", SECONDS]
    command = [*start, *words, *seconds, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode not in (0, 1, 3) or not done.stdout.startswith("{"):
        print(" ".join(words), done.stderr.strip()[-500:], sep="\n", file=sys.stderr)  # noqa: T201
        return None
    answer: Json = json.loads(done.stdout)
    return answer


def questions(case: Json) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """The conditions of a case's claims with what is fixed, once each: ("alpha-beta", alpha 1)."""
    asked = []
    for claim in case["claims"]:
        free = FREE.get(claim["condition"], "mu")
        fixed = tuple(sorted((k, v) for k, v in claim.get("constants", {}).items() if k != free))
        if free is not None and (claim["condition"], fixed) not in asked:
            asked.append((claim["condition"], fixed))
        if (ray := RAY.fullmatch(claim.get("published", ""))) is not None:
            asked.append((claim["condition"], (("ray", f"{ray['over']}/{ray['under']}"),)))
    return asked


def collect(names: Sequence[str]) -> None:
    """Ask about the named cases (all, if none is named) and keep the answers."""
    known = json.loads(ANSWERS.read_text(encoding="utf-8")) if ANSWERS.exists() else {}
    for name, case in cases().items():
        if names and name not in names:
            continue
        path = f"cases/{name}.toml"
        checked = ask("check", path) or {"claims": []}
        tight = []
        for condition, fixed in questions(case):
            given = [word for key, value in fixed for word in (f"--{key}", value)]
            given += ["--time-limit", "120"] if fixed and fixed[0][0] == "ray" else []
            answer = ask("tighten", path, "--condition", condition, *given)
            if answer is not None:
                keys = ("constant", "lower", "upper", "attained_at", "verdict")
                tight.append(
                    {"condition": condition, "fixed": dict(fixed)}
                    | {k: answer.get(k) for k in keys}
                )
        kept = ("condition", "constants", "verdict", "method", "witness")
        claims = [{key: claim.get(key) for key in kept} for claim in checked["claims"]]
        known[name] = {"claims": claims, "tight": tight, "minimisers": minimisers(ROOT / path)}
        text = json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False)
        ANSWERS.write_text(text + "\n", encoding="utf-8")


def minimisers(path: Path) -> list[list[str]]:
    """The minimisers a case file gives, or those found: some of them where they are a continuum."""
    from boundcalc.library.case import read_case
    from boundcalc.search.numeric.minimisers import find

    problem = read_case(path)
    return [list(point) for point in problem.minimisers or find(problem, 2.0).points]


def answers() -> dict[str, Json]:
    """The answers that `collect` kept."""
    known: dict[str, Json] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return known


# --- the page -----------------------------------------------------------------------------------


def interval(row: Mapping[str, Any]) -> str:
    """0.175530986, [0.17, 0.18], "≥ 0.1", "none works" or "not found"."""
    lower, upper = row["lower"], row["upper"]
    if row["verdict"] == "refuted":
        return "none works"
    if lower is None or upper is None:
        return (
            f"≥ {lower}"
            if lower is not None
            else f"≤ {upper}"
            if upper is not None
            else "not found"
        )
    low, high = float(lower), float(upper)
    if high - low <= NARROW * max(abs(low), abs(high), 1e-300):
        return f"{(low + high) / 2:.9g}"
    return f"[{low:.6g}, {high:.6g}]"


def constant_cell(row: Mapping[str, Any]) -> str:
    """ "mu = 0.175530986", "L ≤ 9", "mu in [1, 2]", "no mu works"."""
    shown, symbol = interval(row), row["constant"]
    if row["verdict"] == "refuted":
        return f"no {symbol} works"
    if shown[0] in "≥≤":
        return f"{symbol} {shown}"
    if shown == "not found":
        return f"{symbol}: not found"
    return f"{symbol} in {shown}" if shown[0] == "[" else f"{symbol} = {shown}"


def proved_end(row: Mapping[str, Any]) -> float | None:
    """The end of the enclosure that is proved to work as a constant."""
    end = row["upper"] if row["constant"] in SMALLEST else row["lower"]
    return None if end is None else float(end)


def gain(row: Mapping[str, Any], published: str) -> str:
    """How many times better our constant is than the published one."""
    theirs, ours = constant(published), proved_end(row)
    if not theirs or not ours:
        return ""
    return f"{theirs / ours if row['constant'] in SMALLEST else ours / theirs:.3g} ×"


def published_table(found: Mapping[str, Json]) -> list[str]:
    """Rows "case, condition, published, ours, gain" for claims that quote the literature."""
    rows = []
    for name, case in cases().items():
        for claim in case["claims"]:
            if not claim.get("published"):
                continue
            free = FREE.get(claim["condition"], "mu")
            fixed = {k: v for k, v in claim["constants"].items() if k != free}
            ray = RAY.fullmatch(claim["published"])
            theirs = ray["alpha"] if ray else claim["published"]
            if ray is not None:
                fixed = {"ray": f"{ray['over']}/{ray['under']}"}
            for row in found.get(name, {"tight": []})["tight"]:
                if (row["condition"], row["fixed"]) == (claim["condition"], fixed):
                    ours = given(fixed) + constant_cell(row)
                    better = gain(row, theirs)
                    cells = [
                        f"[{name}](#{name})",
                        row["condition"],
                        claim["published"],
                        ours,
                        better,
                    ]
                    rows.append(f"| {' | '.join(cells)} |")
    head = ["| case | condition | published | ours | gain |", "| --- | --- | --- | --- | --- |"]
    return [*head, *rows, ""]


def given(fixed: Mapping[str, str]) -> str:
    names = {"ray": "beta/alpha"}
    return "".join(f"{names.get(key, key)} = {value}: " for key, value in fixed.items())


def formulas(case: Json) -> list[str]:
    """The functions of a case, as they are written in its file."""
    rows = case.get("residual") or case["components"]
    name = "F" if "residual" in case else "f"
    if len(rows) == 1:
        return [f"{name} = {rows[0]}"]
    return [f"{name}_{k} = {row}" for k, row in enumerate(rows, start=1)]


def words(values: Mapping[str, str] | None) -> str:
    return ", ".join(f"{key} = {value}" for key, value in (values or {}).items())


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "." * (not text.endswith("."))


def summary(found: Mapping[str, Json]) -> list[str]:
    """How many claims and constants were decided, and which claims were not."""
    claims = [(name, claim) for name, each in found.items() for claim in each["claims"]]
    verdicts = [claim["verdict"] for _, claim in claims]
    tight = [row["verdict"] for each in found.values() for row in each["tight"]]
    open_ = [
        f"[{name}](#{name}): {said(claim)}"
        for name, claim in claims
        if claim["verdict"] == "undecided"
    ]
    counts = [f"{verdicts.count(v)} {v}" for v in ("proved", "refuted", "undecided")]
    constants = [
        f"{tight.count('enclosed')} enclosed",
        f"{tight.count('refuted')} shown not to exist",
        f"{tight.count('undecided')} undecided",
    ]
    lines = [
        f"{len(found)} functions. {len(claims)} claims: {', '.join(counts)}. "
        f"{len(tight)} tightest constants: {', '.join(constants)}.",
        "",
    ]
    return [*lines, f"Undecided claims: {'; '.join(open_)}.", ""] if open_ else lines


def said(claim: Mapping[str, Any]) -> str:
    """ "pl mu = 1/4"."""
    return f"{claim['condition']} {words(claim['constants'])}".strip()


def section(name: str, case: Json, found: Json) -> list[str]:
    """One case: formulas, figure, tight constants, claims."""
    domain = ", ".join(
        f"{v} in [{a}, {b}]" for v, (a, b) in case["domain"].items() if (a, b) != ("-oo", "oo")
    )
    lines = [f"({name})=", f"## {name}", "", sentence(case.get("source", "")), ""]
    lines += [sentence(case["note"]), ""] if case.get("note") else []
    lines += ["```text", *formulas(case), f"domain: {domain or 'unbounded'}", "```", ""]
    lines += [f"![{name}](gallery/{name}.png)", ""]
    if found["tight"]:
        lines += ["| condition | tightest constant | at |", "| --- | --- | --- |"]
        for row in found["tight"]:
            constants = given(row["fixed"]) + constant_cell(row)
            lines.append(f"| {row['condition']} | {constants} | {words(row['attained_at'])} |")
        lines.append("")
    lines += ["| claim | verdict | by | |", "| --- | --- | --- | --- |"]
    notes = [claim.get("note", "") for claim in case["claims"]]
    for claim, note in zip(found["claims"], notes, strict=False):
        method = claim.get("method") or ""
        lines.append(f"| {said(claim)} | {claim['verdict']} | {method} | {note} |")
    return [*lines, ""]


def page(path: Path = PAGE) -> None:
    """Write docs/gallery.md, or elsewhere."""
    found = answers()
    lines = [
        "# Gallery",
        "",
        "Functions of `cases/`, what is claimed of them, and what `boundcalc check` and "
        "`boundcalc tighten`",
        "say in at most 20 seconds for each claim and each constant ([how](analytic.md)).",
        "In the figures a dot is a minimiser (some of them, where they are a curve), a cross a "
        "point where the",
        "condition beside it is tight; thin grey lines are the f_i.",
        "",
        *summary(found),
        "",
        "## Constants of the literature",
        "",
        *published_table(found),
    ]
    for name, case in cases().items():
        if name in found:
            lines += section(name, case, found[name])
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def figures() -> None:
    """Draw every case that has answers."""
    found = answers()
    FIGURES.mkdir(exist_ok=True)
    for name in cases():
        if name in found:
            figure(ROOT / "cases" / f"{name}.toml", found[name], FIGURES / f"{name}.png")


def setup(app: Any) -> Mapping[str, bool]:
    """Sphinx: draw the figures first."""
    app.connect("builder-inited", lambda _: figures())
    return {"parallel_read_safe": True}


def main(arguments: Sequence[str]) -> int:
    """Do what the first word says."""
    tasks = {"page": page, "figures": figures}
    match list(arguments):
        case ["collect", *names]:
            collect(names)
        case [task] if task in tasks:
            tasks[task]()
        case _:
            print(__doc__, file=sys.stderr)  # noqa: T201
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
