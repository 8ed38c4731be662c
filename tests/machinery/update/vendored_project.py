"""A repository that has a release's files: some for every project, some for GitHub or GitLab only."""

from pathlib import Path

import pytest
from late_flights.factory.update.vendored import digest
from tests.factory import git_repository

FACTORY = Path("src/x/factory")
MACHINERY = FACTORY / "machinery.py"
RELEASE = {
    "Dockerfile": "FROM python\n",
    "src/<package>/factory/__init__.py": "",
    "src/<package>/factory/machinery.py": "WHEELS = 4\n",
    "tests/factory/test_machinery.py": "def test(): ...\n",
    ".github/workflows/code.yaml": "name: code\n",
}
RENDERED = "tests/factory/modules.py"
PLATFORMS = {".github/workflows/code.yaml": " github"}


def manifest(release: dict[str, str]) -> str:
    lines = (f"{digest(text.encode())}  {name}{PLATFORMS.get(name, '')}\n" for name, text in release.items())
    return "".join(["# A comment\n", *lines, f"rendered  {RENDERED}\n"])


@pytest.fixture
def vendoring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed project on GitHub that is as released, and is the current folder."""
    monkeypatch.chdir(tmp_path)
    git_repository.environment(monkeypatch)
    for name, text in (RELEASE | {RENDERED: "from x import factory\n"}).items():
        file = Path(name.replace("<package>", "x"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    Path(".copier-answers.yml").write_text("_commit: 0.3.0\nci: github\n")
    Path("pyproject.toml").write_text("")
    Path(".gitignore").write_text("__pycache__\n")
    (FACTORY / "MANIFEST").write_text(manifest(RELEASE))
    git_repository.start()
    return tmp_path
