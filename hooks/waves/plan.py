"""Which project is in which wave: canaries, a share of the fleet, and the rest; what matters least comes first."""

from collections.abc import Sequence
from math import ceil

from factory.errors import FactoryError
from origins import Criticality, Origin

NAMES = "canary", "early", "rest"
"""What the column `wave` may hold, in their order; empty is a project that goes where there is room."""
CANARIES = 0.05
ORDER = [*Criticality]


def waves(origins: Sequence[Origin], share: float) -> dict[str, int]:
    """The wave of each project by its key. Raises FactoryError where the column `wave` holds something else."""
    for origin in origins:
        if origin.wave and origin.wave not in NAMES:
            raise FactoryError(f"line {origin.line}, wave: {origin.wave!r} is not one of {', '.join(NAMES)}")
    free = [origin for origin in sorted(origins, key=_order) if not origin.wave]
    chosen = [[origin for origin in origins if origin.wave == name] for name in NAMES]
    canaries = 0 if chosen[0] else ceil(CANARIES * len(origins))
    others = len(origins) - len(chosen[0]) - min(canaries, len(free))
    early = canaries + max(0, ceil(share * others) - len(chosen[1]))
    parts = free[:canaries], free[canaries:early], free[early:]
    return {origin.key: number for number, both in enumerate(zip(chosen, parts, strict=True)) for part in both for origin in part}


def _order(origin: Origin) -> tuple[int, str]:
    return ORDER.index(origin.criticality), origin.key
