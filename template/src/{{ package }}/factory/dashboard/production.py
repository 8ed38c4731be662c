"""What monitoring has found about the model in production: performance, drift and calls, from reports/monitor.json."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from ..errors import CannotEvaluate
from ..evaluation.svg import Figure
from ..metrics.definitions import Metric
from ..monitoring import monitor, retraining
from ..monitoring.performance import ESTIMATED
from .charts import Series, figure, ordinal, spark

RECENT = timedelta(days=7)  # of which calls are counted
SPARKS = 60  # windows in a small chart
ROLES = {"champion": "line", "challenger": "line other"}
LEGEND = (("champion", "model"), ("challenger", "other"))

Json = Mapping[str, Any]
Problem = tuple[str, str]
Step = tuple[bool, str]


def read() -> tuple[dict[str, Any], list[Problem]]:
    """What monitoring has found, its windows in order, and why that is less than it could be."""
    try:
        found = monitor.read()
    except CannotEvaluate as error:
        return monitor.empty(), [(error.code, error.reason)]
    if found is None:
        return monitor.empty(), [("NOT_RUN", "monitoring has never run here: `uv run factory monitor`")]
    found["windows"].sort(key=lambda window: (window["from"], window["role"], window["model"]))
    return found, [(state["code"], state["text"]) for state in found["states"]]


def performance(windows: Sequence[Json], metric: Metric, floor: float | None) -> list[Figure]:
    """The main metric by outcomes beside what is estimated without, the share of rows with an outcome, and the bias."""
    by_role = _by_role(windows)
    label = metric.label
    live = [_series(own, _metric, kind) for own, kind in by_role]
    estimated = [_series(own, _estimated, "reference") for own, _ in by_role]
    text = "By outcomes, with 95% intervals." + (" Dashed, level: the gate's floor." if floor is not None else "")
    if any(series.figures for series in estimated):
        text += f" Dashed, varying: estimated without outcomes, {ESTIMATED}."
    bias = [_series(own, _bias, kind) for own, kind in by_role]
    covered = [_series(own, _coverage, kind) for own, kind in by_role]
    legend = _legend(windows)
    return _drawn(
        _over_time(f"Live {label}", text, label, [*estimated, *live], limit=floor, legend=legend),
        _by_step(windows, label),
        _over_time("Bias", "Mean of outcome minus score, with 95% intervals.", "bias", bias, limit=0.0, legend=legend),
        _over_time(
            "Outcome coverage", "Share of the rows with an outcome.", "rows", covered, share=True, legend=legend
        ),
    )


def drift(windows: Sequence[Json]) -> list[Figure]:
    """What alerts judge in every window: the distance of the scores, next to its limit."""
    figures = []
    for column in dict.fromkeys(check["column"] for check in _checks(windows, "SCORE_DRIFT")):
        series = []
        for own, kind in _by_role(windows):
            found = [_of(window, "SCORE_DRIFT", column) for window in own]
            days = [ordinal(window["from"]) for window in own]
            series.append(Series(days, [check["limit"] if check else None for check in found], "reference"))
            series.append(Series(days, [check["value"] if check else None for check in found], kind))
        text = "Distance of the scores' distribution from the test's. Dashed: the limit."
        figures.append(_over_time("Score drift", text, f"distance of {column}", series, legend=_legend(windows)))
    return _drawn(*figures)


def volume(windows: Sequence[Json]) -> list[Figure]:
    """Rows scored, window by window."""
    rows = [_series(own, lambda window: (window["rows"], None), kind) for own, kind in _by_role(windows)]
    return _drawn(_over_time("Rows", "Captured rows of each window.", "rows", rows, legend=_legend(windows)))


def gauges(windows: Sequence[Json]) -> tuple[list[str], list[dict[str, Any]]]:
    """The codes of the gauges, and by column what each was in the newest window and before, those that changed most first."""
    own = [window for window in windows if window["role"] == "champion"][-SPARKS:]
    found = [check for check in _checks(own) if check["tier"] == "gauge" and check["column"]]
    codes = list(dict.fromkeys(check["code"] for check in found))
    columns = dict.fromkeys(check["column"] for check in found)
    rows = []
    for column in columns:
        cells = {}
        for code in codes:
            values = [check["value"] if (check := _of(window, code, column, "gauge")) else None for window in own]
            known = [value for value in values if value is not None]
            cells[code] = {"value": values[-1], "path": spark(values) if len(known) > 1 else "", "windows": len(own)}
        rows.append({"column": column, "cells": cells})
    return codes, sorted(rows, key=lambda row: -max((cell["value"] or 0.0) for cell in row["cells"].values()))


def calls(windows: Sequence[Json], until: str | None) -> tuple[int, list[dict[str, Any]]]:
    """Requests of the last days; and rows by caller, model and role, most first."""
    since = f"{date.fromisoformat(until) - RECENT}" if until else ""
    recent = [window for window in windows if window["to"] > since]
    rows = Counter[tuple[str, str, str]]()
    for window in recent:
        rows.update({(caller, window["model"], window["role"]): n for caller, n in window["callers"].items()})
    names = ("caller", "model", "role", "rows")
    ordered = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    table = [dict(zip(names, (*key, count), strict=True)) for key, count in ordered]
    return sum(window["requests"] for window in recent), table


def started() -> list[retraining.Retraining] | None:
    """The retrainings that pipelines have started; None where that cannot be read."""
    try:
        return retraining.read()
    except (OSError, ValueError, TypeError):
        return None


def until_retraining(report: Json, label_days: int) -> list[Step]:
    """What a retraining takes: whether it is there, and what it is."""
    before = started()
    if not report["until"] or before is None:
        return [(False, f"{retraining.FILE} is damaged" if report["until"] else "monitoring has not run")]
    alerts = (each for each in report["alerts"] if each["open"] and retraining.is_champions(each, report))
    evidence = [each for each in alerts if each["retrain"]]
    steps = [(True, f"{each['model']} {each['code']} since {each['from']}: {each['text']}") for each in evidence]
    try:
        decision = retraining.decide(report, before)
    except CannotEvaluate as error:
        return [*steps, (False, error.reason)]
    if isinstance(decision, retraining.Retraining):
        return [*steps, (True, "nothing is missing: the next run of the pipeline starts it")]
    steps.append((False, decision))
    waiting = [window for window in report["windows"] if window["outcomes"] and not window["outcomes"]["due"]]
    if waiting and not evidence:
        first = waiting[0]
        due = date.fromisoformat(first["to"]) + timedelta(days=label_days)
        count = f"{len(waiting)} {'window waits' if len(waiting) == 1 else 'windows wait'}"
        steps.append((False, f"{count} for outcomes; the first, of {first['from']}, is judged at 80% or on {due}"))
    return steps


def latest(windows: Sequence[Json]) -> dict[str, Json]:
    """By model its newest window that has been judged by outcomes."""
    return {window["model"]: window for window in windows if _metric(window)[0] is not None}


def _by_role(windows: Sequence[Json]) -> list[tuple[list[Json], str]]:
    """The windows in each role, whichever model had it, and how they are drawn."""
    roles = dict.fromkeys(window["role"] for window in windows)
    return [([window for window in windows if window["role"] == role], ROLES.get(role, "line")) for role in roles]


def _by_step(windows: Sequence[Json], label: str) -> Figure | None:
    """Of forecasts the metric of the nearest and of the farthest part of the horizon."""
    own = [window for window in windows if window["role"] == "champion" and _steps(window)]
    if not own:
        return None
    parts = [*_steps(own[-1])]
    ends = dict(zip(dict.fromkeys((parts[0], parts[-1])), ROLES.values(), strict=False))
    series = [
        _series(own, lambda window, part=part: (_steps(window).get(part), None), kind) for part, kind in ends.items()
    ]
    legend = tuple((kind, f"steps {part}") for (_, kind), part in zip(LEGEND, ends, strict=False))
    return _over_time(f"Live {label} by step", "By outcomes, of the ends of the horizon.", label, series, legend=legend)


def _steps(window: Json) -> dict[str, float]:
    return (window["outcomes"] or {}).get("steps") or {}


def _series(windows: Sequence[Json], value: Any, kind: str) -> Series:
    pairs = [value(window) for window in windows]
    days = [ordinal(window["from"]) for window in windows]
    return Series(days, [each for each, _ in pairs], kind, [interval for _, interval in pairs])


def _over_time(title: str, caption: str, y: str, series: Sequence[Series], **options: Any) -> Figure | None:
    return figure(title, caption, "first day of the window", y, series, **options)


def _drawn(*figures: Figure | None) -> list[Figure]:
    return [each for each in figures if each]


def _legend(windows: Sequence[Json]) -> tuple[tuple[str, str], ...]:
    roles = {window["role"] for window in windows}
    return LEGEND if len(roles) > 1 else ()


def _metric(window: Json) -> tuple[float | None, tuple[float, float] | None]:
    return _interval(window, "metric")


def _bias(window: Json) -> tuple[float | None, tuple[float, float] | None]:
    return _interval(window, "bias")


def _interval(window: Json, name: str) -> tuple[float | None, tuple[float, float] | None]:
    measured = (window["outcomes"] or {}).get(name)
    return (measured["value"], (measured["low"], measured["high"])) if measured else (None, None)


def _estimated(window: Json) -> tuple[float | None, None]:
    return (window["outcomes"] or {}).get("estimated"), None


def _coverage(window: Json) -> tuple[float | None, None]:
    return (window["outcomes"] or {}).get("coverage"), None


def _checks(windows: Sequence[Json], code: str = "") -> Iterator[Json]:
    return (check for window in windows for check in window["checks"] if code in ("", check["code"]))


def _of(window: Json, code: str, column: str | None, tier: str = "") -> Json | None:
    """The window's check of that code and column."""
    for check in window["checks"]:
        if (check["code"], check["column"]) == (code, column) and tier in ("", check["tier"]):
            return dict(check)
    return None
