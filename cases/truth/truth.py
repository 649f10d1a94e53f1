"""What is claimed to be the tight constant of one condition for one case, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from model import Case


@dataclass(frozen=True)
class Tight:
    """constant : sympy number (closed form), None (found numerically), or "none" (none works).

    limit : the closed form is approached (at a minimiser, at infinity), not attained; `why` proves
    that the ratio never passes it.  probes : for "none", points along which the ratio tends to 0 or
    grows without bound, or has the wrong sign.
    """

    condition: str
    constant: object
    why: str
    limit: bool = False
    probes: tuple[tuple[float, ...], ...] = ()
    reach: float = 30.0
    fixed: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    case: Case
    truths: tuple[Tight, ...]


def tight(condition: str, constant: object, why: str, **more: object) -> Tight:
    keys = {"limit", "probes", "reach"}
    fixed = {k: v for k, v in more.items() if k not in keys}
    return Tight(condition, constant, why, fixed=fixed, **{k: more[k] for k in keys & set(more)})
