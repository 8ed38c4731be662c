"""What is in production: the champion, the gate's and the monitor's findings, and what each environment got."""

import json
from datetime import UTC, date, datetime
from typing import Any

from ..ci import alert, propose
from ..config import Params
from ..dashboard.history import GATE, Made
from ..deployment import records
from ..errors import CannotEvaluate
from ..monitoring import monitor
from ..registry import validity
from ..registry.trust import Trust, trust
from ..release.image import digest
from ..workspace import git
from .parts import MANY, Alert, Champion, Deployment, Gate, Metric, Monitor
from .reasons import Reasons, long, person, short

CARD = "reports/model-card.json"

Json = dict[str, Any]


def champion(made: list[Made], params: Params, reasons: Reasons) -> Champion | None:
    """The newest version, if it is valid."""
    return reasons.of("champion", lambda: _champion(made, params, reasons))


def gate(made: list[Made], reasons: Reasons) -> Gate | None:
    """The last verdict: the champion's, that on the last retraining, or that of `factory compare` here."""
    return reasons.of(
        "gate", lambda: max([*_verdicts(made)], key=lambda each: each.at or datetime.min.replace(tzinfo=UTC))
    )


def monitored(reasons: Reasons) -> Monitor | None:
    """What monitoring has found, here or in the pipeline, whichever looked at the later day."""
    return reasons.of("monitor", lambda: _monitor(reasons))


def report() -> Json:
    """What monitoring has found, here or on its branch, whichever looked at the later day. Raises CannotEvaluate without."""
    found = [monitor.read()]
    if git.remote_name():
        _, head = alert.BRANCH.head()
        kept = git.show(head, monitor.REPORT.name) if head else None
        found.append(monitor.parse(kept) if kept is not None else None)
    known = [each for each in found if each and each["until"]]
    if not known:
        raise CannotEvaluate("NOT_RUN", "monitoring has never run: `uv run factory monitor`")
    return max(known, key=lambda each: f"{each['until']}")


def deployments(made: list[Made], reasons: Reasons) -> list[Deployment]:
    """What each environment got last."""
    found = reasons.listed("deployments", lambda: records.latest(_trusted(made)), MANY)
    if any(_digest(record.image) is None for record in found):
        reasons.add("deployments.digest", "NO_DIGEST", "the image was deployed by its name alone")
    return reasons.each("deployments", _deployment, found)


def _trusted(made: list[Made]) -> Trust:
    return validity.after([each.version for each in made], trust())


def _champion(made: list[Made], params: Params, reasons: Reasons) -> Champion:
    if not made:
        raise CannotEvaluate("NO_VERSION", 'no model was promoted yet: `uv run factory promote -m "why"`')
    version = made[-1].version
    facts = version.facts
    metric = reasons.of("champion.metric", lambda: _metric(version.commit, facts, params, reasons))
    return Champion(
        version=version.name,
        commit=version.commit,
        model=short(facts["model"]),
        since=datetime.fromisoformat(facts["at"]),
        action=short(facts["action"]),
        by=person(facts["by"]),
        metric=metric,
    )


def _metric(commit: str, facts: Json, params: Params, reasons: Reasons) -> Metric:
    name, floor = params.evaluation.metric, params.gate.floor
    if name not in facts["metrics"]:
        raise CannotEvaluate("OTHER_METRIC", f"the version was not measured by {name}")
    card = json.loads(git.show(commit, CARD) or "{}").get("metrics", {}).get(name, {})
    low, high = card.get("low"), card.get("high")
    for key, value in {"low": low, "high": high}.items():
        if value is None:
            reasons.add(f"champion.metric.{key}", "NOT_RECORDED", f"{CARD} of the version has no interval of {name}")
    if floor is None:
        reasons.add(
            "champion.metric.floor", "NOT_STATED", "params.yaml has no gate.floor, so the gate rejects every model"
        )
    return Metric(name=name, value=float(facts["metrics"][name]), low=low, high=high, floor=floor)


def _verdicts(made: list[Made]) -> list[Gate]:
    """The champion's, and those on what main's commits, or newer ones here, made. Raises CannotEvaluate without any."""
    found = []
    if made and not made[-1].version.problem:
        record, at = made[-1].record["gate"], datetime.fromisoformat(made[-1].record["at"])
        found.append(Gate(passed=True, codes=[], against=short(record.get("against", "")), at=at))
    texts = [GATE.read_text(encoding="utf-8")] if GATE.exists() else []
    if git.remote_name():
        _, head = propose.VERDICT.head()
        texts += [kept] if head and (kept := git.show(head, GATE.name)) else []
    for result in map(json.loads, texts):
        if "at" in result and git.contains("HEAD", f"{result['commit']}"):  # not of another branch
            codes = [short(each) for each in dict.fromkeys(result["refusals"])][:MANY]
            at = datetime.fromisoformat(result["at"])
            found.append(Gate(passed=result["passed"], codes=codes, against=short(result["against"]), at=at))
    if not found:
        raise CannotEvaluate("NOT_COMPARED", "no model was compared yet: `uv run factory compare`")
    return found


def _monitor(reasons: Reasons) -> Monitor:
    found = report()
    alerts = [each for each in found["alerts"] if each["open"]]
    states = [short(each["code"]) for each in found["states"]]
    newest = [window["outcomes"]["coverage"] for window in found["windows"] if window["outcomes"]]
    if not newest:
        reasons.add(
            "monitor.outcomes", "NO_OUTCOMES", "no outcome of a scored row is known: `uv run factory outcomes FILE`"
        )
    return Monitor(
        until=date.fromisoformat(found["until"]),
        drift="open" if alerts else "unknown" if states else "quiet",
        alerts=[_alert(each) for each in alerts[:MANY]],
        states=states[:MANY],
        outcomes=newest[-1] if newest else None,
    )


def _alert(each: Json) -> Alert:
    return Alert(code=short(each["code"]), column=short(each["column"] or ""), since=date.fromisoformat(each["from"]))


def _deployment(record: records.Record) -> Deployment:
    return Deployment(
        environment=short(record.environment),
        version=short(record.version),
        image=long(record.image),
        digest=_digest(record.image),
        at=datetime.fromisoformat(record.at),
        by=person(record.by),
    )


def _digest(image: str) -> str | None:
    found = digest(image)
    return short(found) if found != image else None
