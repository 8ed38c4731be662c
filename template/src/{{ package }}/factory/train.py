"""Prepared rows to a model on disk; the test rows serve only to prove the ONNX model equal."""

import json
from importlib import metadata
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.tree import DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from .. import contract, model
from ..features import features
from . import artifact, cost, digest, metrics, prepare, translate
from .config import Params
from .errors import FactoryError
from .scoring import describe, matrix
from .stage import stage

SOURCES = ("contract.py", "features.py", "model.py")
LIBRARIES = ("numpy", "onnxruntime", "polars", "scikit-learn", "skops")
DISGUISE = 0.999
DISGUISE_ROWS = 20_000


def run(params: Params) -> None:
    """Stage `train`: data/prepared/ → model/ and what the training cost."""
    spent = cost.meter()
    with stage("train", [artifact.MODEL, cost.TRAINING]) as scratch:
        data = digest.unseal(prepare.PREPARED)
        train, test = prepare.read("train"), prepare.read("test")
        estimator, threshold = learn(train, params)
        facts = {
            "problem": params.problem,
            "target": params.data.target,
            "id": params.data.id,
            "features": describe(features(train.head(0))),
            "threshold": threshold,
            "baseline": float(metrics.target_of(train, params).mean()),
            "data": {"train": data["files"]["train.parquet"], "rows": train.height},
            "code": {name: digest.of_file(Path(contract.__file__).with_name(name)) for name in SOURCES},
            "parameters": params.model,
            "versions": {name: metadata.version(name) for name in LIBRARIES},
        }
        graph = translate.feature_graph(test.select(contract.Row.column_names()), features, contract.Row)
        artifact.save(scratch / artifact.MODEL.name, estimator, facts, _probes(train, test), graph)
        (scratch / cost.TRAINING.name).write_text(json.dumps(spent(), indent=2) + "\n")


def learn(train: pl.DataFrame, params: Params) -> tuple[BaseEstimator, float | None]:
    """The fitted estimator and, for a classifier, the threshold chosen on the last part of the training rows."""
    refuse_text(features(train.head(0)))
    refuse_disguised_target(train, params)
    threshold = None
    if params.value:
        early, late = prepare.split(train, params)
        score = artifact.predictor(fit(early, params))(matrix(features(late)))
        threshold = metrics.best_threshold(metrics.target_of(late, params), score, params.value)
    return fit(train, params), threshold


def fit(rows: pl.DataFrame, params: Params) -> BaseEstimator:
    """An estimator fitted to the rows. Raises FactoryError naming a parameter that it cannot take."""
    table = features(rows)
    categorical = [i for i, dtype in enumerate(table.dtypes) if dtype == pl.Enum]
    try:
        estimator = model.model(params.problem, categorical, **params.model)
        with threadpool_limits(1, user_api="blas"):  # more would add up in another order, and the bytes would differ
            return estimator.fit(matrix(table), metrics.target_of(rows, params))
    except (TypeError, ValueError) as error:
        raise FactoryError(f"params.yaml, model: {str(error).partition(chr(10))[0]}") from error


def refuse_text(table: pl.DataFrame) -> None:
    """Refuse a feature that is neither a number nor a category."""
    for name, dtype in table.schema.items():
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Enum)):
            raise FactoryError(f"features.py: {name} is {dtype}: make it a number, or a category with pl.Enum")


def refuse_disguised_target(train: pl.DataFrame, params: Params) -> None:
    """Refuse a feature that alone tells the target: it would not be known when scores are needed."""
    rows = train.sample(min(train.height, DISGUISE_ROWS), seed=0, shuffle=True)
    table, target = features(rows), metrics.target_of(rows, params)
    score = roc_auc_score if params.problem == "classification" else r2_score
    half = rows.height // 2
    for name, column in zip(table.columns, matrix(table).T, strict=True):
        values = np.nan_to_num(column, nan=-1e30).reshape(-1, 1)
        tree = DecisionTreeRegressor(max_leaf_nodes=255, random_state=0).fit(values[:half], target[:half])
        if np.ptp(target[half:]) > 0 and score(target[half:], tree.predict(values[half:])) > DISGUISE:
            raise FactoryError(
                f"features.py: {name} alone tells {params.data.target}; if it is only known afterwards, leave it out"
            )


def _probes(train: pl.DataFrame, test: pl.DataFrame) -> artifact.Matrix:
    """Every test row, and as many training rows with a tenth of their values made unknown."""
    whole = features(test)
    gappy = matrix(features(train.head(test.height)))
    numeric = [i for i, dtype in enumerate(whole.dtypes) if dtype != pl.Enum]
    unknown = np.random.default_rng(0).random((len(gappy), len(numeric))) < 0.1
    gappy[:, numeric] = np.where(unknown, np.nan, gappy[:, numeric])
    return np.vstack([matrix(whole), gappy])
