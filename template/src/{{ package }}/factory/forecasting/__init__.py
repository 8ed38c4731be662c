"""Forecasts of series: from observations, one for each series and time, to rows, one for each series, origin and step."""

from .rows import KNOWN_AHEAD, rows

__all__ = ["KNOWN_AHEAD", "rows"]
