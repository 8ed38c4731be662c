"""The monitor's report, reports/monitor.json, which keeps what was known when captures are deleted, or cannot be read."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from filelock import FileLock

from ..config import Params
from ..errors import CannotEvaluate, FactoryError
from ..paths import DVC_TMP, REPORTS
from ..tables.sources import without_secrets
from . import evaluation
from .captures import ONE_DAY

REPORT = REPORTS / "monitor.json"
FORMAT = 1
Json = dict[str, Any]
KEYS = {"model", "role", "from", "to", "rows", "complete", "reference", "requests", "callers", "checks", "outcomes"}
"""Of each window in the report."""


def yesterday() -> date:
    """The last day that is over, in UTC."""
    return datetime.now(UTC).date() - ONE_DAY


def check_begun(until: date) -> None:
    """Refuse a day of which there cannot be any captures yet. Raises FactoryError."""
    if until > yesterday() + ONE_DAY:
        raise FactoryError(f"--until {until}: has not begun yet")


def empty() -> Json:
    """The report where nothing is known yet."""
    lists: Json = {name: [] for name in ("windows", "alerts", "notices", "states")}
    return {"format": FORMAT, "until": None, "champion": None, **lists}


def read() -> Json | None:
    """The last report, if there is one. Raises CannotEvaluate where it is damaged."""
    try:
        return parse(REPORT.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotEvaluate("DAMAGED", f"{REPORT}: {error.strerror}") from error


def parse(text: str | bytes) -> Json:
    """The report in the text. Raises CannotEvaluate where it is damaged."""
    try:
        report: Json = json.loads(text)
        whole = report["format"] == FORMAT and report.keys() >= empty().keys()
        if whole and all(each.keys() >= KEYS and evaluation.window_of(each) for each in report["windows"]):
            return report
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = "damaged: restore it, or delete it, which loses the windows whose captures are gone"
        raise CannotEvaluate("DAMAGED", f"{REPORT}: {why}") from error
    raise CannotEvaluate("DAMAGED", f"{REPORT}: of another release: run that, or delete it, with the same loss")


def run(params: Params, places: Sequence[str], until: date, states: Sequence[Json] = ()) -> Json:
    """Judge what was captured until the end of that day, and write the report. Raises CannotEvaluate where that is damaged.

    What cannot be read or judged is among the report's `states`, after those given, and what was known before stays.
    """
    with _alone():
        earlier = read() or {"windows": []}
        report = empty() | {"until": f"{until}", "places": [*map(without_secrets, places)]}
        try:
            report |= evaluation.evaluate(params, places, until, earlier["windows"])
        except CannotEvaluate as error:
            report |= earlier | {"states": [{"code": error.code, "text": error.reason}]}
        report["states"] = [*states, *report["states"]]
        temporary = REPORT.with_name(f".{REPORT.name}.tmp")
        content = json.dumps(report, ensure_ascii=False)  # most would be indents
        temporary.write_text(f"{content}\n", encoding="utf-8")
        temporary.replace(REPORT)
    return report


def exit_code(report: Json) -> int:
    """1 if an alert is open, or else 2 if not everything could be judged, or else 0."""
    if any(alert["open"] for alert in report["alerts"]):
        return 1
    return 2 if report["states"] else 0


@contextmanager
def _alone() -> Iterator[None]:
    for folder in (DVC_TMP, REPORTS):
        folder.mkdir(parents=True, exist_ok=True)
    with FileLock(DVC_TMP / "factory-monitor.lock"):
        yield
