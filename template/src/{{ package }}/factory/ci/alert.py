"""What monitoring has found: an issue, a retraining where there is evidence, and what the next run has to know."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import FactoryError
from ..evaluation import markdown
from ..monitoring import monitor, retraining
from ..monitoring.monitor import REPORT
from ..monitoring.retraining import Retraining
from ..paths import REPORTS
from ..platforms.base import Platform
from ..workspace import git
from ..workspace.pull_request import require_platform
from ..workspace.state_branch import StateBranch
from .propose import RETRAIN

MARKER = "<!-- factory: monitoring -->"
TITLE = "Monitoring needs attention"
BRANCH = StateBranch("factory/monitor", "What monitoring keeps from one run to the next [skip ci]")
KEPT = {REPORT.name: REPORT, retraining.FILE.name: retraining.FILE, "index.html": REPORTS / "dashboard.html"}
"""By the name on the branch, the file here."""
UPDATED = "The codes are explained in docs/monitoring.md. Each run updates this issue: close it once nothing is open."
QUIET = "Nothing is open any more: close this issue."

Json = Mapping[str, Any]


def fetch() -> list[str]:
    """Bring what the last run kept; the names of the files. Raises FactoryError."""
    _, head = BRANCH.head()
    found = {name: git.show(head, name) for name in (REPORT.name, retraining.FILE.name)} if head else {}
    for name, content in found.items():
        if content is not None:
            KEPT[name].parent.mkdir(exist_ok=True)
            KEPT[name].write_text(content, encoding="utf-8")
    return [name for name, content in found.items() if content is not None]


def alert(until: str) -> list[str]:
    """Start a retraining, keep what the next run has to know, and open or update the issue. Raises FactoryError.

    `until` is the day that should have been looked at: a report of an earlier one is of an earlier run.
    """
    platform, report = require_platform(), _read_report(until)
    quiet = not (_open(report["alerts"]) or report["states"])
    try:
        line = _retrain(platform, report)
    except FactoryError as error:
        _report(platform, report, f"No retraining, and nothing is kept: {error}", quiet)
        raise
    address = _report(platform, report, line, quiet)
    return [line, f"See {address}" if address else "No alert is open"]


def _report(platform: Platform, report: Json, line: str, quiet: bool) -> str | None:
    text = f"{MARKER}\n{_page(report)}\n\n{markdown.text(line)}\n\n{QUIET if quiet else UPDATED}\n"
    return platform.open_issue(MARKER, TITLE, platform.render_comment(text), only_update=quiet)


def _retrain(platform: Platform, report: Json) -> str:
    """Start a retraining, once it is recorded on the branch, so that of two runs at once only one does; what came of it."""
    remote, head = BRANCH.head()
    kept = git.show(head, retraining.FILE.name) if head else None
    started = retraining.parse(kept or "[]")
    new = retraining.decide(report, started)
    if not isinstance(new, str) and platform.is_proposed(RETRAIN, platform.branch):
        new = f"{RETRAIN} proposes a model, for a person to decide"
    if isinstance(new, str):
        _keep(remote, head, started)
        return f"No retraining: {new}"
    claimed = _keep(remote, head, [*started, new])
    try:
        platform.start_retraining()
    except FactoryError:
        _keep(remote, claimed, started)
        raise
    return f"Started the pipeline retrain: {new.key}"


def _keep(remote: str, head: str | None, started: Sequence[Retraining]) -> str:
    """Put the files on the branch, if it is still at `head`; its commit. Raises FactoryError."""
    retraining.write(started)
    return BRANCH.write(remote, head, {name: path for name, path in KEPT.items() if path.exists()})


def _read_report(until: str) -> Json:
    """The report, with the state NOT_RUN where it does not reach that day; its alerts are then no evidence."""
    try:
        report: Json = json.loads(REPORT.read_text(encoding="utf-8"))
        last = str(report["until"])
    except (OSError, ValueError, KeyError, TypeError):
        report, last = monitor.empty(), ""
    if last >= until:
        return report
    since = f"since {last}" if last else f"and left no {REPORT} that can be read"
    state = {"code": "NOT_RUN", "text": f"factory monitor has not finished {since}: see the log of its run"}
    alerts = [{**each, "retrain": False} for each in report["alerts"]]
    return {**report, "alerts": alerts, "states": [state, *report["states"]]}


def _open(found: Sequence[Json]) -> list[Json]:
    return [each for each in found if each["open"]]


def _page(report: Json) -> str:
    """Alerts that are open, and what could not be evaluated."""
    alerts = _open(report["alerts"])
    rows = [[each["code"], each["model"], each["column"] or "", each["from"], each["text"]] for each in alerts]
    table = markdown.table(rows, ["code", "model", "column", "since", "what"]) if rows else ""
    states = [f"- {markdown.code(each['code'])} {markdown.text(each['text'])}" for each in report["states"]]
    number = f"{len(alerts)} {'alert' if len(alerts) == 1 else 'alerts'}"
    headline = f"## {number} open up to {report['until'] or 'no day'}"
    return "\n\n".join(filter(None, [headline, table, "\n".join(states)]))
