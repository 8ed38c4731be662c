"""The model of the current checkout, trained without cache before the gate looks at it."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from late_flights.factory import errors, manifest, paths
from late_flights.factory.ci import summary
from late_flights.factory.verification import checkout
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run


def lock(**changes):
    """dvc.lock of two stages."""
    values = {"rows": "1", "prepared": "2", "model": "3"} | changes
    stages = {
        "prepare": {
            "cmd": "a",
            "deps": [{"path": "data/raw", "md5": values["rows"]}],
            "outs": [out("data/prepared", values["prepared"])],
        },
        "train": {
            "cmd": "b",
            "deps": [{"path": "data/prepared", "md5": values["prepared"]}],
            "outs": [out("model", values["model"])],
        },
    }
    return yaml.safe_dump({"stages": stages})


def out(path, md5):
    return {"path": path, "md5": md5}


@pytest.fixture
def stale(committed, monkeypatch):
    """A checkout whose dvc.lock is not up to date; what a run of the stages leaves as dvc.lock is to be set."""
    left = {"dvc.lock": lock(), "code": 0}

    def run_stages(command, **how):
        left["command"] = command
        Path("dvc.lock").write_text(left["dvc.lock"])
        return subprocess.CompletedProcess(command, left["code"])

    git_repository.commit(**{"dvc.lock": lock()})
    monkeypatch.setattr(checkout, "dvc", lambda *command: '{"train": ["changed"]}')
    monkeypatch.setattr(checkout.subprocess, "run", run_stages)
    monkeypatch.setattr(checkout.champion, "fetch", lambda commit, folder: (_ for _ in ()).throw(errors.FactoryError("gone")))
    return left


@pytest.mark.parametrize("changes", [{}, {"rows": "9", "prepared": "8", "model": "7"}], ids=["the same", "other data"])
def test_lock_that_is_out_of_date_is_brought_up_to_date_without_cache(stale, changes):
    stale["dvc.lock"] = lock(**changes)
    assert run("reproduce").stdout == "✓ model/ was trained without cache\n"
    assert stale["command"][-2:] == ("--force", "--no-run-cache")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prepared": "8", "model": "7"}, "dvc.lock has other rows in data/prepared than stage prepare makes"),
        ({"model": "7"}, "dvc.lock has another model of the same inputs, which is not in DVC's remote"),
    ],
)
def test_lock_that_names_what_its_inputs_do_not_give_is_refused(stale, changes, reason):
    stale["dvc.lock"] = lock(**changes)
    assert refused("reproduce").startswith(f"NOT_REPRODUCED: {reason}")


def test_stage_that_fails_ends_the_command_as_dvc_does(stale):
    stale["code"] = 253
    assert run("reproduce").exit_code == 253


@pytest.fixture
def current(committed, monkeypatch):
    """A checkout whose dvc.lock is up to date, and a training that makes the same model, or the one in the folder `made`."""

    class Made:
        def __init__(self, folder, commit):
            self.commit = commit

        def fetch_data(self):
            pass

        def install(self):
            pass

        def train(self):
            Path("trained").write_text(self.commit)

        def compare(self, claimed):
            return checkout.compare(claimed, paths.MODEL if not Path("made").exists() else Path("made"))

    @contextmanager
    def worktree(commit):
        yield Path("nowhere")

    monkeypatch.setattr(checkout, "dvc", lambda *command: "{}")
    monkeypatch.setattr(checkout, "Reproduction", Made)
    monkeypatch.setattr(checkout, "worktree", worktree)
    git_repository.commit(**{".gitignore": git_repository.IGNORED + "/trained\n/made\n"})


@pytest.mark.usefixtures("current")
def test_model_in_the_lock_is_trained_again():
    assert run("reproduce").stdout == "✓ model/, trained again without cache, is the same to the byte\n"
    assert Path("trained").read_text() == git_repository.git("rev-parse", "HEAD")


@pytest.mark.usefixtures("current", "dvc_answers")
def test_model_that_its_inputs_do_not_give_is_refused_and_reported():
    facts = manifest.read_manifest(paths.MODEL)
    Path("made").mkdir()
    for file in paths.MODEL.iterdir():
        (Path("made") / file.name).write_bytes(file.read_bytes())
    (Path("made") / "manifest.json").unlink()
    manifest.write_manifest(Path("made"), facts | {"threshold": 0.123})
    assert refused("reproduce").startswith("NOT_REPRODUCED: the same inputs give another manifest.json: threshold is ")
    [problem] = summary.find_problems()
    assert problem.code == "NOT_REPRODUCED" and summary.exit_code([problem]) == 1


@pytest.mark.usefixtures("current")
def test_champions_model_is_not_trained_again():
    assert run("promote", "-m", "the first").exit_code == 0
    assert run("reproduce").stdout == "✓ model/ is that of the champion, v1, which `factory verify v1` trains again\n"
    assert not Path("trained").exists()


@pytest.mark.usefixtures("current")
def test_what_is_not_committed_is_not_a_commit():
    Path("note.txt").write_text("new")
    assert "commit first" in refused("reproduce")
