"""Columns with the year, month, day and so on of a row's time, and the names of months and weekdays."""

import calendar
import re
from collections.abc import Iterable

from .profile import Column
from .time_formats import BIRTH, FIRST_YEAR, LAST_YEAR

PARTS = {
    "year": ({"year", "yr", "yyyy", "jahr"}, FIRST_YEAR, LAST_YEAR),
    "month": ({"month", "mon", "mo", "mnth", "mth", "mm", "monat"}, 1, 12),
    "day": ({"day", "dom", "mday", "dd", "tag", "dayofmonth"}, 1, 31),
    "hour": ({"hour", "hr", "hh", "stunde"}, 0, 23),
    "minute": ({"minute"}, 0, 59),
}
"""The words for each part, in the order of `data.time`, and its limits."""
MONTHS = [*calendar.month_name[1:]], [*calendar.month_abbr[1:]]
NAMES = (*MONTHS, [*calendar.day_name], [*calendar.day_abbr])


def find(columns: Iterable[Column]) -> list[Column]:
    """The most columns that are parts of one time, from its year on; none without a year and a month."""
    found: dict[tuple[str, ...], dict[str, Column]] = {}
    for column in columns:
        part, others = _part(column.name)
        if part and not BIRTH.search(column.name) and _is_within(column, *PARTS[part][1:]):
            found.setdefault(others, {}).setdefault(part, column)
    return max((_from_year_on(parts) for parts in found.values()), key=len, default=[])


def in_order(names: list[str]) -> list[str]:
    """The columns by their parts; as they are where a name does not say its part."""
    places = {name: [*PARTS].index(part) for name in names if (part := _part(name)[0])}
    return sorted(names, key=places.__getitem__) if len({*places.values()}) == len(names) else names


def complete(values: list[str]) -> list[str]:
    """All months or weekdays, where the values are some of their names; otherwise the values."""
    for names in NAMES:
        for written in (names, [name.lower() for name in names], [name.upper() for name in names]):
            if len(values) > 2 and {*values} <= {*written}:
                return written
    return values


def _part(name: str) -> tuple[str, tuple[str, ...]]:
    """The part that the name says, if it says one, and its other words."""
    words = re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("day_of_month", "dayofmonth"))
    said = [(part, word) for part, (known, *_) in PARTS.items() for word in words if word in known]
    if len(said) != 1:
        return "", ()
    part, word = said[0]
    return part, tuple(other for other in words if other != word)


def _is_within(column: Column, low: int, high: int) -> bool:
    """Whether each row has such a number, or the name of a month."""
    if column.missing:
        return False
    if column.kind == "String":
        is_month = high == len(MONTHS[0]) and len(complete(column.values)) == high
        return is_month or all(value.isdecimal() and low <= int(value) <= high for value in column.values or [""])
    return column.kind == "Int64" and low <= column.low and column.high <= high


def _from_year_on(parts: dict[str, Column]) -> list[Column]:
    """The parts without those below a gap."""
    known = [parts.get(part) for part in PARTS]
    columns = [column for column in known[: known.index(None) if None in known else None] if column]
    return columns if len(columns) > 1 else []
