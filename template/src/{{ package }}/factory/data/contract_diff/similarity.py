"""Whether a column or a category looks like a known one under another name."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any
from unicodedata import category, normalize

import numpy as np
import polars as pl

SAME_NAME, SAME_VALUES, SAME_BOTH = 0.85, 0.8, 1.1
DISTINCTIVE = 10  # different values, above which a distribution identifies a column


def known_spelling(value: str, known: Iterable[str]) -> str | None:
    """The known category that the value is, but for case, blanks or how Unicode writes it."""
    spellings = {_normalized(other): other for other in known}
    return spellings.get(_normalized(value))


def _normalized(text: str) -> str:
    """The text in lower case without blanks and invisible characters; every dash is a hyphen."""
    kinds = ((letter, category(letter)) for letter in normalize("NFKC", text.casefold()))
    return "".join("-" if kind == "Pd" else letter for letter, kind in kinds if kind[0] not in "ZC")


def rename_score(old: str, earlier: pl.Series | None, new: pl.Series) -> float:
    """How likely the values are those of the column `old`, from 0 to 2; 0 is not. They are of its type."""
    name, values = _name_similarity(old, new.name), 0.0 if earlier is None else _value_similarity(earlier, new)
    distinctive = earlier is not None and earlier.n_unique() > DISTINCTIVE
    is_same = name >= SAME_NAME or name + values >= SAME_BOTH or (distinctive and values >= SAME_VALUES)
    return name + values if is_same else 0.0


def _name_similarity(old: str, new: str) -> float:
    """From 0 to 1; a name whose words are all in the other is as good as the same."""
    words = [set(re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())) for name in (old, new)]
    if min(map(len, words)) and (words[0] <= words[1] or words[1] <= words[0]):
        return 1.0
    return SequenceMatcher(None, old.lower(), new.lower()).ratio()


def _value_similarity(earlier: pl.Series, new: pl.Series) -> float:
    """How far the distributions overlap, from 0 to 1, less what they differ by in missing values."""
    gap = abs(earlier.null_count() / max(len(earlier), 1) - new.null_count() / max(len(new), 1))
    earlier, new = earlier.drop_nulls(), new.drop_nulls()
    if earlier.is_empty() or new.is_empty():
        return 0.0
    if earlier.dtype == pl.String and earlier.n_unique() > len(earlier) / 2:
        earlier, new = earlier.str.len_chars(), new.str.len_chars()
    if earlier.dtype.is_numeric() or earlier.dtype.is_temporal():
        return max(0.0, 1 - _distance(earlier, new) - gap)
    shares: list[dict[Any, float]] = [
        dict(values.cast(pl.String).alias("value").value_counts(normalize=True).rows()) for values in (earlier, new)
    ]
    return max(0.0, sum(min(share, shares[1].get(value, 0)) for value, share in shares[0].items()) - gap)


def _distance(earlier: pl.Series, new: pl.Series) -> float:
    """The widest gap between the distribution functions (Kolmogorov-Smirnov)."""
    samples = [np.sort(values.to_physical().cast(pl.Float64).to_numpy()) for values in (earlier, new)]
    points = np.concatenate(samples)
    shares = [np.searchsorted(sample, points, "right") / len(sample) for sample in samples]
    return float(np.abs(shares[0] - shares[1]).max())
