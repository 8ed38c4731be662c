"""What a model says of rows, as columns and as records: scores, decisions and, of many classes, probabilities."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

PROBABILITY = "probability_"
"""What the names of the classes' columns begin with, so that no class takes the place of `score` or `decision`."""


def columns(said: NDArray[np.float64], manifest: dict[str, Any]) -> list[pl.Series]:
    """`score` and, where something is decided, `decision`; of classes each one's probability too.

    `said` has the shape (rows,), or (rows, classes): then the most probable class is decided, and
    its probability is the score.
    """
    classes, threshold = manifest.get("classes"), manifest["threshold"]
    if classes:
        decision = pl.Series("decision", classes, pl.String)[said.argmax(axis=1)]
        each = [pl.Series(PROBABILITY + name, said[:, i]) for i, name in enumerate(classes)]
        return [pl.Series("score", said.max(axis=1)), decision, *each]
    score = pl.Series("score", said)
    return [score] if threshold is None else [score, (score >= threshold).alias("decision")]


def records(said: NDArray[np.float64], manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same row by row; `decision` is None where nothing is decided."""
    classes, threshold = manifest.get("classes"), manifest["threshold"]
    for row in said.tolist():  # a table would take longer than the model where there is one row
        if classes:
            score = max(row)
            told = {"probabilities": dict(zip(classes, row, strict=True))}
            yield {"score": score, "decision": classes[row.index(score)], **told}
        else:
            yield {"score": row, "decision": None if threshold is None else row >= threshold}


def has_classes(scores: pl.DataFrame) -> bool:
    """Whether the columns tell several classes apart."""
    return "decision" in scores.columns and scores.schema["decision"] == pl.String


def said(scores: pl.DataFrame, manifest: dict[str, Any]) -> NDArray[np.float64]:
    """Back from the columns; a class that the table's model did not know has the probability 0."""
    if not manifest.get("classes"):
        return scores["score"].to_numpy().astype(np.float64)
    zero = pl.lit(0.0)
    names = [PROBABILITY + name for name in manifest["classes"]]
    return scores.select((pl.col(n) if n in scores.columns else zero).alias(n) for n in names).to_numpy()
