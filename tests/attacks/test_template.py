"""Another template, from which the next update would bring code of the attacker's."""

import shutil
from pathlib import Path

from attack import Target
from conftest import commit, git

ANSWERS = ".copier-answers.yml"


def template(folder: Path) -> Path:
    """A template with what an update needs, and the attacker's file in its newest release."""
    folder.mkdir()
    (folder / f"{ANSWERS}.jinja").write_text("{{ _copier_answers|to_nice_yaml }}", "utf-8")
    (folder / "copier.yml").write_text(f"_answers_file: {ANSWERS}\nproject_name: x\n", "utf-8")
    commit(folder, "1.0.0")
    commit(folder, "1.0.1")
    (folder / "conftest.py").write_text("print('theirs')\n", "utf-8")
    commit(folder, "1.1.0")
    return folder


def write(target: Target, source: Path, release: str) -> None:
    (target.folder / ANSWERS).write_text(f"_commit: {release}\n_src_path: {source}\nci: github\nproject_name: Target\n", "utf-8")


def begin(target: Target) -> Path:
    """The project's beginning with its own template; gives the attacker's."""
    own, theirs = (template(target.folder.parent / name) for name in ("own", "theirs"))
    shutil.rmtree(target.folder / ".git")
    write(target, own, "1.0.0")
    git(target.folder, "init", "--quiet", "--initial-branch=main")
    save(target)
    return theirs


def save(target: Target) -> None:
    git(target.folder, "add", "--all")
    git(target.folder, "commit", "--quiet", "--message", "work")


def test_merged_orphan_commit_with_another_template(target):
    theirs = begin(target)
    git(target.folder, "checkout", "--quiet", "--orphan", "docs")
    git(target.folder, "rm", "-r", "--quiet", "--cached", ".")
    write(target, theirs, "1.0.1")
    git(target.folder, "add", "--force", ANSWERS)
    git(target.folder, "commit", "--quiet", "--message", "Docs")
    git(target.folder, "checkout", "--quiet", "--force", "main")
    options = ("--allow-unrelated-histories", "--strategy-option", "theirs")
    git(target.folder, "merge", "--quiet", *options, "--message", "Merge docs", "docs")
    target.refused("the template is", "factory", "update")
    assert (target.folder / "conftest.py").exists() == target.before


def test_release_and_template_in_one_pull_request(target):
    write(target, begin(target), "1.0.1")
    save(target)
    target.refused("the template is", "factory", "update")
    assert (target.folder / "conftest.py").exists() == target.before
