"""The candidates among which the first model was chosen, from reports/candidates.csv: with their figures, and what they cost."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from ... import contract
from .. import manifest
from ..config import Params
from ..metrics.definitions import AT_K, METRICS
from ..paths import CANDIDATES
from ..tables import whole

FIGURES = {"fit_seconds": "CPU seconds<br>of a fit", "predict_ms": "Milliseconds<br>per row", "size_mb": "Size, MB"}


def mark(params: Params) -> None:
    """Note in the list that model.py and params.yaml, as they are now, have the candidate that was chosen."""
    if CANDIDATES.is_file():
        model = manifest.file_sha256(Path(contract.__file__).with_name("model.py"))
        table = pl.read_csv(CANDIDATES, infer_schema_length=None)
        marked = table.with_columns(model=pl.lit(_fingerprint(model, params.model)))
        with whole(CANDIDATES) as file:
            marked.write_csv(file)


def leaderboard(problem: str, model: dict[str, Any]) -> dict[str, Any] | None:
    """The rows as they stand there, and the metric; None where the model of this manifest was not chosen from them."""
    if not CANDIDATES.is_file():
        return None
    try:
        table = pl.read_csv(CANDIDATES, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return None
    if table.is_empty() or not {"candidate", "chosen", "metric", "mean", "se", "model"} <= {*table.columns}:
        return None
    if table["model"][0] != _fingerprint(model["code"]["model.py"], model["parameters"]):
        return None
    metric = (METRICS[problem] | AT_K).get(table["metric"][0])
    if metric is None:
        return None
    costs = {name: title for name, title in FIGURES.items() if name in table.columns}
    chosen = table["chosen"].cast(pl.String).str.to_lowercase() == "true"
    rows = table.with_columns(chosen=chosen).to_dicts()
    best = max(rows, key=lambda row: metric.direction * row["mean"])
    return {"metric": metric, "costs": costs, "rows": rows, "best": best}


def _fingerprint(model: str, parameters: dict[str, Any]) -> str:
    return manifest.sha256(json.dumps([model, parameters], sort_keys=True).encode())
