"""Metrics with their intervals, curves, the threshold of decisions, and fairness between groups."""

from .._moved import old_names

__getattr__ = old_names(__name__)
