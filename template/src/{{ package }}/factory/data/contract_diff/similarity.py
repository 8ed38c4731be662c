"""Whether values look like earlier ones: in another unit, under another name, or spelt in another way."""

import re
from difflib import SequenceMatcher, get_close_matches
from typing import Any

import numpy as np
import polars as pl

UNITS = {
    10.0: "a factor of 10",
    100.0: "a factor of 100, as between cents and whole ones",
    1000.0: "a factor of 1000",
    60.0: "minutes and hours, or seconds and minutes",
    24.0: "hours and days",
    2.54: "inches and centimetres",
    0.0254: "inches and metres",
    1.609: "miles and kilometres",
    0.4536: "pounds and kilograms",
}
FACTORS = {factor: name for ratio, name in UNITS.items() for factor in (ratio, 1 / ratio)}
TEMPERATURES = ((1.8, 32, "°F in place of °C"), (1 / 1.8, -32 / 1.8, "°C in place of °F"))
FACTOR_TOLERANCE, SPREAD_TOLERANCE, FAR = 0.12, 0.35, 8
SAME_NAME, SAME_VALUES, SAME_BOTH = 0.85, 0.8, 1.1
DISTINCTIVE = 10  # different values, above which a distribution identifies a column


def unit_change(earlier: pl.Series, new: pl.Series) -> str | None:
    """The other unit that the new values look to be in, compared with earlier ones."""
    samples = [values.cast(pl.Float64).drop_nulls().drop_nans().to_numpy() for values in (earlier, new)]
    if not all(map(len, samples)):
        return None
    (low, middle, high), (new_low, new_middle, new_high) = (np.quantile(x, [0.25, 0.5, 0.75]) for x in samples)

    def has_spread(factor: float) -> bool:
        return bool(abs(new_high - new_low - factor * (high - low)) <= SPREAD_TOLERANCE * factor * (high - low))

    for factor, offset, name in TEMPERATURES:
        away = abs(new_middle - offset - factor * middle)  # seasons move a temperature by as much as it varies
        if has_spread(factor) and away <= min(2 * factor * (high - low), abs(new_middle - middle) / 2):
            return f"the median is {new_middle:.4g}, it was {middle:.4g}: looks like {name}"
    ratio = new_middle / middle if middle else 0.0
    factor = min(FACTORS, key=lambda factor: abs(ratio / factor - 1))
    if abs(ratio / factor - 1) <= FACTOR_TOLERANCE and has_spread(factor):
        return f"the median is {factor:.4g} times what it was: looks like another unit ({FACTORS[factor]})"
    varied = new_high - new_low > ratio * (high - low) / FAR
    if new_low > samples[0].max() and ratio > FAR and varied:  # a season alone moves nothing as far
        return f"the median is {ratio:.2g} times what it was, and most values are above all earlier ones: looks like another unit"
    return None


def similar_category(value: str, known: list[str]) -> str | None:
    """How a new value is close to a known one."""
    normalized = {"".join(other.split()).casefold(): other for other in reversed(known)}
    same = normalized.get("".join(value.split()).casefold())
    if same is not None:
        return f"{same!r} but for case or blanks"
    close = get_close_matches(value, known, 1, 0.8)
    return f"close to {close[0]!r}" if close else None


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
        dict(values.cast(pl.String).value_counts(normalize=True).rows()) for values in (earlier, new)
    ]
    return max(0.0, sum(min(share, shares[1].get(value, 0)) for value, share in shares[0].items()) - gap)


def _distance(earlier: pl.Series, new: pl.Series) -> float:
    """The widest gap between the distribution functions (Kolmogorov-Smirnov)."""
    samples = [np.sort(values.to_physical().cast(pl.Float64).to_numpy()) for values in (earlier, new)]
    points = np.concatenate(samples)
    shares = [np.searchsorted(sample, points, "right") / len(sample) for sample in samples]
    return float(np.abs(shares[0] - shares[1]).max())
