"""Stage `train`: prepared rows to a model on disk; the test rows serve only to prove the ONNX model equal."""

import json
from importlib import metadata
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from ... import contract, model
from ...features import features
from .. import manifest
from ..config import Params, Value
from ..data import prepare, split
from ..errors import FactoryError
from ..metrics.definitions import class_frequencies, target_of
from ..metrics.threshold import best_threshold
from ..paths import MODEL, PREPARED, TRAINING
from ..scoring import artifact
from ..scoring.scorer import describe, feature_matrix
from ..tables.chunks import Matrix, Rows, collect, column, height, sample
from ..workspace.stage import measure, stage
from .leakage import check_leakage
from .onnx import estimators
from .onnx.features import MAX_PROBES, feature_graph

SOURCES = ("contract.py", "features.py", "model.py")
LIBRARIES = ("numpy", "onnxruntime", "polars", "scikit-learn", "skops")
MAX_THRESHOLD_ROWS = 200_000
MAX_PROBES_WITH_GAPS = 50_000


def run(params: Params) -> None:
    """data/prepared/ → model/ and what the training cost."""
    cost = measure()
    with stage("train", [MODEL, TRAINING]) as staging:
        data = manifest.read_manifest(PREPARED)
        train, test = prepare.scan("train"), prepare.scan("test")
        estimator, threshold = learn(train, params)
        target, classes = target_of(train, params), classes_of(train, params)
        facts = {
            "problem": params.problem,
            "target": params.data.target,
            "id": params.data.id,
            "features": describe(features(collect(train.head(0)))),
            "threshold": threshold,
            "classes": classes,
            "baseline": class_frequencies(target, len(classes)) if classes else float(target.mean()),
            "data": prepare.describe(data, params),
            "code": {name: manifest.file_sha256(Path(contract.__file__).with_name(name)) for name in SOURCES},
            "parameters": params.model,
            "versions": {name: metadata.version(name) for name in LIBRARIES},
        }
        probes = sample(test.select(contract.Row.column_names()), MAX_PROBES)
        graph = feature_graph(probes, features, contract.Row)
        estimators.save(staging / MODEL.name, estimator, facts, _probes(train, test), graph)
        (staging / TRAINING.name).write_text(json.dumps(cost(), indent=2) + "\n")


def learn(train: Rows, params: Params) -> tuple[BaseEstimator, float | None]:
    """The fitted estimator and, where decisions have a value, the threshold that earns most."""
    check_numeric(features(collect(train.head(0))))
    check_leakage(train, params)
    estimator = fit(train, params)  # before the threshold, whose rows would take room beside all others
    return estimator, _threshold(train, params, params.value) if params.value else None


def fit(rows: Rows, params: Params) -> BaseEstimator:
    """An estimator fitted to the rows. Raises FactoryError naming a parameter that it cannot take."""
    _check_all_classes_present(rows, params)
    categorical = [i for i, dtype in enumerate(features(collect(rows.head(0))).dtypes) if dtype == pl.Enum]
    try:
        estimator = model.model(params.problem, categorical, **params.model)
        with threadpool_limits(1, user_api="blas"):  # more would add up in another order, and the bytes would differ
            return estimator.fit(feature_matrix(rows), target_of(rows, params))
    except KeyError as error:
        raise FactoryError(f"model.py: makes no estimator for {error}: add it") from error
    except (TypeError, ValueError) as error:
        raise FactoryError(f"params.yaml, model: {str(error).partition(chr(10))[0]}") from error


def classes_of(rows: Rows, params: Params) -> list[str] | None:
    """The classes to predict, in the contract's order; None where there is one score."""
    dtype = rows.collect_schema()[params.data.target]
    return dtype.categories.to_list() if params.problem == "multiclass" and isinstance(dtype, pl.Enum) else None


def check_numeric(table: pl.DataFrame) -> None:
    """Refuse a feature that is neither a number nor a category."""
    for name, dtype in table.schema.items():
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Enum)):
            raise FactoryError(f"features.py: {name} is {dtype}: make it a number, or a category with pl.Enum")


def _threshold(train: Rows, params: Params, value: Value) -> float:
    """Chosen on the last part of the training rows; of very many a random choice is enough."""
    rows = sample(train, MAX_THRESHOLD_ROWS) if height(train) > MAX_THRESHOLD_ROWS else train
    early, late = split.split(collect(rows), params, salt="threshold:")
    score = artifact.predictor(fit(early, params))(feature_matrix(late))
    return best_threshold(target_of(late, params), score, value)


def _check_all_classes_present(rows: Rows, params: Params) -> None:
    absent = set(classes_of(rows, params) or []) - set(column(rows, params.data.target).cast(pl.String).unique())
    if absent:
        raise FactoryError(
            f"{params.data.target}: no row to learn from is {', '.join(sorted(absent))}: "
            "bring such rows, or take the class out of contract.py"
        )


def _probes(train: Rows, test: Rows) -> Matrix:
    """Every test row, and as many training rows, up to a limit, with a tenth of their values made unknown."""
    complete = feature_matrix(test)
    with_gaps = feature_matrix(train.head(min(len(complete), MAX_PROBES_WITH_GAPS)))
    numeric = [i for i, dtype in enumerate(features(collect(test.head(0))).dtypes) if dtype != pl.Enum]
    gaps = np.random.default_rng(0).random((len(with_gaps), len(numeric))) < 0.1
    with_gaps[:, numeric] = np.where(gaps, np.nan, with_gaps[:, numeric])
    return np.vstack([complete, with_gaps])
