"""The page: what the dashboard.html beside it shows of versions, monitoring, services, data and cost."""

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ..config import Params
from ..data import ledger
from ..errors import CannotEvaluate
from ..evaluation import page
from ..evaluation.svg import Figure
from ..metrics.definitions import main_metric
from ..paths import REPORTS
from . import history, operations, production
from .charts import Series, figure, ordinal

FILE = REPORTS / "dashboard.html"
LISTED = {
    "versions": 20,
    "windows": 14,
    "incidents": 20,
    "retrainings": 10,
    "columns": 40,
    "calls": 25,
    "deliveries": 12,
}
QUALITY = ("DUPLICATES", "TRAIN_TEST_GAP", "LEAKAGE", "SMALL_TEST", "CONTRACT")  # the gate's checks of data

Json = Mapping[str, Any]


def write(params: Params, path: Path = FILE) -> list[str]:
    """Write the page, all or nothing; what it could not show, in lines."""
    report, states = production.read()
    text, missing = render(params, report, states)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return missing


def render(params: Params, report: dict[str, Any], states: list[production.Problem]) -> tuple[str, list[str]]:
    """The page, the same bytes for the same inputs; and what it could not show."""
    metric, floor, windows = main_metric(params), params.gate.floor, report["windows"]
    made = history.read()
    services, unreachable = _services(report["until"])
    deliveries, received, damaged = _deliveries()
    states = [*states, *unreachable, *damaged]
    champion = made[-1] if made and not made[-1].version.problem else None
    text = page.render(
        resources.files(__package__).joinpath("dashboard.html").read_text(encoding="utf-8"),
        project=page.project(),
        listed=LISTED,
        metric=metric,
        floor=floor,
        report=report,
        states=states,
        champion=champion,
        open_alerts=[each for each in report["alerts"] if each["open"]],
        started=(production.started() or [])[::-1],
        retraining=production.until_retraining(report, params.monitor.label_days),
        made=made[::-1],
        live=production.latest(windows),
        test=history.measured(made, metric, floor),
        gate=history.verdict(history.GATE),
        compared=history.verdict(history.LIVE),
        performance=production.performance(windows, metric, floor),
        has_outcomes=any((window["outcomes"] or {}).get("rows") for window in windows),
        drift=production.drift(windows),
        gauges=production.gauges(windows),
        unjudged=windows[-1].get("unjudged", []) if windows else [],
        volume=production.volume(windows),
        calls=production.calls(windows, report["until"]),
        services=services,
        deliveries=deliveries,
        received=received,
        quality=[check for check in _checks(champion) if check["code"] in QUALITY],
        prices=params.monitor,
        **_costs(made, services, params),
    )
    return text, [f"{code}: {message}" for code, message in states]


def _services(until: str | None) -> tuple[dict[str, Any] | None, list[production.Problem]]:
    """What Prometheus knows, if it is set; and why not if it cannot be reached."""
    server = operations.address()
    if server is None:
        return None, []
    try:
        found = operations.ask(server, until)
    except CannotEvaluate as error:
        return None, [(error.code, error.reason)]
    return {
        "callers": operations.callers(found),
        "instances": operations.instances(found),
        "cpu": operations.cpu_by_model(found),
        "lost": {labels.get("reason", ""): rows for labels, rows in found["lost"]},
    }, []


def _deliveries() -> tuple[list[ledger.Entry], Figure | None, list[production.Problem]]:
    """What the ledger holds, and the rows that had been received by each day; and why not if it cannot be read."""
    total, by_day = 0, dict[str, int]()
    try:
        entries = ledger.entries()
        for entry in entries:
            total += int(entry.rows)
            by_day[entry.received[:10]] = total
        series = Series([ordinal(day) for day in by_day], list(by_day.values()))
    except CannotEvaluate as error:
        return [], None, [(error.code, error.reason)]
    except ValueError as error:
        return [], None, [("LEDGER", f"{error}: restore the deliveries' records from Git")]
    text = "All deliveries so far, by day of receipt."
    return entries, figure("Rows received", text, "day", "rows", [series]), []


def _checks(champion: history.Made | None) -> list[dict[str, Any]]:
    gate = champion.record.get("gate") if champion else None
    return gate["checks"] if gate else []


def _costs(made: Sequence[history.Made], services: dict[str, Any] | None, params: Params) -> dict[str, Any]:
    """What each run has cost, the newest first, one that was not promoted before them; and what scoring has."""
    here, prices, rows = history.here(), params.monitor, list[dict[str, Any]]()
    trained = [each for each in made if each.record.get("action") == "promote"]
    if here and here.get("model_id") not in {each.record.get("model") for each in made}:
        rows.append({"name": "not promoted", "run": here, "cost": history.cost(here, prices)})
    for each in reversed(trained):
        rows.append({"name": each.name, "run": each.run, "cost": history.cost(each.run, prices)})
    total = history.total(row["cost"] for row in rows)
    serving = [
        {"name": model, "cpu": seconds, "kwh": history.energy(seconds, prices)}
        for model, seconds in sorted((services or {"cpu": {}})["cpu"].items())
    ]
    return {"costs": rows, "total": total, "serving": serving}
