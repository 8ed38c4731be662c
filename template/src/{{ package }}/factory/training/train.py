"""Stage `train`: from prepared rows to a model on disk. The test rows only serve to compare ONNX with scikit-learn."""

from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator

from ... import contract
from .. import manifest
from ..config import Params
from ..data import observations, prepare
from ..errors import FactoryError
from ..metrics.definitions import class_frequencies, classes_of, main_metric, target_of
from ..metrics.ranking import cutoff
from ..metrics.threshold import best_threshold
from ..paths import MODEL, PREPARED, TRAINING, VALIDATION
from ..scoring import artifact, explain, interval
from ..scoring.feature_table import features
from ..scoring.scorer import describe, feature_matrix
from ..scoring.texts import NONE, Encoders, is_encoded
from ..tables.chunks import Matrix, Rows, collect, column, sample
from ..workspace.stage import measure, stage
from . import estimator, reference, shared_features, texts
from .cross_validation import Folds, TooFewRows, Validation, validate
from .leakage import check_leakage
from .lookahead import check_lookahead
from .onnx import estimators
from .onnx.features import MAX_PROBES, feature_graph
from .row_by_row import check_finite, check_row_by_row
from .typical import typical

LIBRARIES = ("numpy", "onnxruntime", "polars", "scikit-learn", "skops")
MAX_PROBES_WITH_GAPS = 50_000
PROBES_OF_SCORES = 1_000
MIN_GROUP = 100  # rows held out, by which a group's own threshold is known
TYPICAL_ROWS = 50_000  # that are looked at for typical values


def run(params: Params) -> None:
    """data/prepared/ → model/, its validation figures, and what the training cost."""
    main_metric(params)  # an unknown name would only be noticed after the training
    cost = measure()
    with stage("train", [MODEL, TRAINING, VALIDATION]) as staging:
        data = manifest.read_manifest(PREPARED)
        train, test = prepare.scan("train"), prepare.scan("test")
        empty = no_features(train)
        encoders = texts.fitted(train)
        fitted, validation = learn(train, params, encoders)
        target, classes = target_of(train, params), classes_of(train, params)
        usual = sample(train.select(contract.Row.column_names()), TYPICAL_ROWS)
        facts = {
            "format": artifact.FORMAT,
            "problem": params.problem,
            "target": params.data.target,
            "id": params.data.id,
            "features": describe(empty),
            "threshold": _threshold(validation, params),
            **_decision(validation, params),
            "interval": _interval(validation, params),
            "classes": classes,
            "baseline": class_frequencies(target, len(classes)) if classes else float(target.mean()),
            "data": prepare.describe(data, params),
            "code": own_code() | shared_features.code(),
            "parameters": params.model,
            "estimator": estimator.describe(params.problem, params.model, encoders(empty).schema),
            "validation": validation.facts() if validation else None,
            "typical_features": _typical_features(usual, encoders),
            "typical": typical(usual),
            "versions": {name: metadata.version(name) for name in LIBRARIES},
        }
        if params.forecast:
            facts["forecast"] = asdict(observations.settings(params))
        _save(fitted, staging / MODEL.name, train, test, facts, params, encoders)
        figures = {name: figure.value for name, figure in validation.metrics.items()} if validation else {}
        manifest.dump({"validation": figures}, staging / VALIDATION.name)
        manifest.dump({**cost(), "blas_kernel": estimator.blas_kernel()}, staging / TRAINING.name)


def _save(
    fitted: BaseEstimator,
    folder: Path,
    train: Rows,
    test: Rows,
    facts: dict[str, Any],
    params: Params,
    encoders: Encoders,
) -> None:
    probes = sample(test.select(contract.Row.column_names()), MAX_PROBES)
    graph = feature_graph(probes, features, contract.Row)
    inputs = _probes(train, test, encoders)
    more = partial(reference.files, train, test, inputs, facts, params, encoders)
    estimators.save(folder, fitted, facts, inputs, graph, more)


def own_code() -> dict[str, str]:
    """The sha256 of each of the owner's modules."""
    folder = Path(contract.__file__).parent
    return {name: manifest.file_sha256(folder / name) for name in shared_features.SOURCES}


def learn(train: Rows, params: Params, encoders: Encoders = NONE) -> tuple[BaseEstimator, Validation | None]:
    """The fitted estimator, and its validation, where there are enough rows for that."""
    empty = no_features(train)
    check_numeric(empty)
    check_groups(params)
    check_row_by_row(train, params, encoders)
    check_leakage(train, params, encoders)
    if params.forecast:
        check_lookahead(train, params)
    fitted = fit(train, params, encoders)  # before the validation, whose rows would take room beside all others
    try:
        return fitted, validate(Folds(train, params, encoders(empty).schema, encoders=encoders), params)
    except TooFewRows:
        if params.value or params.decision:
            raise
        return fitted, None


def fit(rows: Rows, params: Params, encoders: Encoders = NONE) -> BaseEstimator:
    """An estimator fitted to the rows. Raises FactoryError naming a parameter that it does not accept."""
    _check_all_classes_present(rows, params)
    inputs, schema = feature_matrix(rows, encoders), encoders(no_features(rows)).schema
    check_finite(inputs, schema.names())
    fitted = estimator.fit(inputs, target_of(rows, params), params, schema)
    estimator.check_scores(fitted, inputs[:PROBES_OF_SCORES], params)
    return fitted


def check_numeric(table: pl.DataFrame) -> None:
    """Refuse a feature that is neither a number nor a category, and cannot be encoded as numbers."""
    for name, dtype in table.schema.items():
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Enum) or is_encoded(dtype)):
            raise FactoryError(f"features.py: {name} is {dtype}: make it a number, a category with pl.Enum, or text")


def check_groups(params: Params) -> None:
    """Refuse groups of decisions that are not known of a row that is scored."""
    if params.decision and (by := params.decision.by) and by not in contract.Row.column_names():
        raise FactoryError(
            f"params.yaml: decision.by: {by} is not a column of Row in contract.py, by which rows are scored"
        )


def no_features(rows: Rows) -> pl.DataFrame:
    """The features of no rows: their names and types."""
    return features(collect(rows.head(0)))  # type: ignore[no-any-return]


def _threshold(validation: Validation | None, params: Params) -> float | None:
    """The threshold on the rows held out: of so many of the highest scores, or the one that earns most by `value`."""
    if validation and params.decision:
        return cutoff(validation.score, params.decision.share)
    if not (validation and params.value):
        return None
    return best_threshold(validation.target, validation.score, params.value)


def _decision(validation: Validation | None, params: Params) -> dict[str, Any]:
    """Of how many rows of a list so many are acted on, where params.yaml states that, and the thresholds of groups."""
    decision = params.decision
    if not decision:
        return {}
    if not (validation and decision.by):
        return {"decision": decision.facts}
    return {"decision": decision.facts, "thresholds": _thresholds(validation, decision.by, decision.share)}


def _thresholds(validation: Validation, by: str, share: float) -> dict[str, Any]:
    """The threshold of each group that has enough rows held out; the overall one is for the others."""
    assert validation.rows is not None
    rows = pl.DataFrame({"group": validation.rows[by].cast(pl.String), "score": validation.score})
    parts = {
        group: part["score"].to_numpy() for (group,), part in rows.sort("group").group_by("group", maintain_order=True)
    }
    found = {group: cutoff(score, share) for group, score in parts.items() if len(score) >= MIN_GROUP}
    return {"by": by, "groups": [*found], "scores": [*found.values()]}


def _interval(validation: Validation | None, params: Params) -> dict[str, Any] | None:
    """Of a number, how far targets of rows held out are from their scores."""
    if validation is None or not params.is_number:
        return None
    if validation.rows is not None:
        least = getattr(contract.LabelledRow.columns()[params.data.target], "min", None)
        return interval.fitted_by_step(validation.target, validation.score, validation.rows, least)
    return interval.fitted(validation.target, validation.score)


def _typical_features(rows: pl.DataFrame, encoders: Encoders) -> list[float | None]:
    """By feature what is usual, as scores are explained by their difference from that of such a row."""
    types = encoders(no_features(rows)).dtypes
    return explain.middle(feature_matrix(rows, encoders), np.array([dtype == pl.Enum for dtype in types]))


def _check_all_classes_present(rows: Rows, params: Params) -> None:
    absent = set(classes_of(rows, params) or []) - set(column(rows, params.data.target).cast(pl.String).unique())
    if absent:
        raise FactoryError(
            f"{params.data.target}: no training row has the class {', '.join(sorted(absent))}: "
            "add such rows, or remove the class from contract.py"
        )


def _probes(train: Rows, test: Rows, encoders: Encoders) -> Matrix:
    """Every test row, and as many training rows, up to a limit, with a tenth of their values made unknown."""
    complete = feature_matrix(test, encoders)
    with_gaps = feature_matrix(train.head(min(len(complete), MAX_PROBES_WITH_GAPS)), encoders)
    numeric = [i for i, dtype in enumerate(encoders(no_features(test)).dtypes) if dtype != pl.Enum]
    gaps = np.random.default_rng(0).random((len(with_gaps), len(numeric))) < 0.1
    with_gaps[:, numeric] = np.where(gaps, np.nan, with_gaps[:, numeric])
    return np.vstack([complete, with_gaps])
