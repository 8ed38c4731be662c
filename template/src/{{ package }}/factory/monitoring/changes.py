"""What has changed in a column, in words."""

import numpy as np

from ..scoring.profile import Bins, Counts

SAME = 0.8, 1.25  # between these the difference of medians is clearer than their ratio


def describe(bins: Bins, before: Counts, now: Counts, median: float | None = None, cell: int | None = None) -> str:
    """The column, and its median or the share of the cell that changed most, before and now."""
    name = bins.column.removeprefix("_")
    shares = [counts / np.maximum(counts.sum(), 1) for counts in (before, now)]
    changed = int(np.abs(shares[1] - shares[0]).argmax()) if cell is None else range(bins.cells)[cell]
    inner = changed < len(bins.edges) + (bins.kind == "number")
    usual = _median(bins, before) if bins.kind == "number" and inner else None
    if usual is not None and median is not None and usual != median:
        if usual * median > 0 and not SAME[0] <= median / usual <= SAME[1]:
            return f"{name}: values ×{median / usual:.2g}"  # noqa: RUF001
        return f"{name}: median {usual:.4g} → {median:.4g}"
    return f"{name}: {_label(bins, changed)} {shares[0][changed]:.1%} → {shares[1][changed]:.1%}"


def _label(bins: Bins, cell: int) -> str:
    if cell == bins.cells - 1:
        return "missing"
    if bins.kind == "category":
        return f"{bins.values[cell]!r}" if cell < len(bins.values) else "other values"
    if bins.kind == "text" and bins.values:
        return f"texts with {bins.values[cell]!r}" if cell < len(bins.values) else "texts without usual words"
    if bins.kind == "text" or not bins.edges:
        return "values"
    if cell in (0, len(bins.edges)):
        return f"below {bins.edges[0]:.4g}" if cell == 0 else f"above {bins.edges[-1]:.4g}"
    return f"{bins.edges[cell - 1]:.4g} to {bins.edges[cell]:.4g}"


def _median(bins: Bins, counts: Counts) -> float | None:
    """About the middle of the values, by their bins."""
    below = np.cumsum(counts[:-1])
    if not bins.edges or not below[-1]:
        return None
    return float(np.interp(below[-1] / 2, below[:-1], bins.edges))
