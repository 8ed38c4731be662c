"""SLSA provenance of an image as an in-toto statement, for `cosign attest` to sign."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import manifest, platforms
from ..registry.versions import Version
from ..workspace import git
from . import sbom

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://docs.docker.com/reference/dockerfile"


def write(version: Version, image: str) -> Path:
    """Write the statement about the image, named by its digest; its path."""
    name, _, sha256 = image.partition("@sha256:")
    platform = platforms.detect()
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"version": version.name, "commit": version.commit},
                "resolvedDependencies": _materials(version),
            },
            "runDetails": {
                "builder": {"id": platform.run_url if platform else git.author()},
                "metadata": {"finishedOn": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"},
            },
        },
    }
    path = sbom.FOLDER / f"{version.name}.provenance.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(statement, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _materials(version: Version) -> list[dict[str, Any]]:
    """Code, lock file, model and training data."""
    lock = (git.show(version.commit, "uv.lock") or "").encode()
    return [
        {"name": "code", "digest": {"gitCommit": version.commit}},
        {"name": "uv.lock", "digest": {"sha256": manifest.sha256(lock)}},
        {"name": "model/manifest.json", "digest": {"sha256": version.facts["model"]}},
        {"name": "data/prepared/train.parquet", "digest": {"sha256": version.facts["data"]}},
    ]
