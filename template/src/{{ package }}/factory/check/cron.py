"""The five fields of a cron expression, as Azure ML reads them."""

import re
from collections.abc import Iterator

DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
RANGES = {"minutes": (0, 59), "hours": (0, 23), "days": None, "months": None, "days of the week": (0, 6)}
"""By field, its first and last value; None where Azure ML ignores it."""
PART = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?")


def problems(expression: str) -> Iterator[str]:
    """What is wrong with the expression."""
    fields = expression.lower().split()
    if len(fields) != len(RANGES):
        yield f"{expression!r} has {len(fields)} fields: must be {len(RANGES)}, {', '.join(RANGES)}"
        return
    for field, (name, limits) in zip(fields, RANGES.items(), strict=True):
        if limits is None and field != "*":
            yield f"{name} {field!r} would be ignored: must be *"
        elif limits and not all(_within(_numbered(part), limits) for part in field.split(",")):
            yield f"{name} {field!r}: must be * or from {limits[0]} to {limits[1]}, as in 5, 1-5, 1,3 or */2"


def _numbered(part: str) -> str:
    return re.sub(r"[a-z]+", lambda day: str(DAYS.index(day[0][:3])) if day[0][:3] in DAYS else day[0], part)


def _within(part: str, limits: tuple[int, int]) -> bool:
    match = PART.fullmatch(part)
    if not match:
        return False
    first, last = (int(end) for end in (match[1] or limits[0], match[2] or match[1] or limits[1]))
    return limits[0] <= first <= last <= limits[1]
