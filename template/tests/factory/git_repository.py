"""Git repositories of one person, independent of the machine's configuration."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from .. import contract, manifest, paths
from . import toy

IGNORED = "/data/prepared\n/model\n/reports/gate.*\n/reports/summary.*\n/captures\n/outcomes\n.dvc/tmp\n"
GATE = {"floor": 0.6, "calibration": 0.5, "latency_ms": 1000}  # on a machine however busy
RECORD: dict[str, Any] = {
    "action": "promote",
    "serves": 1,
    "by": "Zoë 李 <zoe@example.com>",
    "at": "2020-01-01T00:00:00+00:00",
    "why": "first",
    "model": "1" * 64,
    "data": "2" * 64,
    "rows": 450,
    "metrics": {"roc_auc": 0.9},
    "gate": {
        "against": "the baseline",
        "accepted": None,
        "checks": [{"code": "FLOOR", "what": "ROC AUC", "figure": 0.9, "limit": "≥ 0.8", "passed": True}],
    },
}


def environment(patch: Any) -> None:
    """Git without any configuration, used by Zoë."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        patch.delenv(name)
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    become(patch, "Zoë 李", "zoe@example.com")


def become(patch: Any, name: str, address: str) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        patch.setenv(f"GIT_{role}_NAME", name)
        patch.setenv(f"GIT_{role}_EMAIL", address)


def git(*arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def commit(**files: str) -> str:
    """Commit the files, and all else that is not ignored."""
    for name, content in files.items():
        Path(name).write_text(content, encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", "Say why")
    return git("rev-parse", "HEAD")


def start() -> str:
    """Make the current folder a repository with one commit."""
    git("init", "--quiet", "--initial-branch=main")
    return commit()


def share(folder: Path) -> None:
    """Make an empty remote in the folder and call it origin."""
    git("init", "--quiet", "--bare", str(folder))
    git("remote", "add", "origin", str(folder))
    git("push", "--quiet", "origin", "main")


def lock(folder: str) -> dict[str, str]:
    """A dvc.lock with the model's hash."""
    return {"dvc.lock": yaml.safe_dump({"stages": {"train": {"outs": [{"path": "model", "md5": folder}]}}})}


def complete(folder: Path) -> None:
    """Add the files that a version needs to the trained toy, and commit."""
    place = Path(contract.__file__)
    copy = folder / "src" / place.parent.name / place.name
    copy.parent.mkdir(parents=True)
    copy.write_text(place.read_text(encoding="utf-8"), encoding="utf-8")
    files = {
        ".gitignore": IGNORED,
        "params.yaml": toy.text(gate=GATE),
        **lock("first"),
        "uv.lock": '[[package]]\nname = "one"\n',
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    start()


def another_model(name: str) -> str:
    """Commit a model with the same scores and another manifest; its sha256."""
    facts = manifest.read_manifest(paths.MODEL)
    del facts["files"]
    (paths.MODEL / "manifest.json").unlink()
    manifest.write_manifest(paths.MODEL, facts | {"parameters": {"name": name}})
    commit(**lock(name))
    return manifest.file_sha256(paths.MODEL / "manifest.json")
