"""Personal data by the contract: columns with `pii` in their metadata, such as `{"pii": "e-mail address"}`."""

import dataframely as dy
import polars as pl

from ..manifest import sha256
from .parsing import formats

HASH = r"^[0-9a-f]{64}$"


def columns(schema: type[dy.Schema]) -> list[str]:
    """The columns that hold what names or reaches one person."""
    return [name for name, column in schema.columns().items() if formats(column).get("pii")]


def hashed(name: str) -> pl.Expr:
    """The sha256 of each value in the column."""
    return pl.col(name).cast(pl.String).map_elements(lambda text: sha256(text.encode()), pl.String)


def is_hashed(values: pl.Series) -> bool:
    """Whether the values are such hashes."""
    known = values.drop_nulls()
    return known.dtype == pl.String and not known.is_empty() and bool(known.str.contains(HASH).all())
