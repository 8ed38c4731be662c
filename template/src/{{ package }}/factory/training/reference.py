"""The reference for monitoring: windows of the training and test rows, and of the model's scores of the latter."""

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl

from ... import contract
from ..config import Params
from ..data import row_time
from ..metrics.definitions import target_of, top_class
from ..scoring import predictions, profile, texts
from ..scoring.profile import DECISION, SCORE, Profile, Vector
from ..scoring.texts import Encoders
from ..tables.chunks import Matrix, Predictor, Rows, height


def files(
    train: Rows,
    test: Rows,
    inputs: Matrix,
    facts: dict[str, Any],
    params: Params,
    encoders: Encoders,
    predict: Predictor,
) -> dict[str, bytes]:
    """The files model/profile.parquet and, if there are any, the encoders; `inputs` are features, first those of the test rows."""
    scores = predict(inputs[: height(test)])
    kept = {texts.NAME: texts.to_bytes(encoders)} if encoders.by_name else {}
    return {
        profile.NAME: profile.to_bytes(profile_of(train, test, scores, facts, params, encoders.by_name.keys()))
    } | kept


def profile_of(
    train: Rows, test: Rows, scores: Vector, facts: dict[str, Any], params: Params, encoded: Collection[str] = ()
) -> Profile:
    """The profile of a model, from prepared rows and its scores of the test rows; `encoded` are features that are texts."""
    moments = [*params.data.times, *(["origin"] if params.forecast else [])]  # which are new each day
    names = profile.columns(contract.Row, params.data.target, params.data.id or "", *moments)
    bins = profile.bins_of(train, names, encoded)
    scored = _scored(scores, facts)
    of_scores = profile.bins_of(scored, scored.columns)
    parts, times = {"train": train, "test": test}, {}
    for part, rows in parts.items():
        times[part] = row_time.times(rows, params.data) if params.data.time else None
    known = {part: profile.counted(rows, bins, times[part]) for part, rows in parts.items()}
    test_windows, _, window = known["test"]
    train_windows = known["train"][0]
    counts = {each.column: np.vstack([known[part][1][each.column] for part in parts]) for each in bins}
    for name, cells in profile.count(scored, of_scores, window, len(test_windows)).items():
        counts[name] = np.vstack([np.zeros((len(train_windows), cells.shape[1]), np.int64), cells])
    outcome, score = top_class(target_of(test, params), scores)
    sizes = np.bincount(window, minlength=len(test_windows))
    residuals: Vector = np.bincount(window, outcome - score, minlength=len(test_windows)) / np.maximum(sizes, 1)
    return Profile(
        [*bins, *of_scores],
        [*train_windows, *test_windows],
        ["train"] * len(train_windows) + ["test"] * len(test_windows),
        counts,
        np.concatenate([np.full(len(train_windows), np.nan), residuals]),
    )


def _scored(scores: Vector, facts: dict[str, Any]) -> pl.DataFrame:
    """The columns of scores that captures have, but for decisions of a threshold."""
    without = facts | {"interval": None}  # which depends on the rows
    columns = {column.name: column for column in predictions.to_columns(scores, without)}
    kept = {SCORE: columns["score"]}
    if facts.get("classes"):
        kept[DECISION] = columns["decision"].cast(pl.Enum(facts["classes"]))
    return pl.DataFrame(kept)
