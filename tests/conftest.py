import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import copier
import pytest
import quick_copier
import yaml

pytest_plugins = ["skips", "attack"]

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
QUESTIONS = [name for name, question in CONFIG.items() if name[0] != "_" and question.get("when", True)]
FLAT = "0.2.99"
COPIER = [sys.executable, quick_copier.__file__]
PARTS = ["copier.yml", "includes", "licenses", "template", "hooks"]

# Git works without the developer's identity and settings, as in CI.
os.environ |= {f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, tag: str | None = None) -> None:
    """Commit everything in `folder`, made a repository if it is none."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", tag or "work")
    if tag:
        git(folder, "tag", tag)


def history() -> dict[str, str]:
    """The commit of each release: the first whose changelog has it as a heading. Tags may be missing in a clone.

    With them goes the last commit before the factory was split into packages, as if it were a release.
    """
    if not (ROOT / ".git").exists():
        return {}
    found: dict[str, str] = {}
    for sha in git(ROOT, "log", "--reverse", "--format=%H", "--", "CHANGELOG.md").splitlines():
        for version in re.findall(r"^## v?(\d\S*)", git(ROOT, "show", f"{sha}:CHANGELOG.md"), re.MULTILINE):
            found.setdefault(version, sha)
    flat = "template/src/{{ package }}/factory/prepare.py"
    if lost := git(ROOT, "log", "--diff-filter=DR", "--format=%P", "--", flat):
        found[FLAT] = lost.split()[0]
    return found


def copy_template(folder: Path) -> Path:
    """The working tree's template without Git: Copier renders it at once instead of cloning it."""
    for part in PARTS:
        source, ignore = ROOT / part, shutil.ignore_patterns("__pycache__", ".*_cache", ".venv")
        shutil.copytree(source, folder / part, ignore=ignore) if source.is_dir() else shutil.copy(source, folder)
    return folder


def past_releases(folder: Path) -> Path:
    """A clone with a tag on each release, and the working tree as the newest."""
    git(ROOT, "clone", "--quiet", "--no-tags", ".", str(folder))
    for version, sha in history().items():
        git(folder, "tag", version, sha)
    for part in PARTS:
        shutil.rmtree(folder / part) if (folder / part).is_dir() else (folder / part).unlink(missing_ok=True)
    (folder / "organisation.yaml").unlink(missing_ok=True)
    copy_template(folder)
    commit(folder, "1000.0.0")
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """Not to be changed."""
    return copy_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def release(template, tmp_path) -> Path:
    """A repository of the template with one release, 1.0.0, to which a test may add others."""
    folder = tmp_path / "template repository"
    shutil.copytree(template, folder)
    commit(folder, "1.0.0")
    return folder


@pytest.fixture(scope="session")
def render(template, tmp_path_factory) -> Callable[..., Path]:
    """`render(**answers)` gives a project; the same answers give the same one, so a test copies it before changing it."""
    projects: dict[tuple, Path] = {}

    def project(**answers: object) -> Path:
        answers = {"project_name": "Late flights", **answers}
        assert not answers.keys() - set(QUESTIONS), "Copier would ignore what is no question"
        key = tuple(sorted((name, repr(value)) for name, value in answers.items()))
        if key not in projects:
            folder = tmp_path_factory.mktemp("render") / "project"
            copier.run_copy(str(template), folder, answers, defaults=True, quiet=True)
            projects[key] = folder
        return projects[key]

    return project


@pytest.fixture(scope="session")
def past(tmp_path_factory) -> Path:
    return past_releases(tmp_path_factory.mktemp("past") / "template")
