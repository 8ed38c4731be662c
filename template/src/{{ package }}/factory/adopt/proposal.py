"""The role of each column: the user's choice, or else inferred, with at most one id and one time."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from ..data import row_time
from ..data.split import share_of_ids
from ..errors import FactoryError, listed
from ..evaluation.profiling.implausible import Implausible
from ..leakage.columns import KINDS as LEAKS
from ..leakage.finding import Finding
from ..training import candidates
from ..validation import times
from . import dates, evidence, forecast_roles, forecasts, profile, texts, time_parts
from .choices import UserChoices, check_names, chosen_role, may_be_id
from .forecasts import Forecast
from .people import Proxy, proxies
from .profile import Column
from .roles import KNOWN_AHEAD, OF_A_PERSON, ColumnRole, infer_role
from .sensitive import is_sensitive
from .target import USER_CHOICE, Target, check_outcomes, infer_problem


@dataclass(frozen=True)
class Proposal:
    """The target, the role of every column in the table's order, the model's parameters, and leaks that were found."""

    target: Target
    roles: list[ColumnRole]
    time: tuple[str, ...] = ()
    """The column with the time, or those with its parts."""
    newest: float = dates.TEST_SHARE
    """The share of the rows that the newest times have."""
    parameters: dict[str, Any] = field(default_factory=lambda: candidates.default().parameters)
    findings: list[Finding] = field(default_factory=list)
    proxies: list[Proxy] = field(default_factory=list)
    implausible: list[Implausible] = field(default_factory=list)
    sheet: str = ""
    """The sheet of the workbooks, of which the table was one."""
    forecast: Forecast | None = None
    """What forecasting the table is, or would be if the problem is another."""

    @property
    def used(self) -> list[ColumnRole]:
        """The columns that are not excluded."""
        return [role for role in self.roles if role.role != "excluded"]

    @property
    def entity(self) -> Column | None:
        """The id that several rows share, if there is one."""
        return next((role.column for role in self.with_role("id") if not role.column.unique), None)

    @property
    def repeats(self) -> bool:
        """Whether several rows share an id."""
        return self.entity is not None

    @property
    def plain_features(self) -> list[Column]:
        """The features but for texts."""
        return [role.column for role in self.with_role("feature") if not texts.is_text(role)]

    @property
    def test_share(self) -> float:
        """The share of the rows, or of the positions of their ids, that is the test."""
        return share_of_ids(self.entity.sample, dates.TEST_SHARE) if self.entity else self.newest

    def with_role(self, name: str) -> list[ColumnRole]:
        """The columns of that role."""
        return [role for role in self.roles if role.role == name]

    @property
    def sensitive_columns(self) -> list[Column]:
        """The columns of groups of people, used or not."""
        return [r.column for r in self.roles if r.role != "target" and (r.sensitive or is_sensitive(r.column))]

    def name_of(self, role: str) -> str | None:
        """The one column of that role, if there is one."""
        return next((role.name for role in self.with_role(role)), None)


def propose(
    columns: dict[str, Column], table: pl.LazyFrame, choices: UserChoices, implausible: Iterable[Implausible] = ()
) -> Proposal:
    """The proposal, in which values are `implausible`. Raises FactoryError where a column cannot have the role that the user chose."""
    check_names(choices, columns)
    values = profile.values(table, columns)
    forecast = _forecast(values, columns, choices)
    problem = forecasts.PROBLEM if choices.forecasts or _is_clear(forecast, choices) else choices.problem
    target = infer_problem(values, columns[choices.target], problem)
    roles: list[ColumnRole] = []
    for column in columns.values():
        roles.append(chosen_role(column, choices, columns) or infer_role(column, roles))
    proposal = Proposal(target, roles, implausible=[*implausible], forecast=forecast)
    if forecast and problem == forecasts.PROBLEM:
        return _forecasting(proposal, forecast, columns, choices)
    proposal = _doubted(_one_time(_one_id(proposal), values, choices.times(columns)), columns)
    proposal = _with_roles(proposal, [*texts.helpful(proposal.roles, target, proposal.entity)])
    if not proposal.with_role("feature") and len(proposal.time) < 2:  # whose parts are features
        if forecast:  # of a time and a number
            forecasts.check(forecast, target.name)
        reasons = listed([f"{role.name} ({role.why})" for role in proposal.with_role("excluded")], 4)
        raise FactoryError(
            f"no feature column left to predict {choices.target}{reasons and ': excluded are '}{reasons}"
            f"{(forecast and '; --problem forecasting predicts it from its past') or ''}"
        )
    return proposal


def _forecast(values: pl.LazyFrame, columns: dict[str, Column], choices: UserChoices) -> Forecast | None:
    """What forecasting the table would be. Raises FactoryError where the user asks for it, and it cannot be."""
    if choices.problem not in (None, forecasts.PROBLEM):
        return None
    if not choices.forecasts and columns[choices.target].different <= forecasts.FEW_VALUES:
        return None
    wishes = choices.wishes(columns)
    found = forecasts.find(values, columns, choices.target, wishes)
    if not choices.forecasts:
        return found
    if found is None:
        check_outcomes(columns[choices.target])
        raise FactoryError(forecasts.explained(columns, choices.target, wishes))
    return forecasts.check(found, choices.target)


def _is_clear(forecast: Forecast | None, choices: UserChoices) -> bool:
    """Whether the table is for a forecast, and the user has named no row or entity to predict for.

    In a project that forecasts it is, if it may be. Raises FactoryError where its observations do not allow it.
    """
    if forecast is None or choices.id or "id" in choices.roles.values() or forecast_roles.taken(forecast):
        return False
    if forecast.is_clear or not (choices.project == forecasts.PROBLEM and forecast.is_likely):
        return forecast.is_clear
    try:
        forecasts.check(forecast, choices.target)
    except FactoryError as error:
        raise FactoryError(f"{error}; or --problem regression, which predicts each row by itself") from error
    return True


def _forecasting(proposal: Proposal, forecast: Forecast, columns: dict[str, Column], choices: UserChoices) -> Proposal:
    """The proposal as a forecast; a column known ahead that leaks is left out, unless the user chose it."""
    target = proposal.target
    if choices.problem is None:
        target = replace(
            target, why="regular times, whose past says what comes" if not choices.forecasts else target.why
        )
    roles = forecast_roles.of_forecast(proposal.roles, forecast, target.name)
    proposal = replace(proposal, target=target, roles=roles, time=(forecast.series.time,))
    ahead = [role.column for role in forecast_roles.doubtful(roles, forecast)]
    found = list(evidence.findings(ahead, columns.values(), target, None, by_time=True)) if ahead else []
    leaks = [finding for finding in found if finding.kind in LEAKS]
    for finding in leaks:
        if finding.refuses:
            proposal = _without(proposal, finding)
    return replace(proposal, findings=leaks)


def _doubted(proposal: Proposal, columns: dict[str, Column]) -> Proposal:
    """The proposal with what was found, and the cautious side of it taken where the user has not chosen."""
    used, id = proposal.plain_features, proposal.entity
    by_time = bool(proposal.time) and id is None
    found = list(evidence.findings(used, columns.values(), proposal.target, id, by_time=by_time)) if used else []
    for finding in found:
        if finding.kind == "group" and finding.refuses:
            proposal = _grouped(proposal, finding)
        elif finding.kind in LEAKS and finding.refuses:
            cautious = _without(proposal, finding)
            proposal = cautious if cautious.with_role("feature") else proposal  # the gate refuses its model
    stand_ins = list(proxies(proposal.sensitive_columns, proposal.plain_features))
    return replace(proposal, findings=found, proxies=stand_ins)


def _without(proposal: Proposal, finding: Finding) -> Proposal:
    """What leaks as excluded, but for the columns that the user chose."""
    why = LEAKS[finding.kind].format(finding.figure, target=proposal.target.name)
    used = [*proposal.with_role("feature"), *proposal.with_role(KNOWN_AHEAD)]
    leaking = [role for role in used if role.name in finding.columns]
    out = [replace(role, role="excluded", why=why) for role in leaking if role.why != USER_CHOICE]
    return _with_roles(proposal, out)


def _grouped(proposal: Proposal, finding: Finding) -> Proposal:
    """The entity as the id of several rows, unless it cannot be, or the user chose another id, or another role for it."""
    ids, name = proposal.with_role("id"), finding.columns[0]
    entity = next(role for role in proposal.roles if role.name == name)
    if USER_CHOICE in (entity.why, *(id.why for id in ids)) or not may_be_id(entity.column):
        return proposal
    why = "a model is worse where its rows are unseen"
    others = [replace(id, role="excluded", why=f"identifies the row, {name} what it belongs to") for id in ids]
    return _with_roles(proposal, [*others, replace(entity, role="id", why=why)])


def _one_id(proposal: Proposal) -> Proposal:
    """At most one id, preferably the user's choice."""
    ids = _by_user_first(proposal.with_role("id"))
    return _with_roles(
        proposal, [replace(r, role="excluded", why=f"identifies the row, as {ids[0].name} does") for r in ids[1:]]
    )


def _one_time(proposal: Proposal, values: pl.LazyFrame, chosen: list[str]) -> Proposal:
    """At most one time, preferably the user's choice, and only if it can split the rows; otherwise its parts, if there are."""
    with_time = _by_user_first(proposal.with_role("time"))
    reasons: list[str] = []
    for parts in [time_parts.in_order(chosen)] if chosen else [[time.name] for time in with_time]:
        share = _newest_share(proposal, values, parts)
        if isinstance(share, str):
            reasons.append(share)
            continue
        step = next(times.step(role.column.format.column()) for role in proposal.roles if role.name == parts[0])
        others = [_other_time(other, parts, step, values) for other in with_time if other.name not in parts]
        return replace(_with_roles(proposal, others), time=tuple(parts), newest=share)
    if chosen:
        raise FactoryError(f"{', '.join(chosen)}: cannot split the rows by it: {reasons[0]}")
    features = [replace(time, role="feature", why=reason) for time, reason in zip(with_time, reasons, strict=True)]
    return _by_parts(_with_roles(proposal, features), values)


def _by_parts(proposal: Proposal, values: pl.LazyFrame) -> Proposal:
    """The proposal with the time in columns with its parts, if there are any that can split the rows."""
    free = [role for role in proposal.roles if role.role != "target" and role.why != USER_CHOICE]
    parts = [column.name for column in time_parts.find(role.column for role in free)]
    share = _newest_share(proposal, values, parts) if parts else ""
    if isinstance(share, str):
        return proposal
    why = f"{', '.join(parts)} are the time: the newest rows are the test set"
    changed = [replace(role, role="time", why=why) for role in free if role.name in parts]
    return replace(_with_roles(proposal, changed), time=tuple(parts), newest=share)


def _newest_share(proposal: Proposal, values: pl.LazyFrame, parts: list[str]) -> float | str:
    time = row_time.joined(values.collect_schema(), parts) if len(parts) > 1 else pl.col(parts[0])
    return dates.newest_share(values, time, proposal.target.name, len(proposal.target.counts))


def _other_time(other: ColumnRole, parts: list[str], step: str, values: pl.LazyFrame) -> ColumnRole:
    if len(parts) == 1 and dates.is_always_after(values, other.name, parts[0], step):
        return replace(other, role="excluded", why=f"never before {parts[0]}: known only after the event?")
    return replace(other, role="feature", why="")


def _by_user_first(roles: list[ColumnRole]) -> list[ColumnRole]:
    """The user's choice first, what is of a person last."""
    return sorted(roles, key=lambda role: (role.why != USER_CHOICE, OF_A_PERSON in role.why))


def _with_roles(proposal: Proposal, changed: list[ColumnRole]) -> Proposal:
    new = {role.name: role for role in changed}
    return replace(proposal, roles=[new.get(role.name, role) for role in proposal.roles])
