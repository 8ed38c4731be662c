"""How projects have developed, by the history of their statuses."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from factory.dashboard.charts import PAD, Series, figure
from factory.evaluation.svg import Axis, Chart, Figure
from inventory.model import Inventory, Point

from .texts import line

LONGEST = timedelta(days=365)
LARGEST = 1e15
STEPS = 26  # of a trend of all projects
DAY = "day"
WORD = 40  # characters of a metric's name

Known = TypeVar("Known")


@dataclass(frozen=True)
class Trend(Generic[Known]):
    """What is drawn of what was known on each day; amounts have an axis from zero."""

    title: str
    caption: str
    axis: str
    value: Callable[[Known], float | None]
    amount: bool = True

    def drawn(self, days: Sequence[date], known: Sequence[Known]) -> Figure | None:
        """The figure; None where there are no two days to compare."""
        series = Series([float(day.toordinal()) for day in days], [_shown(self.value(each)) for each in known])
        if not self.amount:
            return figure(self.title, self.caption, DAY, self.axis, [series])
        if not series.figures or len(days) < 2:
            return None
        top = max(*series.figures, 1.0) * (1 + PAD)
        chart = Chart(Axis(DAY, series.x[0], series.x[-1], whole=True, days=True), Axis(self.axis, 0.0, top, whole=True))
        for run in series.runs():
            chart.line([series.x[place] for place in run], [series.values[place] or 0.0 for place in run], points=not run[1:])
        return Figure(self.title, self.caption, chart.svg())


OF_PROJECT: tuple[Trend[Point], ...] = (
    Trend("Alerts", "Alerts that were open.", "alerts", lambda point: point.alerts),
    Trend("Readiness", "The ML Test Score.", "score", lambda point: point.readiness),
    Trend("Behind the template", "Releases that were newer.", "releases", lambda point: point.behind),
    Trend("Cost", "Of the month so far, runs and serving: it begins anew with each month.", "money", lambda point: point.money),
)
OF_FLEET: tuple[Trend[list[Point]], ...] = (
    Trend(
        "Projects with a champion",
        "By the newest status of each.",
        "projects",
        lambda points: sum(bool(p.version) for p in points),
    ),
    Trend("Open alerts", "Of all projects.", "alerts", lambda points: sum(p.alerts or 0 for p in points)),
    Trend("Readiness", "The mean ML Test Score of those assessed.", "score", lambda points: _mean([p.readiness for p in points])),
    Trend("Behind the template", "Projects of an older release.", "projects", lambda points: sum(bool(p.behind) for p in points)),
)


def of_project(history: Sequence[Point]) -> list[Figure]:
    """By what was known at the end of each day with a status."""
    days = {point.at.date(): point for point in history if history[-1].at - point.at <= LONGEST}
    trends = (_metric([*days.values()]), *OF_PROJECT)
    return [drawn for trend in trends if (drawn := trend.drawn([*days], [*days.values()]))]


def of_fleet(inventory: Inventory) -> list[Figure]:
    """By what was known of all projects on each day."""
    days = _days(inventory)
    known = [_latest(inventory, day) for day in days]
    return [drawn for trend in OF_FLEET if (drawn := trend.drawn(days, known))]


def _metric(points: Sequence[Point]) -> Trend[Point]:
    """That of the newest main metric: values of another one before cannot be compared with it."""
    newest, *others = [*dict.fromkeys(point.metric_name for point in reversed(points) if point.metric_name), None]
    name = line(newest or "metric")[:WORD]
    caption = f"The champion's {name} on its test rows." + (" Before, it was another metric." if others[1:] else "")
    return Trend("Metric", caption, name, lambda point: point.metric if point.metric_name == newest else None, amount=False)


def _shown(value: float | None) -> float | None:
    """The value, as far as a chart can show it: projects can write any number."""
    if value is None or abs(value) >= LARGEST:
        return None
    return 0.0 if abs(value) < 1 / LARGEST else float(f"{value:.12g}")


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


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
