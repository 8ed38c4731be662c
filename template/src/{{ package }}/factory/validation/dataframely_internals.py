"""The rules of a schema as polars expressions, and what their names end in.

All that is relied on of dataframely without being promised is in this module: a private method, which may change with
any minor release, hence the upper bound in pyproject.toml.
"""

import dataframely as dy
import polars as pl

BOUNDS = ("|nullability", "|min", "|max", "|min_length", "|max_length", "|nan", "|inf")
"""Of rules that are plain bounds of one column; the names begin with the column's."""


def validation_rules(schema: type[dy.Schema]) -> dict[str, pl.Expr]:
    """Every rule, by its name. Made anew each time, which costs ten times the scoring of a row."""
    return {name: rule.expr for name, rule in schema._validation_rules(with_cast=False).items()}
