"""What the documents show works as it stands there: commands in their order, recipes with what they change."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, git
from workshop import copy, run

pytestmark = pytest.mark.slow
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = """
import polars as pl
rows = pl.read_parquet("data/raw/*-2013-04.parquet").with_columns(pl.col("scheduled_departure").dt.offset_by("1mo"))
day = pl.col("scheduled_departure").dt.strftime("%Y%m%d")
rows = rows.with_columns(flight=pl.col("flight").str.head(-8) + day).unique("flight", keep="first", maintain_order=True)
rows.write_csv("next-month.csv")
rows.head(100).write_csv("new-rows.csv")
"""


def commands(document: Path) -> list[str]:
    """Each fenced block of commands, as one script."""
    return BLOCK.findall(document.read_text("utf-8"))


def follow(project: Path, script: str) -> None:
    """Run the lines as somebody who types them, and stops at the first that fails."""
    run(project, "bash", "-eo", "pipefail", "-c", script)


def with_files(rendered: Path, folder: Path) -> Path:
    """A fresh project, beside whose own files lie those that the documents name."""
    project = copy(rendered, folder / "project")
    git(project, "init", "--quiet", "--initial-branch=main")
    (project / ".git/info/exclude").write_text("/n*.csv\n")
    run(project, "uv", "run", "python", "-c", FILES)
    return project


def test_the_commands_of_the_templates_readme_work_in_their_order(render, tmp_path):
    project = with_files(render(), tmp_path)
    follow(project, "uv run factory setup")
    [script] = commands(ROOT / "README.md")
    follow(project, script)
    assert git(project, "tag") == "model/v1"
    assert (project / "scores.csv").read_text("utf-8").count("\n") == 101
    assert "next-month.csv" in (project / "data/ledger.csv").read_text("utf-8")


@pytest.fixture(scope="module", params=["classification", "regression"])
def project(request, render, tmp_path_factory) -> Path:
    """A project in which somebody has followed its own README."""
    project = with_files(render(problem=request.param), tmp_path_factory.mktemp("documents"))
    for script in commands(project / "README.md"):
        follow(project, script)
    return project


def test_the_commands_of_a_projects_readme_work_in_their_order(project):
    assert git(project, "tag") == "model/v1"
    assert "next-month.csv" in git(project, "show", "HEAD:data/ledger.csv")
    assert (project / "reports/gate.md").exists()
