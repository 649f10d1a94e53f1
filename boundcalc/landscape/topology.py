"""Which theorems about level sets apply to a network: each hypothesis, checked with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from boundcalc.landscape.activations import ACTIVATIONS
from boundcalc.landscape.manifold import Manifold, manifold
from boundcalc.landscape.network import Network, parameters
from boundcalc.library.counts import CountRelation, holds, shown_count, value
from boundcalc.library.topology import (
    Hypothesis,
    LevelTheorem,
    Version,
    filled,
    level_theorem_ids,
    load_level_theorem,
)

_LAYERS_SHOWN = 4


@dataclass(frozen=True)
class Checked:
    """A hypothesis; numbers : what was compared, in words; of_widths : about each hidden layer."""

    statement: str
    holds: bool
    numbers: str
    of_widths: bool = False


@dataclass(frozen=True)
class CheckedVersion:
    """A version of a theorem with its hypotheses at the numbers of a network."""

    name: str
    holds: bool
    hypotheses: tuple[Checked, ...]


@dataclass(frozen=True)
class Applied:
    """A theorem and whether it applies.

    versions : all of them, checked; `version` is the one that applies, or the one that fails
        fewest hypotheses, those about widths counting last. conclusion, rate_numbers : with the
        numbers of this network.
    """

    theorem: LevelTheorem
    applies: bool
    version: CheckedVersion
    versions: tuple[CheckedVersion, ...]
    conclusion: str
    rate_numbers: str


@dataclass(frozen=True)
class Topology:
    """What is known of the level sets of a network: theorems, and the set of zeros."""

    net: Network
    theorems: tuple[Applied, ...]
    zeros: Manifold


def topology(net: Network) -> Topology:
    """Which theorems about level sets apply to a network, and the dimension of its zeros."""
    return Topology(net, theorems_for(net), manifold(net))


def theorems_for(net: Network) -> tuple[Applied, ...]:
    """Every theorem about level sets, by id, at this network. No array is made: counts alone."""
    return tuple(_applied(load_level_theorem(id), net) for id in level_theorem_ids())


def facts(net: Network) -> frozenset[str]:
    """What is true of a network: names of boundcalc.library.topology.FACTS."""
    hidden, last = ACTIVATIONS[net.activation], ACTIVATIONS[net.output]
    true = {
        net.activation: True,
        "smooth": hidden.smooth,
        "nonlinear": hidden.nonlinear,
        "linear output": net.output == "linear",
        "smooth output": last.smooth,
        "square loss": net.loss == "square",
    }
    return frozenset(name for name, holds_of_it in true.items() if holds_of_it)


def counts(net: Network) -> dict[str, int]:
    """Numbers of a network: names of boundcalc.library.topology.IN_WORDS."""
    p, rows = parameters(net), net.points * net.widths[-1]
    return {
        "depth": len(net.widths) - 1,
        "points": net.points,
        "inputs": net.widths[0],
        "outputs": net.widths[-1],
        "parameters": p,
        "residuals": rows,
        "manifold": p - rows,
        "width_1": net.widths[1],
    }


def _applied(theorem: LevelTheorem, net: Network) -> Applied:
    numbers = counts(net)
    versions = tuple(_version(version, net, numbers) for version in theorem.versions)
    chosen = min(versions, key=_distance)
    return Applied(
        theorem=theorem,
        applies=chosen.holds,
        version=chosen,
        versions=versions,
        conclusion=filled(theorem.conclusion, numbers),
        rate_numbers=filled(theorem.rate_numbers, numbers),
    )


def _distance(version: CheckedVersion) -> tuple[int, int]:
    """How far a version is from holding: what is no matter of widths counts first."""
    failing = [one for one in version.hypotheses if not one.holds]
    return sum(not one.of_widths for one in failing), len(failing)


def _version(version: Version, net: Network, numbers: Mapping[str, int]) -> CheckedVersion:
    checked = tuple(_checked(one, net, numbers) for one in version.hypotheses)
    return CheckedVersion(version.name, all(one.holds for one in checked), checked)


def _checked(hypothesis: Hypothesis, net: Network, numbers: Mapping[str, int]) -> Checked:
    statement = hypothesis.statement
    if hypothesis.relation is None:
        missing = [fact for fact in hypothesis.facts if fact not in facts(net)]
        return Checked(statement, not missing, _described(net, hypothesis.facts))
    if not hypothesis.each_hidden:
        true, said = _compared(hypothesis.relation, numbers)
        return Checked(statement, true, said)
    hidden = range(1, len(net.widths) - 1)
    if not hidden:
        return Checked(statement, True, "there is no hidden layer", True)
    compared = [
        _compared(hypothesis.relation, {**numbers, "layer": k, "width": net.widths[k]})
        for k in hidden
    ]
    told = [f"n_{k}: {said}" for k, (_, said) in zip(hidden, compared, strict=True)]
    failing = [text for text, (true, _) in zip(told, compared, strict=True) if not true]
    shown = failing or told
    more = len(shown) - _LAYERS_SHOWN
    said = ", ".join(shown[:_LAYERS_SHOWN]) + (f" and {more} more layers" if more > 0 else "")
    return Checked(statement, not failing, said, True)


def _described(net: Network, asked: Sequence[str]) -> str:
    """What a network has where these facts are asked for."""
    said = []
    if any(" " not in fact for fact in asked):
        said.append(f"activation {net.activation}")
    if any(fact.endswith(" output") for fact in asked):
        said.append(f"last layer {net.output}")
    if any(fact.endswith(" loss") for fact in asked):
        said.append(f"{net.loss} loss")
    return ", ".join(said)


def _compared(relation: CountRelation, numbers: Mapping[str, int]) -> tuple[bool, str]:
    """Whether a relation holds, and its two sides: "9 > 8", or "not 8 > 8"."""
    left, right = value(relation.left, numbers), value(relation.right, numbers)
    true = holds(left, relation.sign, right)
    sign = {">=": "≥"}.get(relation.sign, relation.sign)
    said = f"{shown_count(left)} {sign} {shown_count(right)}"
    return true, said if true else f"not {said}"
