"""The test rows that the model got most wrong, without what the contract calls personal data."""

from typing import Any

import numpy as np
import polars as pl
from polars import selectors

from ... import contract
from ..scoring.feature_table import features
from ..validation import personal
from .assessment import Assessment
from .formatting import cell, number

FEATURES = 5  # the most important ones
SHOWN = 12  # characters of a hash


def worst_predictions(a: Assessment) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table: id and time, actual and predicted target, and the most important features.

    Of the forecasts of one time of a series, the worst.
    """
    places, data = _worst(a)[: a.params.evaluation.worst_rows], a.params.data
    rows = a.test[places]
    known = [name for name in (data.id, *_series(a), *data.times, *(["origin"] if a.params.forecast else [])) if name]
    important = a.importance["feature"].head(FEATURES).to_list()
    hidden = personal.columns(contract.LabelledRow)
    table = features(rows).select(~selectors.by_dtype(pl.String, pl.List(pl.String)))
    table = table.select(name for name in important if name in table.columns and name not in (*known, *hidden))
    header = [*known, f"actual {data.target}", "predicted", *table.columns]
    empty: list[tuple[Any, ...]] = [()] * len(places)  # a frame without columns has no rows
    identities = rows.select(_shown(name) if name in hidden else pl.col(name) for name in known)
    values = zip(identities.rows() or empty, places, table.rows() or empty, strict=True)
    return header, [
        [*map(cell, identity), cell(rows[data.target][i]), _predicted(a, place), *map(_feature, row)]
        for i, (identity, place, row) in enumerate(values)
    ]


def _shown(name: str) -> pl.Expr:
    """By which a person's row is found again, and which does not name the person."""
    return (pl.lit("sha256 ") + personal.hashed(name).str.head(SHOWN)).alias(name)


def _series(a: Assessment) -> list[str]:
    return a.params.forecast.groups if a.params.forecast else []


def _worst(a: Assessment) -> Any:
    """The places of the rows, those with the largest errors first."""
    places = np.argsort(-_errors(a), kind="stable")
    if not a.params.forecast:
        return places
    first = pl.struct(*_series(a), a.params.forecast.time).is_first_distinct()
    return places[a.test[places].select(first).to_series().to_numpy()]


def _errors(a: Assessment) -> Any:
    """How wrong each row is: the distance of the score from the target, or from 1 of the true class's probability."""
    if a.score.ndim == 1:
        return np.abs(a.score - a.target)
    return 1 - a.score[np.arange(len(a.target)), a.target.astype(int)]


def _predicted(a: Assessment, place: int) -> str:
    classes = a.manifest.get("classes")
    if not classes:
        return number(float(a.score[place]), like=float(np.abs(a.score).max()))
    top = int(a.score[place].argmax())
    return f"{classes[top]} ({number(float(a.score[place, top]), like=1)})"


def _feature(value: Any) -> str:
    return "missing" if value is None or value != value else cell(value)  # noqa: PLR0124  only NaN differs from itself
