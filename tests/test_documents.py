"""What the documents show works as it stands there: commands in their order, and recipes, each from the same state."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, git
from hosted import QUICK
from workshop import copy, run

pytestmark = pytest.mark.slow
BLOCK = re.compile(r"^```(bash|diff|python|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = """
import polars as pl
rows = pl.read_parquet("data/raw/*-2013-04.parquet").with_columns(pl.col("scheduled_departure").dt.offset_by("1mo"))
day = pl.col("scheduled_departure").dt.strftime("%Y%m%d")
rows = rows.with_columns(flight=pl.col("flight").str.head(-8) + day).unique("flight", keep="first", maintain_order=True)
rows.head(100).write_csv("new-rows.csv")
rows.write_csv("next-month.csv")
rows.with_columns(passengers=pl.col("seats") - 1).write_csv("with-passengers.csv")
"""


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks, each with its language."""
    return BLOCK.findall(text)


def recipes() -> dict[str, list[tuple[str, str]]]:
    text = (ROOT / "template/docs/recipes.md.jinja").read_text("utf-8")
    text = text.replace("{{ package }}", "late_flights").replace("{{ slug }}", "late-flights")
    return {title: blocks(body) for title, _, body in (part.partition("\n") for part in text.split("\n## ")[1:])}


def follow(project: Path, script: str, **env: str) -> str:
    """Type the lines, up to the first that fails."""
    return run(project, "bash", "-eo", "pipefail", "-c", script, **env)


def change(project: Path, diff: str) -> None:
    """Apply each `@@ file @@`: lines that begin with + replace those that begin with -, and the others stay."""
    for hunk in re.split(r"^@@ ", diff, flags=re.MULTILINE)[1:]:
        file, _, lines = hunk.partition(" @@\n")
        before, after = ("\n".join(line[1:] for line in lines.splitlines() if line[:1] != sign) for sign in "+-")
        text = (project / file).read_text("utf-8")
        assert text.count(before) == 1, hunk
        (project / file).write_text(text.replace(before, after), "utf-8")


def write(project: Path, module: str) -> None:
    """The first line says where the others go."""
    where, _, code = module.partition("\n")
    file = project / where.split()[-1]
    file.write_text((file.read_text("utf-8") + "\n\n" if "at the end of" in where else "") + code, "utf-8")


def seen(output: str, expected: str) -> None:
    """Each line of what is expected is in the output; an ellipsis stands for anything."""
    for line in expected.splitlines():
        pattern = r"\s+".join(map(re.escape, line.split())).replace("…", ".*")
        assert re.search(pattern, output), f"{line} is not in:\n{output}"


def with_files(rendered: Path, folder: Path) -> Path:
    """A fresh project, and the files that the documents name."""
    project = copy(rendered, folder / "project")
    git(project, "init", "--quiet", "--initial-branch=main")
    run(project, "uv", "run", "python", "-c", FILES)
    return project


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
