"""From a version to everything that made it: code, data, people, parameters, environment."""

import csv
import io
import json
import tomllib
from typing import Any

import yaml

from .. import manifest
from ..data.ledger import LEDGER
from ..errors import CannotEvaluate
from ..workspace import git
from ..workspace.process import run
from .versions import Version


def trace(version: Version) -> dict[str, Any]:
    """What the version was made of, read from its commit. Raises CannotEvaluate where the commit lacks them."""
    facts, commit = version.facts, version.facts["commit"]
    author, at, subject = run("git", "show", "--no-patch", "--format=%an <%ae>%n%aI%n%s", commit).split("\n", 2)
    lock = _read(commit, "uv.lock")
    return {
        "version": {name: facts[name] for name in ("version", "action", "serves", "by", "at", "why", "model")},
        "code": {"commit": commit, "author": author, "at": at, "subject": subject},
        "data": list(csv.DictReader(io.StringIO(_read(commit, str(LEDGER))))),
        "parameters": yaml.safe_load(_read(commit, "params.yaml")),
        "environment": {"uv.lock": manifest.sha256(lock.encode()), "packages": len(tomllib.loads(lock)["package"])},
        "metrics": facts["metrics"],
        "gate": facts["gate"],
        "run": json.loads(_read(commit, "reports/run.json")),
    }


def to_lines(content: Any, indent: str = "") -> list[str]:
    """Nested content as indented text."""
    if isinstance(content, dict):
        pairs = list(content.items())
    elif isinstance(content, list):
        pairs = [("-", item) for item in content]
    else:
        return [f"{indent}{content}"]
    lines = []
    for name, value in pairs:
        if isinstance(value, dict | list) and value:
            lines += [f"{indent}{name}", *to_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {value}")
    return lines


def _read(commit: str, path: str) -> str:
    text = git.show(commit, path)
    if text is None:
        raise CannotEvaluate("COMMIT_INCOMPLETE", f"{path} is not in {commit[:8]}: is the clone complete?")
    return text
