"""Which changes can change a model: what the pipeline depends on, as dvc.yaml says."""

from pathlib import Path

import pytest
from late_flights.factory import platforms
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

STAGES = """
stages:
  prepare: {cmd: a, deps: [data/raw, "${package}/contract.py"]}
  enrich:
    do: {cmd: b, deps: [tools/enrich.py, maps/all.csv, zones/north.csv], params: [limit, {tools/limits.yaml: [most]}]}
    foreach: [1, 2]
"""


@pytest.fixture(autouse=True)
def change(project, monkeypatch, tmp_path_factory):
    """A branch that left main."""
    git_repository.environment(monkeypatch)
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"):
        monkeypatch.delenv(name, raising=False)
    Path("tools").mkdir()
    Path("src/toy").mkdir(parents=True)
    Path("dvc.yaml").write_text(STAGES)
    git_repository.start()
    git_repository.share(tmp_path_factory.mktemp("remote"))
    git("checkout", "--quiet", "-b", "change")


@pytest.mark.parametrize(
    "file",
    [
        "src/toy/features.py",
        "params.yaml",
        "uv.lock",
        "tools/enrich.py",
        "tools/limits.yaml",
        "data/raw/ä.csv.dvc",
        "maps/all.csv.dvc",
        "zones.dvc",
    ],
)
def test_what_can_change_the_model(file):
    Path("maps").mkdir()
    git_repository.commit(**{file: "changed", "README.md": "too"})
    assert run("affected", "--base", "origin/main").output == f"{file}\n"


def test_what_was_moved_away():
    git("checkout", "--quiet", "main")
    git_repository.commit(**{"src/toy/features.py": "a line\n" * 20})
    git("push", "--quiet", "origin", "main")
    git("checkout", "--quiet", "-B", "change")
    git("mv", "src/toy/features.py", "tools/features.py")
    git_repository.commit()
    assert run("affected", "--base", "origin/main").output == "src/toy/features.py\n"


@pytest.mark.parametrize("file", ["README.md", "tools/other.py", "srcs.py", "maps.csv.dvc"])
def test_what_cannot(file):
    git_repository.commit(**{file: "changed"})
    assert run("affected", "--base", "origin/main").output == "none\n"


def test_what_main_did_meanwhile_is_no_change_of_the_branch():
    git_repository.commit(**{"README.md": "changed"})
    git("checkout", "--quiet", "main")
    git_repository.commit(**{"src/toy/model.py": "by another"})
    git("push", "--quiet", "origin", "main")
    git("checkout", "--quiet", "change")
    assert run("affected", "--base", "origin/main").output == "none\n"


def test_without_a_base_everything_is_affected():
    assert "no commit to compare with" in run("affected").output


def test_base_that_is_not_here():
    assert refused("affected", "--base", "origin/none").startswith("cannot compare with origin/none: fetch the whole history")


@pytest.mark.parametrize("file, model", [("README.md", "false"), ("params.yaml", "true"), (None, "true")])
def test_pipeline_gets_the_result(monkeypatch, tmp_path, file, model):
    variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_BASE_REF": "main" if file else "",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if file:
        git_repository.commit(**{file: "changed"})
    assert run("affected").exit_code == 0 and platforms.detect()
    assert (tmp_path / "output").read_text() == f"model={model}\n"
