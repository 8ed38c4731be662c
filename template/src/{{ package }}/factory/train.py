"""Prepared rows to a model on disk; the test rows serve only to prove the ONNX model equal."""

import json
from importlib import metadata
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from .. import contract, model
from ..features import features
from . import artifact, cost, decisions, digest, metrics, multiclass, prepare, translate
from .config import Params
from .errors import FactoryError
from .scoring import describe, inputs, matrix
from .stage import stage

SOURCES = ("contract.py", "features.py", "model.py")
LIBRARIES = ("numpy", "onnxruntime", "polars", "scikit-learn", "skops")
DISGUISE = 0.999
DISGUISE_ROWS = 20_000
DISGUISE_HITS = 5  # a column may well put fewer on top by chance
DISGUISE_CELLS = 4_000_000  # of wide tables fewer rows


def run(params: Params) -> None:
    """Stage `train`: data/prepared/ → model/ and what the training cost."""
    spent = cost.meter()
    with stage("train", [artifact.MODEL, cost.TRAINING]) as scratch:
        data = digest.unseal(prepare.PREPARED)
        train = prepare.read("train")
        estimator, threshold = learn(train, params)
        test = prepare.read("test")
        target, classes = metrics.target_of(train, params), classes_of(train, params)
        facts = {
            "problem": params.problem,
            "target": params.data.target,
            "id": params.data.id,
            "features": describe(features(train.head(0))),
            "threshold": threshold,
            "classes": classes,
            "baseline": multiclass.frequencies(target, len(classes)) if classes else float(target.mean()),
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
        early, late = prepare.split(train, params, salt="threshold:")
        score = artifact.predictor(fit(early, params))(inputs(late))
        threshold = decisions.best_threshold(metrics.target_of(late, params), score, params.value)
    return fit(train, params), threshold


def fit(rows: pl.DataFrame, params: Params) -> BaseEstimator:
    """An estimator fitted to the rows. Raises FactoryError naming a parameter that it cannot take."""
    _refuse_absent_class(rows, params)
    categorical = [i for i, dtype in enumerate(features(rows.head(0)).dtypes) if dtype == pl.Enum]
    try:
        estimator = model.model(params.problem, categorical, **params.model)
        with threadpool_limits(1, user_api="blas"):  # more would add up in another order, and the bytes would differ
            return estimator.fit(inputs(rows), metrics.target_of(rows, params))
    except KeyError as error:
        raise FactoryError(f"model.py: makes no estimator for {error}: add it") from error
    except (TypeError, ValueError) as error:
        raise FactoryError(f"params.yaml, model: {str(error).partition(chr(10))[0]}") from error


def classes_of(rows: pl.DataFrame, params: Params) -> list[str] | None:
    """The classes to tell apart, in the contract's order; None where there is one score."""
    dtype = rows.schema[params.data.target]
    return dtype.categories.to_list() if params.problem == "multiclass" and isinstance(dtype, pl.Enum) else None


def _refuse_absent_class(rows: pl.DataFrame, params: Params) -> None:
    absent = set(classes_of(rows, params) or []) - set(rows[params.data.target].cast(pl.String).unique())
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


def refuse_disguised_target(train: pl.DataFrame, params: Params) -> None:
    """Refuse a feature that alone tells the target: it would not be known when scores are needed."""
    most = max(DISGUISE_CELLS // len(features(train.head(0)).columns), DISGUISE_ROWS // 10)
    rows = train.sample(min(train.height, DISGUISE_ROWS, most), seed=0, shuffle=True)
    if params.data.id and params.data.repeats:
        rows = rows.sort(params.data.id, maintain_order=True)  # what tells an id does not yet tell the target
    table, target = features(rows), metrics.target_of(rows, params)
    for name, column in zip(table.columns, matrix(table).T, strict=True):
        if tells(column, target, params.problem) > DISGUISE:
            raise FactoryError(
                f"features.py: {name} alone tells {params.data.target}; if it is only known afterwards, leave it out"
            )


def tells(values: metrics.Vector | artifact.Matrix, target: metrics.Vector, problem: str) -> float:
    """How well a column of numbers alone tells the target: ROC AUC or R² of a small tree, at best 1.

    The tree learns from the first half of the rows and is measured on the second; NaN is unknown.
    """
    column, half = np.nan_to_num(values, nan=-1e30).reshape(-1, 1), len(target) // 2
    if np.ptp(target[half:]) == 0 or (problem == "classification" and _rarer(target[half:]) < DISGUISE_HITS):
        return 0.0
    wanted = multiclass.one_hot(target) if problem == "multiclass" else target
    tree = DecisionTreeRegressor(max_leaf_nodes=255, random_state=0).fit(column[:half], wanted[:half])
    truth, said = target[half:], tree.predict(column[half:])
    if problem == "regression":
        return float(r2_score(truth, said))
    return multiclass.roc_auc(truth, said) if problem == "multiclass" else multiclass.ranked(truth > 0, said)


def _rarer(target: metrics.Vector) -> float:
    return float(min(target.sum(), len(target) - target.sum()))


def _probes(train: pl.DataFrame, test: pl.DataFrame) -> artifact.Matrix:
    """Every test row, and as many training rows with a tenth of their values made unknown."""
    gappy = inputs(train.head(test.height))
    numeric = [i for i, dtype in enumerate(features(test.head(0)).dtypes) if dtype != pl.Enum]
    unknown = np.random.default_rng(0).random((len(gappy), len(numeric))) < 0.1
    gappy[:, numeric] = np.where(unknown, np.nan, gappy[:, numeric])
    return np.vstack([inputs(test), gappy])
