"""A profile as a page of its own, and the parts of it that the report has, too."""

from typing import Any

import numpy as np
import polars as pl

from .. import page
from ..charts import BINS, PAD, central_range
from ..svg import Axis, Chart
from .associations import is_scale
from .observations import Profile

SHOWN = {
    "observations": 60,
    "doubtful": 40,
    "columns": 300,
    "strengths": 20,
    "pairs": 30,
    "classes": 20,
}
HEATED = 20  # columns in the table of associations
FEW_NUMBERS = 12  # different ones that are shown as classes


def values(profile: Profile, across: float | None = None) -> dict[str, Any]:
    """What parts.html shows; `across` is the share of test rows among the training rows, where there is a split."""
    return {"profile": profile, "heat": profile.associations.most_connected(HEATED), "across": across, "shown": SHOWN}


def render(name: str, profile: Profile, columns: list[dict[str, Any]], target: str | None, kinds: str) -> str:
    """The page, self-contained, with the same bytes for the same profile."""
    missing = sum(profile.view.missing.values()) / max(profile.view.height * len(columns), 1)
    return page.render(
        page.resource("profiling/table.html"),
        **values(profile),
        name=name,
        columns=columns,
        kinds=kinds,
        missing=missing,
        target=target,
        figure=_distribution(profile.view.sample[target]) if target else None,
        project=page.project(),
    )


def _distribution(target: pl.Series) -> str | list[tuple[str, float]] | None:
    """A histogram of numbers; values and their shares of classes."""
    known = target.drop_nulls()
    if known.is_empty():
        return None
    if is_scale(known) and known.n_unique() > FEW_NUMBERS:
        return _histogram(known.to_physical().cast(pl.Float64).to_numpy(), target.name)
    counts = known.cast(pl.String).alias("value").value_counts(normalize=True, name="share")
    return counts.sort(["share", "value"], descending=[True, False]).rows()


def _histogram(numbers: Any, title: str) -> str:
    low, high = central_range(numbers)
    edges = np.linspace(low, high, BINS + 1)
    shares = np.histogram(np.clip(numbers, low, high), edges)[0] / len(numbers)
    chart = Chart(Axis(title, low, high), Axis("share of rows", high=float(shares.max()) * (1 + PAD), percent=True))
    return chart.steps(edges.tolist(), shares.tolist(), title, "model").svg()
