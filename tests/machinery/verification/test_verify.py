"""Each claim of a version holds, or is refused with its code, and nothing that follows is checked."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import errors, manifest, paths
from late_flights.factory.gate import data_checks
from late_flights.factory.registry import champion, versions
from late_flights.factory.scoring.scorer import Scorer
from late_flights.factory.verification import comparison, gate, verify
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run
from tests.factory.git_repository import GATE

STEPS = ["record", "main", "approvals", "data", "model", "training", "gate"]


class Made:
    """The toy's pipeline run again: all its files are there from the beginning."""

    def __init__(self, folder, commit, python):
        self.folder, self.commit = folder, commit

    def fetch_data(self):
        pass

    def install(self):
        pass

    def train(self):
        pass

    def fetch(self, place):
        assert place == "data/prepared"

    def compare(self, claimed):
        return comparison.compare(claimed, self.folder / "model")

    def run_python(self, script, *arguments):
        if arguments:
            source, destination = arguments
            rows = pl.read_parquet(source)
            made = toy.features(rows) if script == gate.FEATURES else Scorer.load(self.folder / "model").score(rows)
            made.write_parquet(destination)
        return "3.13.0"


@pytest.fixture
def doubted(committed):
    """The project with the machinery that has doubts about data and test."""
    folder = committed / "src/late_flights/factory/gate"
    folder.mkdir(parents=True)
    git_repository.commit(**{str(folder / Path(gate.DOUBTED_BY).name): Path(data_checks.__file__).read_text()})


@pytest.fixture
def worktree(committed, tmp_path_factory, monkeypatch):
    """The folder in which v1 is trained again; tests may change what is found there. Where it was promoted nothing is left out."""
    assert run("promote", "-m", "the first").exit_code == 0
    folder = tmp_path_factory.mktemp("worktree") / "project"
    shutil.copytree(committed, folder)

    @contextmanager
    def made(commit):
        yield folder

    monkeypatch.setattr(verify, "worktree", made)
    monkeypatch.setattr(verify, "Reproduction", Made)
    monkeypatch.setattr(champion, "fetch", lambda commit, place: shutil.copytree(paths.MODEL, place))
    return folder


def outcome(*options, version="v1"):
    """Exit code, the code of the refusal, and by step what came of it."""
    result = run("verify", version, *options)
    report = json.loads(Path(f"reports/sbom/{version}.verification.json").read_text())
    done = {step["name"]: step for step in report["steps"]}
    assert list(done) == STEPS[: len(done)] and report["passed"] == (result.exit_code == 0)
    assert all(step["details"] in result.output for step in done.values())
    last = list(done.values())[-1]
    assert (not last["code"]) == (result.exit_code == 0)
    assert not last["code"] or f"{version} is not proven: {last['code']}" in result.stderr
    return result.exit_code, last["code"], {name: step["details"] for name, step in done.items()}


def refused(code, last, *options, version="v1", exit_code=1):
    found = outcome(*options, version=version)
    assert found[:2] == (exit_code, code) and list(found[2])[-1] == last, found
    return found[2][last]


@pytest.mark.usefixtures("worktree")
def test_version_is_proven_and_the_record_says_who_when_and_where():
    code, _, steps = outcome()
    assert code == 0 and list(steps) == STEPS
    assert steps["record"] == "unsigned, the first" and steps["main"].endswith(" is on main")
    assert steps["data"].startswith("2 deliveries, each as recorded")
    assert steps["training"] == "the same to the byte, on Python 3.13.0"
    assert steps["gate"] == "passed on 150 test rows by the limits of v1, main"
    report = json.loads(Path("reports/sbom/v1.verification.json").read_text())
    [version] = versions.local()
    assert (report["model"], report["commit"]) == (version.facts["model"], version.commit)
    assert report["by"] == "Zoë 李 <zoe@example.com>" and report["machine"]["processors"] and report["python"] == "3.13.0"
    assert report["trained_again"] and report["at"].startswith("20")


def test_quick_leaves_the_training_out_and_says_so(worktree):
    shutil.rmtree(worktree / "model")
    result = run("verify", "v1", "--quick")
    assert result.exit_code == 0 and "✓ v1 is proven, but for its prepared rows and its training: " in result.output
    assert "- training  not shown: that its deliveries give these prepared rows" in result.output
    assert json.loads(Path("reports/sbom/v1.verification.json").read_text())["trained_again"] is False


def test_later_version_follows_and_is_compared_with_the_one_before(worktree):
    git_repository.another_model("second")
    assert run("promote", "-m", "the second").exit_code == 0
    shutil.copytree(paths.MODEL, worktree / "model", dirs_exist_ok=True)
    _, _, steps = outcome(version="v2")
    assert steps["record"] == "unsigned, follows from v1" and steps["gate"].endswith("by the limits of v2, v1, main")


@pytest.mark.usefixtures("worktree")
def test_moved_tag_ends_it():
    git_repository.commit()
    git_repository.git("tag", "--force", "model/v2", "model/v1")
    refused("VERSION_INVALID", "record", version="v2", exit_code=2)


@pytest.mark.usefixtures("worktree")
def test_version_from_which_it_follows_is_missing():
    git_repository.another_model("second")
    assert run("promote", "-m", "the second").exit_code == 0
    git_repository.git("tag", "--delete", "model/v1")
    reason = refused("VERSION_INVALID", "record", version="v2", exit_code=2)
    assert reason.endswith("model/v1, from which it follows, is missing: restore it")


@pytest.mark.usefixtures("worktree")
def test_interrupted_one_leaves_no_result_of_an_earlier_one(monkeypatch):
    outcome()
    monkeypatch.setattr(Made, "train", lambda made: made.killed)
    assert isinstance(run("verify", "v1").exception, AttributeError)
    assert not Path("reports/sbom/v1.verification.json").exists()


@pytest.mark.usefixtures("worktree")
def test_commit_that_is_not_on_main():
    git_repository.git("switch", "--quiet", "--orphan", "other")
    git_repository.commit(**{"note.txt": "another history"})
    git_repository.git("branch", "--force", "main", "other")
    refused("NOT_ON_MAIN", "main", exit_code=2)


def test_delivery_that_is_not_the_recorded_one(worktree):
    delivery = worktree / "data/raw/second.csv"
    delivery.write_text(delivery.read_text().replace("red", "blue", 1))
    assert "data/raw/second.csv" in refused("LEDGER", "data", exit_code=2)


@pytest.mark.usefixtures("worktree")
def test_delivery_whose_record_is_gone_from_main():
    git_repository.git("rm", "--quiet", "--cached", "data/raw/first.parquet.dvc")
    git_repository.git("commit", "--quiet", "--message", "Drop it")
    assert refused("LEDGER", "data", exit_code=2).endswith("data/raw/first.parquet: its record is not on main: restore it there")


@pytest.mark.usefixtures("worktree")
def test_delivery_that_was_erased_cannot_be_trained_on_again():
    assert run("ledger", "--erase", "first.parquet", "-m", "asked for").exit_code == 0
    git_repository.commit()
    assert "first.parquet: erased since" in refused("STORAGE", "data", exit_code=2)


@pytest.mark.usefixtures("worktree")
def test_model_that_the_storage_has_not(monkeypatch):
    def fail(*arguments):
        raise errors.FactoryError("no such object")

    monkeypatch.setattr(champion, "fetch", fail)
    assert refused("STORAGE", "model", exit_code=2).endswith("its model cannot be fetched: no such object")


@pytest.mark.usefixtures("worktree")
def test_model_in_the_storage_that_is_not_the_recorded_one():
    facts = manifest.read_manifest(paths.MODEL)
    (paths.MODEL / "manifest.json").unlink()
    manifest.write_manifest(paths.MODEL, facts | {"threshold": 0.0})
    refused("NOT_REPRODUCED", "model")
    (paths.MODEL / "model.skops").write_bytes(b"damaged")
    assert "damaged" in refused("MODEL_FAILED", "model")


def test_model_that_its_inputs_do_not_give(worktree):
    facts = manifest.read_manifest(worktree / "model")
    (worktree / "model/features.onnx").write_bytes(b"another")
    (worktree / "model/manifest.json").unlink()
    manifest.write_manifest(worktree / "model", facts)
    assert "features.onnx" in refused("NOT_REPRODUCED", "training")


def test_rows_that_are_not_those_of_the_record(worktree):
    prepared = worktree / "data/prepared"
    facts = manifest.read_manifest(prepared)
    pl.read_parquet(prepared / "test.parquet").head(100).write_parquet(prepared / "test.parquet")
    (prepared / "manifest.json").unlink()
    manifest.write_manifest(prepared, facts)
    refused("GATE_DIFFERS", "gate")


def test_figures_that_are_not_those_of_the_record(worktree):
    figures = json.loads((worktree / "reports/metrics.json").read_text())
    (worktree / "reports/metrics.json").write_text(json.dumps(figures | {"roc_auc": 0.6}))
    assert "roc_auc is 0.9" in refused("GATE_DIFFERS", "gate")


@pytest.mark.usefixtures("doubted", "worktree")
def test_doubts_count_again(monkeypatch):
    assert outcome()[0] == 0
    monkeypatch.setattr(data_checks, "MIN_ROWS", 10_000)
    assert "does not pass: SMALL_TEST: " in refused("GATE_DIFFERS", "gate")


@pytest.mark.usefixtures("worktree")
def test_version_from_before_the_doubts_goes_on_without_them(monkeypatch):
    monkeypatch.setattr(data_checks, "MIN_ROWS", 10_000)
    assert outcome()[0] == 0


@pytest.mark.usefixtures("worktree")
def test_limits_of_main_that_it_does_not_reach():
    git_repository.commit(**{"params.yaml": toy.text(gate=GATE | {"floor": 0.999})})
    assert "by the limits of main it does not pass: FLOOR: " in refused("GATE_DIFFERS", "gate")


@pytest.mark.usefixtures("worktree")
@pytest.mark.parametrize("section", [{"data": {"target": "kind"}}, {"evaluation": {"metric": "roc_auc", "slices": ["new"]}}])
def test_main_that_asks_another_question_is_no_judge(section):
    git_repository.commit(**{"params.yaml": toy.text(gate=GATE | {"floor": 0.999}, **section)})
    assert outcome()[2]["gate"].endswith("by the limits of v1")


def test_limits_of_the_champion_before_count_unless_weaker_ones_were_accepted(worktree):
    git_repository.commit(**{"params.yaml": toy.text(gate=GATE | {"calibration": 0.6})})
    git_repository.another_model("second")
    assert run("promote", "-m", "weaker", "--accept-weaker-limits", "fewer late flights matter").exit_code == 0
    shutil.copytree(paths.MODEL, worktree / "model", dirs_exist_ok=True)
    assert outcome(version="v2")[2]["gate"].endswith("by the limits of v2, main")
