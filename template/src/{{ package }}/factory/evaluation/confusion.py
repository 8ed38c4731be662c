"""The confusion matrix, and precision, recall and F1."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..metrics import definitions, ranking, threshold
from ..metrics.definitions import Vector
from ..scoring import ranked

SHOWN = 12  # classes
OTHERS = "others"


def decisions(score: Vector, manifest: dict[str, Any], rows: pl.DataFrame | None = None) -> NDArray[np.bool_] | None:
    """What a model decides about rows that make a list: yes to the highest scores, or from the threshold on; None without both."""
    if decision := manifest.get("decision"):
        by = decision.get("by")
        groups = [] if by is None or rows is None else [rows[by].cast(pl.String).alias(ranked.GROUP)]
        highest = ranked.Highest(ranking.size(decision["rows"] / decision["of"], len(score)))
        table = pl.DataFrame([pl.Series("score", score), *groups])
        [decided] = highest.decide(list(highest.watch([table])))
        return decided["decision"].to_numpy()
    return None if manifest["threshold"] is None else score >= manifest["threshold"]


def confusion(
    target: Vector, score: Vector, manifest: dict[str, Any], table: pl.DataFrame | None = None
) -> dict[str, Any] | None:
    """How often each outcome of a decision occurred; with several classes, how often each was predicted, by true class."""
    if classes := manifest.get("classes"):
        rows = definitions.confusion_matrix(target, score).tolist()
        return {name: dict(zip(classes, row, strict=True)) for name, row in zip(classes, rows, strict=True)}
    decided = decisions(score, manifest, table)
    return None if decided is None else threshold.confusion_counts(target, decided)


def classification_report(
    target: Vector, score: Vector, manifest: dict[str, Any], table: pl.DataFrame | None = None
) -> dict[str, Any]:
    """Precision, recall and F1 of the decisions, and the expected calibration error of the scores.

    With several classes, those of each class and, at the top, macro averages: of precision and F1 over the classes that
    occur or are predicted, of recall over those that occur.
    """
    error = {"calibration_error": definitions.calibration_error(*definitions.top_class(target, score))}
    if classes := manifest.get("classes"):
        counts = definitions.confusion_matrix(target, score)
        each = zip(counts.diagonal().tolist(), counts.sum(axis=0).tolist(), counts.sum(axis=1).tolist(), strict=True)
        figures = [{"rows": actual} | _figures(hit, predicted, actual) for hit, predicted, actual in each]
        present = [row | {"precision": row["precision"] or 0.0} for row in figures if row["f1"] is not None]
        macro = {name: _mean(row[name] for row in present) for name in ("precision", "recall", "f1")}
        return macro | error | {"classes": dict(zip(classes, figures, strict=True))}
    decided = confusion(target, score, manifest, table)
    if decided is None:
        return error
    hit = decided["true_positive"]
    return _figures(hit, hit + decided["false_positive"], hit + decided["false_negative"]) | error


def matrix(target: Vector, score: Vector, classes: list[str]) -> list[dict[str, Any]]:
    """By true class the rows predicted as each, and their share: the most frequent classes, and the others together."""
    names, counts = _with_rare_classes_pooled(classes, definitions.confusion_matrix(target, score))
    totals = counts.sum(axis=1)
    return [
        {"name": name, "cells": [{"rows": int(n), "share": n / max(total, 1)} for n in row]}
        for name, row, total in zip(names, counts, totals, strict=True)
    ]


def _figures(hit: int, predicted: int, actual: int) -> dict[str, float | None]:
    """None where no row is predicted, or no row is actually of the class."""
    return {
        "precision": hit / predicted if predicted else None,
        "recall": hit / actual if actual else None,
        "f1": 2 * hit / (predicted + actual) if predicted + actual else None,
    }


def _mean(values: Iterable[float | None]) -> float:
    """The mean of the values that are defined."""
    return float(np.mean([value for value in values if value is not None]))


def _with_rare_classes_pooled(names: list[str], counts: Any) -> tuple[list[str], Any]:
    if len(names) <= SHOWN:
        return names, counts
    frequent = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: SHOWN - 1])
    place = np.full(len(names), SHOWN - 1)
    place[frequent] = np.arange(SHOWN - 1)
    pooled = np.zeros((SHOWN, SHOWN), int)
    np.add.at(pooled, (place[:, None], place[None, :]), counts)
    return [*(names[i] for i in frequent), OTHERS], pooled
