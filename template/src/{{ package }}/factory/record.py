"""The record of a run: what went in, what came out, and what it cost."""

import json
import platform
from datetime import UTC, datetime
from typing import Any

from . import git
from .config import Params
from .cost import TRAINING

INPUTS = ("src", "params.yaml", "dvc.yaml", "data")


def of(manifest: dict[str, Any], params: Params, figures: dict[str, float]) -> dict[str, Any]:
    """Commit, data, parameters, metrics, cost of the training and versions, ready for JSON."""
    commit = git.commit()
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "uncommitted": commit is None or git.uncommitted(*INPUTS),
        "data": manifest["data"],
        "model": manifest["files"],
        "parameters": params.model_dump(),
        "metrics": figures,
        "cost": json.loads(TRAINING.read_text()),
        "versions": {"python": platform.python_version(), **manifest["versions"]},
    }
