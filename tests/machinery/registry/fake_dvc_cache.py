"""Versions whose models lie in DVC's cache as DVC would put them there, without DVC."""

import hashlib
import json
from pathlib import Path
from typing import Any

from late_flights.factory import manifest
from late_flights.factory.registry import audit, versions
from tests.factory import git_repository
from tests.factory.cli_runner import run
from tests.factory.git_repository import RECORD

CACHE = Path(".dvc/cache")


def build(folder: Path, patch: Any) -> None:
    """A repository of two versions in the folder, and its remote."""
    git_repository.environment(patch)
    (folder / "here").mkdir()
    patch.chdir(folder / "here")
    git_repository.start()
    git_repository.commit(**{".gitignore": ".dvc\n"})
    git_repository.share(Path("../remote.git"))
    promote("one")
    promote("two")


def enter(folder: Path, patch: Any) -> None:
    """Work in the repository; DVC says where its cache is, and fetches nothing."""
    git_repository.environment(patch)
    patch.chdir(folder / "here")
    patch.setattr(audit, "run", lambda *command: str(CACHE) if "cache" in command else "")


def problems() -> list[str]:
    """What the audit prints, each problem a line without its mark."""
    result = run("audit")
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.output
    return [line.removeprefix("✗ ") for line in result.stdout.splitlines()]


def store(content: bytes, kind: str = "") -> str:
    """Put the content where DVC caches it; its name."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() + kind
    path = place(md5)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return md5


def place(md5: str) -> Path:
    return CACHE / "files/md5" / md5[:2] / md5[2:]


def model(name: str, **more: str) -> tuple[str, str]:
    """A model in the cache: the name of its folder, and the sha256 of its manifest, which may tell of more files."""
    files = {"model.skops": name.encode()}
    hashes = {file: manifest.sha256(content) for file, content in files.items()} | more
    files["manifest.json"] = json.dumps({"files": hashes}).encode()
    listed = [{"relpath": file, "md5": store(content)} for file, content in files.items()]
    return store(json.dumps(listed).encode(), ".dir"), manifest.sha256(files["manifest.json"])


def promote(name: str, **facts: Any) -> versions.Version:
    """A version of a model of its own."""
    folder, sha256 = model(name)
    commit = git_repository.commit(**git_repository.lock(folder))
    return versions.publish(commit, RECORD | {"model": sha256} | facts, "promoted", versions.local())
