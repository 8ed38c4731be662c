"""Observations of series as they are delivered, and the rows of forecasts that training and test are made of."""

import math

import polars as pl

from ... import contract
from ..config import Params
from ..errors import FactoryError
from ..forecasting import examples, grid
from ..forecasting.grid import POSITION
from ..forecasting.rows import columns_of
from ..forecasting.settings import Settings
from ..tables.chunks import Rows, collect

FILE = "observations.parquet"
TRAIN_ROWS, TEST_ROWS = 200_000, 100_000
SEASONS = 2
"""Known before an origin that is learned from: of fewer, the scale is chance."""
ORIGINS = 20, 1_000  # at least, of many series a part of each; and at most


def settings(params: Params) -> Settings:
    """What is forecast. Raises FactoryError where nothing is."""
    if params.forecast is None:
        raise FactoryError("params.yaml: no section forecast: only the problem forecasting has observations")
    return Settings.of(params.forecast, params.data.target)


def check_columns(params: Params) -> None:
    """Refuse other columns in params.yaml than contract.py's rows are made by. Raises FactoryError."""
    if not params.forecast:
        return
    of, declared = settings(params), dict(zip(("group", "time", "target"), columns_of(contract.Row), strict=True))
    for name, here in {"group": of.groups, "time": of.time, "target": of.target}.items():
        if here != declared[name]:
            raise FactoryError(
                f"contract.py: rows() is given the {name} {declared[name]}, and params.yaml has {here}: correct one"
            )


def split(observations: Rows, params: Params) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows for training and test: those of the newest origins, and those whose target was known before the first of these.

    Raises FactoryError where there are too few.
    """
    of = settings(params)
    table = _numbered(collect(observations), of)
    known = table.filter(pl.col(of.target).is_not_null())[POSITION]
    if known.is_empty():
        raise FactoryError(f"{of.target}: no observation has a value")
    first, last = int(known.min()), int(known.max())  # type: ignore[arg-type]
    cut = last - max(of.gap + of.horizon, math.ceil((last - first + 1) * params.split.test))
    latest = cut - of.gap - 1  # whose first target is known at the cut
    if of.season > last - first:
        raise FactoryError(
            f"{of.time}: a season of {of.season:,} steps of {of.every} is longer than the {last - first + 1:,} that are known: "
            "correct forecast.season in params.yaml, or deliver a longer history"
        )
    if latest < first:
        raise FactoryError(
            f"{of.time}: {last - first + 1:,} times of {of.every} are too few to forecast {of.horizon} of them and to test that: "
            "deliver a longer history, or forecast fewer"
        )
    earliest = min(first + of.season, latest)
    learned = max(
        1, min(SEASONS * of.season, of.window // 2, (latest - first + 1) // 2)
    )  # known values that forecasts start from
    train = _rows(table, of, range(earliest, latest + 1), TRAIN_ROWS, learned)
    test = _rows(table, of, range(cut, last - of.gap), TEST_ROWS, 1)
    train = train.filter(pl.col(of.time) <= grid.times(table, of, pl.Series([cut]))[0])
    for name, rows in {"train": train, "test": test}.items():
        if rows.is_empty():
            raise FactoryError(
                f"{of.time}: no forecast of {of.horizon} steps of {of.every} has both a past and an outcome to {name} with: "
                "correct forecast in params.yaml, or deliver a longer history"
            )
    return train, test


def _numbered(observations: pl.DataFrame, of: Settings) -> pl.DataFrame:
    try:
        return grid.numbered(observations, of)
    except grid.OffGrid as error:  # which a client of the service sees as well, who has no params.yaml
        raise FactoryError(f"{error}, or correct forecast.every in params.yaml") from error


def _rows(table: pl.DataFrame, of: Settings, origins: range, most: int, least: int) -> pl.DataFrame:
    """The rows of so many of the origins, and if need be of so many of their series, that there are about that many."""
    series = table.select(of.groups).n_unique() if of.groups else 1
    each = series * of.horizon
    fewest, limit = ORIGINS
    stride = max(1, math.ceil(len(origins) / min(limit, max(fewest, most // each))))
    while math.gcd(stride, of.season) > 1:  # so that origins of each phase of the season occur
        stride += 1
    chosen = origins[::-1][::stride][::-1]  # the newest is one of them
    return examples.build(table, of, chosen, min(1.0, most / (len(chosen) * each)), least)
