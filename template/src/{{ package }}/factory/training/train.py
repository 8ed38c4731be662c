"""Prepared rows to a model on disk; the test rows serve only to prove the ONNX model equal."""

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
from ..config import Params
from ..data import prepare, split
from ..errors import FactoryError
from ..metrics import definitions
from ..metrics import threshold as decisions
from ..paths import MODEL, PREPARED, TRAINING
from ..scoring import artifact
from ..scoring.scorer import describe, feature_matrix
from ..tables.chunks import Matrix, Rows, collect, column, height, sample
from ..workspace.stage import measure, stage
from . import binning, leakage
from .onnx import estimators
from .onnx.features import PROBES, feature_graph

SOURCES = ("contract.py", "features.py", "model.py")
LIBRARIES = ("numpy", "onnxruntime", "polars", "scikit-learn", "skops")
THRESHOLD_ROWS = 200_000
GAPPY_ROWS = 50_000


def run(params: Params) -> None:
    """Stage `train`: data/prepared/ → model/ and what the training cost."""
    spent = measure()
    with stage("train", [MODEL, TRAINING]) as scratch:
        data = manifest.read_manifest(PREPARED)
        train, test = prepare.scan("train"), prepare.scan("test")
        estimator, threshold = learn(train, params)
        target, classes = definitions.target_of(train, params), classes_of(train, params)
        facts = {
            "problem": params.problem,
            "target": params.data.target,
            "id": params.data.id,
            "features": describe(features(collect(train.head(0)))),
            "threshold": threshold,
            "classes": classes,
            "baseline": definitions.frequencies(target, len(classes)) if classes else float(target.mean()),
            "data": {"train": data["files"]["train.parquet"], "rows": height(train)},
            "code": {name: manifest.file_sha256(Path(contract.__file__).with_name(name)) for name in SOURCES},
            "parameters": params.model,
            "versions": {name: metadata.version(name) for name in LIBRARIES},
        }
        probes = sample(test.select(contract.Row.column_names()), PROBES)
        graph = feature_graph(probes, features, contract.Row)
        estimators.save(scratch / MODEL.name, estimator, facts, _probes(train, test), graph)
        (scratch / TRAINING.name).write_text(json.dumps(spent(), indent=2) + "\n")


def learn(train: Rows, params: Params) -> tuple[BaseEstimator, float | None]:
    """The fitted estimator and, for a classifier, the threshold chosen on the last part of the training rows.

    Of more than `THRESHOLD_ROWS` a random choice of so many is enough for the threshold.
    """
    refuse_text(features(collect(train.head(0))))
    leakage.refuse_disguised_target(train, params)
    threshold = None
    if params.value:
        some = sample(train, THRESHOLD_ROWS) if height(train) > THRESHOLD_ROWS else train
        early, late = split.split(collect(some), params, salt="threshold:")
        score = artifact.predictor(fit(early, params))(feature_matrix(late))
        threshold = decisions.best_threshold(definitions.target_of(late, params), score, params.value)
    return fit(train, params), threshold


def fit(rows: Rows, params: Params) -> BaseEstimator:
    """An estimator fitted to the rows. Raises FactoryError naming a parameter that it cannot take."""
    _refuse_absent_class(rows, params)
    categorical = [i for i, dtype in enumerate(features(collect(rows.head(0))).dtypes) if dtype == pl.Enum]
    try:
        estimator = model.model(params.problem, categorical, **params.model)
        with threadpool_limits(1, user_api="blas"):  # more would add up in another order, and the bytes would differ
            return binning.fit(estimator, feature_matrix(rows), definitions.target_of(rows, params))
    except KeyError as error:
        raise FactoryError(f"model.py: makes no estimator for {error}: add it") from error
    except (TypeError, ValueError) as error:
        raise FactoryError(f"params.yaml, model: {str(error).partition(chr(10))[0]}") from error


def classes_of(rows: Rows, params: Params) -> list[str] | None:
    """The classes to tell apart, in the contract's order; None where there is one score."""
    dtype = rows.collect_schema()[params.data.target]
    return dtype.categories.to_list() if params.problem == "multiclass" and isinstance(dtype, pl.Enum) else None


def _refuse_absent_class(rows: Rows, params: Params) -> None:
    absent = set(classes_of(rows, params) or []) - set(column(rows, params.data.target).cast(pl.String).unique())
    if absent:
        raise FactoryError(
            f"{params.data.target}: no row to learn from is {', '.join(sorted(absent))}: "
            "bring such rows, or take the class out of contract.py"
        )


def refuse_text(table: pl.DataFrame) -> None:
    """Refuse a feature that is neither a number nor a category."""
    for name, dtype in table.schema.items():
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Enum)):
            raise FactoryError(f"features.py: {name} is {dtype}: make it a number, or a category with pl.Enum")


def _probes(train: Rows, test: Rows) -> Matrix:
    """Every test row, and as many training rows, up to a limit, with a tenth of their values made unknown."""
    whole = feature_matrix(test)
    gappy = feature_matrix(train.head(min(len(whole), GAPPY_ROWS)))
    numeric = [i for i, dtype in enumerate(features(collect(test.head(0))).dtypes) if dtype != pl.Enum]
    unknown = np.random.default_rng(0).random((len(gappy), len(numeric))) < 0.1
    gappy[:, numeric] = np.where(unknown, np.nan, gappy[:, numeric])
    return np.vstack([whole, gappy])
