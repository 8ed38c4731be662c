"""The page for people: what the report.html beside it shows of an assessment."""

import base64
import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from ... import contract
from ..data import ledger
from ..metrics.bootstrap import Estimate
from ..metrics.definitions import AT_K, Metric, Vector, main_metric, metrics_of
from ..tables.chunks import column
from ..validation import personal
from . import cautions, charts, column_profile, confusion, leaderboard, page
from .assessment import Assessment
from .page import project
from .profiling import pages
from .profiling.observations import profile
from .profiling.repeats import across
from .profiling.view import of_rows
from .slices import MIN_ROWS, WITH_INTERVAL, deviations
from .worst import worst_predictions

LISTED = {
    "classes": 5,
    "per_class": 40,
    "groups": WITH_INTERVAL,
    "deviations": 5,
    "features": 20,
    "columns": 40,
    "deliveries": 12,
    "series": 20,
}


def render(assessment: Assessment, run: dict[str, Any]) -> str:
    """The page: self-contained but for the gate's result beside it, the same bytes for the same assessment and run."""
    estimates, metrics = assessment.estimates, metrics_of(assessment.params)
    hidden = personal.columns(contract.LabelledRow)
    script = page.resource("report.js")
    return page.render(
        page.resource("report.html"),
        a=assessment,
        run=run,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        project=project(),
        main=assessment.params.evaluation.metric,
        verdict=verdict(assessment),
        metrics=metrics,
        tiles={name: tile(metrics[name], estimates[name], assessment.target) for name in _main_first(assessment)},
        quantiles={name[7:]: e.value for name, e in estimates.items() if name.startswith("error_q")},
        utility=utility(assessment),
        at_least=lambda limit: float((assessment.score >= limit).mean()),
        matrix=matrix(assessment),
        per_class=per_class(assessment),
        cautions=[*cautions.cautions(assessment.figures)],
        leaderboard=leaderboard.leaderboard(assessment.params.problem, assessment.manifest),
        **quality(assessment, hidden, _moment(run)),
        mix=lambda name: mix(column(getattr(assessment, name), assessment.params.data.target)),
        target_mean=lambda name: column(getattr(assessment, name), assessment.params.data.target).mean(),
        roles=lambda name: roles(assessment, name),
        figures=charts.figures(assessment),
        groups=groups(assessment),
        series=assessment.forecast.series.reverse().to_dicts() if assessment.forecast else [],
        deviations=deviations(assessment.slices, assessment.params),
        worst=worst_predictions(assessment) if assessment.params.evaluation.worst_rows else None,
        minimum=MIN_ROWS,
        deliveries=ledger.entries(),
        columns=[
            column_profile.profile(column(assessment.train, name), assessment.test[name], hidden=name in hidden)
            for name in listed(assessment)
        ],
        listed=LISTED,
    )


def verdict(assessment: Assessment) -> str:
    """How the main metric compares with the trivial baseline, in words that end in "than"."""
    metric = main_metric(assessment.params)
    estimate, sign = assessment.estimates[metric.name], metric.direction
    worst, best = sorted((sign * estimate.low, sign * estimate.high))
    if worst > sign * estimate.baseline:
        return "clearly better than"
    return "clearly worse than" if best < sign * estimate.baseline else "not measurably better than"


def tile(metric: Metric, estimate: Estimate, target: Vector) -> dict[str, Any]:
    """The estimate, and where on the way from the baseline (0) to a perfect model (100) it is."""
    perfect = metric(target, target) if metric.name in AT_K else float(metric.higher_is_better)
    baseline = estimate.baseline
    way = perfect - baseline
    figures = (estimate.value, estimate.low, estimate.high)
    value, *ends = [min(max(100 * (figure - baseline) / way, 0.0), 100.0) if way else 0.0 for figure in figures]
    return {"estimate": estimate, "perfect": perfect, "value": value, "low": min(ends), "high": max(ends)}


def utility(assessment: Assessment) -> dict[str, float] | None:
    """What the decisions on the test rows earn, next to what others do: always, never, at random, or perfectly."""
    value, counts = assessment.params.value, assessment.confusion
    if value is None or counts is None:
        return None
    positive = counts["true_positive"] + counts["false_negative"]
    negative = counts["false_positive"] + counts["true_negative"]
    ours = {"this model": sum(getattr(value, outcome) * count for outcome, count in counts.items())}
    if assessment.params.decision:
        earned = metrics_of(assessment.params)["value_at_k"]
        others = {"at random": np.zeros_like(assessment.score), "perfect ranking": assessment.target}
        totals = {name: earned(assessment.target, score) * len(score) for name, score in others.items()}
        return ours | totals | {"nothing": value.false_negative * positive + value.true_negative * negative}
    return ours | {
        "always true": value.true_positive * positive + value.false_positive * negative,
        "always false": value.false_negative * positive + value.true_negative * negative,
        "perfect model": value.true_positive * positive + value.true_negative * negative,
    }


def matrix(assessment: Assessment) -> list[dict[str, Any]]:
    """Of each shown class its cells of the confusion matrix and its figures; none where there is one score."""
    classes = assessment.manifest.get("classes")
    if not classes or not assessment.classification_report:
        return []
    figures = assessment.classification_report["classes"]
    rows = confusion.matrix(assessment.target, assessment.score, classes)
    return [row | {"figures": figures.get(row["name"], {})} for row in rows]


def per_class(assessment: Assessment) -> list[dict[str, Any]]:
    """The figures of all classes; none where there is one score."""
    report, counts = assessment.classification_report, assessment.confusion
    return cautions.classes(report, counts) if report and counts and "classes" in report else []


def quality(assessment: Assessment, hidden: list[str], now: datetime) -> dict[str, Any]:
    """The profile of training and test rows together, and how many rows are in both."""
    data, test = assessment.params.data, assessment.test
    keys = [data.id] if data.id else []  # a repeating one, too, names what a row is about
    rows = pl.concat([assessment.train.lazy(), test.lazy()])
    view = of_rows(rows, hidden, keys, now)
    compared = [name for name in view.sample.columns if name not in {data.id, data.target, *data.times}]
    shared = across(assessment.train, view.height, test, compared, data.target)
    return pages.values(profile(view, data.target), shared)


def mix(target: pl.Series) -> list[tuple[str, float]]:
    """The most frequent classes and their shares."""
    counts = target.cast(pl.String).alias("value").value_counts(normalize=True, name="share")
    return counts.sort(["share", "value"], descending=[True, False]).rows()[: LISTED["classes"]]


def groups(assessment: Assessment) -> dict[str, list[dict[str, Any]]]:
    """By slice column its groups."""
    names, slices = assessment.params.group_columns, assessment.slices
    if slices.is_empty():
        return {name: [] for name in names}
    return {name: slices.filter(pl.col("column") == name).to_dicts() for name in names}


def listed(assessment: Assessment) -> list[str]:
    """The first columns, those that play a role at the head."""
    data = assessment.params.data
    with_role = [name for name in (data.target, data.id, *data.times, *data.sensitive) if name]
    return list(dict.fromkeys([*with_role, *assessment.test.columns]))[: LISTED["columns"]]


def roles(assessment: Assessment, name: str) -> list[str]:
    """What part the column plays."""
    data = assessment.params.data
    columns: dict[str, Collection[str | None]] = {"target": [data.target], "id": [data.id], "time": data.times}
    names = [role for role, of_role in columns.items() if name in of_role]
    return [*names, "sensitive"] if name in data.sensitive else names


def _moment(run: dict[str, Any]) -> datetime:
    """When the newest delivery was received, beyond which a time is in the future: the clock would change the page."""
    deliveries = ledger.entries()
    moment = datetime.fromisoformat(deliveries[-1].received if deliveries else run["finished"])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _main_first(assessment: Assessment) -> list[str]:
    """The metrics, without the quantiles of the errors."""
    names = [name for name in assessment.estimates if not name.startswith("error_q")]
    return sorted(names, key=lambda name: name != assessment.params.evaluation.metric)
