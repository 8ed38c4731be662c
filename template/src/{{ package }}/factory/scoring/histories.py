"""Histories that are forecast: what was observed of each series, and beyond the origin what is known ahead."""

from collections.abc import Mapping
from copy import copy
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

from ... import contract
from ..errors import ContractViolation, FactoryError, Violation
from ..forecasting import examples, grid
from ..forecasting.rows import is_known_ahead
from ..forecasting.settings import Settings
from ..tables.chunks import Rows, collect, height, one_row
from ..validation import personal, rules
from ..validation.definition import delivered
from ..validation.parsing import cast, try_cast

Manifest = Mapping[str, Any]


def settings(manifest: Manifest) -> Settings:
    """What a model forecasts. Raises FactoryError of one that does not."""
    found = Settings.of_model(manifest)
    if found is None:
        raise FactoryError("the model forecasts nothing: it was trained for another problem")
    return found


def check_rows_are_scored(otherwise: str) -> None:
    """Refuse what scores row by row where series are forecast. Raises FactoryError."""
    if hasattr(contract, "Observation"):
        raise FactoryError(otherwise)


def keys(manifest: Manifest) -> list[str]:
    """The columns that name a row of a forecast."""
    return [*settings(manifest).keys, "origin", "step"]


def shown_keys(manifest: Manifest) -> list[str]:
    """The same without personal data, for what people read."""
    hidden = personal.columns(contract.Row)
    return [name for name in keys(manifest) if name not in hidden]


def schema(manifest: Manifest) -> type[dy.Schema]:
    """The contract of a history: that of observations, where all but series and time may be null, as it is beyond the origin."""
    return _schema(delivered(), tuple(settings(manifest).keys), nullable=True)


def complete_schema() -> type[dy.Schema]:
    """That of observations of which everything is known."""
    return _schema(delivered(), (), nullable=False)


def parse_origin(text: str, manifest: Manifest) -> Any:
    """The origin as people write it. Raises FactoryError."""
    time = settings(manifest).time
    values, losses = try_cast(pl.DataFrame({time: [text]}), schema(manifest))
    if losses or values[time].null_count():
        raise FactoryError(f"origin: not a time as the column {time} has it: write it like 2026-11-30T18:00")
    return values[time].item()


def shortest(observation: pl.DataFrame, manifest: Manifest) -> pl.DataFrame:
    """The least that can be forecast from: one observation, and what is known ahead of the horizon, here the same."""
    forecast, columns = settings(manifest), delivered().columns()
    numbered = grid.numbered(observation, forecast)
    places = numbered[grid.POSITION].item() + forecast.gap + pl.int_range(1, forecast.horizon + 1, eager=True)
    kept = [name for name, column in columns.items() if name in forecast.groups or is_known_ahead(column)]
    times = grid.times(numbered, forecast, places).alias(forecast.time)
    ahead = times.to_frame().join(observation.select(kept), how="cross") if kept else times.to_frame()
    return pl.concat([observation, ahead], how="diagonal").select(list(columns))


def newest(rows: Rows, manifest: Manifest) -> Any:
    """The newest time at which the target of any series is known. Raises FactoryError where there is none."""
    forecast = settings(manifest)
    known = pl.col(forecast.time).filter(pl.col(forecast.target).is_not_null())
    found = one_row(rows, [known.max()])[forecast.time]
    if found is None:
        raise FactoryError(f"{forecast.target}: no value is known: state the origin from which to forecast")
    return found


def read(rows: pl.DataFrame, manifest: Manifest, origin: Any = None, strict: bool = False) -> tuple[pl.DataFrame, Any]:
    """The rows of a whole history, typed and checked, and the origin, which may be a text. Raises FactoryError.

    Where `strict`, values of the target from after the origin are refused, as nobody can know them there.
    """
    typed = cast(rows, schema(manifest))
    stated = parse_origin(origin, manifest) if isinstance(origin, str) else origin
    start = newest(typed, manifest) if stated is None else stated
    check(typed, manifest, start, strict)
    return typed, start


def check(rows: Rows, manifest: Manifest, origin: Any, strict: bool = False) -> None:
    """Refuse rows in the contract's types that violate it, as far as it applies to each. Raises ContractViolation."""
    rules.check(rows, schema(manifest))
    forecast, problem = settings(manifest), rules.PROBLEMS["nullability"]
    observed = pl.col(forecast.time) <= origin
    needed = {name: column for name, column in delivered().columns().items() if not column.nullable}
    checks = {
        name: (problem, pl.col(name).is_null() & (is_known_ahead(column) | observed))
        for name, column in needed.items()
        if name not in forecast.keys
    }
    if strict:
        checks[forecast.target] = "known after the origin", _late(manifest, origin)
    _refuse(rows, checks)


def known_after(rows: Rows, manifest: Manifest, origin: Any) -> int:
    """How many values of the target are from after the origin."""
    return int(one_row(rows, [_late(manifest, origin).sum().alias("late")])["late"])


def behind(rows: Rows, manifest: Manifest, origin: Any) -> pl.DataFrame:
    """Each series of which no value is known at the origin, with the time of its newest before it, null if there is none."""
    forecast = settings(manifest)
    counts = pl.col(forecast.target).is_not_null() & (pl.col(forecast.time) <= origin)
    newest = pl.col(forecast.time).filter(counts).max()
    table = rows.lazy().group_by(forecast.groups).agg(newest) if forecast.groups else rows.lazy().select(newest)
    is_behind = pl.col(forecast.time).is_null() | (pl.col(forecast.time) < origin)
    return collect(table.filter(is_behind).sort(forecast.groups or forecast.time))


def size(rows: pl.DataFrame, manifest: Manifest) -> int:
    """How many rows the horizons of all series have."""
    forecast = settings(manifest)
    return forecast.horizon * (rows.select(forecast.groups).n_unique() if forecast.groups else 1)


def horizon(rows: pl.DataFrame, manifest: Manifest, origin: Any) -> pl.DataFrame:
    """What the model scores: for each series and step a row of the contract, for which no later value of the target counts.

    Raises ContractViolation where what has to be known ahead is not, and FactoryError where times are in disorder.
    """
    forecast = settings(manifest)
    known = pl.when(pl.col(forecast.time) <= origin).then(forecast.target).alias(forecast.target)
    found = examples.at(rows.with_columns(known), forecast, origin)
    _check_known_ahead(found, forecast)
    rules.check(found, contract.Row)
    return found


def _late(manifest: Manifest, origin: Any) -> pl.Expr:
    forecast = settings(manifest)
    late: pl.Expr = pl.col(forecast.time) > origin
    return late & pl.col(forecast.target).is_not_null()


def _refuse(rows: Rows, checks: dict[str, tuple[str, pl.Expr]]) -> None:
    """Raise ContractViolation where rows have a problem: by column, its name and which these are."""
    counted = [mask.sum().alias(name) for name, (_, mask) in checks.items()]
    first = [mask.arg_max().alias(f"first {name}") for name, (_, mask) in checks.items()]
    found = one_row(rows, [*counted, *first]) if checks else {}
    violations = [
        Violation(name, checks[name][0], found[f"first {name}"], found[name], height(rows))
        for name in checks
        if found[name]
    ]
    if violations:
        raise ContractViolation(violations)


def _check_known_ahead(found: pl.DataFrame, forecast: Settings) -> None:
    violations = []
    for name, column in contract.Row.columns().items():
        if is_known_ahead(column) and not column.nullable and found[name].null_count():
            missing = found.filter(pl.col(name).is_null())
            problem = f"no value for {forecast.time} {missing[forecast.time][0]}, which has to be known ahead"
            series = ", ".join(f"{each} = {missing[each][0]}" for each in forecast.groups)
            violations.append(Violation(name, problem, None, missing.height, found.height, series))
    if violations:
        raise ContractViolation(violations)


@cache
def _schema(observation: type[dy.Schema], keys: tuple[str, ...], nullable: bool) -> type[dy.Schema]:
    """The same with all columns but these nullable, or not."""
    changed = {name: copy(column) for name, column in observation.columns().items() if name not in keys}
    for column in changed.values():
        column.nullable = nullable
    return type("History", (observation,), changed)
