"""The model card (Mitchell et al. 2019): figures from the pipeline, the rest from people."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2
from tabulate import tabulate

from .. import PACKAGE
from ..data import ledger
from ..tables.chunks import column, height
from .assessment import Assessment
from .card_input import INPUT, ModelCardInput

TEMPLATE = Path(__file__).with_name("model_card.md")


def build_card(assessment: Assessment, card_input: ModelCardInput) -> dict[str, Any]:
    """The card's sections, ready for JSON."""
    manifest, params, deliveries = assessment.manifest, assessment.params, ledger.entries()
    return {
        "model_details": {
            "name": PACKAGE,
            "owner": card_input.owner,
            "license": card_input.license,
            "risk": card_input.risk,
            "problem": params.problem,
            "target": params.data.target,
            "parameters": params.model,
            "threshold": manifest["threshold"],
            "versions": manifest["versions"],
            "files": manifest["files"],
            "approvals": [approval.model_dump() for approval in card_input.approvals],
        },
        "intended_use": {"intended_use": card_input.intended_use, "out_of_scope": card_input.out_of_scope},
        "factors": {"sensitive": params.data.sensitive, "slices": params.evaluation.slices},
        "metrics": {name: asdict(estimate) for name, estimate in assessment.estimates.items()},
        "evaluation_data": {"rows": assessment.test.height, **_span(assessment.test, params.data.time)},
        "training_data": {
            "rows": height(assessment.train),
            **_span(assessment.train, params.data.time),
            "sha256": manifest["data"]["train"],
            "deliveries": [{"file": entry.file, "by": entry.by, "source": entry.source} for entry in deliveries],
        },
        "quantitative_analyses": {"slices": assessment.slices.to_dicts()},
        "ethical_considerations": card_input.ethical_considerations,
        "caveats_and_recommendations": card_input.limits,
        "unsaid": card_input.missing_fields,
    }


def render(card: dict[str, Any]) -> str:
    """The card in Markdown, with a mark where something is missing."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"table": _table, "figures": _figures, "or_missing": _or_missing}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(card)


def _span(rows: Any, time: str | None) -> dict[str, str]:
    return {"from": str(column(rows, time).min()), "to": str(column(rows, time).max())} if time else {}


def _or_missing(text: str | None) -> str:
    return (text or "").strip() or f"**still unsaid, add it to {INPUT}**"


def _figures(metrics: dict[str, dict[str, float]]) -> str:
    return _table([{"metric": name, **figures} for name, figures in metrics.items()])


def _table(rows: list[dict[str, Any]]) -> str:
    return tabulate(rows, headers="keys", tablefmt="github", floatfmt=".4f")
