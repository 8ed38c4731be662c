"""Verify that every version is still what was promoted: gate result, tag, commit and artifacts."""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from .. import manifest
from ..errors import FactoryError
from ..paths import MODEL
from ..workspace import git
from ..workspace.process import run
from . import champion, versions
from .versions import PREFIX, Version


def audit() -> tuple[list[Version], list[str]]:
    """The versions, and their problems: where, and the command that fixes it."""
    local = versions.local()
    problems = [*_remote_problems(local), *_sequence_problems(local)]
    cache = Path(run(sys.executable, "-m", "dvc", "cache", "dir")) / "files/md5"
    for version in local:
        problems += [f"{PREFIX}{version.number}: {problem}" for problem in _version_problems(version, cache)]
    return local, problems


def _remote_problems(local: list[Version]) -> Iterator[str]:
    remote = git.remote_name()
    if remote is None:
        return
    theirs = git.remote_tags(remote, f"{PREFIX}*")
    ours = {f"{PREFIX}{version.number}": version.tag for version in local}
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours:
            yield f"{name}: only on {remote}: git fetch {remote} refs/tags/{name}:refs/tags/{name}"
        elif name not in theirs:
            yield f"{name}: not on {remote}: git push {remote} refs/tags/{name}"
        elif ours[name] != theirs[name]:
            yield f"{name}: differs from the tag on {remote}: if {remote} is right, git fetch --force {remote} tag {name}"


def _sequence_problems(local: list[Version]) -> Iterator[str]:
    previous: Version | None = None
    for expected, version in enumerate(local, 1):
        if version.number != (previous.number + 1 if previous else 1):
            yield f"{PREFIX}{version.number}: the version before it is missing ({expected - 1} found): restore its tag"
        elif version.record and version.record["previous"] != (previous.tag if previous else None):
            yield f"{PREFIX}{version.number - 1}: was moved or edited after {version.name} recorded it: restore its tag"
        previous = version


def _version_problems(version: Version, cache: Path) -> Iterator[str]:
    record = version.record
    if record is None:
        yield "its message was edited, or is not a record: restore its tag"
        return
    if record["version"] != version.number or record["commit"] != version.commit:
        yield f"was moved: it was created on {record['commit'][:8]} as v{record['version']}: restore its tag"
        return
    refused = [check["code"] for check in record["gate"]["checks"] if not check["passed"]]
    if refused or not record["gate"]["checks"]:
        yield f"did not pass the gate ({', '.join(refused) or 'no checks recorded'}): roll back"
    yield from _artefact_problems(version, record, cache)


def _artefact_problems(version: Version, record: dict[str, Any], cache: Path) -> Iterator[str]:
    try:
        files = _cached(versions.model_md5(git.show(version.commit, "dvc.lock") or ""), cache)
        expected = json.loads(files["manifest.json"])["files"]
        wrong = [name for name, sha256 in expected.items() if manifest.sha256(files.get(name, b"")) != sha256]
        if wrong or manifest.sha256(files["manifest.json"]) != record["model"]:
            yield "its model is not the one that was promoted: restore dvc.lock in its commit and the files in DVC's remote"
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        yield f"dvc.lock in its commit names no model ({' '.join(str(error).split())}): restore the commit"
    except FileNotFoundError as error:
        if not _can_fetch(version.commit, record["model"]):
            yield f"its model cannot be fetched ({error}): run `uv run dvc push` on a machine that has it"


def _can_fetch(commit: str, model: str) -> bool:
    with tempfile.TemporaryDirectory() as temporary, suppress(FactoryError):
        folder = Path(temporary, MODEL)
        champion.fetch(commit, folder)
        manifest.read_manifest(folder)
        return manifest.model_id(folder) == model
    return False


def _cached(folder: str, cache: Path) -> dict[str, bytes]:
    """The folder's files: content by name."""
    return {entry["relpath"]: _object(cache, entry["md5"]) for entry in json.loads(_object(cache, folder))}


def _object(cache: Path, md5: str) -> bytes:
    path = cache / md5[:2] / md5[2:]
    if not path.exists():
        raise FileNotFoundError(f"{md5} is missing")
    content = path.read_bytes()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
        raise FileNotFoundError(f"{md5} is damaged")
    return content
