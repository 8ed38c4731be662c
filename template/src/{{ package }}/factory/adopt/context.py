"""All that the templates of the sources name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .declare import Declared, declare
from .examples import beyond, typical
from .parts import Choice
from .profile import TEMPORAL, Column
from .proposal import Proposal
from .rules import rules
from .spelling import UNKNOWN

RESERVED = {"dy", "pl", "date", "datetime", "time"}
TESTED = 100
"""Columns whose limits are tested one by one; of a wider table every so many."""

RARE = 0.1
SLICES = 6


@dataclass(frozen=True)
class Outcome:
    """What the first model showed, on which limits and tests rest: `limits` are lines of the section `gate`."""

    better: bool = False
    metric: str = ""
    value: float = 0.0
    baseline: float = 0.0
    limits: tuple[dict[str, Any], ...] = ()


def of(proposal: Proposal, outcome: Outcome) -> dict[str, Any]:
    """The facts by the names that the templates give them."""
    question, taken = proposal.question, set(RESERVED)
    chosen = [choice for choice in proposal.choices if choice.role != "out"]
    targets = {choice.name: question for choice in proposal.having("target")}
    declared = [declare(c.column, taken, target=targets.get(c.name), is_key=c.role == "id") for c in chosen]
    columns = [_described(column, column.column is question.target) for column in declared]
    features = [line for choice in chosen if choice.role in ("feature", "time") for line in _features(choice)]
    optional = [c["name"] for c in columns if not c["is_target"] and c["column"].missing]
    plain = {feature["name"] for feature in features}
    return {
        "question": question,
        "columns": columns,
        "target": next(column for column in columns if column["is_target"]),
        "target_note": f"{question.target.missing:,} rows without are left out" if question.target.missing else "",
        "id": proposal.name_of("id"),
        "time": proposal.name_of("time"),
        "repeats": proposal.repeats,
        "sensitive": [choice.name for choice in proposal.choices if choice.sensitive and choice.role != "out"],
        "ignored": proposal.having("out"),
        "unknown": sorted({text for choice in chosen for text in choice.column.spelled.unknown} & set(UNKNOWN)),
        "imports": _imports(declared),
        "rules": rules(declared, question),
        "features": features,
        "parts": {feature["part"] for feature in features},
        "optional": sorted(optional, key=lambda name: name not in plain),
        "some": f"[:: {len(columns) // TESTED}]" if len(columns) >= 2 * TESTED else "",
        "examples": 100 if len(columns) < TESTED else 5,
        "target_mix": _mix(proposal),
        "better": outcome.better,
        "limits": outcome.limits,
        **_choices(proposal),
    }


def _described(declared: Declared, is_target: bool) -> dict[str, Any]:
    return {
        "column": declared.column,
        "name": declared.column.name,
        "attribute": declared.attribute,
        "code": declared.code,
        "constant": declared.constant,
        "categories": declared.categories,
        "comment": declared.comment,
        "is_target": is_target,
        "typical": typical(declared),
        "beyond": [*([] if declared.column.missing or not is_target else [None]), *beyond(declared)],
    }


def _features(choice: Choice) -> Iterator[dict[str, str]]:
    """The column itself, or the parts of a time that come again."""
    column = choice.column
    if column.kind not in TEMPORAL:
        yield {"name": column.name, "code": repr(column.name), "part": "", "comment": ""}
        return
    for part in _parts(column):
        yield {"name": "", "code": f"{part}({column.name!r})", "part": part, "comment": ""}


def _parts(column: Column) -> Iterator[str]:
    known = column.sample.drop_nulls()
    if column.kind != "Time":
        if known.dt.month().n_unique() > 1:
            yield "month"
        if known.dt.day().n_unique() > 1:  # else they stand for months or years
            yield "weekday"
    if column.kind != "Date" and known.dt.hour().n_unique() > 1:
        yield "hour"


def _imports(declared: list[Declared]) -> str:
    needed = {column.kind.lower() for column in declared if column.kind in TEMPORAL[:2]}
    return f"from datetime import {', '.join(sorted(needed))}" if needed else ""


def _mix(proposal: Proposal) -> str:
    """How the hundred rows of the tests come by as many true ones as there were."""
    question = proposal.question
    if question.positive is None:
        return ""
    true = max(1, round(100 * question.counts[question.positive] / question.rows))
    return f".with_columns((pl.int_range(pl.len()) < {true}).alias({question.target.name!r}))"


def _choices(proposal: Proposal) -> dict[str, Any]:
    """Metric, parameters and the worth of decisions."""
    question = proposal.question
    share = question.counts[question.positive] / question.rows if question.positive else 0.5
    alarms = max(1, round((1 - share) / share))
    groups = [c.name for c in proposal.having("feature") if 1 < len(c.column.values) <= SLICES and not c.sensitive]
    return {
        "metric": "rmse" if question.problem == "regression" else "average_precision" if share < RARE else "roc_auc",
        "model": proposal.parameters,
        "slices": groups[:2],
        "value": {"true_positive": 0, "false_positive": -1, "false_negative": -alarms} if question.positive else None,
        "value_note": f"as bad as {alarms} false alarms" if alarms > 1 else "",
    }
