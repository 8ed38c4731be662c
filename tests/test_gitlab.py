"""GitLab's pipelines, run by gitlab-ci-local on this machine: a project with a Git remote and storage, green and red."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import test_container
from conftest import git
from hosted import BROKEN, NEWEST, QUICK, Hosted, Vulnerabilities, champion, hosted, machine, running_registry
from machinery.ci.fake_platforms import FakePlatform, environment, fake_platform
from workshop import require

pytestmark = pytest.mark.nightly
engine = test_container.engine
RUNNER = "gitlab-ci-local@4.70.0"
PYTHON = """
variables:
  UV_PYTHON: "3.11"
tests:
  parallel:
    matrix:
      - UV_PYTHON: ["3.11"]
"""
NO_SERVICE = """
.release: # the engine is this machine's, and so is its client
  services: []
"""
ODD = "$(>x)"  # a branch by which a shell that reads its name makes a file


@dataclass
class Done:
    folder: Path
    passed: bool
    log: str

    @property
    def jobs(self) -> dict[str, str]:
        return {job.strip(): result for result, job in re.findall(r"^ (PASS|FAIL|WARN)  (.*)$", self.log, re.MULTILINE)}

    @property
    def last(self) -> str:
        """The last lines of the log, but for what gitlab-ci-local says of the whole."""
        return "\n".join(self.log.partition("\n PASS ")[0].partition("\n FAIL ")[0].partition("\n WARN ")[0].splitlines()[-12:])

    def lines(self, job: str) -> str:
        """What the job printed."""
        return "\n".join(re.findall(rf"^{re.escape(job)} *> (.*)$", self.log, re.MULTILINE))


@pytest.fixture(scope="module")
def runner(tmp_path_factory) -> Path:
    """The command of gitlab-ci-local."""
    require("rsync")
    folder = tmp_path_factory.mktemp("node")
    done = subprocess.run([require("npm"), "install", "--silent", "--prefix", folder, RUNNER], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "node_modules/.bin/gitlab-ci-local"


@pytest.fixture(scope="module")
def project(runner, template, tmp_path_factory) -> Iterator[Hosted]:
    folder = tmp_path_factory.mktemp("gitlab")
    with machine(folder / "bin"):
        project = hosted(template, folder, "gitlab")
        with (project.folder / ".gitlab/team.yml").open("a") as team:
            team.write(NO_SERVICE)
        git(project.folder, "commit", "--quiet", "--no-verify", "--all", "--message", "The engine of this machine")
        git(project.folder, "push", "--quiet", "origin", "main")
        yield project


@pytest.fixture(scope="module")
def promoted(project) -> Hosted:
    """The project, once its first model is v1."""
    champion(project)
    return project


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    """GitLab's stand-in."""
    with fake_platform() as platform:
        yield platform


@pytest.fixture
def run(project, runner, tmp_path) -> Callable[..., Done]:
    """`run(ref, *jobs)` runs the pipeline, or only the jobs that are named. Variables that are empty are not set."""

    def pipeline(ref: str, *jobs: str, isolated: bool = False, **variables: str) -> Done:
        folder = tmp_path / f"clone{len(list(tmp_path.iterdir()))}"
        git(tmp_path, "clone", "--quiet", str(project.remote), str(folder))
        git(folder, "checkout", "--quiet", "--detach", ref if "/v" in ref else f"origin/{ref}")
        (folder / ".git/info/exclude").write_text(".gitlab-ci-local/\n")
        values = {"CI_COMMIT_BRANCH": ref, "CI_COMMIT_REF_NAME": ref, "GITLAB_CI": "true"} | variables
        values |= (
            project.environment if set(jobs) & {"model", "retrain", "monitor", "status", "template-update", "staging"} else {}
        )
        options = [f"--variable={name}={value}" for name, value in values.items() if value]
        options += [f"--unset-variable={name}" for name, value in values.items() if not value]
        # Isolated jobs work in folders of their own, which gitlab-ci-local empties before an after_script.
        options += ["--force-shell-executor", "--no-color", f"--ignore-predefined-vars={','.join(values)}"]
        options += ["--shell-isolation"] if isolated else []
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run([runner, *options, *jobs], cwd=folder, text=True, timeout=500, **pipes)
        return Done(folder, done.returncode == 0, done.stdout)

    return pipeline


def merge_request(platform: FakePlatform, branch: str) -> dict[str, str]:
    values = environment(platform, "gitlab", branch, "main")
    return values | {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_BRANCH": "", "CI_DEFAULT_BRANCH": "main"}


def chosen(platform: FakePlatform, pipeline: str) -> dict[str, str]:
    return environment(platform, "gitlab") | {"CI_PIPELINE_SOURCE": "schedule", "FACTORY_PIPELINE": pipeline}


CODE, MODEL, COMMENT = {"checks", "tests: [3.11]", "tests: [3.13]"}, {"model"}, {"comment"}
MERGE = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_BRANCH": ""}
TAG = {"CI_COMMIT_BRANCH": "", "CI_COMMIT_TAG": "model/v1"}


@pytest.mark.parametrize(
    ("change", "variables", "chosen"),
    [
        ("README.md", {}, CODE),
        ("README.md", MERGE, CODE),
        ("params.yaml", {}, CODE),
        ("params.yaml", MERGE, CODE | MODEL | COMMENT),
        ("README.md", {"FACTORY_PIPELINE": "model"}, MODEL),
        ("params.yaml", {"FACTORY_PIPELINE": "retrain"}, {"retrain"}),
        ("params.yaml", {"FACTORY_PIPELINE": "monitor"}, {"monitor"}),
        ("params.yaml", {"FACTORY_PIPELINE": "template-update"}, {"template-update"}),
        ("params.yaml", {"FACTORY_PIPELINE": "status"}, {"status"}),
        ("params.yaml", TAG, {"build", "staging", "production", "status", "status-deployed"}),
        ("params.yaml", TAG | {"CI_COMMIT_TAG": "1.0"}, set()),
    ],
)
def test_what_starts_which_jobs(run, project, change, variables, chosen):
    project.branch("event", change, "e", "ee")
    listed = re.findall(
        r"^([^;\n]+);.*;(on_success|always|manual);(false|true);", run("event", "--list-csv", **variables).log, re.MULTILINE
    )
    assert {job.strip('"') for job, *_ in listed} == chosen
    assert {job for job, when, _ in listed if when == "manual"} == {"production"} & chosen
    assert "true" not in {may_fail for *_, may_fail in listed}


def test_python_is_that_of_the_team(run, project):
    project.branch("older", ".gitlab/team.yml", NO_SERVICE, PYTHON)
    listed = run("older", "--list").log
    assert re.findall(r"^(checks|tests.*?) {2,}", listed, re.MULTILINE) == ["checks", "tests: [3.11]"], listed
    assert re.findall(r"UV_PYTHON: '(.*)'", run("older", "--preview").log) == ["3.11"]


def test_code_is_green_whatever_the_branch_is_called(run, project):
    project.branch(ODD, "docs/more.md", "", "Nothing of importance\n")
    done = run(ODD, isolated=True, **QUICK)
    assert done.passed, done.log
    assert done.jobs == {"checks": "PASS", "tests: [3.11]": "PASS", "tests: [3.13]": "PASS"}
    assert "Python 3.11" in done.lines("tests: [3.11]") and "Python 3.13" in done.lines("tests: [3.13]")
    assert "no known vulnerabilities" in done.lines("checks")
    assert not [*done.folder.rglob("x")]


@pytest.mark.parametrize("what", BROKEN)
def test_code_is_red(run, project, what):
    *change, job, word = BROKEN[what]
    done = run(project.branch(what, *change), {"checks": "checks", "tests": "tests: [3.13]"}[job], **QUICK)
    assert not done.passed and "FAIL" in done.jobs.values()
    assert word in "\n".join(done.log.splitlines()[-40:]), done.log


def test_vulnerable_dependency_is_red(run, monkeypatch):
    monkeypatch.setattr(Vulnerabilities, "vulnerable", "polars")
    done = run("main", "checks", **QUICK)
    assert not done.passed and done.jobs == {"checks": "FAIL"}
    assert "TEST-1" in done.lines("checks")


def test_without_champion_is_red(run, project, platform):
    project.done("dvc", "push", "--quiet")
    project.branch("first", "params.yaml", "max_iter: 60", "max_iter: 61")
    done = run("first", "model", "comment", **merge_request(platform, "first"))
    assert done.jobs["model"] == "FAIL" and "NO_CHAMPION" in done.last, done.log
    assert "NO_CHAMPION" in platform.comments[0]["text"]


def test_model_that_passes_is_green(run, promoted, platform):
    promoted.branch(ODD, "params.yaml", "max_iter: 60", "max_iter: 62")
    done = run(ODD, "model", "comment", **merge_request(platform, ODD))
    assert done.passed and done.jobs == {"model": "PASS", "comment": "PASS"}, done.log
    assert "Passed the gate" in platform.comments[0]["text"] and len(platform.comments) == 1
    assert (done.folder / ".gitlab-ci-local/artifacts/model/reports/summary.md").exists()
    assert not [*done.folder.glob("x")]


def test_worse_model_is_red(run, promoted, platform):
    promoted.branch("worse", "params.yaml", "max_iter: 60", "max_iter: 2")
    done = run("worse", "model", "comment", **merge_request(platform, "worse"))
    assert done.jobs["model"] == "FAIL" and "CHAMPION" in done.last, done.log
    assert "CHAMPION" in platform.comments[0]["text"]


def test_storage_that_is_down_is_red(run, promoted, platform):
    with promoted.lost(promoted.storage):
        done = run("main", "model", **chosen(platform, "model"))
    assert done.jobs["model"] == "FAIL" and "STORAGE" in done.last, done.log


def test_champion_that_cannot_be_fetched_is_red(run, promoted, platform):
    promoted.branch("other", "params.yaml", "max_iter: 60", "max_iter: 61")
    with promoted.lost(promoted.listed("model"), promoted.object("model/model.onnx", str(promoted.storage))):
        done = run("other", "model", "comment", **merge_request(platform, "other"))
    assert done.jobs["model"] == "FAIL" and "CHAMPION_UNFETCHABLE" in done.last, done.log


def test_retraining_on_new_data_becomes_a_merge_request(run, promoted, platform):
    promoted.deliver()
    done = run("main", "retrain", **chosen(platform, "retrain"))
    assert done.passed, done.log
    [pull_request] = platform.pull_requests
    assert (pull_request["branch"], pull_request["base"], pull_request["draft"]) == ("factory/retrain", "main", False)
    assert "rows: " in git(promoted.remote, "show", f"factory/retrain:data/raw/{NEWEST}.dvc")
    assert git(promoted.remote, "tag") == "model/v1" and not platform.issues


def test_retraining_on_a_delivery_that_breaks_the_contract_becomes_an_issue(run, promoted, platform):
    promoted.deliver()
    (promoted.storage / "inbox/bad.csv").write_text("flight\nUA1\n")
    try:
        done = run("main", "retrain", **chosen(platform, "retrain"))
    finally:
        (promoted.storage / "inbox/bad.csv").unlink()
    assert done.jobs["retrain"] == "FAIL" and "CONTRACT" in done.last, done.log
    assert "CONTRACT" in platform.issues[0]["text"] and not platform.pull_requests


def test_retraining_that_cannot_propose_is_red(run, promoted, platform):
    promoted.deliver()
    git(promoted.remote, "branch", "--force", "factory/retrain", "main")
    platform.down = True
    done = run("main", "retrain", **chosen(platform, "retrain"))
    assert done.jobs["retrain"] == "FAIL", done.log


def test_drift_becomes_an_issue_and_starts_a_retraining(run, promoted, platform, tmp_path):
    with promoted.drifted(tmp_path / "shop") as captures:
        done = run("main", "monitor", **chosen(platform, "monitor"), FACTORY_CAPTURE=str(captures))
        assert done.jobs["monitor"] == "FAIL", done.log
        assert "SCORE_DRIFT" in done.log and "SCORE_DRIFT" in platform.issues[0]["text"], done.log
        assert (platform.started, len(platform.issues)) == (["retrain of main"], 1)
        assert not platform.pull_requests and git(promoted.remote, "tag") == "model/v1"
        kept = git(promoted.remote, "ls-tree", "--name-only", "factory/monitor").split()
        assert kept == ["index.html", "monitor.json", "retraining.json"]


def test_status_of_main_goes_to_its_branch(run, promoted, platform):
    for ref, more in (("main", {"FACTORY_PIPELINE": "status"}), ("model/v1", TAG)):
        done = run(ref, "status", **environment(platform, "gitlab") | {"CI_DEFAULT_BRANCH": "main"} | more)
        assert done.passed, done.log
        promoted.check_status()


def test_template_update_becomes_a_merge_request(run, promoted, platform):
    promoted.release()
    done = run("main", "template-update", **chosen(platform, "template-update"))
    assert done.passed, done.log
    [pull_request] = platform.pull_requests
    assert (pull_request["branch"], pull_request["draft"]) == ("factory/template-update", False)
    assert "1.1.0" in git(promoted.remote, "show", "factory/template-update:Dockerfile")


def test_release_goes_to_staging_and_with_approval_to_production(run, promoted, engine, monkeypatch, tmp_path_factory):
    stand_in = tmp_path_factory.mktemp("apt") / "apt-get"  # Docker's client is here
    stand_in.symlink_to(shutil.which("true"))
    monkeypatch.setenv("PATH", f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}")
    docker = {"DOCKER_HOST": os.environ.get("DOCKER_HOST", ""), "DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": ""}
    with running_registry() as address:
        done = run("model/v1", "--manual=production", **TAG, **docker, FACTORY_REGISTRY=address)
    assert done.passed and done.jobs == {"build": "PASS", "staging": "PASS", "production": "PASS"}, done.log
    assert all("scores as recorded" in done.lines(job) for job in done.jobs)
    served = [re.findall(r"dry run: (\S+) served on this machine", done.lines(job)) for job in done.jobs]
    [[image]] = {tuple(each) for each in served}
    assert image.startswith(f"{address}@sha256:")
    kept = {file.name for file in (done.folder / ".gitlab-ci-local/artifacts/build/reports/sbom").iterdir()}
    assert {"v1.cdx.json", "v1.provenance.json", "v1.verification.json"} <= kept
