"""A project's models through the gate: what is refused, promoted, raced for, killed, rolled back and audited."""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable

import copier
import pytest
from conftest import git
from workshop import Governed, Project, beside, gate, wait

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "6"))
RANDOM = random.Random(os.environ.get("FAULT_SEED", "7"))
BOOSTER = "kinds[problem](categorical_features=categorical, early_stopping=False, **parameters)"
BAGGED = f"BaggingClassifier({BOOSTER}, n_estimators=12)"  # of trees with categories, which ONNX has no counterpart of

ALWAYS_LATE = """
import polars as pl
rows = pl.read_parquet("data/raw/flights-late-2013-02.parquet")
ours, number = rows.filter(carrier="UA"), pl.int_range(pl.len())
many = [ours.with_columns(pl.format("UA{}{}-EWR-20130201", pl.lit(turn), number).alias("flight")) for turn in "ABC"]
others = rows.filter(pl.col("origin") != "EWR").head(300).with_columns(pl.format("ZZ{}-LGA-20130201", number).alias("flight"))
pl.concat([*many, others]).with_columns(late=(pl.col("carrier") == "UA") | pl.col("late")).write_parquet("ua.parquet")
"""


@pytest.fixture(scope="module")
def promoted(template, tmp_path_factory) -> Governed:
    return gate(template, tmp_path_factory)


@pytest.fixture
def project(promoted, tmp_path) -> Governed:
    return Governed(beside(promoted, tmp_path / "Zoë 李 x"), promoted.bin)


@pytest.fixture(scope="module")
def twice(promoted, tmp_path_factory) -> Governed:
    """The same with a better model as v2."""
    project = Governed(beside(promoted, tmp_path_factory.mktemp("twice") / "x"), promoted.bin)
    project.set("max_iter: 60", "max_iter: 160")
    project.train("More trees")
    assert "model/v2 is the champion" in project.done("factory", "promote", "-m", "more trees")
    return project


@pytest.fixture
def two(twice, tmp_path) -> Governed:
    return Governed(beside(twice, tmp_path / "x"), twice.bin)


def fewer_trees(project: Governed) -> None:
    project.set("max_iter: 60", "max_iter: 20")


def many_trees(project: Governed) -> None:
    project.set("max_iter: 60", "max_iter: 160")
    project.set("size_mb: 100", "size_mb: 0.5")


def slow_trees(project: Governed) -> None:
    project.edit("src/gate/model.py", BOOSTER, BAGGED)
    project.edit("src/gate/model.py", "import HistGradient", "import BaggingClassifier, HistGradient")
    project.set("max_iter: 60", "max_iter: 8")
    project.set("latency_ms: 50", "latency_ms: 5")


def one_group_always(project: Governed) -> None:
    project.done("python", "-c", ALWAYS_LATE)
    project.done("factory", "ingest", "ua.parquet")
    (project.folder / "ua.parquet").unlink()


def weighted(project: Governed) -> None:
    project.set("random_state: 0", "random_state: 0\n  class_weight: {0: 1, 1: 6}")


@pytest.mark.parametrize(
    ("worsen", "code"),
    [
        (many_trees, "SIZE"),
        (slow_trees, "LATENCY"),
        (one_group_always, "FAIRNESS_ERROR"),
        (weighted, "CALIBRATION"),
    ],
)
def test_challenger_is_refused_with_its_code(project, worsen, code):
    worsen(project)
    project.done("dvc", "repro", "--quiet")
    assert code in project.codes()
    assert json.loads((project.folder / "reports/gate.json").read_text())["passed"] is False


def test_promotion_asks_the_gate(project):
    fewer_trees(project)
    project.train("Worse")
    assert "Rejected: CHAMPION" in project.run("factory", "promote", "-m", "why")[2]
    assert len(project.versions()) == 1 and not git(project.folder, "status", "--porcelain")


def test_better_then_back(two):
    better = two.model()
    assert "model/v3 is the champion, with the model of v1" in two.done("factory", "rollback", "-m", "v2 was slow")
    one, _, three = two.versions()
    assert three["champion"] and three["model"] == one["model"] and three["why"] == "v2 was slow"
    two.done("dvc", "get", "--rev", "model/v3", ".", "model", "--out", "served")
    assert (two.folder / "served/model.onnx").read_bytes() != better
    shutil.rmtree(two.folder / "served")
    assert "no earlier version" in two.refused("factory", "rollback", "-m", "why")
    assert "3 versions verified" in two.done("factory", "audit")
    lineage = json.loads(two.done("factory", "trace", "v3", "--json"))
    assert lineage["parameters"]["model"]["max_iter"] == 60 and len(two.done("factory", "trace", "v3").splitlines()) == 11
    assert [tag for tag in git(two.folder, "ls-remote", "--tags", "origin").splitlines() if tag.endswith("model/v3")]


def test_fresh_clone_does_it_all(two, tmp_path):
    git(two.folder, "push", "--quiet", "origin", "main")
    git(two.folder.parent, "clone", "--quiet", "hub.git", "clone")
    clone = Governed(two.folder.parent / "clone", two.bin)
    clone.done("dvc", "pull")
    assert "this model is already the champion, v2" in clone.refused("factory", "promote", "-m", "why")
    assert "Passed the gate" in clone.done("factory", "compare")
    clone.done("factory", "rollback", "-m", "why")
    assert "3 versions verified" in clone.done("factory", "audit")
    assert "3 versions verified" not in two.run("factory", "audit")[1]
    assert len(two.versions()) == 2
    two.done("factory", "rollback", "-m", "why", "--to", "v2")
    assert [version["name"] for version in two.versions()] == ["v1", "v2", "v3", "v4"]


FAIRLEARN = """
import polars as pl
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from gate.factory import config
from gate.factory.data import prepare
from gate.factory.metrics import definitions, fairness
from gate.factory.metrics.fairness import Predictions
from gate.factory.scoring import Scorer

params, test = config.load(), prepare.read("test")
scores, target = Scorer.load("model").score(test), definitions.target_of(test, params)
gaps, _ = fairness.gaps(test["origin"], target, Predictions(scores["score"].to_numpy(), scores["decision"].to_numpy()), 2)
groups = {"y_true": target, "y_pred": scores["decision"].to_numpy(), "sensitive_features": test["origin"].to_numpy()}
assert abs(gaps["selection"].value - demographic_parity_difference(**groups)) < 1e-12
assert abs(gaps["error"].value - equalized_odds_difference(**groups)) < 1e-12
assert gaps["selection"].value > 0 and gaps["error"].value > 0
"""


def test_gaps_are_those_of_fairlearn(promoted):
    promoted.done("uv", "run", "--quiet", "--with", "fairlearn", "python", "-c", FAIRLEARN)


# What cannot be judged or is not ready


def test_champion_that_cannot_be_had_is_an_error(two):
    md5 = two.object("model/model.onnx")
    two.set("max_iter: 160", "max_iter: 170")
    two.train("More still")
    shutil.rmtree(two.folder / ".dvc/tmp/champions", ignore_errors=True)
    for place in (md5, two.folder.parent / "gate-storage" / md5.relative_to(two.folder / ".dvc/cache")):
        place.unlink()
    code, _, err = two.run("factory", "compare")
    assert code == 2 and "cannot be fetched" in err and "Traceback" not in err and len(err.splitlines()) == 1
    assert two.run("factory", "promote", "-m", "why")[0] == 2 and len(two.versions()) == 2


def test_unreachable_remote_changes_nothing(two):
    git(two.folder, "remote", "set-url", "origin", "../nowhere.git")
    code, _, err = two.run("factory", "rollback", "-m", "why")
    assert code == 2 and "cannot be fetched" in err and len(two.versions()) == 2


# Several at once, and killed


def test_of_two_at_once_one_wins(two):
    git(two.folder, "push", "--quiet", "origin", "main")
    git(two.folder.parent, "clone", "--quiet", "hub.git", "other")
    other = Governed(two.folder.parent / "other", two.bin)
    for turn in range(-(-ROUNDS // 3)):
        before = len(two.versions())
        to = "v1" if turn % 2 == 0 else "v2"
        both = [clone.start("factory", "rollback", "-m", "why", "--to", to) for clone in (two, other)]
        errors = [process.communicate(timeout=120)[1] for process in both]
        assert sorted(process.returncode for process in both) == [0, 1], errors
        for clone in (two, other):
            git(clone.folder, "fetch", "--quiet", "origin", "refs/tags/*:refs/tags/*")
            assert [version["version"] for version in clone.versions()] == list(range(1, before + 2))
    assert two.versions() == other.versions()
    assert "verified" in two.done("factory", "audit")


def test_killed_promotion_leaves_old_or_new(two):
    """A version that was pushed and not yet named here is one fetch away: audit says so, and the next run brings it."""
    for turn in range(-(-ROUNDS // 3)):
        before = len(two.versions())
        process = two.start("factory", "rollback", "-m", "why", "--to", "v1" if turn % 2 == 0 else "v2")
        time.sleep(RANDOM.uniform(0.2, 3))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert wait(lambda: not two.running(), 3)
        code, output, _ = two.run("factory", "audit")
        assert code == 0 or output.splitlines() == [
            f"✗ model/v{before + 1}: only on origin: git fetch origin refs/tags/model/v{before + 1}:refs/tags/model/v{before + 1}"
        ]
        if len(two.versions()) == before:
            two.run("factory", "rollback", "-m", "why", "--to", "v1" if turn % 2 == 0 else "v2")
        assert "verified" in two.done("factory", "audit")


# What the audit finds


def deleted(project: Governed) -> None:
    md5 = project.object("model/model.onnx")
    for place in (md5, project.folder.parent / "gate-storage" / md5.relative_to(project.folder / ".dvc/cache")):
        place.unlink()


def rotten(project: Governed) -> None:
    md5 = project.object("model/model.onnx")
    md5.chmod(0o644)
    md5.write_bytes(md5.read_bytes() + b"x")


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (deleted, "model/v2: its model cannot be fetched"),
        (rotten, "model/v2: its model cannot be fetched"),
    ],
)
def test_audit_names_what_was_done(two: Governed, harm: Callable[[Governed], None], problem: str):
    harm(two)
    code, output, _ = two.run("factory", "audit")
    assert code == 1 and problem in output


# The score of the project's own tests


CHOSEN = """
import sys
from gate.factory import config
from gate.factory.readiness import ml_test_score, score

words = ("schema", "rolled back", "invariants")
chosen = [criterion for criterion in ml_test_score.CRITERIA if any(word in criterion.title.lower() for word in words)]
points = [each.points for each in score.assess(config.load(), chosen)]
assert points == [int(sys.argv[1])] * 3, points
"""


def without_tests(project: Governed) -> None:
    for file in (project.folder / "tests").rglob("test_*.py"):
        file.write_text("")


def test_readiness_is_earned_by_tests(project):
    project.done("python", "-c", CHOSEN, "1")
    without_tests(project)
    project.done("python", "-c", CHOSEN, "0")


@pytest.mark.nightly
def test_no_criterion_is_met_without_tests(project):
    without_tests(project)
    assert "the score is 0, less than 2.5" in project.run("factory", "readiness", "--min", "2.5")[2]
    tests = json.loads((project.folder / "reports/readiness.json").read_text())["tests"]
    assert len(tests) == 28 and not any(test["score"] for test in tests)


# Inside another application


BOTH = """
import importlib.util, sys
import gate, other
import polars as pl

rows, model, expected = sys.argv[1:]
scores = [package.Scorer.load(model).score(pl.read_parquet(rows)) for package in (gate, other)]
assert all(found.equals(pl.read_parquet(expected)) for found in scores)
assert not [name for name in ("dvc", "pydantic", "yaml", "optuna", "onnx") if importlib.util.find_spec(name)]
"""


def test_two_projects_in_one_application(promoted, template, tmp_path):
    """Their wheels need what scoring needs, and do not get in each other's way."""
    other = Project(tmp_path / "other", promoted.bin)
    copier.run_copy(str(template), other.folder, {"project_name": "Other"}, defaults=True, quiet=True)
    for project in (promoted, other):
        project.done("uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "wheels"))
    other.done("uv", "venv", "--quiet", str(tmp_path / "venv"))
    python, wheels = tmp_path / "venv/bin/python", sorted(map(str, (tmp_path / "wheels").glob("*.whl")))
    other.done("uv", "pip", "install", "--quiet", "--python", str(python), *wheels)
    rows = promoted.folder / "data/raw/flights-late-2013-04.parquet"
    promoted.done("factory", "score", str(rows), str(tmp_path / "scores.parquet"))
    other.done(str(python), "-c", BOTH, str(rows), str(promoted.folder / "model"), str(tmp_path / "scores.parquet"))
