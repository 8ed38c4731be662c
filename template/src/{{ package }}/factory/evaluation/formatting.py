"""Numbers and shares as people write them."""

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

MINUS = "\N{MINUS SIGN}"


def number(value: Any, *, like: float | None = None) -> str:
    """Four significant digits, or the decimals that give `like` as many; other values than numbers as they are.

    Thousands are separated from 10,000 on, so that years stay years.
    """
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return str(value)
    amount = float(value)
    if not math.isfinite(amount):
        return "unknown"
    if like is None and 1e-4 <= abs(amount) < 1000 and not amount.is_integer():
        text = f"{amount:.4g}"
    elif like is None and 0 < abs(amount) < 1e-4:
        text = f"{amount:.1e}"
    else:
        decimals = 3 - math.floor(math.log10(abs(like))) if like and abs(like) < 1000 else 0
        amount = round(amount, decimals) + 0.0
        text = f"{amount:,.{decimals}f}" if abs(amount) >= 10_000 else f"{amount:.{decimals}f}"
    return text.replace("-", MINUS)


def share(value: float) -> str:
    """Per cent, with one decimal where it matters."""
    per_cent = 100 * value
    text = f"{per_cent:.0f}" if per_cent == 0 or per_cent >= 99.95 or per_cent >= 10 else f"{per_cent:.1f}"
    return "< 0.1 %" if 0 < per_cent < 0.05 else f"{text} %"
