"""The rules of a schema as polars expressions, and the suffixes of their names.

All that is relied on of dataframely without being promised is in this module: a private method, which may change with
any minor release, hence the upper bound in pyproject.toml.
"""

import dataframely as dy
import polars as pl

BOUNDS = ("|nullability", "|min", "|max", "|min_length", "|max_length", "|nan", "|inf")
"""Suffixes of rules that are plain bounds of one column, whose name comes first."""


def validation_rules(schema: type[dy.Schema]) -> dict[str, pl.Expr]:
    """Every rule, by its name. Not cached: it takes ten times as long as scoring a row."""
    return {name: rule.expr for name, rule in schema._validation_rules(with_cast=False).items()}
