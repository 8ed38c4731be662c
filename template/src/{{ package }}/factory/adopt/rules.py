"""Invariants of a whole delivery that tell a fault which no single row shows."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from ..limits import roomy
from .declare import Declared
from .question import Question
from .spelling import NUMERIC

MOST = 6


@dataclass(frozen=True)
class Rule:
    """A name, the expression that holds it, and a delivery that breaks it, both as code."""

    name: str
    code: str
    broken: str


def rules(columns: list[Declared], question: Question) -> list[Rule]:
    """Shares of what is unknown, medians where another unit would stay in the limits, and how often the target is true."""
    features = [column for column in columns if column.column is not question.target]
    return [*list(_gaps(features))[:MOST], *list(_medians(features))[:MOST], *_balance(question)]


def _gaps(columns: list[Declared]) -> Iterator[Rule]:
    """At most so many are unknown."""
    for column in sorted(columns, key=lambda c: -c.column.missing):
        limit = min(100, max(5, -(-column.column.missing * 40 // column.column.rows) * 5))
        if column.column.missing and limit < 100:
            name = column.column.name
            yield Rule(
                f"at most {limit} % of the rows lack {name}",
                f"pl.col({name!r}).is_null().mean() <= {limit / 100:g}",
                f"first({limit / 100 + 0.01:.2f}, {name!r}, None)",
            )


def _medians(columns: list[Declared]) -> Iterator[Rule]:
    """The median stays near where it was: of columns whose hundredth part no limit would refuse."""
    for column in columns:
        facts, least = column.column, column.arguments.get("min")
        median = facts.sample.median() if facts.kind in NUMERIC else None
        if not isinstance(median, float) or least is None or not 0 <= least <= median / 100:
            continue
        low, high = (float(facts.sample.quantile(share) or 0) for share in (0.05, 0.95))
        least, most = (
            roomy(end, kind, pl.Float64()) for end, kind in ((max(low, median / 10) / 2, "min"), (2 * high, "max"))
        )
        yield Rule(
            f"the median of {facts.name} is between {least} and {most}",
            f"pl.col({facts.name!r}).median().is_between({least}, {most})",
            f"first(0.6, {facts.name!r}, {int(most * 2) + 1 if facts.kind == 'Int64' else float(most * 2)})",
        )


def _balance(question: Question) -> Iterator[Rule]:
    """True is about as frequent as it was."""
    if question.problem != "classification" or question.positive is None:
        return
    share = question.counts[question.positive] / question.rows
    low, high = (
        roomy(share / 2, "min", pl.Float64()),
        min(roomy(2 * share, "max", pl.Float64()), roomy((1 + share) / 2, "max", pl.Float64())),
    )
    name = question.target.name
    yield Rule(
        f"{name} is true in {100 * low:g} to {100 * high:g} % of the rows",
        f"pl.col({name!r}).mean().is_between({low:g}, {high:g})",
        f"first(1, {name!r}, False)",
    )
