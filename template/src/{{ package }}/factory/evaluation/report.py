"""The decisions among several classes, for the report: which were taken for which, and how well each is told."""

from importlib import metadata, resources
from typing import Any

import numpy as np
import polars as pl
from jinja2 import Environment, StrictUndefined

from ..data import ledger
from ..metrics import definitions
from ..metrics.definitions import HIGHER_IS_BETTER, Estimate, direction
from ..tables.chunks import column, height
from . import charts, column_profile
from .assessment import SLICE_ROWS, Assessment
from .formatting import label, number, share

SHOWN = 12
OTHERS = "others"


def classes(assessment: Assessment) -> list[dict[str, Any]]:
    """Of each class its rows, how many were found, how many decisions for it are right, and what it was taken for.

    The most frequent ones, in the contract's order, and the others together; none where there is one score.
    """
    names = assessment.manifest.get("classes")
    if not names:
        return []
    names, counts = _pooled(names, definitions.confusion(assessment.target, assessment.score))
    truth, decided = counts.sum(axis=1), counts.sum(axis=0)
    return [
        {
            "name": name,
            "rows": int(truth[i]),
            "recall": _share(counts[i, i], truth[i]) if name != OTHERS else None,
            "precision": _share(counts[i, i], decided[i]) if name != OTHERS else None,
            "taken": [{"rows": int(n), "share": _share(n, truth[i]) or 0.0} for n in counts[i]],
        }
        for i, name in enumerate(names)
    ]


def _pooled(names: list[str], counts: Any) -> tuple[list[str], Any]:
    if len(names) <= SHOWN:
        return names, counts
    frequent = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: SHOWN - 1])
    place = np.full(len(names), SHOWN - 1)
    place[frequent] = np.arange(SHOWN - 1)
    pooled = np.zeros((SHOWN, SHOWN), int)
    np.add.at(pooled, (place[:, None], place[None, :]), counts)
    return [*(names[i] for i in frequent), OTHERS], pooled


def _share(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


LISTED = {"classes": 5, "groups": 15, "features": 20, "columns": 40, "deliveries": 12}


def render(assessment: Assessment) -> str:
    """The page: self-contained, without scripts, the same bytes for the same assessment."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "share": share}
    source = resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    estimates = assessment.estimates
    return environment.from_string(source).render(
        a=assessment,
        project=project(),
        main=assessment.params.evaluation.metric,
        verdict=verdict(assessment),
        label=lambda name: label(assessment.params.problem, name),
        tiles={name: gain(name, e) for name, e in estimates.items() if not name.startswith("error_q")},
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
            column_profile.profile(column(assessment.train, name), assessment.test[name]) for name in shown(assessment)
        ],
        listed=LISTED,
    )


def project() -> dict[str, str]:
    """Name and description of the installed distribution, which is called like the package."""
    package = str(__package__).partition(".")[0]
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return {"name": package, "description": ""}
    return {"name": about["Name"].replace("-", " ").capitalize(), "description": about["Summary"] or ""}


def verdict(assessment: Assessment) -> str:
    """How the main metric compares with the trivial baseline, in words that end in "than"."""
    name = assessment.params.evaluation.metric
    estimate = assessment.estimates[name]
    sign = direction(name)
    worst, best = sorted((sign * estimate.low, sign * estimate.high))
    if worst > sign * estimate.baseline:
        return "clearly better than"
    return "clearly worse than" if best < sign * estimate.baseline else "not measurably better than"


def gain(name: str, e: Estimate) -> dict[str, Any]:
    """The estimate, and where on the way from the baseline (0) to perfection (100) it lies."""
    perfect = float(name in HIGHER_IS_BETTER)
    way = perfect - e.baseline
    ends = [min(max(100 * (v - e.baseline) / way, 0.0), 100.0) if way else 0.0 for v in (e.value, e.low, e.high)]
    return {"estimate": e, "perfect": perfect, "value": ends[0], "low": min(ends[1:]), "high": max(ends[1:])}


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


def groups(assessment: Assessment) -> dict[str, list[dict[str, Any]]]:
    """By slice column its groups, the worst first."""
    params, slices = assessment.params, assessment.slices
    names = params.group_columns
    if slices.is_empty():
        return {name: [] for name in names}
    metric = params.evaluation.metric
    ordered = slices.sort([metric, "value"], descending=[metric not in HIGHER_IS_BETTER, False])
    return {name: ordered.filter(pl.col("column") == name).to_dicts() for name in names}


def mix(target: pl.Series) -> list[tuple[str, float]]:
    """The most frequent classes and their shares."""
    counts = target.cast(pl.String).value_counts(sort=True, normalize=True, name="share")
    return counts.sort(["share", target.name], descending=[True, False]).rows()[: LISTED["classes"]]


def shown(assessment: Assessment) -> list[str]:
    """The first columns, those that play a role at the head."""
    data = assessment.params.data
    roles = [name for name in (data.target, data.id, data.time, *data.sensitive) if name]
    return list(dict.fromkeys([*roles, *assessment.test.columns]))[: LISTED["columns"]]


def roles(assessment: Assessment, name: str) -> list[str]:
    """What part the column plays."""
    data = assessment.params.data
    found = [role for role in ("target", "id", "time") if getattr(data, role) == name]
    return [*found, "sensitive"] if name in data.sensitive else found
