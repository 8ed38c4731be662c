"""The role of each column: the user's choice, or else inferred, with at most one id and one time."""

from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from ..errors import FactoryError, listed
from ..leakage.finding import Finding
from ..leakage.sample import SCORES
from . import dates, defaults, evidence, profile
from .profile import Column
from .roles import MEASURED, ColumnRole, infer_role, is_free_text, leaks
from .source import KINDS
from .target import USER_CHOICE, Target, infer_problem

ROLES = ("feature", "excluded", "id", "time", "sensitive", MEASURED)
"""The roles that a user may give a column: a sensitive one is a feature whose groups are compared, a measured one none."""
ALIASES = {"out": "excluded", "exclude": "excluded"}  # as users type it


@dataclass(frozen=True)
class UserChoices:
    """The user's choices; `roles` are changes of the proposal."""

    target: str
    id: str | None = None
    time: str | None = None
    sensitive: tuple[str, ...] = ()
    problem: str | None = None
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """The target, the role of every column in the table's order, the model's parameters, and leaks that were found."""

    target: Target
    roles: list[ColumnRole]
    parameters: dict[str, Any] = field(default_factory=lambda: defaults.SMALL_TREES)
    findings: list[Finding] = field(default_factory=list)

    @property
    def used(self) -> list[ColumnRole]:
        """The columns that are not excluded."""
        return [role for role in self.roles if role.role != "excluded"]

    @property
    def repeats(self) -> bool:
        """Whether several rows share an id."""
        return any(not role.column.unique for role in self.with_role("id"))

    def with_role(self, name: str) -> list[ColumnRole]:
        """The columns of that role."""
        return [role for role in self.roles if role.role == name]

    def name_of(self, role: str) -> str | None:
        """The one column of that role, if there is one."""
        return next((role.name for role in self.with_role(role)), None)


def propose(columns: dict[str, Column], table: pl.LazyFrame, choices: UserChoices) -> Proposal:
    """The proposal. Raises FactoryError where a column cannot have the role that the user chose."""
    _check_names(choices, columns)
    values = profile.values(table, columns)
    target = infer_problem(values, columns[choices.target], choices.problem)
    roles: list[ColumnRole] = []
    for column in columns.values():
        roles.append(_chosen_role(column, choices) or infer_role(column, roles))
    features = [role.column for role in roles if role.role == "feature" and role.name not in choices.roles]
    why_out = leaks(features, target)
    roles = [replace(role, role="excluded", why=why_out[role.name]) if role.name in why_out else role for role in roles]
    proposal = _one_time(_one_id(Proposal(target, roles)), values)
    if not proposal.with_role("feature"):
        reasons = listed([f"{role.name} ({role.why})" for role in proposal.with_role("excluded")], 4)
        raise FactoryError(
            f"no feature column left to predict {choices.target}{reasons and ': excluded are '}{reasons}"
        )
    return _doubted(proposal, columns)


def _doubted(proposal: Proposal, columns: dict[str, Column]) -> Proposal:
    """The proposal with what was found, and the cautious side of it taken where the user has not chosen."""
    used = [role.column for role in proposal.with_role("feature")]
    id = columns[str(proposal.name_of("id"))] if proposal.repeats else None
    by_time = proposal.name_of("time") is not None and id is None
    found = list(evidence.findings(used, columns.values(), proposal.target, id, by_time=by_time))
    for finding in found:
        if finding.kind == "group":
            proposal = _grouped(proposal, finding)
    return replace(proposal, findings=found)


def _grouped(proposal: Proposal, finding: Finding) -> Proposal:
    """The entity as the id of several rows, unless the user chose another id, or another role for it."""
    ids, name = proposal.with_role("id"), finding.columns[0]
    entity = next(role for role in proposal.roles if role.name == name)
    if USER_CHOICE in (entity.why, *(id.why for id in ids)):
        return proposal
    why = f"{finding.figure:.2g} less {SCORES[proposal.target.problem]} where its rows are unseen"
    others = [replace(id, role="excluded", why=f"identifies the row, {name} what it belongs to") for id in ids]
    return _with_roles(proposal, [*others, replace(entity, role="id", why=why)])


def _check_names(choices: UserChoices, columns: dict[str, Column]) -> None:
    """Refuse a column that does not exist, and one with two roles."""
    names = [name for name in (choices.target, choices.id, choices.time, *choices.sensitive) if name is not None]
    for name in (*names, *choices.roles):
        if name not in columns:
            there = ", ".join(columns)
            raise FactoryError(f"no column {name!r} in the table; its columns: {there[:300]}{'…' * (len(there) > 300)}")
        if names.count(name) > 1:
            raise FactoryError(f"{name}: named twice: target, id, time and sensitive must be different columns")
    if choices.target in choices.roles:
        raise FactoryError(f"{choices.target}: is the target, and cannot have another role")


def _chosen_role(column: Column, choices: UserChoices) -> ColumnRole | None:
    """The role that the user chose. Raises FactoryError where the column cannot have it."""
    name = column.name
    if name == choices.target:
        return ColumnRole(column, "target")
    role = choices.roles.get(name) or ("id" if name == choices.id else "time" if name == choices.time else None)
    sensitive = name in choices.sensitive or role in ("sensitive", MEASURED)
    if role is None and not sensitive:
        return None
    role = "feature" if sensitive and role in (None, "sensitive") else str(role)
    _check_role(column, role)
    return ColumnRole(column, role, USER_CHOICE, sensitive)


def _check_role(column: Column, role: str) -> None:
    name, gap = column.name, f"{column.missing:,} rows have no value"
    if role == "time" and (column.kind not in dates.DATES or column.missing):
        raise FactoryError(f"{name}: cannot be the time: {gap if column.missing else 'no dates'}")
    if role == "id" and (column.missing or column.kind not in ("Int64", "String")):
        raise FactoryError(f"{name}: cannot be the id: {gap if column.missing else 'neither text nor integers'}")
    if role in ("feature", MEASURED) and column.kind not in KINDS:
        raise FactoryError(f"{name}: {column.format.note}")
    if role in ("feature", MEASURED) and is_free_text(column):
        raise FactoryError(f"{name}: {column.different:,} distinct texts are too many for a category: exclude it")


def _one_id(proposal: Proposal) -> Proposal:
    """At most one id, preferably the user's choice."""
    ids = _by_user_first(proposal.with_role("id"))
    return _with_roles(
        proposal, [replace(r, role="excluded", why=f"identifies the row, as {ids[0].name} does") for r in ids[1:]]
    )


def _one_time(proposal: Proposal, values: pl.LazyFrame) -> Proposal:
    """At most one time, preferably the user's choice, and only if it can split the rows."""
    times = _by_user_first(proposal.with_role("time"))
    if not times:
        return proposal
    time, target = times[0], proposal.target
    reason = dates.why_no_split(values, time.name, target.name, len(target.counts))
    if reason and time.why == USER_CHOICE:
        raise FactoryError(f"{time.name}: cannot split the rows by it: {reason}")
    if reason:
        return _with_roles(proposal, [replace(other, role="feature", why=reason) for other in times])
    return _with_roles(proposal, [_other_time(other, time.name, values) for other in times[1:]])


def _other_time(other: ColumnRole, time: str, values: pl.LazyFrame) -> ColumnRole:
    if dates.is_always_after(values, other.name, time):
        return replace(other, role="excluded", why=f"never before {time}: known only after the event?")
    return replace(other, role="feature", why="")


def _by_user_first(roles: list[ColumnRole]) -> list[ColumnRole]:
    return sorted(roles, key=lambda role: role.why != USER_CHOICE)


def _with_roles(proposal: Proposal, changed: list[ColumnRole]) -> Proposal:
    new = {role.name: role for role in changed}
    return replace(proposal, roles=[new.get(role.name, role) for role in proposal.roles])
