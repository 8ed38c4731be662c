"""The record of a run, run.json, and its mirror in MLflow: what went in, what came out, and what it cost."""

import json
import os
import platform
import tempfile
from datetime import UTC, datetime
from typing import Any

import click

from .. import PACKAGE, manifest
from ..paths import MODEL, TRAINING
from ..workspace import git
from .assessment import Assessment

INPUTS = ("src", "params.yaml", "dvc.yaml", "data")
MLFLOW_DEFAULTS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def build_record(assessment: Assessment, figures: dict[str, float]) -> dict[str, Any]:
    """Commit, data, model, parameters, metrics, cost of the training and versions, ready for JSON."""
    commit, facts = git.commit(), assessment.manifest
    cost = json.loads(TRAINING.read_text())
    kernel = cost.pop("blas_kernel", None)
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
        "cost": cost,
        "blas_kernel": kernel,
        "versions": {"python": platform.python_version(), **facts["versions"]},
    }


def send(run: dict[str, Any]) -> None:
    """Log the run and its model to MLflow, if MLFLOW_TRACKING_URI is set; whatever goes wrong is a warning."""
    server = os.environ.get("MLFLOW_TRACKING_URI")
    if not server:
        return
    for name, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        _log(run)
    except ImportError:
        click.echo(
            "Warning: MLFLOW_TRACKING_URI is set, but MLflow is not installed: `uv sync --extra mlflow`", err=True
        )
    except Exception as error:  # noqa: BLE001  whatever an optional server does, the training counts
        reason = str(error).partition("\n")[0][:200]
        click.echo(f"Warning: the MLflow server {server} did not record the run: {reason}", err=True)


def _log(run: dict[str, Any]) -> None:
    import mlflow

    mlflow.set_experiment(PACKAGE)
    with mlflow.start_run() as active:
        mlflow.log_params(_flat(run["parameters"]))
        mlflow.log_metrics(run["metrics"] | run["cost"])
        mlflow.set_tags({"commit": run["commit"], "data": run["data"]["train"], "model": run["model"]["model.skops"]})
        mlflow.log_dict(run, "run.json")
        _log_model(run, active.info.run_id)


def _log_model(run: dict[str, Any], run_id: str) -> None:
    """Log the files of model/ as they are, as a LoggedModel of the run that `mlflow.sklearn.load_model` reads.

    `mlflow.sklearn.log_model` would need pandas, and write other bytes than were verified.
    """
    import mlflow
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model
    from skops.io import get_untrusted_types

    parameters = {name: str(value) for name, value in _flat(run["parameters"]["model"]).items()}
    tags = {"commit": str(run["commit"]), "manifest": run["model_id"]}
    id = mlflow.initialize_logged_model(PACKAGE, source_run_id=run_id, params=parameters, tags=tags).model_id
    description = Model(run_id=run_id, model_id=id)
    trusted = get_untrusted_types(file=MODEL / "model.skops")  # by skops; training has checked that they are
    description.add_flavor(
        "sklearn",
        pickled_model="model.skops",
        serialization_format="skops",
        skops_trusted_types=trusted,
        sklearn_version=run["versions"]["scikit-learn"],
    )
    client = mlflow.MlflowClient()
    client.log_model_artifacts(id, str(MODEL))
    with tempfile.TemporaryDirectory() as folder:
        description.save(f"{folder}/MLmodel")
        client.log_model_artifacts(id, folder)
    mlflow.finalize_logged_model(id, "READY")
    mlflow.log_outputs([LoggedModelOutput(id, step=0)])
    mlflow.log_metrics(run["metrics"], model_id=id)


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
