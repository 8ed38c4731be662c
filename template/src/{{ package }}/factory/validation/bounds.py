"""Limits as a person would write them: round, with some room beyond what was seen."""

from datetime import date, datetime
from math import floor, isfinite, log10
from typing import Any

import polars as pl

STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
ROOM = 0.1
WIDER = ("Int8", "Int16", "Int32", "Int64")


def roomy(seen: Any, kind: str, dtype: pl.DataType) -> Any:
    """A limit of that kind, in the type of the column, which the value keeps; None where there is none."""
    upwards = kind.startswith("max")
    strictly = kind.endswith("exclusive")
    if isinstance(seen, date):
        return _decade(seen, upwards, strictly)
    if not isinstance(seen, int | float) or not isfinite(seen):
        return None
    found = _round(seen, upwards) if seen else (1 if upwards else -1) * strictly
    if not (dtype.is_integer() or kind.endswith("length")):
        return found
    whole = int(found) if found == int(found) else floor(found) + upwards
    if not dtype.is_integer():
        return max(whole, 0)
    least, most = (int(bound) for bound in pl.select(low=dtype.min(), high=dtype.max()).row(0))  # type: ignore[attr-defined]
    if strictly and not least < whole < most:
        return None
    return min(max(whole, least), most)


def wider(found: pl.Series) -> list[str]:
    """The types in dataframely that may hold what a narrower number of that type cannot."""
    dtype = found.dtype
    if dtype.is_integer():
        name = str(dtype)
        signed = WIDER[WIDER.index(name) + 1 :] if name in WIDER else WIDER[1:]
        return [*signed, "Float64"]
    return ["Float64"] if dtype == pl.Float32 else []


def _round(seen: float, upwards: bool) -> float:
    away = upwards == (seen > 0)
    size = abs(seen) * (1 + ROOM if away else 1 - ROOM)
    power = floor(log10(size))
    steps = [float(f"{step}e{power}") for step in STEPS]
    near = min(step for step in steps if step >= size) if away else max(step for step in steps if step <= size)
    value = near if seen > 0 else -near
    return int(value) if value == int(value) else value


def _decade(seen: date, upwards: bool, strictly: bool) -> date | None:
    year = seen.year // 10 * 10 + (10 if upwards else -10 * strictly)
    kind = datetime if isinstance(seen, datetime) else date
    return kind(year, 1, 1) if 1 <= year <= 9999 else None
