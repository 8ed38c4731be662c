"""Which incident asks for a retraining, once for the same data, and at most one in seven days."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ..data import ledger
from ..paths import REPORTS

FILE = REPORTS / "retraining.json"
APART = timedelta(days=7)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Retraining:
    """One that was started: champion, code and first window; the state of the data; and the day up to which was looked."""

    key: str
    data: str
    on: str


def parse(content: str) -> list[Retraining]:
    """Those that were started, as `write` has written them."""
    return [Retraining(**each) for each in json.loads(content)]


def read(path: Path = FILE) -> list[Retraining]:
    """Those that the file here names."""
    return parse(path.read_text(encoding="utf-8")) if path.exists() else []


def write(started: Sequence[Retraining], path: Path = FILE) -> None:
    """Write down which were started."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(each) for each in started]), encoding="utf-8")


def is_champions(alert: Json, report: Json) -> bool:
    """Whether the alert is of the champion's model, under whichever version services have it."""
    return alert["model"] in report.get("champion_names", [report["champion"]])


def decide(report: Json, started: Sequence[Retraining]) -> Retraining | str:
    """The retraining to start now, or why there is none.

    The gate judges the same data in the same way: what it has refused is tried again when there are more.
    """
    evidence = [each for each in report["alerts"] if each["open"] and each["retrain"]]
    evidence = [each for each in evidence if is_champions(each, report)]  # another may be about to be served
    if not evidence:
        return "no open alert of the newest version is evidence for one"
    day = date.fromisoformat(report["until"])
    if recent := [each.on for each in started if day - date.fromisoformat(each.on) < APART]:
        return f"one was started for {max(recent)}, and there is at most one in {APART.days} days"
    data, tried = _data(report), {(each.key, each.data) for each in started}
    keys = (f"{each['model']} {each['code']} {each['from']}" for each in evidence)
    new = next((Retraining(key, data, report["until"]) for key in keys if (key, data) not in tried), None)
    return new or "the data are those of the last one for the same alert"


def _data(report: Json) -> str:
    """What there is to learn from: the deliveries, and how many captured rows have an outcome."""
    labelled = sum((window["outcomes"] or {}).get("rows", 0) for window in report["windows"])
    return f"{ledger.sha256(ledger.entries())[:12]} {labelled}"
