"""Rows divided into those that satisfy the contract and those that do not, with the reasons."""

from collections import Counter
from dataclasses import dataclass

import polars as pl

from ... import contract
from ..validation.parsing import cast, losses
from ..validation.rules import columns_of, problem, rules

REASON = "_reason"
"""The column of the reasons, such as "amount: above max 100"; several are separated by semicolons."""

Masks = dict[tuple[str, str], pl.Series]
"""By column or rule, and problem: which rows have it."""


@dataclass(frozen=True)
class Division:
    """The valid rows in the contract's types; the rejected ones as they were read, with their reasons; rows by reason."""

    valid: pl.DataFrame
    rejected: pl.DataFrame
    counts: Counter[str]


def divide(rows: pl.DataFrame, target: str = "") -> Division:
    """The rows, as they were read, divided; a column of the target is kept only in those that are rejected.

    Raises ContractViolation where the problem is none of single rows, such as a column that is missing.
    """
    given = rows.drop(target, strict=False)
    cast(given.clear(), contract.Row)  # what is wrong without any row is wrong with all
    values, lost = losses(given, contract.Row)
    masks = {": ".join(filter(None, each)): mask for each, mask in (lost | _broken(values, lost)).items()}
    texts = [
        pl.repeat(None, rows.height, dtype=pl.String),
        *(pl.when(mask).then(pl.lit(text)) for text, mask in masks.items()),
    ]
    reason = pl.select(pl.concat_str(texts, separator="; ", ignore_nulls=True).alias(REASON)).to_series()
    bad = reason != ""
    counts = Counter({text: int(mask.sum()) for text, mask in masks.items()})
    return Division(values.filter(~bad), rows.with_columns(reason).filter(bad), counts)


def _broken(values: pl.DataFrame, lost: Masks) -> Masks:
    """The rules that do not hold, except where a value that they need was lost."""
    held = values.select(rule.fill_null(True).alias(name) for name, rule in rules(contract.Row).items())
    broken: Masks = {}
    for name in held.columns:
        needed = columns_of(name, contract.Row)
        unknown = [mask for (column, _), mask in lost.items() if column in needed]
        mask = pl.select(~pl.any_horizontal(held[name], *unknown)).to_series()
        if mask.any():
            broken[problem(name, contract.Row)] = mask
    return broken
