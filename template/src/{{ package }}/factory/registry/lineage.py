"""A version's lineage: code, data, people, parameters, environment."""

import json
import tomllib
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import yaml

from .. import manifest
from ..data import ledger
from ..errors import CannotEvaluate
from ..workspace import git
from ..workspace.process import run
from . import versions
from .versions import Version


def trace(version: Version) -> dict[str, Any]:
    """What the version was made of, read from its commit. Raises CannotEvaluate where a file is missing there."""
    facts, commit = version.facts, version.facts["commit"]
    author, at, subject = run("git", "show", "--no-patch", "--format=%an <%ae>%n%aI%n%s", commit).split("\n", 2)
    lock = _read(commit, "uv.lock")
    return {
        "version": {name: facts[name] for name in ("version", "action", "serves", "by", "at", "why", "model")}
        | {"signature": version.signature.state, "signer": version.signature.signer}
        | {"approvals": facts.get("approvals", [])},
        "code": {"commit": commit, "author": author, "at": at, "subject": subject},
        "data": [asdict(entry) for entry in ledger.entries_at(commit)],
        "parameters": yaml.safe_load(_read(commit, "params.yaml")),
        "environment": {"uv.lock": manifest.sha256(lock.encode()), "packages": len(tomllib.loads(lock)["package"])},
        "metrics": facts["metrics"],
        "gate": facts["gate"],
        "run": json.loads(_read(commit, "reports/run.json")),
    }


def learned_from(received: Collection[str]) -> list[Version]:
    """The versions that were trained and tested on deliveries received at these times, also on later states of these."""
    return [
        version
        for version in versions.local()
        if any(entry.received in received for entry in ledger.entries_at(version.target))
    ]


def _read(commit: str, path: str) -> str:
    text = git.show(commit, path)
    if text is None:
        raise CannotEvaluate(
            "COMMIT_INCOMPLETE",
            f"{path} is not in commit {commit[:8]}: fetch the whole history (`git fetch --unshallow`)",
        )
    return text
