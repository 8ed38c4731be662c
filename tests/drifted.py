"""Captures of six days until yesterday, in the last three of which only flights that left late were asked for, and their outcomes.

Run in a project's environment: `python drifted.py ROWS CAPTURES OUTCOMES`.
"""

import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import polars as pl
from gate import Scorer, contract

rows, captures, outcomes = map(Path, sys.argv[1:])
today = datetime.combine(datetime.now(UTC).date(), time(12), UTC)
scorer, table = Scorer.load("model"), pl.read_parquet(rows)
usual, late = table.head(900), table.slice(900).filter(pl.col("departure_delay") > 8)
days = [*usual.iter_slices(300), *late.head(960).iter_slices(320)]
for number, part in enumerate(days):
    at = today - timedelta(days=len(days) - number)
    known = part.select(contract.Row.column_names())
    scores = scorer.score(known).select(pl.col("score").alias("_score"), pl.col("decision").alias("_decision"))
    about = {"_at": at, "_request": f"day {number}", "_caller": "shop", "_role": "champion", "_model": "v1"}
    place = captures / f"{at.date()}" / "1.parquet"
    place.parent.mkdir(parents=True)
    request = [pl.lit(value).alias(name) for name, value in about.items()]
    known.hstack(scores).with_columns(*request, _row=pl.int_range(pl.len(), dtype=pl.UInt32)).write_parquet(place)
outcomes.parent.mkdir(parents=True, exist_ok=True)
pl.concat(days).select("flight", "late").write_csv(outcomes)
