"""Whether contract.py defines what the machinery uses: its two classes, rules that are true or false, and invariants."""

import difflib
from collections.abc import Mapping
from typing import Any

import dataframely as dy
import polars as pl

from ... import contract
from ..errors import FactoryError
from .rules import rules


def check() -> None:
    """Raises FactoryError naming the class, the rule or the invariant that is wrong."""
    row, labelled = (_schema(name) for name in ("Row", "LabelledRow"))
    if missing := row.columns().keys() - labelled.columns().keys():
        raise FactoryError(
            f"contract.py: LabelledRow lacks {', '.join(sorted(missing))} of Row: write `class LabelledRow(Row):`"
        )
    schema = delivered()
    for name, rule in _expressions(schema).items():
        _check_yields_truth(name, rule, schema)
    invariants = _named("DELIVERY")
    if not isinstance(invariants, Mapping):
        raise FactoryError("contract.py: DELIVERY has to be a dict of names and expressions")
    for name, invariant in invariants.items():
        if _check_yields_truth(name, invariant, schema) != 1:
            raise FactoryError(
                f"contract.py: {name}: yields a value for each row, not one for the delivery: add .all() or .mean()"
            )


def delivered() -> type[dy.Schema]:
    """What a row of a delivery is: of forecasts an observation, otherwise a row with its target."""
    return _schema("Observation") if hasattr(contract, "Observation") else contract.LabelledRow


def _named(name: str) -> Any:
    """What contract.py has by that name."""
    if hasattr(contract, name):
        return getattr(contract, name)
    close = difflib.get_close_matches(name, vars(contract), n=1)
    raise FactoryError(f"contract.py has no {name}{f', did you mean {close[0]}?' if close else ''}")


def _schema(name: str) -> type[dy.Schema]:
    schema = _named(name)
    if not (isinstance(schema, type) and issubclass(schema, dy.Schema)):
        raise FactoryError(f"contract.py: {name} has to be a class derived from dy.Schema")
    return schema


def _expressions(schema: type[dy.Schema]) -> dict[str, pl.Expr]:
    """Every rule. Those of columns are dataframely's own."""
    return {name: rule for name, rule in rules(schema).items() if "|" not in name}


def _check_yields_truth(name: str, expression: Any, schema: type[dy.Schema]) -> int:
    """How many values it yields for no rows, once it is certain that they are true or false."""
    if not isinstance(expression, pl.Expr):
        raise FactoryError(f"contract.py: {name}: is {expression!r:.40}, not an expression such as pl.col(…) < 15")
    try:
        values = schema.create_empty().select(expression.alias("value"))["value"]
    except pl.exceptions.PolarsError as error:
        raise FactoryError(f"contract.py: {name}: {_reason(error, schema)}") from error
    if values.dtype not in (pl.Boolean, pl.Null):
        raise FactoryError(f"contract.py: {name}: yields {values.dtype}, not true or false: compare it with a value")
    return values.len()


def _reason(error: Exception, schema: type[dy.Schema]) -> str:
    text = str(error).partition("\n")[0]
    if not isinstance(error, pl.exceptions.ColumnNotFoundError):
        return text
    wrong = text.partition('"')[2].partition('"')[0] or text
    close = difflib.get_close_matches(wrong, schema.columns(), n=1)
    return f"no column {wrong}{f', did you mean {close[0]}?' if close else ''}"
