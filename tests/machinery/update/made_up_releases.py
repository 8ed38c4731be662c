"""A project of a made-up release 1.0.0, and the release 1.1.0, without Copier."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from late_flights.factory.update import releases
from tests.factory import git_repository
from tests.factory.cli_runner import run

ANSWERS = ".copier-answers.yml"
FACTORY = "src/x/factory"
LINES = "".join(f"line {number}\n" for number in range(20))
OLD = {
    ANSWERS: "_commit: 1.0.0\n_src_path: /the/template\nci: github\nproject_name: x\n",
    "Dockerfile": LINES,
    "compose.yaml": "services:\n  app:\n    image: one\n",
    "dropped.txt": LINES,
    f"{FACTORY}/__init__.py": "",
    f"{FACTORY}/errors.py": LINES,
    f"{FACTORY}/MANIFEST": "# none\n",
}
NEW = OLD | {
    ANSWERS: OLD[ANSWERS].replace("1.0.0", "1.1.0"),
    "Dockerfile": LINES.replace("line 3\n", "line three\n"),
    "compose.yaml": "services:\n  app:\n    image: two\n",
    f"{FACTORY}/errors.py": LINES.replace("line 3\n", "line three\n"),
    f"{FACTORY}/extra.py": "EXTRA = 1\n",
}
del NEW["dropped.txt"]


PATCHED = (
    f"! {FACTORY}/errors.py: is as released, because your fix conflicts with it; your fix is in {FACTORY}/errors.py.patch: "
    "make it again if it is still needed, then delete the patch"
)


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True) if text is None else file.write_text(text)


def git(*command: str) -> str:
    return subprocess.run(["git", *command], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def old_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed project of release 1.0.0, which is the current folder."""
    folder = tmp_path / "Zoë's project"
    write(folder, OLD | {"mine.txt": "mine\n", ".gitignore": "/ignored/\n"})
    monkeypatch.chdir(folder)
    git_repository.environment(monkeypatch)
    git_repository.start()
    return folder


@pytest.fixture
def release(old_project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give the releases files of their own: the newer one these, and the older one those."""
    old: dict[str, str | None] = dict(OLD)
    new: dict[str, str | None] = dict(NEW)

    def render(*, folders: Mapping[str, str], **request: object) -> dict[str, str]:
        for name, folder in folders.items():
            write(Path(folder), {"old": old, "new": new, "fresh": OLD | {"docs/new.md": "# New\n"}}[name])
        return {"before": "1.0.0", "after": "1.1.0"}

    def give(newer: Mapping[str, str | None], older: Mapping[str, str] = {}) -> None:
        new.update(newer)
        old.update(older)

    monkeypatch.setattr(releases, "_run_copier", render)
    return give


def edit(files: Mapping[str, str | None]) -> None:
    write(Path(), files)
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", "edit")


def updated(code: int, *options: str) -> list[str]:
    result = run("update", *options)
    assert result.exit_code == code, result.output
    return result.output.splitlines()
