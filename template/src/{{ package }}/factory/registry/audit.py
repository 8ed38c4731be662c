"""Whether every version is still what it was: verdict, tag, commit and artefacts."""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from .. import manifest as digest
from ..errors import FactoryError
from ..paths import MODEL
from ..workspace import git
from ..workspace.process import run
from . import champion, versions
from .versions import PREFIX, Version


def audit() -> tuple[list[Version], list[str]]:
    """The versions, and what is wrong with them: where, and the command that mends it."""
    known = versions.known()
    problems = [*_shared(known), *_sequence(known)]
    cache = Path(run(sys.executable, "-m", "dvc", "cache", "dir")) / "files/md5"
    for version in known:
        problems += [f"{PREFIX}{version.number}: {problem}" for problem in _one(version, cache)]
    return known, problems


def _shared(known: list[Version]) -> Iterator[str]:
    remote = git.remote_name()
    if remote is None:
        return
    theirs = git.remote_tags(remote, f"{PREFIX}*")
    ours = {f"{PREFIX}{version.number}": version.tag for version in known}
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours:
            yield f"{name}: only on {remote}: git fetch {remote} refs/tags/{name}:refs/tags/{name}"
        elif name not in theirs:
            yield f"{name}: not on {remote}: git push {remote} refs/tags/{name}"
        elif ours[name] != theirs[name]:
            yield f"{name}: another tag than on {remote}: if {remote} is right, git fetch --force {remote} tag {name}"


def _sequence(known: list[Version]) -> Iterator[str]:
    before: Version | None = None
    for expected, version in enumerate(known, 1):
        if (before is None and version.number != 1) or (before and version.number != before.number + 1):
            yield f"{PREFIX}{version.number}: the version before it is missing (found {expected - 1}): restore its tag"
        elif version.record and version.record["previous"] != (before.tag if before else None):
            yield f"{PREFIX}{version.number - 1}: was moved or edited after {version.name} recorded it: restore its tag"
        before = version


def _one(version: Version, cache: Path) -> Iterator[str]:
    record = version.record
    if record is None:
        yield "its message was edited or is no record: restore its tag"
        return
    if record["version"] != version.number or record["commit"] != version.commit:
        yield f"was moved: it was made on {record['commit'][:8]} as v{record['version']}: restore its tag"
        return
    refused = [check["code"] for check in record["gate"]["checks"] if not check["passed"]]
    if refused or not record["gate"]["checks"]:
        yield f"did not pass the gate: {', '.join(refused) or 'nothing was checked'}: roll back"
    yield from _artefacts(version, record, cache)


def _artefacts(version: Version, record: dict[str, Any], cache: Path) -> Iterator[str]:
    try:
        folder = versions.model_in(git.show(version.commit, "dvc.lock") or "")
        found = _cached(folder, cache)
        manifest = json.loads(found["manifest.json"])
        wrong = [name for name, sha256 in manifest["files"].items() if digest.sha256(found.get(name, b"")) != sha256]
        if wrong or digest.sha256(found["manifest.json"]) != record["model"]:
            yield "its model is not the one that was promoted: restore the commit's dvc.lock and the remote's files"
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        yield f"its commit names no model ({' '.join(str(error).split())}): restore the commit"
    except FileNotFoundError as error:
        if not _fetched(version.commit, record["model"]):
            yield f"its model cannot be fetched ({error}): put it back with `dvc push` from a machine that has it"


def _fetched(commit: str, model: str) -> bool:
    with tempfile.TemporaryDirectory() as place, suppress(FactoryError):
        folder = Path(place, MODEL)
        champion.fetch(commit, folder)
        digest.read_manifest(folder)
        return digest.model_id(folder) == model
    return False


def _cached(folder: str, cache: Path) -> dict[str, bytes]:
    listed = {entry["relpath"]: entry["md5"] for entry in json.loads(_object(cache, folder))}
    return {name: _object(cache, md5) for name, md5 in listed.items()}


def _object(cache: Path, md5: str) -> bytes:
    path = cache / md5[:2] / md5[2:]
    if not path.exists():
        raise FileNotFoundError(f"{md5} is missing")
    content = path.read_bytes()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
        raise FileNotFoundError(f"{md5} is damaged")
    return content
