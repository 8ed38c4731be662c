"""Whether a column of times can part new rows from old ones, and what lies always after another."""

from datetime import datetime, timedelta

import polars as pl

from .profile import Column
from .target import Question
from .type_inference import typed

LEAST, MOST = 0.05, 0.5
TEST = 0.2


def why_not(table: pl.LazyFrame, time: Column, question: Question) -> str | None:
    """Why the newest rows cannot be the test; None where they can."""
    target = question.target
    named = {time.name: "time", target.name: "target"}
    rows = _of(table, time, target).drop_nulls(target.name).rename(named).collect(engine="streaming")
    if rows["time"].cast(pl.Datetime).max() > datetime.now() + timedelta(days=1):  # type: ignore[operator]
        return "it lies in the future"
    newest = rows["time"] > rows["time"].quantile(1 - TEST, "lower")
    share = newest.mean()
    if not LEAST <= float(share or 0) <= MOST:  # type: ignore[arg-type]
        return "too few different times"
    old, new = (rows.filter(side)["target"].n_unique() for side in (~newest, newest))
    if new < 2 or old < (len(question.counts) or 2):
        return f"the newest rows hold {new} values of {target.name}, the others {old}"
    return None


def always_after(table: pl.LazyFrame, later: Column, time: Column) -> str | None:
    """The reason to leave a time out that never comes before the row's own: it may not be known yet."""
    one, other = (pl.col(column.name).cast(pl.Datetime) for column in (later, time))
    always = (
        _of(table, later, time).select((one >= other).all() & (one > other).any()).collect(engine="streaming").item()
    )
    return f"always after {time.name}: known only after the event?" if always else None


def _of(table: pl.LazyFrame, *columns: Column) -> pl.LazyFrame:
    return typed(table, {column.name: column.spelled for column in columns})
