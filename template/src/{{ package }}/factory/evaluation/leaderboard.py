"""The candidates among which the first model was chosen, from reports/candidates.csv: with their figures, and what they cost."""

from typing import Any

import polars as pl

from ..metrics.definitions import METRICS
from ..paths import REPORTS

CSV = REPORTS / "candidates.csv"
FIGURES = {"fit_seconds": "CPU seconds<br>of a fit", "predict_ms": "Milliseconds<br>per row", "size_mb": "Size, MB"}


def leaderboard(problem: str) -> dict[str, Any] | None:
    """The rows as they stand there, and the metric; None where nobody has compared candidates of this problem."""
    if not CSV.is_file():
        return None
    try:
        table = pl.read_csv(CSV, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return None
    if table.is_empty() or not {"candidate", "chosen", "metric", "mean", "se"} <= {*table.columns}:
        return None
    metric = METRICS[problem].get(table["metric"][0])
    if metric is None:
        return None
    costs = {name: title for name, title in FIGURES.items() if name in table.columns}
    chosen = table["chosen"].cast(pl.String).str.to_lowercase() == "true"
    rows = table.with_columns(chosen=chosen).to_dicts()
    best = max(rows, key=lambda row: metric.direction * row["mean"])
    return {"metric": metric, "costs": costs, "rows": rows, "best": best}
