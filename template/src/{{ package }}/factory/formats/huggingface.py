"""The model card as Hugging Face reads it: YAML front matter, the page, and the model's version and gate result."""

import json
from typing import Any

import yaml

from .. import manifest
from ..errors import FactoryError
from ..evaluation import markdown
from ..gate.evidence import Check
from ..gate.result import GateResult
from ..paths import MODEL, REPORTS
from ..registry.versions import Version

POINTER = "- Version and gate result: added by `uv run factory export card`\n"
TASKS = {"regression": "tabular-regression"}


def render(versions: list[Version]) -> str:
    """The card of the model here. Raises FactoryError where reports/ describe another model."""
    card, model = _read("model-card.json"), manifest.model_id()
    if card is None or card["model_details"]["files"] != manifest.read_manifest(MODEL)["files"]:
        raise FactoryError(f"{REPORTS}/model-card.json is missing or of another model: run `uv run dvc repro`")
    promoted = [version for version in versions if (version.record or {}).get("model") == model]
    compared = _read("gate.json")
    gate = promoted[-1].facts["gate"] if promoted else compared if compared and compared["model"] == model else None
    page = (REPORTS / "model-card.md").read_text(encoding="utf-8")
    return build(card, page, promoted[-1] if promoted else None, gate)


def build(card: dict[str, Any], page: str, version: Version | None, gate: dict[str, Any] | None) -> str:
    """The page between its front matter and what became of the model."""
    page = page.replace(POINTER, "")
    matter = yaml.safe_dump(front_matter(card), sort_keys=False, allow_unicode=True)
    return f"---\n{matter}---\n\n{page.rstrip()}\n\n## Version\n\n{_version(version)}\n\n## Gate\n\n{_gate(gate)}\n"


def front_matter(card: dict[str, Any]) -> dict[str, Any]:
    """What a hub indexes: licence, library, task and metrics."""
    details = card["model_details"]
    task = TASKS.get(details["problem"], "tabular-classification")
    result = {
        "task": {"type": task},
        "dataset": {"type": "tabular", "name": f"{details['name']}, held-out test rows", "split": "test"},
        "metrics": [{"type": name, "value": figure["value"]} for name, figure in card["metrics"].items()],
    }
    license = {"license": details["license"]} if details.get("license") else {}
    return license | {
        "library_name": "sklearn",
        "pipeline_tag": task,
        "tags": ["sklearn", "skops", task],
        "model_format": "skops",
        "model_file": "model.skops",
        "model-index": [{"name": details["name"], "results": [result]}],
    }


def _version(version: Version | None) -> str:
    if version is None:
        return "Not promoted."
    facts = version.facts
    promoted = (
        f"{version.name} ({markdown.text(str(version.signature))}), {facts['at'][:10]}, commit `{version.commit}`"
    )
    return f"{promoted}, by {markdown.text(facts['by'])}: {markdown.text(facts['why'])}"


def _gate(gate: dict[str, Any] | None) -> str:
    if gate is None:
        return "Not compared yet: `uv run factory compare`."
    checks = [Check(**check) for check in gate["checks"]]
    result = GateResult("", gate["against"], None, checks, accepted_limits=gate.get("accepted_limits"))
    verdict = f"{result.verdict}, compared with {result.reference}."
    return "\n\n".join(filter(None, (*map(markdown.text, (verdict, result.acceptance)), result.checks_table())))


def _read(name: str) -> dict[str, Any] | None:
    path = REPORTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
