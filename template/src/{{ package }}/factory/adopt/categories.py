"""Categories that people write in several ways: those that differ by case alone, and those that nearly agree."""

from collections.abc import Iterator
from itertools import product

import polars as pl

from ..validation import texts

SHORTEST, RARE = 5, 0.1  # letters of a word that is compared, and how much rarer the mistake is
FEW = 0.2  # of the rows that may be different categories
SHOWN = 3


def are_few(words: list[str], rows: int) -> bool:
    """Whether the texts are categories, not free text or names, whatever their case."""
    return len({*_in_any_case(words)}) <= max(2, FEW * rows)


def differ_in_case(words: list[str]) -> bool:
    """Whether some of the texts differ by case alone."""
    return len({*_in_any_case(words)}) < len(words)


def in_one_case(counts: dict[str, int]) -> dict[str, str]:
    """Of each text that differs from a more frequent one by case alone, that one."""
    groups: dict[str, list[str]] = {}
    for word, key in zip(counts, _in_any_case([*counts]), strict=True):
        groups.setdefault(key, []).append(word)
    usual = [(group, min(group, key=lambda word: (-counts[word], word))) for group in groups.values()]
    return {word: frequent for group, frequent in usual for word in sorted(group) if word != frequent}


def note(written: dict[str, str]) -> str:
    """In words, which texts are read as others."""
    examples = [f"{name!r} is read as {usual!r}" for name, usual in list(written.items())[:SHOWN]]
    more = len(written) - SHOWN
    return ", ".join(examples) + (f", and {more} more" if more > 0 else "")


def remark_on_normalized(values: pl.Series) -> str:
    """In words, whether some of the texts have invisible characters, blanks or letters that are written in another way."""
    words = values.cast(pl.String).drop_nulls().unique().sort()
    odd = words.filter(words.str.strip_chars() != texts.normalize(words))
    return "" if odd.is_empty() else f"{odd[0]!a} is read as {texts.normalize(odd)[0]!r}"


def counts(values: pl.Series) -> dict[str, int]:
    """How often each text occurs, in the order of the texts."""
    return dict(values.drop_nulls().alias("it").value_counts().sort("it").rows())


def nearly_equal(counts: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Each rare text that is one typing error away from a frequent one, with that one."""
    words = {name: count for name, count in counts.items() if len(name) >= SHORTEST and name.replace(" ", "").isalpha()}
    for rare, usual in product(words, words):
        if words[rare] <= RARE * words[usual] and is_typing_error(rare.casefold(), usual.casefold()):
            yield rare, usual


def is_typing_error(one: str, other: str) -> bool:
    """Whether a letter is missing, added or another one, or two letters are swapped."""
    short, long = sorted((one, other), key=len)
    if one == other or len(long) - len(short) > 1:
        return False
    start = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    swapped = short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]
    return swapped or short[start + 1 :] == long[start + 1 :]


def _in_any_case(words: list[str]) -> pl.Series:
    return pl.Series("it", words, dtype=pl.String).to_frame().select(texts.in_any_case(pl.col("it")))["it"]
