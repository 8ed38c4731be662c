"""Charts over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from ..evaluation.svg import Axis, Chart, Figure, Legend

Interval = tuple[float, float]
PAD = 0.04  # of the axis, beyond the outermost value
SPARK = 24  # height of a small chart


@dataclass(frozen=True)
class Series:
    """Values and perhaps intervals at days or numbers, drawn in a CSS class, with points or not; it ends where there is no value."""

    x: Sequence[float]
    values: Sequence[float | None]
    kind: str = "line"
    intervals: Sequence[Interval | None] = ()
    points: bool = False

    @property
    def figures(self) -> list[float]:
        """All that has to be within the axis."""
        ends = [end for interval in self.intervals if interval for end in interval]
        return [*(value for value in self.values if value is not None), *ends]

    def runs(self) -> Iterator[list[int]]:
        """The places of values without a gap between them, and either with intervals or without."""
        known = [
            (value is not None, bool(self.intervals and self.intervals[place]))
            for place, value in enumerate(self.values)
        ]
        for (has_value, _), places in groupby(range(len(known)), known.__getitem__):
            if has_value:
                yield list(places)


def ordinal(day: str) -> float:
    """The day's place on an axis of days."""
    return float(date.fromisoformat(day).toordinal())


def figure(
    title: str,
    caption: str,
    x: str,
    y: str,
    series: Sequence[Series],
    *,
    limit: float | None = None,
    share: bool = False,
    days: bool = True,
    legend: Legend = (),
) -> Figure | None:
    """The series, with a horizontal line at the limit; None where there is nothing to draw, or all in one place."""
    values = [value for each in series for value in each.figures]
    places = [place for each in series for place in each.x]
    if not values or len(set(places)) < 2:
        return None
    low, high = _ends([*values, *([] if limit is None else [limit])])
    vertical = Axis(y, percent=True) if share else Axis(y, low, high)
    first, last = min(places), max(places)
    chart = Chart(Axis(x, first, last, whole=True, days=days), vertical)
    if limit is not None:
        chart.line([first, last], [limit, limit], "reference")
    for each in series:
        _draw(chart, each)
    return Figure(title, caption, chart.svg(), legend)


def spark(values: Sequence[float | None]) -> str:
    """The path of a small line from left to right, over a baseline of zero."""
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    path, pen = [], "M"
    for place, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{place},{SPARK - 1 - (SPARK - 2) * max(value, 0.0) / top:.1f}")
        path += ["h.1"] if pen == "M" else []
        pen = "L"
    return "".join(path)


def _draw(chart: Chart, series: Series) -> None:
    for run in series.runs():
        x = [series.x[place] for place in run]
        if series.intervals and series.intervals[run[0]]:
            low, high = zip(*(series.intervals[place] or () for place in run), strict=True)
            wide = x if x[1:] else [x[0] - 0.4, x[0] + 0.4]
            band = "band other" if "other" in series.kind else "band"
            chart.band(wide, low if x[1:] else low * 2, high if x[1:] else high * 2, band)
        chart.line(x, [series.values[place] or 0.0 for place in run], series.kind, points=series.points or not x[1:])


def _ends(values: Sequence[float]) -> Interval:
    """From the lowest to the highest value, and a little more."""
    low, high = min(values), max(values)
    more = PAD * (high - low) if high > low else PAD * abs(high) or 0.5
    return low - more, high + more
