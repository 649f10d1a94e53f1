"""Systems of formulas as the kernel reads and bounds them: known values, refusals."""

from __future__ import annotations

from fractions import Fraction

import pytest

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.paving import LEAF, MEAN, packed
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.formula_bounds import at_start, bounds, floor, goals, working
from boundcalc.kernel.system.formulas import read_system, signed

TREE = {"rule": "paving", "tree": "eNpzAAAAQQBB"}  # one leaf, by intervals
PARABOLA = {"variables": ["x", "y"], "residual": ["1 - x", "10*(y - x^2)"], "start": ["1", "1"]}
LINE = {"variables": ["x", "y"], "residual": ["x + y - 1"], "start": ["0", "0"]}
ROOT = {"variables": ["x"], "residual": ["sqrt(x) + 1/(x - 3) + log(x)"], "start": ["1"]}
OUTPUT = {**LINE, "output": {"function": "tanh", "target": ["1/4"]}}
INPUT = {
    "variables": ["x", "y"],
    "residual": ["u + v"],
    "start": ["0", "0"],
    "input": {"u": "2*x", "v": "3*y"},
}
PARTS = {**LINE, "parts": [["x"], ["y"]]}


def proof(constants, goals=None, **more):
    names = goals or list(constants)
    return {"constants": constants, "proofs": dict.fromkeys(names, TREE), **more}


def test_a_linear_map_has_its_exact_constants():
    found = bounds(LINE, Fraction(1), proof({"L_F": "3/2", "H": "0", "mu": "2"}))
    assert found.residual == ((-1, -1),)
    assert found.kernel == (((2, 2),),)
    assert found.kernel_floor == 2
    with pytest.raises(Rejected, match="L_F"):
        bounds(LINE, Fraction(1), proof({"L_F": "7/5", "H": "0"}))  # √2 > 7/5
    with pytest.raises(Rejected, match="mu"):
        bounds(LINE, Fraction(1), proof({"L_F": "3/2", "H": "0", "mu": "2000001/1000000"}))


def test_the_hessian_of_a_parabola_is_met_exactly():
    constants = {"L_F": "60", "H": "20"}
    assert bounds(PARABOLA, Fraction(1, 8), proof(constants)).jacobian_lipschitz == 20
    with pytest.raises(Rejected, match="H"):
        bounds(PARABOLA, Fraction(1, 8), proof({**constants, "H": "19999/1000"}))


def test_an_output_map_gives_bounds_of_what_is_before_it():
    constants = {
        "L_F": "9", "H": "99", "slope": "1/100", "inner.L_F": "2", "inner.H": "0", "inner.mu": "2",
    }  # fmt: skip
    names = [*(name for name in constants if name != "slope"), "slope.0"]
    found = bounds(OUTPUT, Fraction(1, 2), proof(constants, names))
    assert (found.slope, found.inner.kernel_floor) == (Fraction(1, 100), 2)
    assert found.kernel_floor is None
    assert found.inner.residual == ((-1, -1),)
    with pytest.raises(Rejected, match="slope"):
        bounds(OUTPUT, Fraction(1, 2), proof({**constants, "slope": "1"}, names))


def test_input_maps_multiply_and_parts_add():
    base = {"L_F": "4", "H": "0"}
    found = bounds(INPUT, Fraction(1), proof({**base, "input.mu": "2", "input.rho": "2"}))
    assert found.kernel_floor == 8  # of λ_min(K) = 4 + 9
    with pytest.raises(Rejected, match=r"input\.rho"):
        bounds(INPUT, Fraction(1), proof({**base, "input.mu": "2", "input.rho": "21/10"}))
    with pytest.raises(Rejected, match=r"input\.mu"):
        bounds(INPUT, Fraction(1), proof({**base, "input.mu": "21/10", "input.rho": "2"}))
    found = bounds(PARTS, Fraction(1), proof({**base, "part.0": "1", "part.1": "1"}))
    assert found.kernel_floor == 2
    with pytest.raises(Rejected, match=r"part\.0"):
        bounds(PARTS, Fraction(1), proof({**base, "part.0": "2", "part.1": "1"}))


def test_one_part_is_not_counted_twice():
    for name in ("part.00", "part.\u0660", "part.2", "part.-1", "part.", "part.0.0"):
        constants = {"L_F": "4", "H": "0", "part.0": "1", name: "1"}
        with pytest.raises(Rejected, match="not a constant of this system"):
            bounds(PARTS, Fraction(1), proof(constants))


def test_the_best_floor_counts():
    values = {"mu": Fraction(1), "input.mu": Fraction(2), "input.rho": Fraction(3)}
    assert floor(values) == 18
    assert floor({"input.mu": Fraction(2)}) is None
    assert floor({"part.0": Fraction(1), "part.1": Fraction(1, 2)}) == Fraction(3, 2)


def test_smoothness_is_a_goal_of_every_bound():
    system = read_system(ROOT)
    with iv.precision(64):
        wanted = goals(system, Fraction(1, 2), {})
        assert len(wanted) == 2  # sqrt and log of x; 3 − x for the quotient
        assert signed(system) == tuple(goal.term for goal in wanted.values())
        residual, _ = at_start(system, system.residual)
    assert residual[0][0] <= Fraction(1, 2) <= residual[0][1]
    constants = {"L_F": "9", "H": "99"}
    with pytest.raises(Rejected, match="one for each goal"):
        bounds(ROOT, Fraction(1, 2), proof(constants))
    names = ["L_F", "H", "defined.0", "defined.1"]
    assert bounds(ROOT, Fraction(1, 2), proof(constants, names)).jacobian_norm == 9
    with pytest.raises(Rejected):  # the ball holds 0
        bounds(ROOT, Fraction(1), proof(constants, names))


@pytest.mark.parametrize("at", ["0", "-1", "3"])
def test_a_start_where_f_is_not_smooth_is_refused(at):
    with pytest.raises(Rejected):
        bounds({**ROOT, "start": [at]}, Fraction(1, 8), proof({"L_F": "9", "H": "99"}))


@pytest.mark.parametrize("formula", ["1 + abs(x)", "x + abs(x)^(3/2)", "3*x + x*abs(x)"])
def test_a_kink_in_the_ball_is_not_smooth(formula):
    system = {"variables": ["x"], "residual": [formula], "start": ["1"]}
    constants, names = {"L_F": "9", "H": "9"}, ["L_F", "H", "defined.0"]
    with pytest.raises(Rejected, match="one for each goal"):
        bounds(system, Fraction(1, 2), proof(constants))
    assert bounds(system, Fraction(1, 2), proof(constants, names)).jacobian_norm == 9
    with pytest.raises(Rejected, match=r"defined\.0"):
        wide = {key: {"rule": "sos", "squares": []} for key in names}
        bounds(system, Fraction(2), {"constants": constants, "proofs": {**wide, "defined.0": TREE}})


WRONG = {
    "no variables": {"variables": []},
    "a variable twice": {"variables": ["x", "x"]},
    "the name of a function": {"variables": ["x", "sin"]},
    "17 variables": {"variables": [f"x{k}" for k in range(17)]},
    "no formulas": {"residual": []},
    "too many formulas": {"residual": ["x"] * 201},
    "an unknown name": {"residual": ["x + w"]},
    "a formula that does not parse": {"residual": ["x +"]},
    "a short start": {"start": ["1"]},
    "a start that is no number": {"start": ["1", "one"]},
    "an unknown key": {"more": 1},
    "an output map that is no function": {"output": {"function": "relu", "target": ["0"]}},
    "an output map with a boundary": {"output": {"function": "log", "target": ["0"]}},
    "targets that are missing": {"output": {"function": "tanh", "target": []}},
    "an input map without names": {"input": {}},
    "an input map in old names": {"input": {"x": "y"}},
    "an input map beside an output map": {
        "input": {"u": "x"},
        "output": {"function": "tanh", "target": ["0"]},
    },
    "parts that overlap": {"parts": [["x"], ["x"]]},
    "parts of unknown variables": {"parts": [["w"]]},
    "an empty part": {"parts": [[]]},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_systems_that_are_not_well_formed_are_refused(change):
    with pytest.raises(ClaimError):
        read_system({**LINE, **change})


NOT_OF_IT = ["slope", "inner.L_F", "inner.H", "inner.mu", "input.mu", "input.rho", "input.no", "nu"]


@pytest.mark.parametrize("name", NOT_OF_IT)
def test_constants_of_another_kind_of_system_are_refused(name):
    with pytest.raises(Rejected, match="not a constant of this system"):
        bounds(LINE, Fraction(1), proof({"L_F": "2", "H": "0", name: "0"}))


def test_an_input_map_has_two_constants():
    with pytest.raises(Rejected, match="not a constant of this system"):
        bounds(INPUT, Fraction(1), proof({"L_F": "4", "H": "0", "input.nu": "1"}))


@pytest.mark.parametrize(
    "change",
    [
        {"constants": {"L_F": "3/2"}},
        {"constants": {"L_F": "-3/2", "H": "0"}},
        {"constants": {"L_F": "1.5", "H": "0"}},
        {"proofs": {"L_F": TREE}},
        {"proofs": {"L_F": TREE, "H": TREE, "mu": TREE}},
        {"proofs": []},
        {"precision": 20},
        {"precision": "128"},
        {"more": 1},
    ],
)
def test_proofs_that_are_not_well_formed_are_refused(change):
    with pytest.raises(Rejected):
        bounds(LINE, Fraction(1), {**proof({"L_F": "3/2", "H": "0"}), **change})


def test_a_ball_has_a_radius():
    with pytest.raises(Rejected, match="radius"):
        bounds(LINE, Fraction(0), proof({"L_F": "3/2", "H": "0"}))


def test_values_beyond_all_numbers_are_refused():
    data = {**LINE, "residual": ["exp(exp(exp(exp(9 + x))))"]}
    with pytest.raises(Rejected):
        bounds(data, Fraction(1), proof({"L_F": "3/2", "H": "0"}))


def test_a_matrix_may_be_shown_in_another_frame():
    """K has the eigenvalues 1 and 49 at 0: by mean values one box shows more of CᵀKC, near I."""
    data = {**LINE, "residual": ["4*x + 3*y + x*y/8", "3*x + 4*y"]}
    constants = {"L_F": "40", "H": "9", "mu": "4/5"}
    plain = proof(constants)
    plain["proofs"]["mu"] = {"rule": "paving", "tree": packed(bytes([LEAF + MEAN]))}
    with pytest.raises(Rejected, match="mu"):
        bounds(data, Fraction(1, 2), plain)
    frame = [["-5", "5/7"], ["5", "5/7"]]
    found = bounds(data, Fraction(1, 2), {**plain, "frames": {"mu": frame}})
    assert found.kernel_floor == Fraction(4, 5)
    for wrong in (
        {"mu": [["1", "0"], ["1", "0"]]},
        {"mu": [["0", "0"], ["0", "0"]]},
        {"mu": [["1", "0"]]},
        {"mu": [["1"], ["0"]]},
        {"mu": [["1", "0"], ["0", "x"]]},
        {"mu": 1},
        {"nu": frame},
        [],
    ):
        with pytest.raises(Rejected):
            bounds(data, Fraction(1, 2), {**plain, "frames": wrong})


def test_the_precision_is_put_back():
    before = iv.ctx.prec
    with working({"precision": 300}):
        assert iv.ctx.prec == 300
    assert iv.ctx.prec == before


def test_absolute_values_are_smooth_away_from_their_kinks():
    # DF jumps at x = 0, where second derivatives show nothing
    bent = {"variables": ["x", "y"], "residual": ["abs(x) + 2*y"], "start": ["1/10", "0"]}
    constants = {"L_F": "5/2", "H": "0"}
    steep = proof(constants, [*constants, "defined.0"])
    with pytest.raises(Rejected, match=r"defined\.0"):
        bounds(bent, Fraction(1, 20), proof(constants))
    with pytest.raises(Rejected, match=r"defined\.0"):
        bounds(bent, Fraction(1), steep)
    assert bounds(bent, Fraction(1, 20), steep).jacobian_lipschitz == 0
    root = {**bent, "residual": ["abs(x)^(1/2)"]}  # the loss is |x|/2: beside 0 it has no curvature
    assert "defined.0" in goals(read_system(root), Fraction(1), {})
    with pytest.raises(Rejected, match="smooth at the start"):
        goals(read_system({**bent, "start": ["0", "0"]}), Fraction(1), {})
    cubed = read_system({**bent, "residual": ["abs(x)^3"], "start": ["0", "0"]})
    assert signed(cubed) == ()  # twice differentiable
    with pytest.raises(Rejected, match="smooth at the start"):
        signed(cubed, 3)
