"""Captures of six days until yesterday, in the last three of which delays came in another unit, and their outcomes.

Run in a project's environment: `python drifted.py ROWS CAPTURES OUTCOMES`.
"""

import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import polars as pl
from gate import Scorer, contract

rows, captures, outcomes = map(Path, sys.argv[1:])
today = datetime.combine(datetime.now(UTC).date(), time(12), UTC)
size, table, scorer = 300, pl.read_parquet(rows), Scorer.load("model")
for number in range(6):
    at, unit = today - timedelta(days=6 - number), 3 if number >= 3 else 1
    delay = (pl.col("departure_delay").cast(pl.Int32) * unit).clip(-120, 3000).cast(pl.Int16)
    part = table.slice(number * size, size).with_columns(delay)
    known = part.select(contract.Row.column_names())
    scores = scorer.score(known).select(pl.col("score").alias("_score"), pl.col("decision").alias("_decision"))
    about = {"_at": at, "_request": f"day {number}", "_caller": "shop", "_role": "champion", "_model": "v1"}
    place = captures / f"{at.date()}" / "1.parquet"
    place.parent.mkdir(parents=True)
    request = [pl.lit(value).alias(name) for name, value in about.items()]
    known.hstack(scores).with_columns(*request, _row=pl.int_range(pl.len(), dtype=pl.UInt32)).write_parquet(place)
outcomes.parent.mkdir(parents=True, exist_ok=True)
table.head(6 * size).select("flight", "late").write_csv(outcomes)
