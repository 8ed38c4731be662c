"""The graph of deliveries and the models that depend on them: where its nodes are, and what joins them."""

from collections.abc import Sequence
from dataclasses import dataclass

from findings.lineage import Group, Shared

ROW = 26  # height of a node
GAP = 18  # between groups
LEFT, RIGHT = 300, 420  # ends of the left nodes, beginnings of the right ones
PER_GROUP, GROUPS = 12, 6  # nodes at each side, and groups, that are drawn


@dataclass(frozen=True)
class Node:
    """A delivery or a project, or how many more there are, at its height."""

    y: float
    delivery: Shared | None = None
    project: str = ""
    more: int = 0


@dataclass(frozen=True)
class Graph:
    """Deliveries on the left, projects on the right, curves between them."""

    height: float
    deliveries: tuple[Node, ...]
    projects: tuple[Node, ...]
    paths: tuple[str, ...]
    left_out: int  # groups


def layout(groups: Sequence[Group]) -> Graph:
    """The largest groups one below the other."""
    top, left, right, paths = 0.0, list[Node](), list[Node](), list[str]()
    for group in groups[:GROUPS]:
        projects = _drawn(group)
        deliveries = [each for each in group.deliveries if not projects.keys().isdisjoint(each.projects)][:PER_GROUP]
        more = len(group.deliveries) - len(deliveries), len(group.projects) - len(projects)
        rows = max(len(deliveries) + bool(more[0]), len(projects) + bool(more[1]))
        at_left = _heights(top, rows, len(deliveries) + bool(more[0]))
        at_right = _heights(top, rows, len(projects) + bool(more[1]))
        left += [Node(y, delivery=each) for y, each in zip(at_left, deliveries, strict=False)]
        right += [Node(y, project=each) for y, each in zip(at_right, projects, strict=False)]
        left += [Node(at_left[-1], more=more[0])] if more[0] else []
        right += [Node(at_right[-1], more=more[1])] if more[1] else []
        place = dict(zip(projects, at_right, strict=False))
        paths += [
            _path(y, place[each]) for y, one in zip(at_left, deliveries, strict=False) for each in one.projects if each in place
        ]
        top += rows * ROW + GAP
    return Graph(max(top - GAP, 0.0), tuple(left), tuple(right), tuple(paths), max(len(groups) - GROUPS, 0))


def _drawn(group: Group) -> dict[str, None]:
    """The group's first projects, beside the deliveries that they have."""
    projects = dict.fromkeys(project for delivery in group.deliveries for project in delivery.projects)
    return dict.fromkeys([*projects][:PER_GROUP])


def _heights(top: float, rows: int, count: int) -> list[float]:
    """The middles of the nodes, spread over the rows."""
    return [top + rows * ROW * (place + 0.5) / count for place in range(count)]


def _path(left: float, right: float) -> str:
    middle = (LEFT + RIGHT) / 2
    return f"M{LEFT},{left:.1f}C{middle:g},{left:.1f} {middle:g},{right:.1f} {RIGHT},{right:.1f}"
