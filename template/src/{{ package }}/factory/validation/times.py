"""Times from the texts and numbers of a table, by the `format` and the `pivot` in a column's metadata.

A format is one of strptime's, as polars has it, of which one without a day means the first of its month, quarter (`%q`) or
ISO week; `%y` counts from the year `pivot` on. Or it is the name of a number's unit: seconds and the like since 1970, in
UTC, or the days of spreadsheets.
"""

import re
from functools import lru_cache
from typing import Any

import dataframely as dy
import polars as pl

MILLISECOND = 1000.0
UNITS = {
    "epoch": (0, 1e6),
    "epoch ms": (0, MILLISECOND),
    "epoch us": (0, 1.0),
    "epoch ns": (0, 1e-3),
    "excel": (25_569, 86_400e6),
}
"""Of each named format the number that stands for the year 1970, and the microseconds of a unit."""
PIVOT = 1970
"""The first year of two digits, unless the column names another."""
ISO: dict[Any, list[str]] = {
    pl.Date: ["%Y-%m-%d"],
    pl.Time: ["%H:%M:%S%.f"],
    pl.Datetime: ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
}
"""ISO 8601, unless the column names a format, since other dates are ambiguous."""
ZONED = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"]
LONGEST = 100  # characters
DAYS = re.compile("%[-_0]?[dej]")
MONTHS = re.compile("%[-_0]?[mbBhq]")
QUARTERS = {f"Q{quarter + 1}": f"{3 * quarter + 1:02}" for quarter in range(4)}


def parse(value: pl.Expr, dtype: pl.DataType, column: dy.Column) -> pl.Expr:
    """The values, which are texts or numbers, as times of the column's type; null where they are none."""
    metadata = column.metadata or {}
    format, target = metadata.get("format"), column.dtype
    if format in UNITS:
        return _counted(value.cast(pl.Float64, strict=False), format, target)
    if dtype.is_numeric():
        value = digits(value)
    if format:
        times = _written(value, format, target)
        return _in_century(times, metadata["pivot"]) if "%y" in format and "pivot" in metadata else times
    zoned = getattr(target, "time_zone", None) is not None
    text = value.str.replace(" ", "T", literal=True)
    return pl.coalesce(_written(text, each, target) for each in (ZONED if zoned else ISO[target.base_type()]))


def read(value: Any, column: dy.Column) -> Any:
    """One text or number as a time of the column's type; None where it is none."""
    if isinstance(value, str):
        return _read(value.strip(), column) if len(value) <= LONGEST else None
    return _read(value, column) if isinstance(value, int | float) and not isinstance(value, bool) else None


@lru_cache(maxsize=4096)
def _read(value: str | float, column: dy.Column) -> Any:
    values = pl.Series("it", [value])
    try:
        return values.to_frame().select(parse(pl.col("it"), values.dtype, column)).item()
    except (ValueError, pl.exceptions.PanicException):  # outside the years 1 to 9999
        return None


def digits(number: pl.Expr) -> pl.Expr:
    """Whole numbers as text, null for others."""
    return pl.when(number == number.round()).then(number.cast(pl.Int64, strict=False).cast(pl.String))


def explain(column: dy.Column) -> str:
    """In words, what the column's format leaves open; empty if nothing."""
    metadata = column.metadata or {}
    format = metadata.get("format", "")
    if format == "excel":
        return "days since 1899-12-30, as in spreadsheets"
    if format in UNITS:
        unit = {"": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[format[6:]]
        return f"{unit} since 1970, UTC"
    if "%y" in format:
        pivot = metadata.get("pivot", PIVOT)
        return f"years of two digits are {pivot} to {pivot + 99}"
    unit = {"1w": "week", "1q": "quarter", "1mo": "month"}.get(step(column), "")
    return f"the first day of its {unit}" if unit else ""


def step(column: dy.Column) -> str:
    """What one of the column's times stands for at least, as polars writes durations."""
    format = (column.metadata or {}).get("format", "")
    if _missing_day(format):
        return "1w" if "%V" in format else "1q" if "%q" in format else "1mo"
    return "1d" if column.dtype == pl.Date else "1us"


def _counted(number: pl.Expr, format: str, target: pl.DataType) -> pl.Expr:
    origin, unit = UNITS[format]
    exact = MILLISECOND if format == "excel" else 1.0  # its fractions of a day are rounded
    microseconds = ((number - origin) * (unit / exact)).round() * exact
    instant = microseconds.cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
    if target == pl.Date:
        return pl.when(instant == instant.dt.truncate("1d")).then(instant.cast(pl.Date))
    zone = getattr(target, "time_zone", None)
    return instant.dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else instant


def _written(text: pl.Expr, format: str, target: Any) -> pl.Expr:
    if format.endswith("%#z"):
        text = text.str.replace(r"(?i)\s*(?:utc|gmt|z)$", "+00:00")
    if "%p" in format:
        text = text.str.replace(r"([AaPp])\.[Mm]\.", "${1}m")
    if "%q" in format:
        text, format = text.str.to_uppercase().str.replace_many(QUARTERS), format.replace("Q%q", "%m")
    if day := _missing_day(format):
        text, format = text + " 1", f"{format} {day}"
    return text.str.strptime(target, format, strict=False)


def _missing_day(format: str) -> str:
    """The directive of the day that the format needs beside its month or its week; empty if none."""
    if "%V" in format:
        return "" if "%u" in format else "%u"
    return "%d" if MONTHS.search(format) and not DAYS.search(format) else ""


def _in_century(times: pl.Expr, pivot: int) -> pl.Expr:
    """Times whose years polars has put between 1970 and 2069, from the pivot's year on."""
    years = (times.dt.year() - pivot).mod(100) + pivot - times.dt.year()
    moved = pl.coalesce(pl.when(years == each).then(times.dt.offset_by(f"{each}y")) for each in (-100, 0, 100))
    return pl.when(moved.dt.day() == times.dt.day()).then(moved)  # there may be no 29 February
