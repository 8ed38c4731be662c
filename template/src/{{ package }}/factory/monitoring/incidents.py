"""Incidents: what stays beyond its limit from one window to the next, and whether it is evidence for retraining."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

OF_OUTCOMES = "BIAS", "METRIC_FLOOR"
LISTED = "SCORE_DRIFT", *OF_OUTCOMES  # wherever a window could be judged; others only where it is beyond

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Incident:
    """One code about one column, in consecutive windows of one model."""

    model: str
    code: str
    column: str | None
    first: str
    last: str
    open: bool
    text: str
    retrain: bool

    @property
    def key(self) -> str:
        """Its name, which no other has."""
        return " ".join(filter(None, (self.model, self.code, self.column, self.first)))

    def to_json(self) -> dict[str, Any]:
        """As in reports/monitor.json."""
        values = vars(self) | {"from": self.first, "to": self.last}
        names = ("model", "code", "column", "from", "to", "open", "text", "retrain")
        return {"key": self.key, **{name: values[name] for name in names}}


def find(windows: Sequence[Json], tier: str, champions: Collection[str]) -> list[Incident]:
    """The incidents of the tier, those that are open first, then the newest first.

    What a model had that is no longer in service is over.
    """
    newest = max((window["to"] for window in windows), default="")
    groups = defaultdict[tuple[str, str], list[Json]](list)
    for window in sorted(windows, key=lambda each: (each["from"], each["to"])):
        groups[window["model"], window["role"]].append(window)
    found = list[Incident]()
    for (model, role), own in groups.items():
        serving = model in champions if role == "champion" else own[-1]["to"] == newest
        found += _of_model(own, tier, serving, retraining=role == "champion")
    return sorted(sorted(found, key=lambda each: each.key), key=lambda each: (each.open, each.first), reverse=True)


def _of_model(windows: Sequence[Json], tier: str, serving: bool, retraining: bool) -> Iterator[Incident]:
    subjects = {
        (each["code"], each["column"]) for window in windows for each in window["checks"] if each["tier"] == tier
    }
    for code, column in sorted(subjects, key=str):
        judged = [(window, check) for window in windows if (check := _check(window, tier, code, column)) is not None]
        for run in _runs(judged):
            going_on = serving and run[-1][0] is judged[-1][0]
            evidence = retraining and going_on and tier == "alert" and _is_evidence(code, run[0][0], windows)
            yield _incident(code, column, run, going_on, evidence)


def _check(window: Json, tier: str, code: str, column: str | None) -> Json | None:
    """What the window has about it; None where it was not judged."""
    check: Json
    for check in window["checks"]:
        if (check["tier"], check["code"], check["column"]) == (tier, code, column):
            return check
    judged = window.get("complete", True) and window.get("reference", True) and column not in window.get("unjudged", ())
    return {"beyond": False} if judged and code not in LISTED else None


def _runs(judged: Sequence[tuple[Json, Json]]) -> Iterator[list[tuple[Json, Json]]]:
    """The pairs that are beyond, as far as they follow each other."""
    run = list[tuple[Json, Json]]()
    for window, check in judged:
        if check["beyond"]:
            run.append((window, check))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _is_evidence(code: str, first: Json, windows: Sequence[Json]) -> bool:
    """Whether retraining may help: outcomes show it, or scores have changed and there are outcomes to learn from."""
    labelled = any((window.get("outcomes") or {}).get("rows") for window in windows if window["from"] >= first["from"])
    return code in OF_OUTCOMES or (code == "SCORE_DRIFT" and labelled)


def _incident(
    code: str, column: str | None, run: Sequence[tuple[Json, Json]], going_on: bool, evidence: bool
) -> Incident:
    (first, _), (last, check) = run[0], run[-1]
    since = date.fromisoformat(first["from"])
    text = f"{check['text']} from {since.day} {since:%B}"
    return Incident(first["model"], code, column, first["from"], last["to"], going_on, text, evidence)
