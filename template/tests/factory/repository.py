"""Git repositories of one person, whatever the configuration of the machine."""

import os
import subprocess
from pathlib import Path
from typing import Any

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
    "gate": {"against": "the baseline", "accepted": None, "checks": [{"code": "FLOOR", "passed": True}]},
}


def environment(patch: Any) -> None:
    """Git as on a machine without configuration, where Zoë works."""
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
    """Make the current folder a repository of one commit."""
    git("init", "--quiet", "--initial-branch=main")
    return commit()


def share(folder: Path) -> None:
    """Make an empty remote in the folder and call it origin."""
    git("init", "--quiet", "--bare", str(folder))
    git("remote", "add", "origin", str(folder))
    git("push", "--quiet", "origin", "main")
