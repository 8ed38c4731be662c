"""Azure's pipelines, run by a small interpreter: a project with a Git remote and storage, green and red."""

import re
from collections.abc import Callable, Iterator

import azure_pipeline
import pytest
import test_container
from azure_pipeline import Run
from conftest import git
from hosted import BROKEN, NEWEST, QUICK, Hosted, Vulnerabilities, champion, hosted, machine, running_registry
from machinery.ci.fake_platforms import FakePlatform, environment, fake_platform
from workshop import tool

pytestmark = pytest.mark.nightly
engine = test_container.engine
ODD = "$(>x)"  # a branch by which a shell that reads its name makes a file


@pytest.fixture(scope="module")
def project(template, tmp_path_factory) -> Iterator[Hosted]:
    folder = tmp_path_factory.mktemp("azure")
    with machine(folder / "bin") as bin, pytest.MonkeyPatch.context() as patch:
        (bin / "pipx").symlink_to(tool(folder, "pipx", "pipx"))
        patch.setenv("PIPX_HOME", str(folder / "pipx"))
        patch.setenv("PIPX_BIN_DIR", str(folder / "pipx/bin"))
        yield hosted(template, folder, "azure")


@pytest.fixture(scope="module")
def promoted(project) -> Hosted:
    """The project, once its first model is v1."""
    champion(project)
    return project


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    """Azure DevOps' stand-in."""
    with fake_platform() as platform:
        yield platform


@pytest.fixture
def run(project, platform, tmp_path) -> Callable[..., Run]:
    """`run(pipeline, branch)`, or for the pull request of a branch with `target`, or for a tag."""

    def pipeline(name: str, ref: str = "main", target: str | None = None, **options) -> Run:
        values = environment(platform, "azure", ref, target)
        token, ref = values.pop("FACTORY_TOKEN"), ref if ref.startswith("refs/") else values.pop("BUILD_SOURCEBRANCH")
        values.pop("BUILD_SOURCEBRANCH", None)
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        values |= project.environment if name != "code" else {}
        values |= {"Build.Reason": "PullRequest"} if target else {}
        return azure_pipeline.run(name, project.remote, ref, folder, token=token, **values, **options)

    return pipeline


def test_code_is_green_whatever_the_branch_is_called(run, project, tmp_path):
    project.branch(ODD, "docs/more.md", "", "Nothing of importance\n")
    done = run("code", ODD, **QUICK)
    assert done.results == {"checks": "Succeeded", "tests": "Succeeded"}, done.log
    assert {job for job, *_ in done.steps} == {"checks", "tests oldest", "tests newest"}
    assert "Python 3.11" in done.log and "Python 3.13" in done.log
    assert "no known vulnerabilities" in done.output("uv audit")
    assert not [*tmp_path.rglob("x")]


def test_python_is_that_of_the_team(run, project):
    project.branch("older", "azure-pipelines/team/variables.yml", 'FACTORY_PYTHON: "3.13"', 'FACTORY_PYTHON: "3.11"')
    done = run("code", "older", only="tests", **QUICK)
    outputs = [output for _, command, _, output in done.steps if "pytest" in command]
    assert done.results["tests"] == "Succeeded" and ["Python 3.11" in output for output in outputs] == [True, True], outputs


@pytest.mark.parametrize("what", BROKEN)
def test_code_is_red(run, project, what):
    *change, job, word = BROKEN[what]
    done = run("code", project.branch(what, *change), only=job, **QUICK)
    assert done.results[job] == "Failed"
    assert word in done.output({"checks": "pre-commit", "tests": "pytest"}[job])


def test_vulnerable_dependency_is_red(run, monkeypatch):
    monkeypatch.setattr(Vulnerabilities, "vulnerable", "polars")
    done = run("code", only="checks", **QUICK)
    assert done.results["checks"] == "Failed" and "TEST-1" in done.output("uv audit")


def test_without_champion_is_red(run, project, platform):
    project.done("dvc", "push", "--quiet")
    project.branch("first", "params.yaml", "max_iter: 60", "max_iter: 61")
    done = run("model", "first", "main")
    assert done.results == {"affected": "Succeeded", "model": "Failed", "comment": "Succeeded"}, done.log
    assert "NO_CHAMPION" in done.output("uv run factory summary") and "NO_CHAMPION" in platform.comments[0]["text"]


def test_model_that_passes_is_green(run, promoted, platform, tmp_path):
    promoted.branch(ODD, "params.yaml", "max_iter: 60", "max_iter: 62")
    done = run("model", ODD, "main")
    assert done.results == {"affected": "Succeeded", "model": "Succeeded", "comment": "Succeeded"}, done.log
    assert len(platform.comments) == 1 and "Passed the gate" in platform.comments[0]["text"]
    assert (done.folder / "artifacts/model/reports-1/summary.md").exists()
    assert not [*tmp_path.rglob("x")]


def test_pull_request_that_cannot_change_the_model_skips_it(run, promoted):
    promoted.branch("words", "docs/more.md", "", "Nothing of importance\n")
    assert run("model", "words", "main").results == {"affected": "Succeeded", "model": "Skipped", "comment": "Skipped"}


def test_worse_model_is_red(run, promoted, platform):
    promoted.branch("worse", "params.yaml", "max_iter: 60", "max_iter: 2")
    done = run("model", "worse", "main")
    assert done.results["model"] == "Failed" and "CHAMPION" in done.output("uv run factory summary"), done.log
    assert "CHAMPION" in platform.comments[0]["text"]


def test_storage_that_is_down_is_red(run, promoted):
    with promoted.lost(promoted.storage):
        done = run("model")
    assert done.results["model"] == "Failed" and "STORAGE" in done.output("uv run factory summary"), done.log


def test_champion_that_cannot_be_fetched_is_red(run, promoted):
    promoted.branch("other", "params.yaml", "max_iter: 60", "max_iter: 61")
    with promoted.lost(promoted.listed("model"), promoted.object("model/model.onnx", str(promoted.storage))):
        done = run("model", "other", "main")
    assert done.results["model"] == "Failed" and "CHAMPION_UNFETCHABLE" in done.output("uv run factory summary"), done.log


def test_retraining_on_new_data_becomes_a_pull_request(run, promoted, platform):
    promoted.deliver()
    done = run("retrain")
    assert done.passed, done.log
    [pull_request] = platform.pull_requests
    assert (pull_request["branch"], pull_request["base"], pull_request["draft"]) == ("factory/retrain", "main", False)
    assert "rows: " in git(promoted.remote, "show", f"factory/retrain:data/raw/{NEWEST}.dvc")
    assert git(promoted.remote, "tag") == "model/v1" and not platform.issues


def test_retraining_on_a_delivery_that_breaks_the_contract_becomes_an_issue(run, promoted, platform):
    (promoted.storage / "inbox").mkdir(exist_ok=True)
    (promoted.storage / "inbox/bad.csv").write_text("flight\nUA1\n")
    try:
        done = run("retrain")
    finally:
        (promoted.storage / "inbox/bad.csv").unlink()
    assert done.results == {"retrain": "Failed"} and "CONTRACT" in done.output("propose"), done.log
    assert "CONTRACT" in platform.issues[0]["text"] and not platform.pull_requests


def test_drift_becomes_an_issue_and_starts_a_retraining(run, promoted, platform, tmp_path):
    with promoted.drifted(tmp_path / "shop") as captures:
        done = run("monitor", FACTORY_CAPTURE=str(captures))
        assert done.results == {"monitor": "Failed"}, done.log
        assert "SCORE_DRIFT" in done.output("uv run factory monitor") and "SCORE_DRIFT" in platform.issues[0]["text"], done.log
        assert (platform.started, len(platform.issues)) == (["retrain of main"], 1)
        assert not platform.pull_requests and git(promoted.remote, "tag") == "model/v1"
        kept = git(promoted.remote, "ls-tree", "--name-only", "factory/monitor").split()
        assert kept == ["index.html", "monitor.json", "retraining.json"]


def test_status_of_main_goes_to_its_branch(run, promoted):
    for ref in ("main", "refs/tags/model/v1"):
        done = run("status", ref)
        assert done.passed, done.log
        promoted.check_status()


def test_template_update_becomes_a_pull_request(run, promoted, platform):
    promoted.release()
    done = run("template-update")
    assert done.passed, done.log
    [pull_request] = platform.pull_requests
    assert (pull_request["branch"], pull_request["draft"]) == ("factory/template-update", False)
    assert "1.1.0" in git(promoted.remote, "show", "factory/template-update:Dockerfile")


def test_release_goes_to_staging_and_to_production(run, promoted, engine):
    with running_registry() as address:
        done = run("release", "refs/tags/model/v1", FACTORY_REGISTRY=address)
    assert done.results == dict.fromkeys(("build", "staging", "production", "status"), "Succeeded"), done.log
    outputs = [done.output(f"deploy {stage}") for stage in ("trial", "staging", "production")]
    assert all("scores as recorded" in output for output in outputs)
    served = [re.findall(r"dry run: (\S+) served on this machine", output) for output in outputs]
    [[image]] = {tuple(each) for each in served}
    assert image.startswith(f"{address}@sha256:")
    kept = {file.name for file in (done.folder / "artifacts/build/sbom-1").iterdir()}
    assert {"v1.cdx.json", "v1.provenance.json", "v1.verification.json"} <= kept
