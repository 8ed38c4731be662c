"""What the documents show works as it stands there: commands in their order, and recipes, each from the same state."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, git
from guides import FILES, OF_FORECASTS, blocks, change, seen, with_files, write
from hosted import QUICK
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from workshop import run

pytestmark = pytest.mark.slow
SAMPLE = {"package": "late_flights", "slug": "late-flights"}


JINJA = Environment(loader=FileSystemLoader(ROOT), undefined=StrictUndefined, keep_trailing_newline=True)


def recipes(problem: str = "classification") -> dict[str, list[tuple[str, str]]]:
    text = JINJA.get_template("template/docs/recipes.md.jinja").render(SAMPLE | {"problem": problem})
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
def project(request, render, tmp_path_factory) -> Path:
    """A project whose owner has followed the first part of its README."""
    problem = getattr(request, "param", "classification")
    rendered, place = render(problem=problem), tmp_path_factory.mktemp("documents")
    project = with_files(rendered, place, script=OF_FORECASTS if problem == "forecasting" else FILES)
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


LONG = "Stop boosting early"
OTHERS = [(problem, title) for problem in ("regression", "forecasting") for title in recipes(problem)]


@pytest.mark.parametrize("title", [title for title in recipes() if title != LONG])
def test_recipe(committed, title):
    do(committed, recipes()[title])


@pytest.mark.nightly
@pytest.mark.parametrize("project, title", [("classification", LONG), *OTHERS], indirect=["project"])
def test_recipe_that_takes_longer(committed, title, request):
    do(committed, recipes(request.node.callspec.params["project"])[title])


def do(project: Path, recipe: list[tuple[str, str]]) -> None:
    """Follow the recipe as it stands there, and see what it shows."""
    output = ""
    for kind, text in recipe:
        match kind:
            case "bash":
                output += follow(project, text)
            case "diff":
                change(project, text)
            case "python":
                write(project, text)
            case "text":
                seen(output, text)
    assert git(project, "status", "--porcelain") == ""


def test_the_commands_of_a_projects_readme_work_in_their_order(committed):
    assert git(committed, "tag") == "model/v1"
    follow(committed, blocks((committed / "README.md").read_text("utf-8"))[1][1], **QUICK)
    assert "rows: " in git(committed, "show", "HEAD:data/raw/next-month.csv.dvc")
    assert (committed / "reports/gate.md").exists()
