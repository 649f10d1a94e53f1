"""What a search says of level sets and paths is what the checker accepts, or it says nothing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.kernel.levels.cells import Landscape
from boundcalc.landscape import levels, path_proof
from boundcalc.landscape.merging import swept
from boundcalc.landscape.network import Network, flatten
from boundcalc.landscape.path_proof import bounded, shape_of

SIDES = ((Fraction(-2), Fraction(2)), (Fraction(-2), Fraction(2)))


def test_wrong_labels_of_a_search_are_no_count(monkeypatch):
    wells = Landscape(("x", "y"), "(x^2-1)^2 + y^2", SIDES)
    assert swept(wells, [Fraction(1, 2)], 20.0).levels[0].count.lower == 2
    monkeypatch.setattr(levels, "barren", lambda cells, cell, level: True)
    with pytest.raises(InputError, match="does not follow"):
        swept(wells, [Fraction(1, 2)], 20.0)


def test_a_wrong_bound_of_a_search_is_no_proof(monkeypatch):
    x, y = np.array([[1.0], [-0.5]]), np.array([[0.25], [0.5]])
    weights = (np.array([[0.5], [-1.0]]), np.array([[1.0, 0.5]]))
    net = Network("small", (1, 2, 1), "tanh", False, "square", 2, x, y, weights)
    ends = np.stack([flatten(weights), -flatten(weights)])
    found = bounded(net, shape_of(net), ends, Fraction(1), 5.0)
    assert found.lower <= found.upper
    low = path_proof.loss_bound
    monkeypatch.setattr(path_proof, "loss_bound", lambda *piece: low(*piece) / 2)
    with pytest.raises(InputError, match="below the level"):
        bounded(net, shape_of(net), ends, Fraction(1), 5.0)
