"""The model card (Mitchell et al. 2019): figures from the pipeline, the rest from docs/model-card.yaml."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import jinja2
from pydantic import Field
from tabulate import tabulate

from .. import PACKAGE
from ..config import Section, read
from ..data import ledger
from ..tables.chunks import column, height
from .assessment import Assessment

SAID = Path("docs/model-card.yaml")
PAGE = Path(__file__).with_name("model_card.md")
ONLY_PEOPLE_KNOW = ("owner", "intended_use", "out_of_scope", "limits", "ethical_considerations")


class Approval(Section):
    """Who approved which model: `by` as Git has it, `model` the sha256 of its manifest."""

    by: str
    model: str


class Said(Section):
    """What only people can say of the model; None where nobody has said it yet."""

    risk: Literal["low", "high"] = "low"
    owner: str | None = None
    intended_use: str | None = None
    out_of_scope: str | None = None
    limits: str | None = None
    ethical_considerations: str | None = None
    approvals: list[Approval] = Field(default_factory=list)

    @property
    def unsaid(self) -> list[str]:
        return [name for name in ONLY_PEOPLE_KNOW if not (getattr(self, name) or "").strip()]


def load(path: Path = SAID) -> Said:
    """What has been said; nothing, where the file is missing. Raises FactoryError naming each key that is wrong."""
    try:
        return read(path, lambda content: Said.model_validate(content or {}))
    except FileNotFoundError:
        return Said()


def of(assessment: Assessment, said: Said) -> dict[str, Any]:
    """The card's sections, ready for JSON."""
    manifest, params, deliveries = assessment.manifest, assessment.params, ledger.entries()
    return {
        "model_details": {
            "name": PACKAGE,
            "owner": said.owner,
            "risk": said.risk,
            "problem": params.problem,
            "target": params.data.target,
            "parameters": params.model,
            "threshold": manifest["threshold"],
            "versions": manifest["versions"],
            "files": manifest["files"],
            "approvals": [approval.model_dump() for approval in said.approvals],
        },
        "intended_use": {"intended_use": said.intended_use, "out_of_scope": said.out_of_scope},
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
        "ethical_considerations": said.ethical_considerations,
        "caveats_and_recommendations": said.limits,
        "unsaid": said.unsaid,
    }


def page(card: dict[str, Any]) -> str:
    """The card in Markdown, with a mark where something is still unsaid."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"table": _table, "figures": _figures, "said": _said}
    return environment.from_string(PAGE.read_text(encoding="utf-8")).render(card)


def _span(rows: Any, time: str | None) -> dict[str, str]:
    return {"from": str(column(rows, time).min()), "to": str(column(rows, time).max())} if time else {}


def _said(text: str | None) -> str:
    return (text or "").strip() or f"**still unsaid, add it to {SAID}**"


def _figures(metrics: dict[str, dict[str, float]]) -> str:
    return _table([{"metric": name, **figures} for name, figures in metrics.items()])


def _table(rows: list[dict[str, Any]]) -> str:
    return tabulate(rows, headers="keys", tablefmt="github", floatfmt=".4f")
