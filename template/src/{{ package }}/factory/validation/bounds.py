"""Round limits with a margin beyond the values seen, as a person would write them; and wider types."""

from datetime import date, datetime
from math import floor, isfinite, log10
from typing import Any

import polars as pl

MANTISSAS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
MARGIN = 0.1
INTEGERS = ("Int8", "Int16", "Int32", "Int64")


def rounded_bound(value: Any, kind: str, dtype: pl.DataType) -> Any:
    """A limit of that kind and of the column's type that admits the value; None where there is none."""
    upwards = kind.startswith("max")
    strictly = kind.endswith("exclusive")
    if isinstance(value, date):
        return _decade(value, upwards, strictly)
    if not isinstance(value, int | float) or not isfinite(value):
        return None
    bound = _rounded(value, upwards) if value else (1 if upwards else -1) * strictly
    if not (dtype.is_integer() or kind.endswith("length")):
        return bound
    whole = int(bound) if bound == int(bound) else floor(bound) + upwards
    if not dtype.is_integer():
        return max(whole, 0)
    least, most = (int(bound) for bound in pl.select(low=dtype.min(), high=dtype.max()).row(0))  # type: ignore[attr-defined]
    if strictly and not least < whole < most:
        return None
    return min(max(whole, least), most)


def wider_types(values: pl.Series) -> list[str]:
    """The wider types in dataframely, narrowest first."""
    dtype = values.dtype
    if dtype.is_integer():
        name = str(dtype)
        signed = INTEGERS[INTEGERS.index(name) + 1 :] if name in INTEGERS else INTEGERS[1:]
        return [*signed, "Float64"]
    return ["Float64"] if dtype == pl.Float32 else []


def _rounded(value: float, upwards: bool) -> float:
    away = upwards == (value > 0)
    size = abs(value) * (1 + MARGIN if away else 1 - MARGIN)
    power = floor(log10(size))
    steps = [float(f"{mantissa}e{power}") for mantissa in MANTISSAS]
    near = min(step for step in steps if step >= size) if away else max(step for step in steps if step <= size)
    bound = near if value > 0 else -near
    return int(bound) if bound == int(bound) else bound


def _decade(value: date, upwards: bool, strictly: bool) -> date | None:
    year = value.year // 10 * 10 + (10 if upwards else -10 * strictly)
    kind = datetime if isinstance(value, datetime) else date
    return kind(year, 1, 1) if 1 <= year <= 9999 else None
