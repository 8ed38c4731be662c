"""Values for tests: a typical one of each column, which is nobody's own, and those beyond its limits."""

from contextlib import suppress
from datetime import time, timedelta
from typing import Any

from .declare import Declared

OTHER = "another"


def typical(declared: Declared) -> Any:
    """A value in the middle of what the column holds."""
    column, kind = declared.column, declared.kind
    if declared.categories is not None:
        known = column.sample.drop_nulls().mode().sort()
        return str(known[0]) if str(known[0]) in declared.categories else declared.categories[0]
    if kind == "Bool":
        return True
    if kind == "String":
        return "r1"[: declared.arguments["max_length"]]
    if kind == "Time":
        return time(12)
    middle = column.sample.drop_nulls().sort()[column.sample.drop_nulls().len() // 2]
    if kind == "Datetime":
        return middle.replace(microsecond=0)
    if kind == "Float64":
        short = float(f"{middle:.4g}")
        return short if column.low <= short <= column.high else middle
    return middle


def beyond(declared: Declared) -> list[Any]:
    """Values that the column refuses."""
    low, high = (declared.arguments.get(limit) for limit in ("min", "max"))
    if declared.categories is not None:
        return [OTHER if OTHER not in declared.categories else f"{OTHER} one"]
    if declared.kind == "String":
        return ["", "x" * (declared.arguments["max_length"] + 1)]
    if low is None:
        return ["perhaps"]
    step = timedelta(days=1) if declared.kind in ("Date", "Datetime") else 1
    found = []
    with suppress(OverflowError):  # beyond the calendar
        found.append(low - step)
        found += [] if high is None else [high + step]
    return found
