"""The windows of one model in one role, made of days as they come, so that no more than one window's rows are in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from ..config import Params
from ..data.captures import ONE
from ..scoring.profile import Profile
from . import performance, windows
from .captures import Key

CALLERS = 20  # that are named, as anybody can make up more
OTHERS = "others"
APART = 7  # days without rows that end a window
FEWEST = 20  # rows of which there are counts and medians: those of less would show the rows themselves

Span = tuple[str, str]


class Series:
    """Without a reference there are rows and outcomes, but no counts.

    Windows that there are already keep their limits, whatever days before them have been deleted or added since.
    """

    def __init__(
        self, key: Key, reference: Profile | None, params: Params, until: date, spans: Sequence[Span] = ()
    ) -> None:
        self._spans = spans
        self._span: Span | None = None
        self.key, self.reference, self.windows = key, reference, list[dict[str, Any]]()
        self._bins, self._params, self._until = reference.bins if reference else [], params, until
        self._begin()

    def _begin(self) -> None:
        self._open: windows.Window | None = None
        self._parts, self._requests, self._callers = list[pl.DataFrame](), 0, Counter[str]()

    def add(self, day: date, rows: pl.DataFrame | None, refused: Mapping[str, int]) -> None:
        """Add a later day's rows, if there are any, with their outcomes; and how many were refused, by column."""
        span = next((each for each in self._spans if each[0] <= f"{day}" <= each[1]), None)
        if self._open and (span != self._span or (day - self._open.last).days > APART):
            self.close()
        self._span = span
        window = windows.Window(day, day, 0, {}, refused=dict(refused))
        if rows is not None:
            window, part = windows.of_day(day, rows, self._bins, dict(refused)), performance.part(rows, self._params)
            self._parts.append(part)
            self._requests += rows.select(ONE).n_unique()
            self._callers.update(dict(rows["_caller"].value_counts().iter_rows()))
        self._open = windows.joined(self._open, window) if self._open else window
        if self._is_complete() and not span:
            self.close()

    def close(self) -> None:
        """End the window, which may still be without enough rows."""
        if self._open is None:
            return
        measured = performance.measure(self._parts, self._open.last, self._until, self._params)
        metric = (measured.metric.value, measured.metric.low, measured.metric.high) if measured.metric else None
        bias = measured.bias.value if measured.bias else None
        window = replace(self._open, bias=bias, labelled=measured.rows, metric=metric, complete=self._is_complete())
        facts = window.to_json()
        if self._open.rows < FEWEST:
            facts |= {"counts": {}, "medians": {}}
        model, role = self.key
        self.windows.append(
            {"model": model, "role": role, "from": facts.pop("first"), "to": facts.pop("last"), **facts}
            | {"requests": self._requests, "callers": self._named(), "unjudged": self._unjudged()}
            | {"reference": bool(self.reference), "outcomes": self._outcomes(measured), "checks": []}
        )
        self._begin()

    def _is_complete(self) -> bool:
        return self._open is not None and self._open.received >= windows.ROWS

    def _outcomes(self, measured: performance.Performance) -> dict[str, Any]:
        facts = measured.to_json()
        return facts | {"metric": facts["metric"] and {"name": self._params.evaluation.metric, **facts["metric"]}}

    def _named(self) -> dict[str, int]:
        """Rows of the callers with most of them."""
        most = sorted(self._callers.items(), key=lambda caller: (-caller[1], caller[0]))
        rest = sum(rows for _, rows in most[CALLERS:])
        return dict(most[:CALLERS]) | ({OTHERS: rest} if rest else {})

    def _unjudged(self) -> list[str]:
        """The columns that were not captured, or only as hashes."""
        if not (self._open and self._open.rows):  # where all rows were refused, nothing is known of columns
            return []
        counts = self._open.counts
        return [each.column for each in self._bins if each.column not in counts or not counts[each.column].any()]
