"""What each column is to be: as the user says, else by its looks, with one id and one time at most."""

from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from ..errors import FactoryError
from . import defaults
from .dates import always_after, why_not
from .profile import TEMPORAL, Column
from .roles import Choice, is_free_text, leaks, looks
from .source import KINDS
from .target import Question, ask

PARTS = ("feature", "out", "id", "time", "sensitive")
"""What a user may make of a column."""


@dataclass(frozen=True)
class Asked:
    """What the user said; `roles` are changes of what was proposed."""

    target: str
    id: str | None = None
    time: str | None = None
    sensitive: tuple[str, ...] = ()
    problem: str | None = None
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """The question, the part of every column in the table's order, and the model's parameters."""

    question: Question
    choices: list[Choice]
    parameters: dict[str, Any] = field(default_factory=lambda: defaults.CAUTIOUS)

    def having(self, role: str) -> list[Choice]:
        """The choices of that role."""
        return [choice for choice in self.choices if choice.role == role]

    def name_of(self, role: str) -> str | None:
        """The one column of that role, if there is one."""
        return next((choice.name for choice in self.having(role)), None)

    @property
    def repeats(self) -> bool:
        """Whether several rows share an id."""
        return any(not choice.column.unique for choice in self.having("id"))


def propose(columns: dict[str, Column], table: pl.LazyFrame, asked: Asked) -> Proposal:
    """The proposal. Raises FactoryError where a column that was named cannot play its part."""
    _refuse_names(asked, columns)
    question = ask(table, columns[asked.target], asked.problem)
    choices: list[Choice] = []
    for column in columns.values():
        choices.append(_named(column, asked) or looks(column, choices))
    found = [choice.column for choice in choices if choice.role == "feature" and choice.name not in asked.roles]
    told = leaks(found, question)
    choices = [
        replace(choice, role="out", why=told[choice.name]) if choice.name in told else choice for choice in choices
    ]
    proposal = _one_each(Proposal(question, choices), table, asked)
    if not proposal.having("feature"):
        raise FactoryError(f"no column is left to tell {asked.target} from")
    return proposal


def _refuse_names(asked: Asked, columns: dict[str, Column]) -> None:
    """Refuse a column that is not there, and one that is to be two things."""
    said = [name for name in (asked.target, asked.id, asked.time, *asked.sensitive) if name is not None]
    for name in (*said, *asked.roles):
        if name not in columns:
            there = ", ".join(columns)
            raise FactoryError(f"there is no column {name!r}: there are {there[:300]}{'…' * (len(there) > 300)}")
        if said.count(name) > 1:
            raise FactoryError(f"{name}: named twice: target, id, time and sensitive are columns of their own")
    if asked.target in asked.roles:
        raise FactoryError(f"{asked.target}: is the target")


def _named(column: Column, asked: Asked) -> Choice | None:
    """What the user said of the column."""
    name = column.name
    if name == asked.target:
        return Choice(column, "target")
    role = asked.roles.get(name) or ("id" if name == asked.id else "time" if name == asked.time else None)
    sensitive = name in asked.sensitive or role == "sensitive"
    if role is None and not sensitive:
        return None
    role = "feature" if sensitive and role in (None, "sensitive") else str(role)
    gap = f"{column.missing} rows have none"
    if role == "time" and (column.kind not in TEMPORAL[:2] or column.missing):
        raise FactoryError(f"{name}: cannot tell new rows from old: {gap if column.missing else 'holds no dates'}")
    if role == "id" and (column.missing or column.kind not in ("Int64", "String")):
        raise FactoryError(f"{name}: cannot be an id: {gap if column.missing else 'holds no text or whole numbers'}")
    if role == "feature" and column.kind not in KINDS:
        raise FactoryError(f"{name}: {column.spelled.note}")
    if role == "feature" and is_free_text(column):
        raise FactoryError(f"{name}: {column.different} different texts are no feature: derive one in features.py")
    return Choice(column, role, "as you said", sensitive)


def _one_each(proposal: Proposal, table: pl.LazyFrame, asked: Asked) -> Proposal:
    """One id and one time at most, those that were named first, and a time only where it can split the rows."""
    choices = proposal.choices
    ids = sorted(proposal.having("id"), key=lambda choice: choice.why != "as you said")
    for other in ids[1:]:
        choices = _instead(choices, replace(other, role="out", why=f"identifies the row, as {ids[0].name} does"))
    times = sorted(proposal.having("time"), key=lambda choice: choice.why != "as you said")
    reason = why_not(table, times[0].column, proposal.question) if times else None
    if reason and times[0].why == "as you said":
        raise FactoryError(f"{times[0].name}: cannot split the rows: {reason}")
    for other in times[0 if reason else 1 :]:
        after = None if reason else always_after(table, other.column, times[0].column)
        choices = _instead(choices, replace(other, role="out" if after else "feature", why=after or reason or ""))
    return replace(proposal, choices=choices)


def _instead(choices: list[Choice], new: Choice) -> list[Choice]:
    return [new if choice.name == new.name else choice for choice in choices]
