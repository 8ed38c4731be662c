"""Texts as people and tools write them: normalized, compared with categories, and what was probably meant.

With `NORMALIZED = True` in contract.py, all but columns of type String are read in Unicode's NFC, without invisible characters,
without blanks at their ends, and with one blank for several of any kind. Where a column's metadata have `case="any"`, a category is
also known in other upper and lower case.
"""

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

import dataframely as dy
import polars as pl

from ... import contract
from ..errors import close

PLAIN = r"^[\x21-\x7e]+( [\x21-\x7e]+)*$"
JOINERS = "\u200c\u200d"  # between Latin letters they are a mistake, elsewhere a part of words and emoji
STEPS = (
    (rf"[\p{{Cf}}--{JOINERS}]", ""),
    (rf"([\x00-\u024f])[{JOINERS}]+|^[{JOINERS}]+|[{JOINERS}]+$", "$1"),
    (r"\s+", " "),
)
IN_ANY_CASE = {"ß": "ss", "\u03c2": "\u03c3"}  # what no lower case unites
LONGEST = 1000  # characters of a category


def is_normalized(column: dy.Column) -> bool:
    """Whether the column's texts are normalized before they are read."""
    declared = getattr(contract, "NORMALIZED", False) and column.dtype != pl.String
    return bool((column.metadata or {}).get("normalized", declared))


def is_in_any_case(column: dy.Column) -> bool:
    """Whether upper and lower case make no difference."""
    return (column.metadata or {}).get("case") == "any"


def stripped(value: pl.Expr, column: dy.Column) -> pl.Expr:
    """The texts without blanks at their ends; normalized, if the column is."""
    if not is_normalized(column):
        return value.str.strip_chars()
    return value.map_batches(normalize, return_dtype=pl.String, is_elementwise=True)


def normalize(texts: pl.Series) -> pl.Series:
    """The texts normalized; only those that need it cost time."""
    odd = texts.filter(~texts.str.contains(PLAIN)).unique().drop_nulls()
    if odd.is_empty():
        return texts
    new = odd.str.normalize("NFC")
    for pattern, instead in STEPS:
        new = new.str.replace_all(pattern, instead)
    return texts.replace(odd, new.str.strip_chars())


def in_any_case(value: pl.Expr) -> pl.Expr:
    """What texts have in common that differ by upper and lower case alone."""
    return value.str.to_lowercase().str.replace_many(IN_ANY_CASE)


def category(text: pl.Expr, column: dy.Column) -> pl.Expr:
    """The texts as the column's categories, whose case they may differ in."""
    known = _by_lower_case(column)
    return in_any_case(text).replace_strict([*known], [*known.values()], default=None, return_dtype=column.dtype)


def one_category(value: Any, column: dy.Column) -> Any:
    """A single value as the column's category, if it is another form of one."""
    if not isinstance(value, str) or len(value) > LONGEST or value in column.dtype.categories:  # type: ignore[attr-defined]
        return value
    return _one_category(value, column)


def hint(word: str, known: Collection[str]) -> str:
    """That word as a question, to end a message with; empty if there is none."""
    meant = close(word, known)
    return f" (did you mean {meant!r}?)" if meant is not None else ""


def lower(word: str) -> str:
    """A single text by what it has in common with those that differ by case alone."""
    return str(pl.select(in_any_case(pl.lit(word))).item())


@cache
def _by_lower_case(column: dy.Column) -> dict[str, str]:
    return {lower(each): each for each in column.dtype.categories}  # type: ignore[attr-defined]


@lru_cache(maxsize=4096)
def _one_category(value: str, column: dy.Column) -> str:
    text = str(pl.select(stripped(pl.lit(value), column)).item())
    if is_in_any_case(column):
        text = _by_lower_case(column).get(lower(text), text)
    return text if text in column.dtype.categories else value  # type: ignore[attr-defined]
