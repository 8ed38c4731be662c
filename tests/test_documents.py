"""What the documents show works as it stands there: commands in their order, and recipes, each from the same state."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, git
from guides import blocks, change, seen, with_files, write
from hosted import QUICK
from workshop import run

pytestmark = pytest.mark.slow


def recipes() -> dict[str, list[tuple[str, str]]]:
    text = (ROOT / "template/docs/recipes.md.jinja").read_text("utf-8")
    text = text.replace("{{ package }}", "late_flights").replace("{{ slug }}", "late-flights")
    return {title: blocks(body) for title, _, body in (part.partition("\n") for part in text.split("\n## ")[1:])}


def follow(project: Path, script: str, **env: str) -> str:
    """Type the lines, up to the first that fails."""
    return run(project, "bash", "-eo", "pipefail", "-c", script, **env)


def commands(text: str) -> set[str]:
    """What the blocks type, without comments and messages."""
    return {
        re.sub(r'#.*|".*"', "", line).strip() for kind, lines in blocks(text) if kind == "bash" for line in lines.splitlines()
    }


def test_the_commands_of_the_templates_readme_are_those_of_a_projects(render):
    assert commands((ROOT / "README.md").read_text("utf-8")) <= commands((render() / "README.md").read_text("utf-8"))


@pytest.mark.nightly
def test_the_commands_of_the_templates_readme_work_in_their_order(render, tmp_path):
    project = with_files(render(), tmp_path)
    follow(project, "uv run factory setup")
    [(_, script)] = blocks((ROOT / "README.md").read_text("utf-8"))
    follow(project, script)
    assert git(project, "tag") == "model/v1"
    assert (project / "scores.csv").read_text("utf-8").count("\n") == 101
    assert "rows: " in (project / "data/raw/next-month.csv.dvc").read_text("utf-8")


@pytest.fixture(scope="module")
def project(render, tmp_path_factory) -> Path:
    """A project whose owner has followed the first part of its README."""
    project = with_files(render(), tmp_path_factory.mktemp("documents"))
    follow(project, blocks((project / "README.md").read_text("utf-8"))[0][1], **QUICK)
    return project


@pytest.fixture
def committed(project):
    """The project; what a test does to it is undone."""
    commit = git(project, "rev-parse", "HEAD")
    yield project
    git(project, "reset", "--quiet", "--hard", commit)
    git(project, "clean", "--quiet", "--force", "-d")
    run(project, "uv", "run", "dvc", "checkout", "--quiet")


@pytest.mark.parametrize("title", recipes())
def test_recipe(committed, title):
    output = ""
    for kind, text in recipes()[title]:
        match kind:
            case "bash":
                output += follow(committed, text)
            case "diff":
                change(committed, text)
            case "python":
                write(committed, text)
            case "text":
                seen(output, text)
    assert git(committed, "status", "--porcelain") == ""


def test_the_commands_of_a_projects_readme_work_in_their_order(committed):
    assert git(committed, "tag") == "model/v1"
    follow(committed, blocks((committed / "README.md").read_text("utf-8"))[1][1], **QUICK)
    assert "rows: " in git(committed, "show", "HEAD:data/raw/next-month.csv.dvc")
    assert (committed / "reports/gate.md").exists()
