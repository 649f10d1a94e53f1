"""boundcalc: which convergence theorems apply to your loss landscape, and what their bounds say."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import takes a while
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Any

    from boundcalc.errors import Fault, InputError
    from boundcalc.guarantees.assessment import Assessment
    from boundcalc.landscape.joining import Joining
    from boundcalc.landscape.merging import Sweep
    from boundcalc.landscape.network import Network
    from boundcalc.landscape.snapshots import Tangent
    from boundcalc.landscape.topology import Topology
    from boundcalc.library.rate import Rate
    from boundcalc.logs.log import Float
    from boundcalc.questions import Asked, Checked, Frontier, Number, Tightest

__version__ = "0.1.0"

__all__ = [
    "Fault",
    "InputError",
    "__version__",
    "check",
    "components",
    "fit_log",
    "frontier",
    "join",
    "rate",
    "tangent",
    "tighten",
    "topology",
]


def __getattr__(name: str) -> Any:
    """The classes of errors, imported when they are asked for: `boundcalc --help` needs none."""
    if name in {"Fault", "InputError"}:
        from boundcalc import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'boundcalc' has no attribute {name!r}")


def fit_log(
    log: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Mapping[str, Any],
    *,
    loss_min: float | None = None,
    mapping: Sequence[str] = (),
    **options: Any,
) -> Assessment:
    """Fit conditions to a training log and evaluate the theorems that follow, as `boundcalc fit`.

    log : path of a log (or several: docs/formats.md), or columns by name (docs/log.md), arrays of
    equal length. mapping : texts "COLUMN=NAME" or "COLUMN=NAME^2", as for --map.
    loss_min : f_i* of every row (loss units), in place of the column.
    options : fields of `boundcalc.guarantees.assessment.Request` (objective, steps, discard, ...);
    margin may be text, read as on the command line ("0.1" is 1/10 exactly), or a float, which
    stands for its own exact value.

    Raises InputError, with every fault that was found, for a log or a request that is wrong.
    Reference: Islamov et al. 2024 (arXiv 2410.12455), Definition 1 and Theorem 1.
    """
    from boundcalc.guarantees.assessment import assess
    from boundcalc.options import opened_log, request_of

    return assess(opened_log(log, loss_min, mapping=mapping), request_of(options))


def tangent(log: str | os.PathLike[str] | Mapping[str, Any]) -> Tangent:
    """Proved enclosures of the tangent kernel's spectrum along a run, as `boundcalc tangent`.

    log : path of a log in tangent form, or its columns: jacobian (T, n, m), residual (T, n).

    Raises InputError, with every fault that was found.
    Reference: Liu, Zhu, Belkin 2022 (ACHA 59), Theorem 1.
    """
    from boundcalc.landscape.snapshots import tangent_spectra
    from boundcalc.logs.schema import TANGENT
    from boundcalc.options import opened_log

    return tangent_spectra(opened_log(log, purpose=TANGENT))


def topology(network: str | os.PathLike[str] | Network) -> Topology:
    """Which theorems about level sets apply to a network, and its zeros, as `boundcalc topology`.

    network : path of a network file (.toml), or a network.

    Raises InputError, with every fault that was found.
    Reference: Freeman, Bruna 2017; Venturi, Bandeira, Bruna 2019; Cooper 2021 (docs/topology.md).
    """
    from boundcalc.landscape.network import Network
    from boundcalc.landscape.network_file import read_network
    from boundcalc.landscape.topology import topology as found

    return found(network if isinstance(network, Network) else read_network(network))


def components(
    formula: str, domain: str, levels: Sequence[Number] = (), *, time_limit: float = 60
) -> Sweep:
    """Components of {f ≤ λ} on a box and where they merge, as `boundcalc topology levels`.

    formula : of one or two variables; domain : "x=-2:2,y=0:1"; levels : exact numbers (a float
    stands for its decimals), () for those around all critical values; time_limit : seconds in all.

    Raises InputError with every fault.
    """
    from boundcalc.landscape.asked_levels import landscape_of, levels_of
    from boundcalc.landscape.merging import swept

    asked = levels_of([str(level) for level in levels])
    return swept(landscape_of(formula, domain), asked, time_limit)


def join(
    start: str | os.PathLike[str] | Sequence[Float],
    end: str | os.PathLike[str] | Sequence[Float],
    network: str | os.PathLike[str] | Network,
    level: Number | None = None,
    *,
    time_limit: float = 60,
) -> Joining:
    """A path between two weights with a proved bound of the loss, as `boundcalc topology path`.

    start, end : .npz files, or W1 (n_1, n_0), b1 (n_1,), W2, ...; network : a network file (.toml),
    or a network, with data; level : where to stop, None for as low as it goes.

    Raises InputError with every fault.
    """
    from boundcalc.landscape.asked_levels import level_of
    from boundcalc.landscape.joining import join as joined
    from boundcalc.landscape.joining import weights_of
    from boundcalc.landscape.network import Network
    from boundcalc.landscape.network_file import read_network

    net = network if isinstance(network, Network) else read_network(network)
    asked = None if level is None else level_of(str(level), "level")
    return joined(net, (weights_of(start, net), weights_of(end, net)), asked, time_limit)


def rate(theorem: str, **constants: Any) -> Rate:
    """A theorem of the catalogue at given constants, as `boundcalc rate`.

    constants : as the theorem names them (exact: 0.1 and "0.1" are 1/10, "5/2"), and `steps`,
    `step_size`, `epsilon`.

    Raises InputError for constants that are missing, of the wrong sign or in contradiction.
    """
    from boundcalc.library.evaluate import rate as evaluated

    return evaluated(theorem, **constants)


def check(
    problem: Asked,
    condition: str | None = None,
    *,
    domain: str | None = None,
    ball: str | None = None,
    minimisers: str | Sequence[str] = (),
    residual: bool = False,
    time_limit: float = 20,
    **constants: Number,
) -> tuple[Checked, ...]:
    """Does a condition hold with these constants everywhere on a domain? As `boundcalc check`.

    problem : a formula, formulas f_1, f_2, ... (f is their mean), the path of a case file (.toml)
    or a Problem; domain, ball, minimisers, residual : as `boundcalc.questions.Region` has them.
    condition : an id of the catalogue; without it every claim of the case file is checked.
    time_limit : seconds, for each claim.

    Raises InputError with every fault.
    """
    from boundcalc.library.case_claims import claims_asked
    from boundcalc.questions import Region, check_claims, problem_of, texts

    asked = problem_of(problem, Region(domain, ball, minimisers, residual))
    return check_claims(asked, claims_asked(asked, condition, texts(constants)), time_limit)


def tighten(
    problem: Asked,
    condition: str,
    *,
    digits: int = 9,
    domain: str | None = None,
    ball: str | None = None,
    minimisers: str | Sequence[str] = (),
    residual: bool = False,
    time_limit: float = 60,
    **fixed: Number,
) -> tuple[Tightest, ...]:
    """Enclose the tightest constant (largest mu, smallest L, ...), as `boundcalc tighten`.

    problem, domain, ball, minimisers, residual : as for `check`; fixed : the other constants.
    One answer; several for "alpha-beta" without alpha: the smallest beta at chosen alpha.

    Raises InputError with every fault.
    """
    from boundcalc.questions import Region, problem_of, texts, tightest

    asked = problem_of(problem, Region(domain, ball, minimisers, residual))
    return tightest(asked, condition, texts(fixed), digits, time_limit)


def frontier(
    problem: Asked,
    *,
    width: Number = "1/100",
    digits: int = 9,
    domain: str | None = None,
    ball: str | None = None,
    minimisers: str | Sequence[str] = (),
    residual: bool = False,
    time_limit: float = 60,
) -> Frontier:
    """Enclose beta*(alpha) of alpha-beta for all alpha, as `tighten --condition alpha-beta`.

    problem, domain, ball, minimisers, residual : as for `check`; width : at which the band is not
    refined any more. The answer has `points`, as of `tighten`, and `band`: polygons `lower` and
    `upper` with exact vertices, or a text that says why there is none.

    Raises InputError with every fault.
    """
    from boundcalc.questions import Region, problem_of, whole_frontier

    asked = problem_of(problem, Region(domain, ball, minimisers, residual))
    return whole_frontier(asked, digits, time_limit, width)
