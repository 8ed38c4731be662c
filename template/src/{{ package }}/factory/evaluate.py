"""The model against the test rows, and the reports that show it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import artifact, card, digest, metrics, prepare, record, report, tracking
from .assessment import Assessment, assess
from .config import Params
from .errors import FactoryError
from .stage import stage

REPORTS = Path("reports")
RECORDED = 100  # scores, by which a deployed model is recognised
OUTPUTS = ("metrics.json", "evaluation.json", "plots", "report.html", "run.json", "model-card.json", "model-card.md")


def run(params: Params) -> None:
    """Stage `evaluate`: model/ and data/prepared/ → reports/."""
    with stage("evaluate", [REPORTS / name for name in OUTPUTS]) as scratch:
        model = artifact.load()
        if model.manifest["data"]["train"] != digest.unseal(prepare.PREPARED)["files"]["train.parquet"]:
            raise FactoryError("model/ was trained on other data than data/prepared/ holds: run `dvc repro`")
        assessment = assess(model, prepare.scan("train"), prepare.read("test"), params)
        write(assessment, scratch)


def write(assessment: Assessment, folder: Path) -> None:
    """The reports: figures for machines, curves for `dvc plots`, a page for people, the run's record."""
    figures = {name: estimate.value for name, estimate in assessment.estimates.items()}
    details = {
        "test_rows": assessment.test.height,
        "metrics": {name: asdict(estimate) for name, estimate in assessment.estimates.items()},
        "threshold": assessment.manifest["threshold"],
        "scores": metrics.one_score(assessment.target, assessment.score)[1][:RECORDED].tolist(),
        "confusion": assessment.confusion,
        "slices": assessment.slices.to_dicts(),
        "importance": assessment.importance.to_dicts(),
    }
    dump(figures, folder / "metrics.json")
    dump(details, folder / "evaluation.json")
    (folder / "plots").mkdir()
    for name, curve in assessment.curves.items():
        curve.write_csv(folder / "plots" / f"{name}.csv", float_precision=6)
    (folder / "report.html").write_text(report.render(assessment), encoding="utf-8")
    facts = card.of(assessment, card.load())
    dump(facts, folder / "model-card.json")
    (folder / "model-card.md").write_text(card.page(facts), encoding="utf-8")
    run = record.of(assessment.manifest, assessment.params, figures)
    dump(run, folder / "run.json")
    tracking.send(run)


def dump(content: Any, path: Path) -> None:
    """Write indented JSON that ends with a newline."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
