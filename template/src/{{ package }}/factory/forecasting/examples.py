"""Rows of a forecast: for each series, origin and step what was known at the origin, and nothing else."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from ... import contract
from ..errors import FactoryError
from ..validation.definition import delivered
from ..validation.parsing import dtypes
from . import baselines, grid
from .grid import POSITION
from .rows import checked_history, history_of, is_known_ahead, series_number
from .settings import Settings

ORIGIN = "origin position "
WINDOW_ROWS = 2_000_000  # of all windows that are in memory at a time
SPREAD = 2_654_435_761, 40_503  # numbers by which neighbours are far apart (Knuth 1998, 6.4)


def build(
    observations: pl.DataFrame, settings: Settings, origins: Sequence[int], share: float = 1.0, least: int = 1
) -> pl.DataFrame:
    """The rows of the origins, as positions, with their target, where it is known; of series with at least so many known values.

    `observations` are `grid.numbered`; of the series of each origin that share is taken. Raises FactoryError.
    """
    parts = []
    for chosen in _batches(observations, settings, origins):
        units = _collect(known_units(observations, settings, chosen, least))
        windows = _windows(units.lazy(), observations, settings)
        if share < 1:
            units = units.filter(_spread(units, settings) < share)
        if units.height:
            made = _horizon(windows, units.lazy(), observations, settings, [ORIGIN])
            parts.append(made.drop_nulls(settings.target))
    return pl.concat(parts) if parts else contract.LabelledRow.create_empty()


def at(observations: pl.DataFrame, settings: Settings, origin: Any = None) -> pl.DataFrame:
    """The rows of the horizon after the origin: without one, after the newest time with a known target.

    `observations` are of the contract's types, and beyond the origin hold what is known ahead. Raises FactoryError.
    """
    if not observations.height:
        return contract.Row.create_empty()
    table = grid.numbered(observations, settings)
    place = _position(table, settings, origin)
    windows = _windows(known_units(table, settings, [place]), table, settings)
    units = table.lazy().select(pl.lit(place, pl.Int64).alias(ORIGIN), *settings.groups).unique(maintain_order=True)
    return _horizon(windows, units, table, settings, [ORIGIN, *settings.groups]).drop(settings.target)


def _collect(plan: pl.LazyFrame) -> pl.DataFrame:
    """In memory, where a small plan takes half as long, and values are added up in one order."""
    return plan.collect(engine="in-memory")


def _position(table: pl.DataFrame, settings: Settings, origin: Any) -> int:
    known = table.filter(pl.col(settings.target).is_not_null())
    if origin is None:
        if not known.height:
            raise FactoryError(
                f"{settings.target}: no value is known, from which to forecast: add the history of the series"
            )
        return int(known[POSITION].max())  # type: ignore[arg-type]
    return grid.position(table, settings, origin)


def _batches(observations: pl.DataFrame, settings: Settings, origins: Sequence[int]) -> Iterator[Sequence[int]]:
    """Origins whose windows fit into memory together."""
    series = observations.select(settings.groups).n_unique() if settings.groups else 1
    size = max(1, WINDOW_ROWS // (max(series, 1) * settings.window))
    yield from (origins[start : start + size] for start in range(0, len(origins), size))


def known_units(observations: pl.DataFrame, settings: Settings, origins: Sequence[int], least: int = 1) -> pl.LazyFrame:
    """The origins, and the series of which at least so many values are known in the window before each."""
    chosen = pl.LazyFrame({ORIGIN: origins}, {ORIGIN: pl.Int64})
    window = chosen.with_columns(_places(settings)).explode(POSITION)
    known = observations.lazy().filter(pl.col(settings.target).is_not_null()).select(*settings.groups, POSITION)
    keys = [ORIGIN, *settings.groups]
    counts = window.join(known, on=POSITION).group_by(keys).len()
    return counts.filter(pl.col("len") >= least).select(keys).sort(keys)


def _windows(units: pl.LazyFrame, observations: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """The last times of each unit, its origin last, with the observations of its series; nulls where there are none."""
    places, time_at = units.with_columns(_places(settings)).explode(POSITION), grid.clock(observations, settings)
    found = places.join(observations.lazy(), on=[*settings.groups, POSITION], how="left", maintain_order="left")
    return _collect(found.with_columns(pl.col(settings.time).fill_null(time_at(POSITION))))


def _places(settings: Settings) -> pl.Expr:
    return pl.int_ranges(pl.col(ORIGIN) - settings.window + 1, pl.col(ORIGIN) + 1).alias(POSITION)


def _horizon(
    windows: pl.DataFrame, units: pl.LazyFrame, observations: pl.DataFrame, settings: Settings, by: Sequence[str]
) -> pl.DataFrame:
    """The rows of the units, each an origin and a series; `by` as in `_with_history`."""
    keys, time_at = [ORIGIN, *settings.groups], grid.clock(observations, settings)
    ahead = [name for name, column in delivered().columns().items() if is_known_ahead(column)]
    known = observations.lazy().select(*settings.groups, POSITION, settings.time, *ahead, settings.target)
    table = (
        units.join(baselines.steps(settings), how="cross", maintain_order="left_right")
        .join(baselines.by_step(windows, settings, keys), on=[*keys, "step"], how="left", maintain_order="left")
        .with_columns((pl.col(ORIGIN) + settings.gap + pl.col("step")).alias(POSITION))
        .join(known, on=[*settings.groups, POSITION], how="left", maintain_order="left")
        .with_columns(pl.col(settings.time).fill_null(time_at(POSITION)), time_at(ORIGIN).alias("origin"))
    )
    return _typed(_with_history(_collect(table), windows, settings, by))


def _with_history(table: pl.DataFrame, windows: pl.DataFrame, settings: Settings, by: Sequence[str]) -> pl.DataFrame:
    """The rows with what history() returns of the windows, apart for each origin, or each series too.

    A sum's last digits depend on what else is in a table, and on whether polars knows that it is sorted: apart, a series has the
    same features alone and among others.
    """
    history, names = history_of(contract.Row), delivered().column_names()
    past, none = windows.partition_by(by, as_dict=True), windows.clear()
    columns = [pl.col(name).set_sorted() if name in by else name for name in names]  # which hold one value each
    parts = table.partition_by(by, as_dict=True, maintain_order=True)
    return pl.concat(
        _joined(part, history(past.get(key, none).select(columns), part["origin"][0]), settings)
        for key, part in parts.items()
    )


def _joined(table: pl.DataFrame, returned: Any, settings: Settings) -> pl.DataFrame:
    found = checked_history(returned, settings.groups, settings.time)
    on = [*settings.groups, *([settings.time] if settings.time in found.columns else [])]
    if not on:
        return table.join(found, how="cross", maintain_order="left") if found.height else table
    return table.join(found, on=on, how="left", maintain_order="left")


def _typed(table: pl.DataFrame) -> pl.DataFrame:
    """The columns of LabelledRow, in its order and types."""
    wanted, found = dtypes(contract.LabelledRow), table.schema
    missing = [name for name in wanted if name not in found]
    if missing:
        raise FactoryError(f"features.py: history() returns no {missing[0]}, which it does return of no observations")
    return table.select(
        name if found[name] == dtype else pl.col(name).cast(dtype, strict=False) for name, dtype in wanted.items()
    )


def _spread(units: pl.DataFrame, settings: Settings) -> pl.Series:
    """Numbers from 0 to 1, far apart for neighbours, the same for the same series and origin among the same series."""
    mixed = (series_number(settings.groups) * SPREAD[0] + pl.col(ORIGIN) * SPREAD[1]) % 2**32
    return units.select(mixed / 2**32).to_series()
