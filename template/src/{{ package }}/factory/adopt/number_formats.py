"""How people write numbers and booleans: the formats of texts."""

from collections.abc import Iterator
from typing import Any

import polars as pl

CODE = r"^[+-]?0\d+$"  # leading zeros: a number would lose them
NUMBERS: dict[str, dict[str, Any]] = {
    r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$": {},
    r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$|^[+-]?\d{1,3}(\.\d*)?$": {"thousands": ","},
    r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$|^[+-]?\d{1,3}(,\d*)?$": {"thousands": ".", "decimal": ","},
    r"^[+-]?\d{1,3}( \d{3})+(\.\d*)?$|^[+-]?\d{1,3}(\.\d*)?$": {"thousands": " "},
    r"^[+-]?\d+(,\d*)?$": {"decimal": ","},
}
BOOLEANS = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"))


def are_codes(texts: pl.Series) -> bool:
    """Whether the texts are neither numbers nor times: some have leading zeros, or no digit."""
    return bool(texts.str.contains(CODE).any() or not texts.str.contains(r"\d").all())


def candidates(texts: pl.Series) -> Iterator[dict[str, Any]]:
    """The metadata of numbers that the texts look like, the simplest first."""
    return (metadata for pattern, metadata in NUMBERS.items() if texts.str.contains(pattern).all())


def boolean_words(texts: pl.Series) -> dict[str, Any] | None:
    """The metadata of booleans if the texts are the words of a pair; None if they are not."""
    lower = texts.str.to_lowercase()
    for words in BOOLEANS:
        if lower.n_unique() == 2 and lower.is_in(words).all():
            true, false = (sorted(texts.filter(lower == word)) for word in words)
            return {} if words == BOOLEANS[0] else {"true": true, "false": false}
    return None
