"""Pavings hold no redundant boxes: no two halves could be one leaf, closed by a rule at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import pytest

from boundcalc.kernel.analytic import paving, proof
from boundcalc.kernel.analytic.check import verify
from boundcalc.kernel.analytic.paving import (
    ANCHOR,
    CONVEX,
    CONVEX_AT,
    FLAT,
    LEAF,
    MEAN,
    NATURAL,
    RIDGE,
    SHARP,
    halves,
)

from .certified import CLAIMS, certificate

Point = Sequence[Fraction] | None
Way = tuple[int, Point, int]  # rule, foot, anchor
EVERYWHERE: list[Way] = [(rule, None, -1) for rule in (NATURAL, MEAN, CONVEX, CONVEX + SHARP)]


class Tree:
    """A paving read again: how many leaves it has, and how many are left when halves are joined."""

    def __init__(self, leaves: Any, code: bytes, points: Sequence[Sequence[Fraction]]) -> None:
        self.leaves = leaves
        self.code = iter(code)
        self.points = iter(points)
        self.count = 0
        self.kept = self._ways(leaves.goal.box)[1]

    def _ways(self, box: Any) -> tuple[list[Way], int]:
        """The rules that close a whole box (none: it stays in parts), and leaves that are kept."""
        axis = next(self.code)
        if axis >= LEAF:
            self.count += 1
            return [self._leaf(axis - LEAF)], 1
        tried: list[Way] = []
        kept = 0
        whole = True
        for half in halves(box[axis]):
            ways, left = self._ways((*box[:axis], half, *box[axis + 1 :]))
            tried += ways
            kept += left
            whole = whole and bool(ways)
        if whole:
            ways = [w for w in self._all(tried) if self.leaves.holds(w[0], box, w[1], w[2])]
            if ways:
                return ways[:1], 1
        return [], kept

    def _leaf(self, rule: int) -> Way:
        point = next(self.points) if rule % SHARP == CONVEX_AT else None
        anchor = next(self.code) if rule == RIDGE or rule % SHARP in (ANCHOR, FLAT) else -1
        return rule, point, anchor

    def _all(self, tried: list[Way]) -> Iterator[Way]:
        yield from tried
        yield from EVERYWHERE
        for anchor in {way[2] for way in tried if way[2] >= 0}:
            for rule in (ANCHOR, ANCHOR + SHARP, FLAT, RIDGE):
                yield rule, None, anchor


@pytest.fixture
def trees(monkeypatch: pytest.MonkeyPatch) -> list[Tree]:
    found: list[Tree] = []

    def walk(leaves: Any, code: bytes, points: Sequence[Sequence[Fraction]]) -> int:
        closed = paving.walk(leaves, code, points)
        found.append(Tree(leaves, code, points))
        assert found[-1].count == closed
        return closed

    monkeypatch.setattr(proof, "walk", walk)
    return found


def test_no_two_halves_could_be_one(trees: list[Tree]) -> None:
    for claimed in CLAIMS:
        verify(certificate(claimed))
    assert sum(tree.count for tree in trees) > 200
    assert sum(tree.kept for tree in trees) >= 0.95 * sum(tree.count for tree in trees)


def test_a_leaf_cut_in_two_is_seen(trees: list[Tree]) -> None:
    body = certificate(next(claimed for claimed in CLAIMS if claimed.name == "paving"))
    verify(body)
    own = [(tree.count, tree.kept) for tree in trees]
    trees.clear()
    changed = {**body, "proofs": split_one(body["proofs"])}
    verify(changed)
    assert sum(tree.count for tree in trees) == sum(count for count, _ in own) + 1
    assert sum(tree.kept for tree in trees) == sum(kept for _, kept in own)


def split_one(proofs: Any) -> Any:
    """The same proofs; in the first tree that halves, the last natural leaf in two."""
    done = False

    def changed(data: Any) -> Any:
        nonlocal done
        if isinstance(data, dict) and "tree" in data and not done:
            code = paving.unpacked(data["tree"])
            if code[0] < LEAF and code[-1] == LEAF + NATURAL:
                done = True
                tail = bytes([0, code[-1], code[-1]])
                return {**data, "tree": paving.packed(code[:-1] + tail)}
        if isinstance(data, dict):
            return {key: changed(value) for key, value in data.items()}
        return [changed(value) for value in data] if isinstance(data, list) else data

    found = changed(proofs)
    assert done
    return found
