"""The windows of a model's rows in service: days, merged until they have enough rows; counts, which outlast the captures."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Self

import numpy as np
import polars as pl

from ..scoring import profile
from ..scoring.profile import Bins, Counts

ROWS = profile.WINDOW_ROWS


@dataclass(frozen=True)
class Window:
    """What one model met in one role from one day (UTC) to another.

    `refused` are the rows that the contract refused, by field; `bias` is the mean of outcome minus score of the `labelled`
    rows, and `metric` the main metric with its interval. The last window is not `complete` while it has few rows.
    """

    first: date
    last: date
    rows: int
    counts: dict[str, Counts]
    medians: dict[str, float] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    bias: float | None = None
    labelled: int = 0
    metric: tuple[float, float, float] | None = None
    complete: bool = True

    @property
    def received(self) -> int:
        """Rows that were scored or refused."""
        return self.rows + max(self.refused.values(), default=0)

    def to_json(self) -> dict[str, Any]:
        """For reports/monitor.json."""
        counts = {name: cells.tolist() for name, cells in self.counts.items()}
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return values | {"first": f"{self.first}", "last": f"{self.last}", "counts": counts}

    @classmethod
    def from_json(cls, known: dict[str, Any]) -> Self:
        """The window as it was written; other keys are left alone."""
        values = {each.name: known[each.name] for each in fields(cls) if each.name in known}
        days = {name: date.fromisoformat(known[name]) for name in ("first", "last")}
        counts = {name: np.array(cells, np.int64) for name, cells in known["counts"].items()}
        metric = tuple(known["metric"]) if known.get("metric") else None
        return cls(**values | days | {"counts": counts, "metric": metric})


def of_day(day: date, rows: pl.DataFrame, bins: Sequence[Bins], refused: dict[str, int] | None = None) -> Window:
    """The window of the rows of one day."""
    counts = {name: cells[0] for name, cells in profile.count(rows, bins).items()}
    numbers = [each.column for each in bins if each.kind == "number" and each.column in counts]
    medians = rows.select(pl.col(name).to_physical().cast(pl.Float64).fill_nan(None).median() for name in numbers)
    known = (
        {name: value for name, value in zip(numbers, medians.row(0), strict=True) if value is not None}
        if numbers
        else {}
    )
    return Window(day, day, rows.height, counts, known, refused or {})


def merge(days: Iterable[Window], rows: int = ROWS) -> list[Window]:
    """Windows of consecutive days, each of at least that many rows but the last, which may still be incomplete."""
    merged: list[Window] = []
    for day in days:
        if merged and not merged[-1].complete:
            day = joined(merged.pop(), day)
        merged.append(replace(day, complete=day.received >= rows))
    return merged


def joined(one: Window, other: Window) -> Window:
    """The window of both, of which the other is later."""
    counts = {**one.counts, **other.counts}
    for name in one.counts.keys() & other.counts.keys():
        counts[name] = one.counts[name] + other.counts[name]
    medians, weights = {**one.medians, **other.medians}, (max(one.rows, 1), max(other.rows, 1))
    for name in one.medians.keys() & other.medians.keys():  # about the middle of several days
        medians[name] = float(np.average((one.medians[name], other.medians[name]), weights=weights))
    refused = dict(Counter(one.refused) + Counter(other.refused))
    return replace(one, last=other.last, rows=one.rows + other.rows, counts=counts, medians=medians, refused=refused)
