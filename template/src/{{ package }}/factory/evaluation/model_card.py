"""The model card (Mitchell et al. 2019): figures from the pipeline, the rest written by people."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2

from .. import PACKAGE
from ..data import ledger, prepare
from . import markdown
from .assessment import Assessment
from .card_input import INPUT, ModelCardInput
from .formatting import number

TEMPLATE = Path(__file__).with_name("model_card.md")


def build_card(assessment: Assessment, card_input: ModelCardInput, run: dict[str, Any]) -> dict[str, Any]:
    """The card's sections, ready for JSON; `run` is the record of the run."""
    manifest, params, deliveries = assessment.manifest, assessment.params, ledger.entries()
    return {
        "model_details": _details(assessment, card_input, run),
        "intended_use": {"intended_use": card_input.intended_use, "out_of_scope": card_input.out_of_scope},
        "factors": {"sensitive": params.data.sensitive, "slices": params.evaluation.slices},
        "metrics": {name: asdict(estimate) for name, estimate in assessment.estimates.items()},
        "evaluation_data": prepare.extent(assessment.test, params),
        "training_data": {
            **prepare.extent(assessment.train, params),
            "sha256": manifest["data"]["train"],
            "deliveries": [{"file": entry.file, "by": entry.by, "source": entry.source} for entry in deliveries],
        },
        "quantitative_analyses": {
            "train": assessment.train_figures,
            "validation": manifest.get("validation"),
            "classification_report": assessment.classification_report,
            "slices": assessment.slices.to_dicts(),
        },
        "ethical_considerations": card_input.ethical_considerations,
        "caveats_and_recommendations": card_input.limits,
        "unsaid": card_input.missing_fields,
    }


def render(card: dict[str, Any]) -> str:
    """The card in Markdown, with a mark where something is missing."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "table": _table,
        "number": number,
        "or_missing": _or_missing,
        "code": markdown.code,
        "text": markdown.text,
    }
    tables = {"metrics_table": _figures(card), "groups_table": _groups(card)}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(card | tables)


def _details(assessment: Assessment, card_input: ModelCardInput, run: dict[str, Any]) -> dict[str, Any]:
    manifest, params = assessment.manifest, assessment.params
    return {
        "name": PACKAGE,
        "owner": card_input.owner,
        "license": card_input.license,
        "risk": card_input.risk,
        "purpose": card_input.purpose,
        "data_class": card_input.data_class,
        "retention": card_input.retention,
        "model": run["model_id"],
        "estimator": run["estimator"],
        "commit": run["commit"],
        "uncommitted": run["uncommitted"],
        "evaluated": run["finished"],
        "problem": params.problem,
        "target": params.data.target,
        "parameters": params.model,
        "threshold": manifest["threshold"],
        "decision": manifest.get("decision"),
        "thresholds": manifest.get("thresholds"),
        "versions": manifest["versions"],
        "files": manifest["files"],
        "approvals": [approval.model_dump() for approval in card_input.approvals],
    }


def _or_missing(text: str | None) -> str:
    return (text or "").strip() or f"**missing: add it to {INPUT}**"


def _figures(card: dict[str, Any]) -> str:
    """Every metric on the test rows, beside the baseline and the figures of training and validation."""
    analyses = card["quantitative_analyses"]
    validation = (analyses["validation"] or {}).get("metrics", {})
    rows = []
    for name, figures in card["metrics"].items():
        others = {
            "baseline": figures["baseline"],
            "validation": validation.get(name, {}).get("value"),
            "training": analyses["train"].get(name),
        }
        rows.append({"metric": name, **_measured("test", figures, figures["value"]), **_like(others, figures["value"])})
    return _table(rows)


def _groups(card: dict[str, Any]) -> str:
    """Of each group what the page has room for."""
    rows = []
    multiclass = card["model_details"]["problem"] == "multiclass"
    labels = ("accuracy", "mean probability") if multiclass else ("mean target", "mean score")
    for group in card["quantitative_analyses"]["slices"]:
        metric = next(name for name in card["metrics"] if name in group)
        overall = card["metrics"][metric]["value"]
        means = dict(zip(labels, (group["mean_target"], group["mean_score"]), strict=True))
        who = {"group": f"{group['column']}={group['value']}", "rows": group["rows"]}
        measured = _measured(metric, group | {"value": group[metric]}, overall)
        baseline = _like({"baseline": group["baseline"]}, overall)
        rows.append(who | measured | baseline | _like(means, max(map(abs, means.values()))))
    return _table(rows)


def _measured(name: str, figures: dict[str, Any], like: float) -> dict[str, str]:
    """A figure and its interval."""
    value, low, high = (number(figures[key], like=like) for key in ("value", "low", "high"))
    return {name: value, "95% interval": "" if figures["low"] is None else f"{low} to {high}"}


def _like(figures: dict[str, float | None], like: float) -> dict[str, str]:
    return {name: "" if value is None else number(value, like=like) for name, value in figures.items()}


def _table(rows: Iterable[dict[str, Any]]) -> str:
    written = [{name: number(value) for name, value in row.items()} for row in rows]
    return markdown.table([[*row.values()] for row in written], [*written[0]]) if written else ""
