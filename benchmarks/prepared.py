"""Run in an adopted project: its prepared rows as features and target for other tools, and the losses of ours, plain and linear, as JSON.

`prepared.py FOLDER` writes train.parquet and test.parquet there. The loss is RMSE, or the log loss of probabilities.
"""

import hashlib
import json
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from adopted import features
from adopted.factory import config
from adopted.factory.data import prepare
from adopted.factory.metrics import definitions
from adopted.factory.paths import MODEL
from adopted.factory.scoring import artifact, scorer
from reference import linear, plain

TARGET = "__target__"


def main(folder: Path) -> dict[str, Any]:
    """What the tools need to know, and each figure of the three."""
    params, parts = config.load(), {}
    metric = definitions.METRICS[params.problem]["rmse" if params.problem == "regression" else "log_loss"]
    for name in ("train", "test"):
        rows = prepare.read(name).filter(pl.col(params.data.target).is_not_null())
        table, target = features.features(rows), definitions.target_of(rows, params)
        table.with_columns(pl.Series(TARGET, target)).write_parquet(folder / f"{name}.parquet")
        parts[name] = (scorer.matrix(table), target)
        classes = len(definitions.classes_of(rows, params) or [])
    (inputs, target), (unseen, truth) = parts["train"], parts["test"]

    def measured(predict: Any) -> dict[str, Any]:
        start = time.perf_counter()
        scores = predict(unseen)
        return {"loss": float(metric(truth, scores)), "predict": time.perf_counter() - start}

    model = artifact.load()
    size = sum(path.stat().st_size for path in MODEL.glob("model.*")) / 1e6
    tools = {"ours": measured(model.predict) | {"size": size, "model": model.manifest["estimator"]["class"]}}
    for tool, kind in {"plain": plain, "linear": linear}.items():
        began = time.process_time()
        fitted = kind(params.problem, table.schema).fit(inputs, target)
        used = time.process_time() - began
        tools[tool] = measured(artifact.predictor(fitted, classes)) | {"cpu": used, "size": len(pickle.dumps(fitted)) / 1e6}
    return {
        "problem": params.problem,
        "classes": classes,
        "categories": [name for name, dtype in table.schema.items() if dtype == pl.Enum],
        "metric": metric.name,
        "train": len(target),
        "test": len(truth),
        "columns": table.width,
        "rows": hashlib.sha256(np.ascontiguousarray(truth)).hexdigest()[:16],
        "tools": tools,
    }


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout)
