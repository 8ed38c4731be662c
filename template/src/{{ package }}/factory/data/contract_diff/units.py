"""Whether the values of a column look to be in another unit than earlier ones, by how their quantiles relate.

A unit is named where it is the only one that fits; otherwise the factor is.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Values = NDArray[np.float64]

RATIOS = {
    10.0: "a moved decimal point",
    100.0: "cents and whole amounts, percentages and fractions, or centimetres and metres",
    1000.0: "units of a thousand, or a misread thousands separator",
    60.0: "seconds and minutes, or minutes and hours",
    3600.0: "seconds and hours",
    24.0: "hours and days",
    2.54: "inches and centimetres",
    25.4: "inches and millimetres",
    3.2808: "feet and metres",
    1.6093: "miles and kilometres",
    1.852: "nautical miles and kilometres, or knots and km/h",
    3.6: "m/s and km/h",
    2.2046: "pounds and kilograms",
    3.7854: "gallons and litres",
    33.864: "inHg and hPa",
}
UNITS = {factor: name for ratio, name in RATIOS.items() for factor in (ratio, 1 / ratio)}
FACTORS = np.array(list(UNITS))
TEMPERATURES = {"°C": (1.0, 0.0), "°F": (1.8, 32.0), "K": (1.0, 273.15)}  # factor and offset from °C
WEATHER, POSSIBLE = (-90, 60), (-273.15, 600)  # °C
QUANTILES = np.linspace(0.1, 0.9, 9)
FIT_TOLERANCE, SPREAD_TOLERANCE = 0.2, 0.3  # shares of the spread
NEAR = 0.12  # share of a factor
APART, CLEAR = 0.08, 4  # another unit's factor is at least that far away, and times as far as the nearest
SAMPLING = 0.1  # above this error of the ratio no unit is named
LARGE_FACTOR = 3  # from which on it need not be a known one
FAR = 8  # times the earlier median, or the spread
DECIMALS, RECURRING = 3, 0.8
LEAST_TRIED, MOST_TRIED = 20, 5_000  # different values


@dataclass(frozen=True)
class Fit:
    """The quantiles of earlier and of new values, and how well a change of unit explains the new ones."""

    earlier: Values
    new: Values

    @property
    def middles(self) -> tuple[float, float]:
        return float(np.median(self.earlier)), float(np.median(self.new))

    def sampling_error(self, rows: int) -> float:
        """By about which share the factor between two samples of so many rows is off by chance."""
        return float(np.ptp(self.new) / abs(np.median(self.new)) / np.sqrt(rows)) / 2  # the spread is 2 to 3 deviations

    def keeps_spread(self, factor: float) -> bool:
        """Whether the new values spread as the earlier ones do in the other unit."""
        expected = abs(factor) * np.ptp(self.earlier)
        return bool(abs(np.ptp(self.new) - expected) <= SPREAD_TOLERANCE * expected)

    def error(self, factor: float, offset: float = 0) -> float:
        """How far the new values are from those expected, as a share of the spread."""
        expected = factor * self.earlier + offset
        scale = max(np.ptp(expected), 0.01 * abs(np.median(expected)))
        return float(np.abs(self.new - expected).mean() / scale) if scale else np.inf


def unit_change(earlier: pl.Series, new: pl.Series, *, known: bool = False) -> str | None:
    """The other unit that the new values look to be in, compared with earlier ones; if `known`, only one with a name."""
    columns = [values.cast(pl.Float64).drop_nulls() for values in (earlier, new)]
    samples = [values.filter(values.is_finite()).to_numpy() for values in columns]
    nonzero = [values[values != 0] for values in samples]  # zero is zero in most units, and often most of a column
    if not all(map(len, nonzero)):
        return None
    factor = _recurring_factor(*nonzero)
    if factor:
        return _named(factor)
    fit, scaled = _fit(*samples), _fit(*nonzero)
    ratio = float(scaled.earlier @ scaled.new / (scaled.earlier @ scaled.earlier))
    error = scaled.error(ratio) if ratio > 0 and scaled.keeps_spread(ratio) else np.inf
    found = _temperature(fit, error)
    if not found and error <= FIT_TOLERANCE:
        sampling = scaled.sampling_error(min(len(np.unique(values)) for values in nonzero))  # rows may repeat others
        found = _factor(ratio, sampling, may_name=not _has_rival(fit, error), known=known)
    return found if found or known else _other_scale(samples) or _shift(fit)


def _named(factor: float) -> str:
    return f"the values are {factor:.4g} times the earlier ones ({UNITS[factor]}?)"


def _fit(earlier: Values, new: Values) -> Fit:
    return Fit(np.quantile(earlier, QUANTILES), np.quantile(new, QUANTILES))


def _recurring_factor(earlier: Values, new: Values) -> float | None:
    """The factor by which the new values are earlier ones again, such as distances between the same places."""
    decimals = next((d for d in range(DECIMALS + 1) if np.allclose(earlier, earlier.round(d), 0, 1e-9)), None)
    if decimals is None:
        return None
    seen, values, tried = np.unique(earlier.round(decimals)), np.unique(new)[:MOST_TRIED], np.append(FACTORS, 1.0)
    if len(values) < LEAST_TRIED:
        return None
    hits = np.array([np.isin((values / factor).round(decimals), seen).mean() for factor in tried])
    best, second = hits.argsort()[::-1][:2]
    is_clear = hits[best] >= RECURRING and hits[second] <= hits[best] / 2 and tried[best] != 1
    return float(tried[best]) if is_clear else None


def _factor(ratio: float, sampling: float, *, may_name: bool, known: bool) -> str | None:
    """The ratio in words, if it may be one between units: by their names if no others are as near."""
    distances = np.abs(ratio / FACTORS - 1)
    nearest, second = np.sort(distances)[:2]
    is_near = nearest <= NEAR + min(sampling, SAMPLING / 2)
    if may_name and is_near and second >= max(CLEAR * nearest, APART + 2 * sampling) and sampling <= SAMPLING:
        return _named(float(FACTORS[distances.argmin()]))
    if not known and (is_near or not 1 / LARGE_FACTOR < ratio < LARGE_FACTOR):
        return f"the values are about {ratio:.3g} times the earlier ones"
    return None


def _conversions(fit: Fit) -> list[tuple[float, str, bool]]:
    """Of the temperature scales that keep the spread: the error, the names, and whether it may be another season."""
    found = []
    for old, (old_factor, old_offset) in TEMPERATURES.items():
        for new, (new_factor, new_offset) in TEMPERATURES.items():
            factor = new_factor / old_factor
            offset = new_offset - factor * old_offset
            celsius = [(fit.earlier - old_offset) / old_factor, (fit.new - new_offset) / new_factor]
            if old != new and fit.keeps_spread(factor) and all(_within(values, POSSIBLE) for values in celsius):
                middle, new_middle = fit.middles
                away = abs(new_middle - offset - factor * middle)  # seasons move a temperature by as much as it varies
                is_season = away <= min(factor * np.ptp(fit.earlier), abs(new_middle - middle) / 2)
                is_weather = all(_within(values, WEATHER) for values in celsius)
                found.append((fit.error(factor, offset), f"{new} in place of {old}", bool(is_season and is_weather)))
    return sorted(found)


def _temperature(fit: Fit, scale_error: float) -> str | None:
    """The scales, if they fit and no factor fits nearly as well."""
    for error, names, may_be_season in _conversions(fit):
        fits = error <= FIT_TOLERANCE and error < scale_error / 2 and error < fit.error(1) / 4
        if fits or (may_be_season and scale_error > FIT_TOLERANCE):
            return "the median is {1:.4g}, it was {0:.4g}: ".format(*fit.middles) + names
    return None


def _has_rival(fit: Fit, scale_error: float) -> bool:
    """Whether a temperature scale explains the values nearly as well as a factor."""
    return any(error < 2 * scale_error for error, *_ in _conversions(fit))


def _within(values: Values, limits: tuple[float, float]) -> bool:
    return bool(limits[0] <= values[0] and values[-1] <= limits[1])


def _other_scale(samples: list[Values]) -> str | None:
    """Values most of which are above all earlier ones and vary accordingly, such as another season in another unit."""
    (low, middle, high), (new_low, new_middle, new_high) = (np.quantile(x, [0.25, 0.5, 0.75]) for x in samples)
    ratio = new_middle / middle if middle else 0.0
    if ratio > FAR and new_low > samples[0].max() and new_high - new_low > ratio * (high - low) / FAR:
        return f"the median is {ratio:.2g} times what it was, and most values are above all earlier ones"
    return None


def _shift(fit: Fit) -> str | None:
    """A constant by which all values are moved, far beyond what they vary by, such as years without their century."""
    middle, new_middle = fit.middles
    shift = new_middle - middle
    if fit.keeps_spread(1) and abs(shift) > max(FAR * np.ptp(fit.earlier), abs(middle) / 2):
        return f"the values are shifted by about {shift:,.4g}: the median is {new_middle:.4g}, it was {middle:.4g}"
    return None
