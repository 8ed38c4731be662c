"""Verify that every version is still what was promoted: gate result, tag, commit and artifacts."""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import yaml

from .. import manifest
from ..data import integrity
from ..errors import CannotEvaluate, FactoryError
from ..paths import MODEL
from ..workspace import git
from ..workspace.process import run
from . import champion, versions
from .versions import PREFIX, Version


def audit() -> tuple[list[Version], list[str]]:
    """The versions, and their problems: where, and the command that fixes it."""
    remote = git.remote_name()
    if remote:
        git.fetch_main(remote)
    local = versions.local()
    problems = [*_remote_problems(remote, local), *_missing_problems(local), *_ledger_problems()]
    cache = Path(run(sys.executable, "-m", "dvc", "cache", "dir")) / "files/md5"
    for version in local:
        problems += [str(version.problem)] if version.problem else _artefact_problems(version, cache)
    return local, problems


def _remote_problems(remote: str | None, local: list[Version]) -> Iterator[str]:
    if remote is None:
        return
    theirs = git.remote_tags(remote, f"{PREFIX}*")
    ours = {f"{PREFIX}{version.number}": version.tag for version in local}
    refused = {f"{PREFIX}{version.number}": version.problem.code for version in local if version.problem}
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours:
            yield f"{name}: only on {remote}: git fetch {remote} refs/tags/{name}:refs/tags/{name}"
        elif name not in theirs and name in refused:
            yield f"{name}: not on {remote}, and refused ({refused[name]}): if it was never there, git tag --delete {name}"
        elif name not in theirs:
            yield f"{name}: not on {remote}: git push {remote} refs/tags/{name}"
        elif ours[name] != theirs[name]:
            yield f"{name}: differs from the tag on {remote}: if {remote} is right, git fetch --force {remote} tag {name}"


def _missing_problems(local: list[Version]) -> Iterator[str]:
    previous = 0
    for found, version in enumerate(local):
        if version.number != previous + 1:
            yield f"{PREFIX}{version.number}: the version before it is missing ({found} found): restore its tag"
        previous = version.number


def _ledger_problems() -> Iterator[str]:
    try:
        yield from (f"LEDGER: {problem}" for problem in integrity.problems())
    except CannotEvaluate as error:
        yield str(error)


def _artefact_problems(version: Version, cache: Path) -> Iterator[str]:
    name = f"{PREFIX}{version.number}"
    try:
        files = _cached(versions.model_md5(git.show(version.commit, "dvc.lock") or ""), cache)
        expected = json.loads(files["manifest.json"])["files"]
        wrong = [name for name, sha256 in expected.items() if manifest.sha256(files.get(name, b"")) != sha256]
        if wrong or manifest.sha256(files["manifest.json"]) != version.facts["model"]:
            yield f"{name}: its model is not the one that was promoted: restore dvc.lock in its commit and the files in DVC's remote"
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        yield f"{name}: dvc.lock in its commit names no model ({' '.join(str(error).split())}): restore the commit"
    except FileNotFoundError as error:
        if not _can_fetch(version):
            yield f"{name}: its model cannot be fetched ({error}): run `uv run dvc push` on a machine that has it"


def _can_fetch(version: Version) -> bool:
    with tempfile.TemporaryDirectory() as temporary, suppress(FactoryError):
        folder = Path(temporary, MODEL)
        champion.fetch(version.commit, folder)
        return champion.is_model(folder, version)
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
