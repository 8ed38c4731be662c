"""The record of a run, run.json, and its mirror in MLflow: what went in, what came out, and what it cost."""

import json
import os
import platform
from datetime import UTC, datetime
from typing import Any

import click

from .. import PACKAGE, manifest
from ..paths import TRAINING
from ..workspace import git
from .assessment import Assessment

INPUTS = ("src", "params.yaml", "dvc.yaml", "data")
MLFLOW_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def build_record(assessment: Assessment, figures: dict[str, float]) -> dict[str, Any]:
    """Commit, data, model, parameters, metrics, cost of the training and versions, ready for JSON."""
    commit, facts = git.commit(), assessment.manifest
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "uncommitted": commit is None or git.uncommitted(*INPUTS),
        "data": facts["data"],
        "model_id": manifest.model_id(),
        "model": facts["files"],
        "estimator": facts.get("estimator"),
        "parameters": assessment.params.model_dump(),
        "metrics": figures,
        "train": assessment.train_figures,
        "validation": facts.get("validation"),
        "cost": json.loads(TRAINING.read_text()),
        "versions": {"python": platform.python_version(), **facts["versions"]},
    }


def send(run: dict[str, Any]) -> None:
    """Log parameters, metrics and the record itself to MLflow; whatever goes wrong is a warning."""
    server = os.environ.get("MLFLOW_TRACKING_URI")
    if not server:
        return
    for name, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        _log(run)
    except ImportError:
        click.echo("Warning: MLFLOW_TRACKING_URI is set, MLflow is not installed: `uv sync --extra mlflow`", err=True)
    except Exception as error:  # noqa: BLE001  whatever an optional server does, the training counts
        click.echo(f"Warning: the run was not sent to {server}: {str(error).partition(chr(10))[0]:.200}", err=True)


def _log(run: dict[str, Any]) -> None:
    import mlflow

    mlflow.set_experiment(PACKAGE)
    with mlflow.start_run():
        mlflow.log_params(_flat(run["parameters"]))
        mlflow.log_metrics(run["metrics"] | run["cost"])
        mlflow.set_tags({"commit": run["commit"], "data": run["data"]["train"], "model": run["model"]["model.skops"]})
        mlflow.log_dict(run, "run.json")


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
