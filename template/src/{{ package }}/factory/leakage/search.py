"""All searches for leaks, one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from .finding import Finding
from .groups import encode, groups
from .order import order
from .sample import Sample


def search(sample: Sample, entities: Mapping[str, pl.Series]) -> Iterator[Finding]:
    """Every leak found in the sample, the most serious first.

    `entities` are the columns that may name what several rows belong to: texts and whole numbers of the sample's rows, in
    their order, be they features or not.
    """
    for group in groups(sample, entities):
        yield group
        sample = replace(sample.without(group.columns), together=encode(entities[group.columns[0]]))
    yield from order(sample)
