"""How projects have developed, by the history of their statuses."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from factory.dashboard.charts import Series, figure
from factory.evaluation.svg import Figure
from inventory.model import Inventory, Point

LONGEST = timedelta(days=365)
STEPS = 26  # of a trend of all projects
DAY = "day"

Value = Callable[[Point], float | None]


def of_project(history: Sequence[Point]) -> list[Figure]:
    """Metric, alerts, readiness, releases behind and cost, at the end of each day with a status."""
    days = {point.at.date(): point for point in history if history[-1].at - point.at <= LONGEST}
    drawn = (
        _over(
            days,
            "Metric",
            "The champion's main metric on its test rows; a step is a new version.",
            "metric",
            lambda each: each.metric,
        ),
        _over(days, "Alerts", "Alerts that were open.", "alerts", lambda each: each.alerts),
        _over(days, "Readiness", "The ML Test Score.", "score", lambda each: each.readiness),
        _over(days, "Behind the template", "Releases that were newer.", "releases", lambda each: each.behind),
        _over(
            days,
            "Cost",
            "Of the month so far, runs and serving, so that it starts anew with each month.",
            "money",
            lambda each: each.money,
        ),
    )
    return [each for each in drawn if each]


def of_fleet(inventory: Inventory) -> list[Figure]:
    """Models in service, open alerts, readiness and projects behind, by what was known on each day."""
    days = _days(inventory)
    known = [_latest(inventory, day) for day in days]
    x = [float(day.toordinal()) for day in days]

    def drawn(title: str, caption: str, y: str, value: Callable[[list[Point]], float | None]) -> Figure | None:
        return figure(title, caption, DAY, y, [Series(x, [value(points) for points in known])])

    figures = (
        drawn(
            "Projects with a champion",
            "By the newest status of each project.",
            "projects",
            lambda each: _count(each, lambda p: bool(p.version)),
        ),
        drawn("Open alerts", "Of all projects.", "alerts", lambda each: float(sum(p.alerts or 0 for p in each))),
        drawn("Readiness", "The mean ML Test Score of those assessed.", "score", lambda each: _mean([p.readiness for p in each])),
        drawn(
            "Behind the template",
            "Projects of an older release.",
            "projects",
            lambda each: _count(each, lambda p: bool(p.behind)),
        ),
    )
    return [each for each in figures if each]


def _over(days: dict[date, Point], title: str, caption: str, y: str, value: Value) -> Figure | None:
    series = Series([float(day.toordinal()) for day in days], [value(point) for point in days.values()])
    return figure(title, caption, DAY, y, [series])


def _days(inventory: Inventory) -> list[date]:
    """Evenly from the first status of the last year to now."""
    last = inventory.at.date()
    first = min((project.history[0].at.date() for project in inventory.projects if project.history), default=last)
    first = max(first, last - LONGEST)
    length = (last - first).days
    count = min(STEPS, length + 1)
    return [first + timedelta(days=round(step * length / max(count - 1, 1))) for step in range(count)]


def _latest(inventory: Inventory, day: date) -> list[Point]:
    """What was known of each project at the end of the day."""
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), inventory.at.tzinfo)
    places = ((each.history, bisect_right(each.history, end, key=lambda point: point.at)) for each in inventory.projects)
    return [history[place - 1] for history, place in places if place]


def _count(points: list[Point], counts: Callable[[Point], bool]) -> float:
    return float(sum(map(counts, points)))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
