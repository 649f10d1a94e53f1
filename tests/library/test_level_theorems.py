"""Theorems about level sets, as data: the shipped ones are sound files, and faults are found."""

from __future__ import annotations

import copy

import pytest

from boundcalc.errors import InputError
from boundcalc.library.files import read
from boundcalc.library.topology import (
    FOLDER,
    filled,
    level_theorem_faults,
    level_theorem_ids,
    load_level_theorem,
)

IDS = {
    "linear-connected", "minimiser-manifold", "quadratic-connected", "relu-disconnected",
    "relu-path", "wide-connected",
}  # fmt: skip


def test_the_theorems_of_the_catalogue():
    assert set(level_theorem_ids()) == IDS


@pytest.mark.parametrize("id", sorted(IDS))
def test_a_file_is_sound(id):
    theorem = load_level_theorem(id)
    assert theorem.id == id
    assert any(year in theorem.reference for year in ("2017", "2019", "2021"))
    assert theorem.not_concluded
    assert all(version.hypotheses for version in theorem.versions)


def test_hidden_constants_are_rates():
    rates = {id for id in IDS if load_level_theorem(id).rate}
    assert rates == {"relu-path"}


def test_what_is_not_cited_has_a_proof():
    own = {id for id in IDS if load_level_theorem(id).kind != "cited"}
    assert own == {"wide-connected"}
    assert "(3)" in load_level_theorem("wide-connected").proof


def changed(change):
    raw = copy.deepcopy(dict(read(FOLDER, "quadratic-connected")))
    change(raw)
    return "\n".join(map(str, level_theorem_faults("x.toml", "quadratic-connected", raw)))


FIRST = 0  # version "two layers"; its last hypothesis is n_1 > 2N


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw.pop("reference"), "the key reference"),
        (lambda raw: raw.update(reference=" "), "reference: found ' '; expected words"),
        (lambda raw: raw.update(id="other"), "id 'other'"),
        (lambda raw: raw.update(prof=1), "the key prof"),
        (lambda raw: raw.update(not_concluded=[]), "not_concluded"),
        (lambda raw: raw.update(rate="1/m"), "one of rate, rate_numbers"),
        (lambda raw: raw.update(conclusion="for $width"), "$width"),
        (lambda raw: raw.update(versions=[]), "versions"),
        (lambda raw: raw["versions"].append({"name": "x"}), "versions[2]"),
        (
            lambda raw: raw["versions"][FIRST]["hypotheses"][-1].update(relation="width > 2*m"),
            "the name m",
        ),
        (
            lambda raw: raw["versions"][FIRST]["hypotheses"][-1].update(relation="width > "),
            "a relation of counts",
        ),
        (
            lambda raw: raw["versions"][FIRST]["hypotheses"][-1].pop("each"),
            "the name width",
        ),
        (
            lambda raw: raw["versions"][FIRST]["hypotheses"][-1].update(each="layer"),
            "each: found 'layer'",
        ),
        (
            lambda raw: raw["versions"][FIRST]["hypotheses"][0].update(facts=["cubic"]),
            "facts: found 'cubic'",
        ),
        (
            lambda raw: raw["versions"][FIRST]["hypotheses"][0].update(relation="depth = 2"),
            "both or neither",
        ),
        (
            lambda raw: raw["versions"][FIRST]["hypotheses"][0].update(statement=""),
            "no statement",
        ),
    ],
)
def test_a_fault_is_found(change, said):
    assert changed(lambda raw: None) == ""
    assert said in changed(change)


def test_numbers_are_put_into_words():
    assert filled("$points of $points_x", {"points": 3, "points_x": 4}) == "3 of 4"


def test_an_unknown_theorem():
    with pytest.raises(InputError):
        load_level_theorem("relu-connected")
