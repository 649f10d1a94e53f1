"""Numbers of components: what certificates show, against an independent count, and refusals."""

from __future__ import annotations

import base64
import copy
import json
import zlib
from fractions import Fraction

import numpy as np
import pytest

from boundcalc.kernel.__main__ import main
from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.levels import check
from boundcalc.kernel.levels.cells import UNIT, Cells, Landscape
from boundcalc.kernel.levels.components import (
    CONVEX,
    CROSSED,
    INSIDE,
    LEAF,
    OPEN,
    OUTSIDE,
    SLOPING,
    counted,
    holds,
    split,
)

SQUARE = ((Fraction(-2), Fraction(2)), (Fraction(-2), Fraction(2)))
WELLS = "(x^2-1)^2 + y^2"
LABELS = (OUTSIDE, INSIDE, SLOPING, CROSSED, CONVEX, OPEN)


def landscape(formula, box=SQUARE):
    return Landscape(("x", "y")[: len(box)], formula, box)


def flooded(function, level, box=SQUARE, size=400):
    """Components of {f ≤ level} on a grid, by flood filling: no code of ours."""
    axes = [np.linspace(float(lo), float(hi), size) for lo, hi in box]
    below = function(*np.meshgrid(*axes, indexing="ij")) <= level
    count, seen = 0, np.zeros_like(below)
    for start in zip(*np.nonzero(below), strict=True):
        if seen[start]:
            continue
        count += 1
        waiting = [start]
        seen[start] = True
        while waiting:
            i, j = waiting.pop()
            for p in range(max(i - 1, 0), min(i + 2, size)):
                for q in range(max(j - 1, 0), min(j + 2, size)):
                    if below[p, q] and not seen[p, q]:
                        seen[p, q] = True
                        waiting.append((p, q))
    return count


def test_a_kink_is_not_convex():
    side = ((Fraction(-1), Fraction(1)),)
    for formula in ("0 - abs(x)", "x^2 - abs(x)"):
        cells = Cells(landscape(formula, side))
        assert not cells.convex(cells.whole), formula
        assert cells.convex(((UNIT // 2 + 1, UNIT),)), formula


def random_tree(cells, level, rng, depth):
    """Halvings at random; every leaf gets one of the labels that are true of it."""
    tree = bytearray()
    waiting = [(cells.whole, 0)]
    while waiting:
        cell, done = waiting.pop()
        true = [label for label in LABELS if holds(cells, cell, label, level)]
        sharp = [label for label in true if label != OPEN]
        if done < depth and (not sharp or rng.random() < 0.4):
            axis = done % len(cell) if rng.random() < 0.8 else int(rng.integers(len(cell)))
            tree.append(axis)
            low, high = split(cell, axis)
            waiting += [(high, done + 1), (low, done + 1)]
            continue
        tree.append(int(rng.choice(sharp if sharp and rng.random() < 0.999 else true)))
    return bytes(tree)


@pytest.mark.parametrize(
    ("formula", "function", "levels"),
    [
        (WELLS, lambda x, y: (x**2 - 1) ** 2 + y**2, ["-1/10", "1/3", "9/10", "3/2"]),
        ("(x^2-1)^2+(y^2-1)^2", lambda x, y: (x**2 - 1) ** 2 + (y**2 - 1) ** 2, ["1/2", "3/2"]),
        ("(x^2+y^2-1)^2", lambda x, y: (x**2 + y**2 - 1) ** 2, ["1/3", "2"]),
        ("sin(3*x)*cos(2*y)", lambda x, y: np.sin(3 * x) * np.cos(2 * y), ["-1/2", "-1/10"]),
        ("x*y", lambda x, y: x * y, ["-1", "1"]),
        ("-x^2-y^2", lambda x, y: -(x**2) - y**2, ["-7", "-5", "-3"]),
        ("y^2-x^2+exp(x)/5", lambda x, y: y**2 - x**2 + np.exp(x) / 5, ["-1", "0", "1/2"]),
    ],
)
def test_whatever_a_tree_shows_contains_the_count_of_a_flood(formula, function, levels):
    rng = np.random.default_rng(5)
    cells = Cells(landscape(formula))
    narrow = 0
    for text in levels:
        level = Fraction(text)
        true = flooded(function, float(level))
        with iv.precision(64):
            for depth in (5, 8, 10, 12):
                tree = random_tree(cells, iv.rational(level), rng, depth)
                shown, leaves = counted(cells, tree, [], level)
                assert shown.lower <= true, (text, depth)
                assert shown.upper is None or true <= shown.upper, (text, depth)
                assert leaves >= 1
                narrow += shown.upper is not None
    assert narrow  # some trees leave no cell open


def grid_tree(cells, level, depth):
    """Every cell halved so often, with the best label."""
    tree, waiting = bytearray(), [(cells.whole, 0)]
    with iv.precision(64):
        edge = iv.rational(Fraction(level))
        while waiting:
            cell, done = waiting.pop()
            if done < depth:
                axis = done % len(cell)
                tree.append(axis)
                low, high = split(cell, axis)
                waiting += [(high, done + 1), (low, done + 1)]
            else:
                order = (OUTSIDE, SLOPING, INSIDE, CROSSED, CONVEX, OPEN)
                tree.append(next(one for one in order if holds(cells, cell, one, edge)))
    return bytes(tree)


def packed(tree):
    return base64.b64encode(zlib.compress(tree)).decode()


def certificate(formula=WELLS, level="1/2", lower=2, upper=2, points=(), depth=10, tree=None):
    cells = Cells(landscape(formula))
    claim = {
        "landscape": {
            "variables": ["x", "y"],
            "formula": formula,
            "domain": {"x": ["-2", "2"], "y": ["-2", "2"]},
        },
        "levels": [{"level": level, "lower": lower, "upper": upper}],
    }
    grown = grid_tree(cells, level, depth) if tree is None else tree
    return {
        "schema": check.SCHEMA,
        "claim": claim,
        "claim_sha256": digest(claim),
        "precision": 64,
        "proofs": [{"tree": packed(grown), "points": [list(point) for point in points]}],
    }


def test_the_double_well_has_two_components_below_its_saddle_and_one_above():
    assert check.verify(certificate(depth=8)).levels[0][1].upper == 2
    assert check.verify(certificate(level="2", lower=1, upper=1, depth=8)).checks == 2**8
    assert check.is_genuine(check.verify(certificate(level="-1/9", lower=0, upper=0, depth=4)))


def test_a_saddle_is_no_component_at_its_own_level():
    found = check.verify(certificate(level="1", lower=1, upper=2, depth=10))
    assert found.levels[0][1] == check.Count(1, 2)


def test_convex_cells_around_a_minimum_at_the_level_hold_one_component():
    points = [("-1", "0"), ("1", "0")]
    check.verify(certificate(level="0", lower=2, upper=2, points=points, depth=8))
    with pytest.raises(Rejected, match="0 components"):  # without points none is known to be there
        check.verify(certificate(level="0", lower=2, upper=2, depth=8))


def test_convex_cells_that_share_a_convex_hull_are_joined_without_a_point():
    bowl = "(x-1/3)^2 + (y-1/7)^2"
    check.verify(certificate(bowl, level="0", lower=0, upper=1, depth=4))


@pytest.mark.parametrize(
    ("level", "wrong"),
    [("1/2", (3, 3)), ("1/2", (1, 1)), ("1/2", (0, 0)), ("2", (2, 2)), ("-1", (1, 1))],
)
def test_a_wrong_count_is_rejected_with_every_tree(level, wrong):
    rng = np.random.default_rng(7)
    lower, upper = wrong
    cells = Cells(landscape(WELLS))
    whole = grid_tree(cells, level, 8)
    for trial in range(60):
        tree = bytearray(whole)
        for _ in range(trial):
            tree[rng.integers(len(tree))] = rng.choice([0, 1, *LABELS])
        mutant = certificate(level=level, lower=lower, upper=upper, tree=bytes(tree))
        with pytest.raises(Rejected):
            check.verify(mutant)


def test_labels_that_do_not_follow_are_rejected():
    cells = Cells(landscape(WELLS))
    tree = grid_tree(cells, "1/2", 6)
    kept = 0
    for place, code in enumerate(tree):
        if code < LEAF:
            continue
        for label in LABELS:
            with iv.precision(64):
                mutant = bytes([*tree[:place], label, *tree[place + 1 :]])
                try:
                    shown, _ = counted(cells, mutant, [], Fraction(1, 2))
                except Rejected:
                    continue
            kept += label != code
            assert shown.lower <= 2
            assert shown.upper is None or shown.upper >= 2
    assert kept  # OPEN is true of every cell, and SLOPING cells are CROSSED ones too


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(schema="x"), "schema"),
        (lambda c: c.update(extra=1), "unknown"),
        (lambda c: c.update(claim_sha256="0" * 64), "hash"),
        (lambda c: c.update(precision=12), "bits"),
        (lambda c: c.update(precision=True), "bits"),
        (lambda c: c.update(proofs=[]), "a proof for each"),
        (lambda c: c["proofs"][0].update(tree=packed(b"")), "ends too early"),
        (lambda c: c["proofs"][0].update(tree=packed(bytes([OPEN, OPEN]))), "left over"),
        (lambda c: c["proofs"][0].update(tree=packed(bytes([2]))), "not there"),
        (lambda c: c["proofs"][0].update(tree=packed(bytes([0] * 60))), "too often"),
        (lambda c: c["proofs"][0].update(tree=packed(bytes([99]))), "does not follow"),
        (lambda c: c["proofs"][0].update(tree="?"), "packed"),
        (lambda c: c["proofs"][0].update(points=[["0", "0"]]), "below the level"),
        (lambda c: c["proofs"][0].update(points=[["1"]]), "below the level"),
        (lambda c: c["proofs"][0].update(points=[["1", "1/x"]]), "rational"),
    ],
)
def test_what_is_not_well_formed_is_rejected(change, message):
    data = certificate(depth=6, lower=0, upper=None)
    change(data)
    with pytest.raises(Rejected, match=message):
        check.verify(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["levels"][0].update(lower=-1), "whole numbers"),
        (lambda c: c["levels"][0].update(lower=True), "whole numbers"),
        (lambda c: c["levels"][0].update(upper="2"), "whole numbers"),
        (lambda c: c["landscape"].update(variables=["x", "x"]), "different variables"),
        (lambda c: c["landscape"].update(variables=["x", "y", "z"]), "between 1 and 2"),
        (lambda c: c["landscape"].update(variables=["x", "exp"]), "name of a function"),
        (lambda c: c["landscape"].update(formula="x + ("), "character"),
        (lambda c: c["landscape"]["domain"].update(x=["-oo", "2"]), "finite ends"),
        (lambda c: c["landscape"]["domain"].update(x=["2", "2"]), "finite ends"),
        (lambda c: c["landscape"].update(formula="log(x) + y"), "no value"),
        (lambda c: c["landscape"].update(formula="0*log(x) + y"), "no value"),
        (lambda c: c.update(levels=[]), "a proof for each"),
    ],
)
def test_claims_that_are_not_well_formed_are_rejected(change, message):
    data = certificate(depth=2, lower=0, upper=None)
    change(data["claim"])
    data["claim_sha256"] = digest(data["claim"])
    with pytest.raises(Rejected, match=message):
        check.verify(data)


def test_a_point_outside_of_the_box_is_no_point_of_a_component():
    flat = certificate("x + y", level="9", lower=1, upper=None, tree=bytes([OPEN]))
    assert check.verify(copy.deepcopy(flat) | {"proofs": [_proof([["0", "0"]])]})
    with pytest.raises(Rejected, match="outside of the box"):
        check.verify(flat | {"proofs": [_proof([["3", "3"]])]})


def _proof(points):
    return {"tree": packed(bytes([OPEN])), "points": points}


def test_roots_and_faces():
    """|x| has no slope at 0, so its cells at 0 stay open; faces and corners hold minima."""
    with iv.precision(64):
        cells = Cells(landscape("abs(x) + y"))
        assert cells.core(cells.whole) == cells.whole
        assert not cells.convex(cells.whole)
        assert cells.range(cells.whole)[1] == 4
        slope = Cells(landscape("x - y"))
        assert slope.core(slope.whole) == ((0, 0), (UNIT, UNIT))  # one corner
        assert slope.core(((UNIT // 2, UNIT), (0, UNIT))) is None
        assert slope.core(((0, UNIT), (0, UNIT // 2))) is None
        dome = Cells(landscape("-x^2 - y^2"))
        quarter = ((0, UNIT // 2), (UNIT // 2, UNIT))
        assert dome.core(quarter) == ((0, 0), (UNIT, UNIT))
        assert dome.core(dome.whole) == dome.whole  # both faces: nothing is said
        inner = ((UNIT // 4, UNIT // 2),) * 2
        assert dome.core(inner) is None
        turned = Cells(landscape("x^2 + y^2 - 4*x*y"))  # bends down along neither axis
        middle = ((UNIT // 4, 3 * UNIT // 4),) * 2
        assert turned.core(middle) is None


def test_one_variable():
    line = Landscape(("x",), "(x^2-1)^2", (SQUARE[0],))
    cells = Cells(line)
    tree = grid_tree(cells, "1/2", 6)
    with iv.precision(64):
        shown, _ = counted(cells, tree, [], Fraction(1, 2))
    assert shown == check.Count(2, 2)


def test_only_the_checker_makes_what_is_counted():
    found = check.verify(certificate(depth=8))
    with pytest.raises(TypeError):
        check.Counted(found.landscape, found.levels, 1, found.sha256, object())
    assert not check.is_genuine("proved")


def test_a_summary_says_what_is_known():
    data = json.loads(json.dumps(certificate(depth=8)))
    says, checks, claim = check.summary(data)
    assert says.endswith("λ = 1/2: 2") and checks == 2**8 and claim == data["claim_sha256"]
    assert check.summary(certificate(depth=1, lower=0, upper=None))[0].endswith("at least 0")
    assert check.summary(certificate(level="1", lower=1, upper=2, depth=10))[0].endswith("1 to 2")


def test_many_leaves_are_refused(monkeypatch):
    monkeypatch.setattr(check, "MAX_LEAVES", 255)
    with pytest.raises(Rejected, match="more than 255 leaves"):
        check.verify(certificate(depth=8))


def test_the_program_checks_them_too(tmp_path, capsys):
    place = tmp_path / "wells.json"
    place.write_text(json.dumps(certificate(depth=8)))
    assert main([str(place)]) == 0
    assert capsys.readouterr().out.startswith(f"proved {place}: components of")
    place.write_text(json.dumps(certificate(depth=8) | {"precision": 1}))
    assert main([str(place)]) == 1
    assert capsys.readouterr().out.startswith(f"rejected {place}")


def test_beside_a_kink_nothing_is_convex():
    # {-|x| <= -1/2} has two components, though the second derivative is 0 beside the kink
    cells = Cells(landscape("-abs(x)", SQUARE[:1]))
    level = Fraction(-1, 2)
    assert not holds(cells, cells.whole, CONVEX, iv.rational(level))
    with pytest.raises(Rejected, match="does not follow"):
        counted(cells, bytes([CONVEX]), (), level)
    assert cells.convex(split(cells.whole, 0)[0]) is False  # 0 is one of its points
    assert cells.convex(split(split(cells.whole, 0)[0], 0)[0])
