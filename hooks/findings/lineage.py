"""Which models depend on the same data: the deliveries that several projects have received, and the groups that these form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from factory.status.model import Delivery, Status


@dataclass(frozen=True)
class Shared:
    """A delivery that several projects have, by whatever names, and the keys of these."""

    sha256: str
    names: tuple[str, ...]
    rows: int
    projects: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Projects and deliveries that depend on each other, directly or by others."""

    deliveries: tuple[Shared, ...]
    projects: tuple[str, ...]


def shared(statuses: Mapping[str, Status]) -> list[Shared]:
    """The deliveries of more than one project, those of most projects first."""
    held: dict[str, dict[str, Delivery]] = {}
    for project, status in statuses.items():
        for delivery in status.data:
            if delivery.sha256:
                held.setdefault(delivery.sha256, {})[project] = delivery
    several = [_shared(sha256, by) for sha256, by in held.items() if len(by) > 1]
    return sorted(several, key=lambda each: (-len(each.projects), each.names, each.sha256))


def groups(deliveries: Sequence[Shared]) -> list[Group]:
    """The deliveries by connected projects, the largest group first."""
    found: list[tuple[set[str], list[Shared]]] = []
    for delivery in deliveries:
        projects, members, others = set(delivery.projects), [delivery], []
        for known, held in found:
            if known & projects:
                projects, members = projects | known, [*held, *members]
            else:
                others.append((known, held))
        found = [*others, (projects, members)]
    order = {each.sha256: place for place, each in enumerate(deliveries)}
    made = [
        Group(tuple(sorted(members, key=lambda each: order[each.sha256])), tuple(sorted(projects))) for projects, members in found
    ]
    return sorted(made, key=lambda each: (-len(each.projects), each.projects))


def _shared(sha256: str, by: Mapping[str, Delivery]) -> Shared:
    names = tuple(sorted({each.name for each in by.values()}))
    return Shared(sha256, names, max(each.rows for each in by.values()), tuple(sorted(by)))
