"""All searches for leaks, one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from . import columns
from .finding import Finding
from .groups import encode, groups
from .order import order
from .sample import Sample


def search(sample: Sample, entities: Mapping[str, pl.Series], *, refusals_only: bool = False) -> Iterator[Finding]:
    """Every leak found in the sample, the most serious first.

    `entities` are the columns that may name what several rows belong to: texts and numbers of the sample's rows, in their
    order, be they features or not. With `refusals_only`, entities are not searched for that can be no more than a question.
    """
    grouped = list(groups(sample, entities, refusals_only=refusals_only))
    split = [group for group in grouped if group.refuses]
    leaks = [] if split else list(columns.find(sample))
    if leaks:  # a perfect score hides who is recognised
        grouped = list(groups(sample.without(columns.refused(leaks)), entities, refusals_only=refusals_only))
        split = [group for group in grouped if group.refuses]
    for group in split:
        sample = replace(sample.without(group.columns), together=encode(entities[group.columns[0]]))
    if split:
        leaks = list(columns.find(sample))
    yield from grouped
    yield from order(sample.without(columns.refused(leaks)))
    yield from leaks
