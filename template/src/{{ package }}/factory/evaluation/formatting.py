"""Figures as people read them, in every report, table and message."""

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

MINUS = "\N{MINUS SIGN}"


def number(value: Any, *, like: float | None = None) -> str:
    """Four significant digits with thousands separators (4,219; 0.8572); other values than numbers as they are.

    With `like`, as many decimals as give that figure four significant digits: one for all figures of a column.
    """
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return str(value)
    amount = float(value)
    if not math.isfinite(amount):
        return "unknown"
    if like is None and 0 < abs(amount) < 1e-4:
        text = f"{amount:.1e}"
    elif like is None and abs(amount) < 999.95:
        text = f"{amount:.4g}"
    else:
        decimals = 3 - math.floor(math.log10(abs(like))) if like and abs(like) < 1000 else 0
        text = f"{round(amount, decimals) + 0.0:,.{decimals}f}"  # + 0.0: no minus before a zero
    return text.replace("-", MINUS)


def cell(value: Any) -> str:
    """A value of the data or of a setting: years and the like are written without separators."""
    if type(value) in (int, float) and abs(value) < 10_000 and value == int(value):
        return f"{value:.0f}".replace("-", MINUS)
    return number(value)


def share(value: float) -> str:
    """A percentage, with one decimal below 10%."""
    if 0 < value < 0.0005:
        return "< 0.1%"
    text = f"{100 * value:,.0f}%" if value == 0 or abs(value) >= 0.0995 else f"{100 * value:.1f}%"
    return text.replace("-", MINUS)


def span(seconds: float) -> str:
    """A duration in the unit that suits it: 0.4 s, 12 min, 3.5 h, 9 days."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= (2 * size if unit == "days" else size):
            return f"{number(round(seconds / size, 1))} {unit}"
    return f"{number(round(seconds, 1))} s"
