"""All searches for leaks, one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from . import columns
from .finding import Finding
from .groups import encode, groups
from .order import order
from .sample import Sample


def search(sample: Sample, entities: Mapping[str, pl.Series]) -> Iterator[Finding]:
    """Every leak found in the sample, the most serious first.

    `entities` are the columns that may name what several rows belong to: texts and whole numbers of the sample's rows, in
    their order, be they features or not.
    """
    grouped = list(groups(sample, entities))
    leaks = [] if grouped else list(columns.find(sample))
    if leaks:  # a perfect score hides who is recognised
        grouped = list(groups(sample.without(columns.refused(leaks)), entities))
    for group in grouped:
        sample = replace(sample.without(group.columns), together=encode(entities[group.columns[0]]))
    if grouped:
        leaks = list(columns.find(sample))
    yield from grouped
    yield from order(sample.without(columns.refused(leaks)))
    yield from leaks
