"""Stage `evaluate`: measure the model on the test rows, and write the reports."""

from dataclasses import asdict
from pathlib import Path

from .. import manifest
from ..config import Params
from ..data import prepare
from ..errors import FactoryError
from ..manifest import dump
from ..metrics import definitions, ranking
from ..paths import PREPARED, REPORTS
from ..scoring import artifact
from ..workspace.stage import stage
from . import card_input, model_card, report, run_record
from .assessment import REFERENCE_SCORES, Assessment, assess

OUTPUTS = ("metrics.json", "evaluation.json", "plots", "report.html", "run.json", "model-card.json", "model-card.md")


def run(params: Params) -> None:
    """Stage `evaluate`: model/ and data/prepared/ → reports/."""
    with stage("evaluate", [REPORTS / name for name in OUTPUTS]) as staging:
        model = artifact.load()
        if model.manifest["data"]["train"] != manifest.read_manifest(PREPARED)["files"]["train.parquet"]:
            raise FactoryError("model/ was trained on other data than data/prepared/ holds: run `uv run dvc repro`")
        ranking.check(model.manifest, params.decision)
        assessment = assess(model, prepare.scan("train"), prepare.read("test"), params)
        write(assessment, staging)


def write(assessment: Assessment, folder: Path) -> None:
    """The reports: figures for machines, curves for `dvc plots`, pages for people, the run's record."""
    figures = {name: estimate.value for name, estimate in assessment.estimates.items()}
    run = run_record.build_record(assessment, figures)
    details = {
        "model": run["model_id"],
        "estimator": run["estimator"],
        **assessment.figures,
        **({"forecast": errors.figures} if (errors := assessment.forecast) else {}),
        "metrics": {name: asdict(estimate) for name, estimate in assessment.estimates.items()},
        "train": assessment.train_figures,
        "validation": assessment.manifest.get("validation"),
        "threshold": assessment.manifest["threshold"],
        "decision": assessment.manifest.get("decision"),
        "scores": definitions.top_class(assessment.target, assessment.score)[1][:REFERENCE_SCORES].tolist(),
        "interval": assessment.interval,
        "slices": assessment.slices.to_dicts(),
        "importance": assessment.importance.to_dicts(),
    }
    dump(figures, folder / "metrics.json")
    dump(details, folder / "evaluation.json")
    (folder / "plots").mkdir()
    for name, curve in assessment.curves.items():
        curve.write_csv(folder / "plots" / f"{name}.csv", float_precision=6)
    (folder / "report.html").write_text(report.render(assessment, run), encoding="utf-8")
    card = model_card.build_card(assessment, card_input.load(), run)
    dump(card, folder / "model-card.json")
    (folder / "model-card.md").write_text(model_card.render(card), encoding="utf-8")
    dump(run, folder / "run.json")
    run_record.send(run)
