"""The contract as Open Data Contract Standard (ODCS) YAML, which data catalogues and the `datacontract` command read."""

import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import yaml

from ... import contract
from .. import PACKAGE
from ..config import Data, Params
from ..validation import parsing, rules, unseen
from ..validation.definition import delivered

API_VERSION = "v3.1.0"
BOUNDS = {
    "min": "minimum",
    "min_exclusive": "exclusiveMinimum",
    "max": "maximum",
    "max_exclusive": "exclusiveMaximum",
}
OPTIONS = dict.fromkeys(("integer", "number", "date", "timestamp", "time"), BOUNDS) | {
    "string": {"min_length": "minLength", "max_length": "maxLength", "regex": "pattern"}
}
ATTRIBUTES = {"nullability", "nan", "inf", "unique", "is_in"}  # rules that a property states without logicalTypeOptions


def render(params: Params) -> str:
    """The contract of a delivery in YAML, under the version of the project in pyproject.toml."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    content = build(PACKAGE, project.get("version", "0"), params.data)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def build(name: str, version: str, data: Data) -> dict[str, Any]:
    """The same, ready for YAML."""
    table = {
        "name": "delivery",
        "description": inspect.getdoc(delivered()) or "",
        "properties": [_property(name, column, data) for name, column in delivered().columns().items()],
        "quality": [*_row_rules(), *(_text(name, rule) for name, rule in contract.DELIVERY.items())],
        "customProperties": _custom(
            {
                "missing": parsing.missing(),
                "normalized": getattr(contract, "NORMALIZED", False),
                "ignored": parsing.ignored(),
            }
        ),
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": name,
        "name": name,
        "version": version,
        "status": "active",
        "schema": [_filled(table)],
    }


def logical_type(dtype: pl.DataType) -> str:
    """The type as ODCS names it; what it has no name for is text."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    names = {pl.Boolean: "boolean", pl.Date: "date", pl.Datetime: "timestamp", pl.Time: "time", pl.Struct: "object"}
    return names.get(dtype.base_type(), "array" if dtype.is_nested() else "string")


def is_key(name: str, data: Data) -> bool:
    """Whether no two rows have the same value in the column."""
    return name == data.id and not data.repeats


def _property(name: str, column: dy.Column, data: Data) -> dict[str, Any]:
    kind, key = logical_type(column.dtype), is_key(name, data)
    return _filled(
        {
            "name": name,
            "logicalType": kind,
            "description": column.description,
            "required": not column.nullable,
            "unique": key or column.unique,
            "primaryKey": key,
            "logicalTypeOptions": _options(kind, column),
            "quality": [*_allowed_values(column), *_column_rules(name, kind)],
            "customProperties": _custom(parsing.formats(column)),
        }
    )


def _options(kind: str, column: dy.Column) -> dict[str, Any]:
    values = {option: getattr(column, name, None) for name, option in OPTIONS.get(kind, {}).items()}
    zone = getattr(column, "time_zone", None)
    zones = {"timezone": zone is not None, "defaultTimezone": zone} if kind == "timestamp" else {}
    return {name: _plain(value) for name, value in (values | zones).items() if value is not None}


def _allowed_values(column: dy.Column) -> Iterator[dict[str, Any]]:
    values = column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else getattr(column, "is_in", None)
    if values is not None:
        accepted = {"mustBeLessOrEqualTo": 100 * unseen.limit(column), "unit": "percent"}
        most = accepted if unseen.is_accepted(column) else {"mustBe": 0}
        yield {"metric": "invalidValues", "arguments": {"validValues": [*values]}, **most}


def _column_rules(column: str, kind: str) -> Iterator[dict[str, Any]]:
    """Those that nothing else in the property states."""
    stated = ATTRIBUTES | OPTIONS.get(kind, {}).keys()
    for name, expression in rules.rules(delivered()).items():
        subject, _, rule = name.partition("|")
        if subject == column and rule and rule not in stated:
            yield _text(rule, expression)


def _row_rules() -> Iterator[dict[str, Any]]:
    for name, expression in rules.rules(delivered()).items():
        if "|" not in name:
            yield _text(name, expression)


def _text(name: str, expression: pl.Expr) -> dict[str, Any]:
    return {"type": "text", "name": name, "description": f"{expression}"}


def _custom(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"property": name, "value": [*value] if isinstance(value, tuple | list | dict) else value}
        for name, value in values.items()
        if value
    ]


def _filled(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value not in (None, "", [], {}, False)}


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, int | str) else float(value)
