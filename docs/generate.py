"""Write docs/conditions and docs/theorems: one page per file of the catalogue.

Run from the repository's root: python docs/generate.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from boundcalc.library.conditions import condition_ids, load_condition
from boundcalc.library.proofs import answer, prove
from boundcalc.library.statement import Lines, condition_lines, theorem_lines
from boundcalc.library.theorems import load_theorem, theorem_ids
from boundcalc.library.topology import level_theorem_ids, level_theorem_lines, load_level_theorem

WORDS = {"said of", "constant", "for every", "convention", "reference", "if", "of", "note", "rule"}
WORDS |= {"statement", "no better by"}


def page(title: str, id: str, plain: Lines, tex: Lines, more: list[str]) -> str:
    """Markdown: words as they are, formulas in LaTeX."""
    lines = [f"# {title}", "", f"`{id}`", ""]
    for (label, words), (_, formula) in zip(plain, tex, strict=True):
        is_words = label in WORDS or words == formula
        lines.append(f"- **{label}**: {words if is_words else f'${formula}$'}")
    return "\n".join([*lines, *more, ""])


def theorem_page(id: str) -> str:
    """A theorem's statement, and the kernel's word on it."""
    theorem = load_theorem(id)
    answered = answer(id)
    more = [f"- **kernel**: {theorem.kind if theorem.kind in ('axiom', 'cited') else 'proved'}"]
    axioms = sorted(getattr(answered, "axioms", ()))
    if axioms:
        more.append("- **axioms**: " + ", ".join(f"[{a}]({a}.md)" for a in axioms))
    if "proof" in theorem.raw:
        more += ["", "## Proof", ""]
        more += [f"- {name}: `{entry}`" for name, entry in theorem.raw["proof"]["show"].items()]
    return page(theorem.title, id, theorem_lines(theorem), theorem_lines(theorem, True), more)


def level_theorem_page(id: str) -> str:
    """A theorem about level sets of networks, which is cited."""
    theorem = load_level_theorem(id)
    lines = [f"# {theorem.title}", "", f"`{id}`, of [`boundcalc topology`](../topology.md)", ""]
    lines += [f"- **{label}**: {words}" for label, words in level_theorem_lines(theorem)]
    return "\n".join([*lines, ""])


def condition_page(id: str) -> str:
    """A condition's statement, and the theorems that assume it."""
    condition = load_condition(id)
    users = [t for t in theorem_ids() if id in load_theorem(t).hypotheses]
    more = (
        ["- **used by**: " + ", ".join(f"[{t}](../theorems/{t}.md)" for t in users)]
        if users
        else []
    )
    tex = condition_lines(condition, in_latex=True)
    return page(condition.title, id, condition_lines(condition), tex, more)


def main(folder: Path) -> None:
    """Write all pages."""
    for kind, ids, make in (
        ("conditions", condition_ids(), condition_page),
        ("theorems", theorem_ids(), theorem_page),
        ("theorems", level_theorem_ids(), level_theorem_page),
    ):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for id in ids:
            (folder / kind / f"{id}.md").write_text(make(id), encoding="utf-8")


if __name__ == "__main__":
    prove.cache_clear()
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
