"""Batch and single-row scoring of one project's model; runs in that project, with pandas added."""

import os
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from report import report
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

PACKAGE = tomllib.loads(Path("pyproject.toml").read_text())["project"]["scripts"]["factory"].partition(".")[0]
ROWS = 10_000_000
BATCH = 100_000


def part(name: str) -> Any:
    """A module of the project."""
    return import_module(f"{PACKAGE}.{name}")


def bench_batch(year: Path) -> None:
    """`factory score` of ten million rows against the model alone on ready features, both on all cores."""
    source, half = year.with_name("rows.parquet"), year.with_name("half.parquet")
    flights = pl.scan_parquet(year).drop("late")
    for path, rows in ((source, ROWS), (half, ROWS // 2)):
        pl.concat([flights] * 32).head(rows).sink_parquet(path)
    seconds, memory = _score(source)  # first: a child's peak memory is at least what its parent had at the fork
    _, memory_of_half = _score(half)
    rate = ROWS / seconds
    report(
        "factory score, 10 million rows, against the model alone",
        f"{rate / _alone(source):.2f} x",
        f">= 0.9 x ({rate:,.0f} rows/s)",
    )
    report("  its peak memory", f"{memory:.0f} MB", "< 1,000 MB")
    report("  against that of half the rows", f"{memory / memory_of_half:.2f} x", "about 1 x")


def _alone(source: Path) -> float:
    scorer = part("factory.scoring").Scorer.load()
    rows = part("factory.validation.rules").validate(pl.read_parquet(source, n_rows=ROWS // 5), part("contract").Row)
    matrix = part("factory.scoring.scorer").matrix(part("features").features(rows))
    batches = [matrix[start : start + BATCH] for start in range(0, len(matrix), BATCH)]
    start = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(scorer._predict, batches))
    return len(matrix) / (time.perf_counter() - start)


def _score(source: Path) -> tuple[float, float]:
    start = time.perf_counter()
    command = ["factory", "score", str(source), str(source.with_suffix(".scores.parquet"))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    usage = os.wait4(process.pid, 0)[2]
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def bench_row(year: Path) -> None:
    """One raw row to a score, against pandas features and a scikit-learn pipeline of the same model."""
    rows = pl.read_parquet(year, n_rows=20_000)
    row = rows.drop("late").row(0, named=True)
    schema = part("contract").Row.create_empty().schema
    scorer = part("factory.scoring").Scorer.load()
    ours = _p50(lambda: scorer.score(pl.DataFrame([row], schema=schema)))
    frame = pd.DataFrame(rows.to_dicts())
    pipeline = make_pipeline(
        FunctionTransformer(pandas_features),
        make_column_transformer((OrdinalEncoder(), ["carrier", "origin"]), remainder="passthrough"),
        HistGradientBoostingClassifier(categorical_features=[0, 1], early_stopping=False, **scorer.manifest["parameters"]),
    ).fit(frame, frame["late"])
    theirs = _p50(lambda: pipeline.predict_proba(pd.DataFrame([row])))
    report(
        "one row, pandas + scikit-learn against Scorer, p50",
        f"{theirs / ours:.1f} x",
        f">= 20 x ({theirs:.2f} ms, {ours:.2f} ms)",
    )


def pandas_features(rows: pd.DataFrame) -> pd.DataFrame:
    """The sample's features as one writes them with pandas."""
    time = rows["scheduled_departure"].dt
    return rows.assign(
        hour=time.hour + time.minute / 60,
        weekday=time.day_of_week + 1,
        average_speed=rows["distance"] / rows["scheduled_minutes"],
        plane_age=time.year - rows["plane_built"],
        gust_excess=rows["wind_gust"].fillna(rows["wind_speed"]) - rows["wind_speed"],
    ).drop(columns=["flight", "scheduled_departure", "dest", "plane_built", "wind_gust", "late"], errors="ignore")


def _p50(call: Any, runs: int = 300) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1000


if __name__ == "__main__":
    bench_batch(Path(sys.argv[1]))
    bench_row(Path(sys.argv[1]))
