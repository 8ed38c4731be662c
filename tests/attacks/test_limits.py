"""A model that is worse than the champion, and the limits by which it passes: in its own commit, in an earlier one, on a branch."""

import pytest
from conftest import git

LENIENT = {"floor: 0.75": "floor: 0.1", "value_margin: 0.05": "value_margin: 0.99", "slice_margin: 0.1": "slice_margin: 0.99"}
LENIENT |= {"  margin: 0.01": "  margin: 0.9", "calibration: 0.08": "calibration: 1", "selection_gap: 0.4": "selection_gap: 0.99"}
LENIENT |= {"error_gap: 0.4": "error_gap: 1", "max_iter: 40": "max_iter: 10"}


@pytest.fixture
def lenient(target):
    """With other limits than the champion's."""
    for old, new in LENIENT.items():
        target.set(old, new)
    return target


def test_limits_in_the_commit_of_the_model(lenient):
    lenient.train("A smaller model")
    lenient.save("Push")
    lenient.refused("LIMITS_WEAKENED", "factory", "promote", "-m", "small")


def test_limits_in_an_earlier_commit(lenient):
    lenient.set("max_iter: 10", "max_iter: 40")
    lenient.save("Adjust parameters")
    lenient.set("max_iter: 40", "max_iter: 10")
    lenient.train("A smaller model")
    lenient.save("Push")
    lenient.refused("LIMITS_WEAKENED", "factory", "promote", "-m", "small")


def test_limits_of_a_branch_that_left_main_before_they_were_raised(target):
    git(target.folder, "checkout", "--quiet", "-b", "old")
    target.set("max_iter: 40", "max_iter: 45")
    target.train("A larger model")
    git(target.folder, "checkout", "--quiet", "main")
    target.set("floor: 0.75", "floor: 0.9")
    target.save("Raise the floor")
    git(target.folder, "checkout", "--quiet", "old")
    target.done("dvc", "checkout", "--quiet")
    target.refused("LIMITS_WEAKENED", "factory", "compare")


def test_another_metric(target):
    target.set("metric: average_precision", "metric: brier")
    target.set("floor: 0.75", "floor: 1")
    target.train("Measure otherwise")
    target.refused("LIMITS_WEAKENED", "factory", "compare")


def test_policy_that_the_branch_loosens(target):
    policy = target.folder / "policy.yaml"
    git(target.folder, "checkout", "--quiet", "-b", "loose")
    target.set("max_iter: 40", "max_iter: 45")
    policy.write_text("gate: {}\n", "utf-8")
    target.train("A larger model")
    git(target.folder, "checkout", "--quiet", "main")
    policy.write_text("gate: {size_mb: {max: 0.001}}\n", "utf-8")
    target.save("Forbid large models")
    git(target.folder, "checkout", "--quiet", "loose")
    target.done("dvc", "checkout", "--quiet")
    target.refused("POLICY", "factory", "compare")


def test_risk_that_is_declared_low(target):
    card = target.folder / "docs/model-card.yaml"
    card.write_text(card.read_text("utf-8").replace("data_class:", "data_class: personal"), "utf-8")
    target.set("max_iter: 40", "max_iter: 45")
    target.train("Of people")
    target.save("Push")
    target.refused("POLICY", "factory", "compare")
