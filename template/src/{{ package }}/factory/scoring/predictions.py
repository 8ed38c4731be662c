"""Arrays of scores as columns and records, and back: scores, decisions and, for classes, probabilities."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from . import interval

PROBABILITY = "probability_"
"""Prefix of the classes' columns, so that none can be named `score` or `decision`."""


def to_columns(
    scores: NDArray[np.float64], manifest: dict[str, Any], rows: pl.DataFrame | None = None
) -> list[pl.Series]:
    """`score` and, for a classification, `decision`; for several classes the probability of each; for a regression `low`, `high`.

    `scores` has the shape (rows,), or (rows, classes): then the most probable class is decided, and
    its probability is the score. `rows` are those that were scored, on which the interval of a forecast depends.
    """
    classes, threshold = manifest.get("classes"), manifest["threshold"]
    if classes:
        decision = pl.Series("decision", classes, pl.String)[scores.argmax(axis=1)]
        probabilities = [pl.Series(PROBABILITY + name, scores[:, i]) for i, name in enumerate(classes)]
        return [pl.Series("score", scores.max(axis=1)), decision, *probabilities]
    score = pl.Series("score", scores)
    if known := manifest.get("interval"):
        low, high = interval.bounds(scores, known, rows)
        return [score, pl.Series("low", low), pl.Series("high", high)]
    return [score] if threshold is None else [score, (score >= _thresholds(manifest, rows)).alias("decision")]


def to_records(
    scores: NDArray[np.float64], manifest: dict[str, Any], rows: pl.DataFrame | None = None
) -> Iterator[dict[str, Any]]:
    """The same row by row."""
    classes, threshold = manifest.get("classes"), manifest["threshold"]
    if known := manifest.get("interval"):
        ends = (each.tolist() for each in (scores, *interval.bounds(scores, known, rows)))
        yield from ({"score": score, "low": low, "high": high} for score, low, high in zip(*ends, strict=True))
        return
    if manifest.get("thresholds"):
        decisions = (scores >= _thresholds(manifest, rows)).tolist()
        yield from ({"score": s, "decision": each} for s, each in zip(scores.tolist(), decisions, strict=True))
        return
    for row in scores.tolist():  # for one row a DataFrame would take longer than the model
        if classes:
            score = max(row)
            probabilities = dict(zip(classes, row, strict=True))
            yield {"score": score, "decision": classes[row.index(score)], "probabilities": probabilities}
        else:
            yield {"score": row} if threshold is None else {"score": row, "decision": row >= threshold}


def needs_rows(manifest: dict[str, Any]) -> bool:
    """Whether what follows from a score depends on its row as well."""
    return bool(manifest.get("forecast") or manifest.get("thresholds"))


def _thresholds(manifest: dict[str, Any], rows: pl.DataFrame | None) -> Any:
    """The threshold of each row, by its group where groups have their own."""
    known = manifest.get("thresholds")
    if not known or rows is None:
        return manifest["threshold"]
    groups, default = rows[known["by"]].cast(pl.String), manifest["threshold"]
    limits = dict(zip(known["groups"], known["scores"], strict=True))
    return np.array([limits.get(group, default) for group in groups], np.float64)


def from_frame(predictions: pl.DataFrame, manifest: dict[str, Any]) -> NDArray[np.float64]:
    """The array of scores from columns; a class that their model did not know has probability 0."""
    if not manifest.get("classes"):
        return predictions["score"].to_numpy().astype(np.float64)
    zero = pl.lit(0.0)
    names = [PROBABILITY + name for name in manifest["classes"]]
    return predictions.select((pl.col(n) if n in predictions.columns else zero).alias(n) for n in names).to_numpy()


def has_classes(predictions: pl.DataFrame) -> bool:
    """Whether the columns are those of a multiclass model."""
    return "decision" in predictions.columns and predictions.schema["decision"] == pl.String
