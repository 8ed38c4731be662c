"""Run in a project that has adopted a set: what its model forecasts from the test's origins, by the scorer that serves it.

`forecast_ours.py FOLDER OUT` reads the origins of settings.json there.
"""

import json
import sys
from pathlib import Path

import polars as pl
from adopted.factory.data import prepare
from adopted.factory.paths import MODEL
from adopted.factory.scoring.scorer import Scorer


def main(folder: Path, out: Path) -> None:
    """Each origin's forecast, of the observations up to it."""
    known, scorer = prepare.read("observations"), Scorer.load(MODEL)
    kind = known.schema["time"]
    parts = []
    for text in json.loads((folder / "settings.json").read_text("utf-8"))["origins"]:
        origin = pl.Series([text]).str.to_datetime().cast(kind)[0]
        made = scorer.forecast(known.filter(pl.col("time") <= origin), origin)
        parts.append(made.with_columns(pl.col("time", "origin").cast(pl.Datetime("us")), pl.col("series").cast(pl.String)))
    pl.concat(parts).write_parquet(out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
