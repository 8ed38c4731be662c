"""Numbers and booleans from the texts of a table, by what a column's metadata says of how they are written.

`thousands` stands between thousands, `decimal` before the fraction; `true` and `false` are the texts of a boolean.
"""

import dataframely as dy
import polars as pl

BOOLEANS = {"true": True, "false": False}


def parse_boolean(value: pl.Expr, column: dy.Column) -> pl.Expr:
    """The values, which are texts or codes, as true or false; null where they are neither."""
    metadata = column.metadata or {}
    own = {text: truth for truth in (True, False) for text in metadata.get(str(truth).lower(), ())}
    text = value.cast(pl.String) if own else value.cast(pl.String).str.to_lowercase()
    words = own or BOOLEANS
    true = pl.Series([word for word, truth in words.items() if truth], dtype=pl.String)
    return pl.when(text.is_in(list(words))).then(
        text.is_in(true.implode())
    )  # polars would evaluate replace for all rows


def parse(text: pl.Expr, column: dy.Column) -> pl.Expr:
    """The texts as numbers of the column's type; null where they are none."""
    metadata = column.metadata or {}
    thousands, decimal = metadata.get("thousands"), metadata.get("decimal", ".")
    if thousands:  # elsewhere than between thousands it may be a decimal point
        grouped = rf"^[+-]?\d{{1,3}}({pl.escape_regex(thousands)}\d{{3}})+({pl.escape_regex(decimal)}|$)"
        is_grouped = text.str.contains(grouped) | ~text.str.contains(thousands, literal=True)
        text = pl.when(is_grouped).then(text.str.replace_all(thousands, "", literal=True))
    if decimal != ".":
        text = pl.when(~text.str.contains(".", literal=True)).then(text.str.replace(decimal, ".", literal=True))
    if column.dtype.is_integer():
        text = text.str.replace(r"\.0+$", "")
    return text.cast(column.dtype, strict=False)
