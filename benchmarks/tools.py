"""Run in the environment of automl.txt: one tool, fitted to the rows of prepared.py, and its loss on the test rows, as JSON.

`tools.py FOLDER TOOL SECONDS` works with one processor; a tool that is done earlier stops.
"""

import json
import os
import pickle
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
warnings.simplefilter("ignore")

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, root_mean_squared_error

TARGET = "__target__"
Fitted = tuple[Callable[[pd.DataFrame], Any], Any, float]
"""What predicts, the classes in the order of its probabilities, and the megabytes of the model."""


def main(folder: Path, tool: str, seconds: int) -> dict[str, float]:
    """The tool's figures."""
    facts = json.loads((folder / "facts.json").read_text("utf-8"))
    train, test = _read(folder, facts["categories"])
    truth, unseen, regression = test[TARGET].to_numpy(), test.drop(columns=TARGET), facts["problem"] == "regression"
    start, began = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as place:
        predict, classes, size = TOOLS[tool](train, facts["problem"], facts["classes"], seconds, place)
        took, used, start = time.perf_counter() - start, time.process_time() - began, time.perf_counter()
        scores = np.asarray(predict(unseen))
    loss = root_mean_squared_error(truth, scores) if regression else log_loss(truth, np.clip(scores, 1e-15, 1), labels=classes)
    return {"loss": float(loss), "seconds": took, "cpu": used, "predict": time.perf_counter() - start, "size": size}


def _read(folder: Path, categories: list[str]) -> list[pd.DataFrame]:
    """Training and test rows, the columns by number, since LightGBM refuses some names."""
    tables = [pd.read_parquet(folder / f"{name}.parquet") for name in ("train", "test")]
    for name in tables[0].columns:
        if name in categories:
            known = pd.CategoricalDtype(sorted({*tables[0][name].dropna(), *tables[1][name].dropna()}))
        for table in tables:
            table[name] = table[name].astype(known if name in categories else "float64")
    return [table.set_axis([f"x{i}" for i in range(table.shape[1] - 1)] + [TARGET], axis=1) for table in tables]


def lightgbm(train: pd.DataFrame, problem: str, classes: int, seconds: int, place: str) -> Fitted:
    """LightGBM's defaults."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    regression = problem == "regression"
    model = (LGBMRegressor if regression else LGBMClassifier)(n_jobs=1, verbose=-1, random_state=0)
    model.fit(train.drop(columns=TARGET), train[TARGET])
    size = len(model.booster_.model_to_string()) / 1e6
    return (model.predict, None, size) if regression else (model.predict_proba, model.classes_, size)


def flaml(train: pd.DataFrame, problem: str, classes: int, seconds: int, place: str) -> Fitted:
    """FLAML's search over all of its estimators."""
    from flaml import AutoML

    regression, found = problem == "regression", AutoML()
    target = train[TARGET].to_numpy() if regression else train[TARGET].astype(int).to_numpy()
    goal = {"task": "regression", "metric": "rmse"} if regression else {"task": "classification", "metric": "log_loss"}
    found.fit(train.drop(columns=TARGET), target, **goal, time_budget=seconds, n_jobs=1, verbose=0, seed=0)
    size = len(pickle.dumps(found.model)) / 1e6
    return (found.predict, None, size) if regression else (found.predict_proba, found.classes_, size)


def autogluon(train: pd.DataFrame, problem: str, classes: int, seconds: int, place: str, best: bool = False) -> Fitted:
    """AutoGluon with its default preset, or that of the best quality."""
    from autogluon.tabular import TabularPredictor

    regression = problem == "regression"
    kind = problem if regression else "multiclass" if classes else "binary"
    table = train if regression else train.astype({TARGET: int})
    metric = "root_mean_squared_error" if regression else "log_loss"
    options: dict[str, Any] = {"presets": "medium_quality"}
    if best:
        in_turn = {"fold_fitting_strategy": "sequential_local"}
        options = {"presets": "best_quality", "dynamic_stacking": False, "ag_args_ensemble": in_turn}
    predictor = TabularPredictor(TARGET, problem_type=kind, eval_metric=metric, path=place, verbosity=0)
    predictor.fit(table, time_limit=seconds, num_cpus=1, num_gpus=0, **options)
    predictor.delete_models(models_to_keep="best", dry_run=False)
    size = sum(path.stat().st_size for path in Path(place).rglob("*") if path.is_file()) / 1e6
    if regression:
        return predictor.predict, None, size
    return lambda rows: _probabilities(predictor.predict_proba(rows), kind), predictor.class_labels, size


def _probabilities(table: pd.DataFrame, kind: str) -> Any:
    return table.to_numpy()[:, 1] if kind == "binary" else table.to_numpy()


def best(train: pd.DataFrame, problem: str, classes: int, seconds: int, place: str) -> Fitted:
    """AutoGluon's best quality."""
    return autogluon(train, problem, classes, seconds, place, best=True)


TOOLS = {"lightgbm": lightgbm, "flaml": flaml, "autogluon": autogluon, "best": best}

if __name__ == "__main__":
    figures = main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    print(json.dumps(figures))
