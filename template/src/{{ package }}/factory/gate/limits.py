"""Limits on the limits: nobody passes the gate by asking for less than main or the champion did, or than a policy allows."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .. import sections
from ..config import Gate, Params
from ..evaluation import card_input
from ..evaluation.card_input import ModelCardInput
from ..metrics.definitions import direction
from ..policy import RISKS, Policies, Risk
from ..registry import naming
from ..registry.trust import Trust
from ..registry.versions import Version
from ..sections import Section
from ..workspace import git
from .evidence import Check

CODE = "LIMITS_WEAKENED"
RATIO = "selection_ratio"
UPPER = tuple(name for name in Gate.model_fields if name not in ("floor", RATIO, "accepted"))
"""The limits that allow more where they are higher."""


def allowed(policies: Policies, params: Params) -> list[Check]:
    """A check of whatever breaks a policy; a single one where nothing does."""
    found = policies.problems(params, card_input.load().tags, naming.of_project())
    if not found:
        what = "limits, tags and names"
        return [Check("POLICY", what, None, "as allowed", True, note=_by(policies.by_place))]
    return [Check("POLICY", what, None, "", False, note=_by(places)) for what, places in found.items()]


def commits(trusted: Trust, previous: list[Version]) -> dict[str, str]:
    """By name, the commits whose limits count: main's, the champion's, and after a rollback the last promoted model's."""
    promoted = [version for version in previous if not version.problem and version.facts["action"] == "promote"]
    main = {trusted.branch: trusted.main} if trusted.main else {}
    return main | {version.name: version.commit for version in [*promoted[-1:], *previous[-1:]]}


def risk(card: ModelCardInput, policies: Policies) -> Risk:
    """The risk that the card states, or that the policies want of its class of data, if that is higher."""
    return max(card.risk, policies.minimum_risk(card.data_class), key=RISKS.index)


def weaker(ours: Params, commits: Mapping[str, str], policies: Policies, accepted: str | None) -> list[Check]:
    """A check of each limit that is weaker than in one of the commits, by name."""
    found: dict[tuple[str, str, str], list[str]] = {}
    card = card_input.load()
    for name, commit in commits.items():
        text = git.show(commit, "params.yaml")
        theirs = sections.parse(text, f"params.yaml of {name}", Params.model_validate) if text else ours
        for values in (*weakened(ours, theirs), *lowered(card, card_input.at(commit), policies)):
            found.setdefault(values, []).append(name)
    return [_weaker(*values, names, accepted) for values, names in found.items()]


def as_strict(commits: Collection[str]) -> Check:
    """The check where no limit is weaker than in the commits of these names."""
    what = "limits, risk and class of data"
    if commits:
        return Check(CODE, what, None, "no weaker", True, note=f"than in {' and '.join(commits)}")
    return Check(CODE, what, None, "", True, note="no earlier ones to compare with", judged=False)


def weakened(ours: Params, theirs: Params) -> Iterator[tuple[str, str, str]]:
    """Key, our value and theirs of each limit that asks for less, or that cannot be compared with theirs."""
    for name in UPPER:
        here, there = getattr(ours.gate, name), getattr(theirs.gate, name)
        if here > there:
            yield f"gate.{name}", _text(here), _text(there)
    ratio, before = ours.gate.selection_ratio, theirs.gate.selection_ratio
    if (ratio or 0) < (before or 0):
        yield f"gate.{RATIO}", _text(ratio), _text(before)
    for key in sorted(ours.gate.accepted.keys() - theirs.gate.accepted):
        yield "gate.accepted", key, "none"
    yield from _measured_otherwise(ours, theirs)
    if ours.split.test < theirs.split.test:
        yield "split.test", _text(ours.split.test), _text(theirs.split.test)
    for key, columns, known in (
        ("data.sensitive", ours.data.sensitive, theirs.data.sensitive),
        ("evaluation.slices", ours.group_columns, theirs.group_columns),
    ):
        if not set(known) <= set(columns):
            yield key, _text(columns), _text(known)
    for key in ("id", "time", "repeats"):  # of which a test without leaks depends
        here, there = getattr(ours.data, key), getattr(theirs.data, key)
        if there not in (None, False, here):
            yield f"data.{key}", _text(here), _text(there)


def lowered(ours: ModelCardInput, theirs: ModelCardInput, policies: Policies) -> Iterator[tuple[str, str, str]]:
    """Key, our value and theirs of a lower risk, and of another class of data unless that raises it."""
    here, there = risk(ours, policies), risk(theirs, policies)
    if RISKS.index(here) < RISKS.index(there):
        yield "risk", here, there
    if RISKS.index(here) <= RISKS.index(there) and theirs.data_class and theirs.data_class != ours.data_class:
        yield "data_class", _text(ours.data_class), theirs.data_class


def _measured_otherwise(ours: Params, theirs: Params) -> Iterator[tuple[str, str, str]]:
    """Another main metric or other values of the decisions, for which the limits mean something else; a weaker floor."""
    metric, floor, before = ours.evaluation.metric, ours.gate.floor, theirs.gate.floor
    if metric != theirs.evaluation.metric:
        yield "evaluation.metric", metric, theirs.evaluation.metric
    elif floor is not None and before is not None and _is_worse(floor, before, direction(metric)):
        yield "gate.floor", _text(floor), _text(before)
    if theirs.value not in (None, ours.value):
        yield "value", _text(ours.value), _text(theirs.value)
    if theirs.forecast not in (None, ours.forecast):  # of which the simple forecasts and the scale depend
        yield "forecast", _text(ours.forecast), _text(theirs.forecast)
    if theirs.decision not in (None, ours.decision):
        yield "decision", _text(ours.decision), _text(theirs.decision)


def _is_worse(floor: float, before: float, direction: int) -> bool:
    return not direction * floor >= direction * before  # so that not-a-number is worse


def _by(places: Collection[str]) -> str:
    return f"by the policy of {' and '.join(places)}"


def _weaker(key: str, here: str, there: str, names: Collection[str], accepted: str | None) -> Check:
    note = f"is weaker than {there} in {' and '.join(names)}"
    note = f"accepted: {accepted}; {note}" if accepted else note
    return Check(CODE, f"{key} {here}", None, there, bool(accepted), note=note)


def _text(value: Any) -> str:
    if isinstance(value, Section):
        return ", ".join(f"{name} {_text(each)}" for name, each in value if each is not None)
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return f"{value:.12g}" if isinstance(value, float) else "none" if value is None else str(value).lower()
