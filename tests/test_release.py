"""`nox -s release`: it releases what is whole, and refuses the rest in a line each, changing nothing."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import copier
import pytest
import yaml
from conftest import ROOT, commit, git

CHANGELOG = """\
# Changelog

## Next

You get a thing.

- You must do it (`a-change`).

## 7.0.0

You get the first.
"""
CHANGES = "template/src/{{ package }}/factory/changes.yaml"
CHANGE = "8.0.0:\n  a-change: {do: do it, why: it is new, files: [params.yaml], present: 'x'}\n"


@pytest.fixture(scope="module")
def repository(template, tmp_path_factory) -> Path:
    """A repository of the template with two releases' changes, one of which is to come."""
    folder = tmp_path_factory.mktemp("release") / "template"
    shutil.copytree(template, folder)
    for name in ("tools", "tests/words.py"):
        source, ignore = ROOT / name, shutil.ignore_patterns("__pycache__", ".*_cache")
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copytree(source, folder / name, ignore=ignore) if source.is_dir() else shutil.copy(source, folder / name)
    (folder / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    (folder / CHANGES).write_text(CHANGE, "utf-8")
    subprocess.run([sys.executable, "tools/manifest.py"], cwd=folder, check=True)
    commit(folder, "v7.0.0")
    return folder


@pytest.fixture
def clone(repository, tmp_path) -> Path:
    git(tmp_path, "clone", "--quiet", str(repository), "clone")
    return tmp_path / "clone"


def release(folder: Path, *version: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "tools/release.py", *version]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_release_has_heading_commit_tag_and_notes(clone):
    done = release(clone, "8.0.0")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.startswith("You get a thing.\n\n- You must do it (`a-change`).\n\n✓ Released 8.0.0")
    assert git(clone, "log", "-1", "--format=%s") == "Release 8.0.0"
    assert git(clone, "diff", "HEAD^", "--name-only") == "CHANGELOG.md"
    assert (clone / "CHANGELOG.md").read_text("utf-8") == CHANGELOG.replace("Next", "8.0.0")
    assert git(clone, "cat-file", "-t", "v8.0.0") == "tag"
    assert git(clone, "rev-parse", "v8.0.0^{commit}") == git(clone, "rev-parse", "HEAD")
    assert "You get a thing." in git(clone, "tag", "--list", "--format=%(contents)", "v8.0.0")

    again = release(clone, "8.0.0")
    assert again.returncode == 1 and "✗ 8.0.0 is not newer than 8.0.0" in again.stderr


def test_a_project_is_made_from_the_tag(clone, tmp_path):
    assert release(clone, "8.0.0").returncode == 0
    for ref in ("v8.0.0", None):
        project = tmp_path / f"project {ref}"
        copier.run_copy(str(clone), project, {"project_name": "x"}, vcs_ref=ref, defaults=True, quiet=True)
        assert yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))["_commit"] == "v8.0.0"


def test_a_project_of_an_older_release_is_updated_to_it_by_its_version(clone, tmp_path):
    project = tmp_path / "project"
    copier.run_copy(str(clone), project, {"project_name": "x"}, vcs_ref="v7.0.0", defaults=True, quiet=True)
    commit(project)
    assert release(clone, "8.0.0").returncode == 0
    command = ["uv", "run", "--quiet", str(ROOT / "hooks/update.py"), str(project), "--release=8.0.0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.startswith("✓ Template updated from v7.0.0 to v8.0.0")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("version", "name", "old", "new", "message"),
    [
        ("", "CHANGELOG.md", "", "", "name the release as X.Y.Z"),
        ("eight", "CHANGELOG.md", "", "", "Invalid version: 'eight'"),
        ("v8.0.0", "CHANGELOG.md", "", "", "v8.0.0 is 8.0.0 in the normal form of PEP 440"),
        ("6.9.0", "CHANGELOG.md", "", "", "6.9.0 is not newer than 7.0.0"),
        ("8.1.0", "CHANGELOG.md", "", "", "changes.yaml: 8.0.0 is not 8.1.0"),
        ("8.0.0", "CHANGELOG.md", "## Next\n", "", "CHANGELOG.md has no text below `## Next`"),
        ("8.0.0", "CHANGELOG.md", " (`a-change`)", "", "`- You must do it. …` names no change of changes.yaml"),
        ("8.0.0", CHANGES, "a-change", "another-change", 'no "You must" names `another-change`'),
        ("8.0.0", "CHANGELOG.md", "a thing", "what was mended", "CHANGELOG.md: write"),
        ("8.0.0", "template/Dockerfile", "\n", "\n\n", "MANIFEST is not current: python tools/manifest.py"),
    ],
)
def test_what_is_not_ready_is_refused(clone, version, name, old, new, message):
    edit(clone, name, old, new) if old else None
    commit(clone)
    before = git(clone, "rev-parse", "HEAD")
    done = release(clone, *([version] if version else []))
    assert done.returncode == 1 and message in done.stderr, done.stderr
    assert re.fullmatch(r"(✗ .+\n)+", done.stderr)
    assert git(clone, "rev-parse", "HEAD") == before and git(clone, "tag", "--list", "v8*") == ""
    assert git(clone, "status", "--porcelain") == ""


def test_what_is_not_committed_is_not_released(clone):
    (clone / "new.txt").touch()
    assert release(clone, "8.0.0").stderr == "✗ not committed: new.txt\n"


@pytest.mark.parametrize("step", ["commit", "tag"])
def test_what_git_refuses_is_not_released(clone, step):
    git(clone, "config", f"{step}.gpgSign", "true")
    git(clone, "config", "gpg.program", "false")
    done = release(clone, "8.0.0")
    assert done.returncode == 1 and f"✗ nothing is released: git {step} failed" in done.stderr
    assert git(clone, "log", "-1", "--format=%s") == "v7.0.0" and git(clone, "status", "--porcelain") == ""
