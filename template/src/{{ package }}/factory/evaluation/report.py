"""The page for people: what the report.html beside it shows of an assessment."""

from importlib import metadata, resources
from typing import Any

import numpy as np
import polars as pl
from jinja2 import Environment, StrictUndefined

from .. import PACKAGE
from ..data import ledger
from ..metrics.bootstrap import Estimate
from ..metrics.definitions import METRICS, Metric, confusion_matrix, main_metric
from ..tables.chunks import column, height
from . import charts, column_profile
from .assessment import SLICE_ROWS, Assessment
from .formatting import cell, number, share

LISTED = {"classes": 5, "groups": 15, "features": 20, "columns": 40, "deliveries": 12}
CONFUSION_CLASSES = 12
OTHERS = "others"


def render(assessment: Assessment) -> str:
    """The page: self-contained, without scripts, the same bytes for the same assessment."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "cell": cell, "share": share}
    source = resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    estimates, metrics = assessment.estimates, METRICS[assessment.params.problem]
    return environment.from_string(source).render(
        a=assessment,
        project=project(),
        main=assessment.params.evaluation.metric,
        verdict=verdict(assessment),
        metrics=metrics,
        tiles={name: tile(metrics[name], e) for name, e in estimates.items() if not name.startswith("error_q")},
        quantiles={name[7:]: e.value for name, e in estimates.items() if name.startswith("error_q")},
        worth=worth(assessment),
        classes=classes(assessment),
        mix=lambda rows: mix(column(rows, assessment.params.data.target)),
        roles=lambda name: roles(assessment, name),
        figures=charts.figures(assessment),
        groups=groups(assessment),
        minimum=SLICE_ROWS,
        height=height,
        column=column,
        deliveries=ledger.entries(),
        columns=[
            column_profile.profile(column(assessment.train, name), assessment.test[name]) for name in listed(assessment)
        ],
        listed=LISTED,
    )


def project() -> dict[str, str]:
    """Name and description of the installed distribution, which is called like the package."""
    try:
        distribution = metadata.metadata(PACKAGE)
    except metadata.PackageNotFoundError:
        return {"name": PACKAGE, "description": ""}
    name = distribution["Name"].replace("-", " ").capitalize()
    return {"name": name, "description": distribution["Summary"] or ""}


def verdict(assessment: Assessment) -> str:
    """How the main metric compares with the trivial baseline, in words that end in "than"."""
    metric = main_metric(assessment.params)
    estimate, sign = assessment.estimates[metric.name], metric.direction
    worst, best = sorted((sign * estimate.low, sign * estimate.high))
    if worst > sign * estimate.baseline:
        return "clearly better than"
    return "clearly worse than" if best < sign * estimate.baseline else "not measurably better than"


def tile(metric: Metric, estimate: Estimate) -> dict[str, Any]:
    """The estimate, and where on the way from the baseline (0) to perfection (100) it lies."""
    perfect, baseline = float(metric.higher_is_better), estimate.baseline
    way = perfect - baseline
    figures = (estimate.value, estimate.low, estimate.high)
    value, *ends = [min(max(100 * (figure - baseline) / way, 0.0), 100.0) if way else 0.0 for figure in figures]
    return {"estimate": estimate, "perfect": perfect, "value": value, "low": min(ends), "high": max(ends)}


def worth(assessment: Assessment) -> dict[str, float] | None:
    """What the decisions on the test rows are worth, next to deciding always, never, or perfectly."""
    value, counts = assessment.params.value, assessment.confusion
    if value is None or counts is None:
        return None
    positive = counts["true_positive"] + counts["false_negative"]
    negative = counts["false_positive"] + counts["true_negative"]
    return {
        "as decided": sum(getattr(value, outcome) * count for outcome, count in counts.items()),
        "always yes": value.true_positive * positive + value.false_positive * negative,
        "always no": value.false_negative * positive + value.true_negative * negative,
        "if all were known": value.true_positive * positive + value.true_negative * negative,
    }


def classes(assessment: Assessment) -> list[dict[str, Any]]:
    """Of each class its rows, its recall and precision, and what its rows were taken for.

    The most frequent ones, in the contract's order, and the others together; none where there is one score.
    """
    names = assessment.manifest.get("classes")
    if not names:
        return []
    names, counts = _with_rare_classes_pooled(names, confusion_matrix(assessment.target, assessment.score))
    actual, predicted = counts.sum(axis=1), counts.sum(axis=0)
    return [
        {
            "name": name,
            "rows": int(actual[i]),
            "recall": _ratio(counts[i, i], actual[i]) if name != OTHERS else None,
            "precision": _ratio(counts[i, i], predicted[i]) if name != OTHERS else None,
            "taken": [{"rows": int(n), "share": _ratio(n, actual[i]) or 0.0} for n in counts[i]],
        }
        for i, name in enumerate(names)
    ]


def mix(target: pl.Series) -> list[tuple[str, float]]:
    """The most frequent classes and their shares."""
    counts = target.cast(pl.String).value_counts(sort=True, normalize=True, name="share")
    return counts.sort(["share", target.name], descending=[True, False]).rows()[: LISTED["classes"]]


def groups(assessment: Assessment) -> dict[str, list[dict[str, Any]]]:
    """By slice column its groups, the worst first."""
    names, slices = assessment.params.group_columns, assessment.slices
    if slices.is_empty():
        return {name: [] for name in names}
    metric = main_metric(assessment.params)
    ordered = slices.sort([metric.name, "value"], descending=[not metric.higher_is_better, False])
    return {name: ordered.filter(pl.col("column") == name).to_dicts() for name in names}


def listed(assessment: Assessment) -> list[str]:
    """The first columns, those that play a role at the head."""
    data = assessment.params.data
    with_role = [name for name in (data.target, data.id, data.time, *data.sensitive) if name]
    return list(dict.fromkeys([*with_role, *assessment.test.columns]))[: LISTED["columns"]]


def roles(assessment: Assessment, name: str) -> list[str]:
    """What part the column plays."""
    data = assessment.params.data
    names = [role for role in ("target", "id", "time") if getattr(data, role) == name]
    return [*names, "sensitive"] if name in data.sensitive else names


def _with_rare_classes_pooled(names: list[str], counts: Any) -> tuple[list[str], Any]:
    if len(names) <= CONFUSION_CLASSES:
        return names, counts
    frequent = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: CONFUSION_CLASSES - 1])
    place = np.full(len(names), CONFUSION_CLASSES - 1)
    place[frequent] = np.arange(CONFUSION_CLASSES - 1)
    pooled = np.zeros((CONFUSION_CLASSES, CONFUSION_CLASSES), int)
    np.add.at(pooled, (place[:, None], place[None, :]), counts)
    return [*(names[i] for i in frequent), OTHERS], pooled


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None
