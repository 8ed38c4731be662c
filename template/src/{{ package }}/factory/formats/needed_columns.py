"""Which of the contract's columns some functions of the project need, found by leaving out one after the other."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from ... import contract
from ..validation.rules import columns_of, rules

Function = Callable[..., Any]


def needed_columns(functions: Iterable[Function]) -> list[str]:
    """The columns that they need, as expressions or as functions of rows; what a caller names is not among them."""
    rows = contract.Row.create_empty()
    found = {name for function in functions for name in _needed(function, rows)}
    return [name for name in rows.columns if name in found]


def rules_without(columns: list[str]) -> list[str]:
    """The contract's rules between columns that look at any other."""
    names = [name for name in rules(contract.Row) if "|" not in name]
    return [name for name in names if not {*columns_of(name, contract.Row)} <= {*columns}]


def _needed(function: Function, rows: pl.DataFrame) -> Iterable[str]:
    result = _shape(function, rows)
    return () if result is None else [name for name in rows.columns if _shape(function, rows.drop(name)) != result]


def _shape(function: Function, rows: pl.DataFrame) -> Any:
    """Names and types of what it makes of the rows; None where it makes nothing of them."""
    try:
        parameters = inspect.signature(function).parameters.values()
        required = [each for each in parameters if each.default is each.empty and each.kind < each.VAR_POSITIONAL]
        made = rows.select(function()) if not required else function(rows)
        return made.lazy().collect_schema() if isinstance(made, pl.DataFrame | pl.LazyFrame) else made.dtype
    except Exception:  # noqa: BLE001  the function may do anything, and mostly misses the column
        return None
