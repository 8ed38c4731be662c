"""No version breaks the policy of the working tree, main's or the champion's."""

import json
from pathlib import Path

import pytest
from late_flights.factory.evaluation import card_input
from late_flights.factory.registry import versions
from tests.factory import git_repository, toy
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import GATE, another_model, git


def promoted():
    done = run("promote", "-m", "why")
    assert done.exit_code == 0, done.output


BROKEN = {
    "too wide": ("gate: {calibration: {max: 0.4}}", "gate.calibration is 0.5, and must be at most 0.4"),
    "too low": ("gate: {floor: {min: 0.65}}", "gate.floor is 0.6, and must be at least 0.65"),
    "left to the default": ("gate: {margin: {required: true}}", "gate.margin is not set, and is required"),
    "no purpose": ("tags: [purpose]", "docs/model-card.yaml has no purpose, and must have one"),
    "project": ("names: {project: 'x-.+'}", "the name of the project is late_flights, and must match x-.+"),
    "branch": ("names: {branch: '(feature|fix)/.+'}", "the name of the branch is main, and must match (feature|fix)/.+"),
}


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("text, reason", BROKEN.values(), ids=BROKEN)
def test_policy_is_kept(text, reason):
    git_repository.commit(**{"policy.yaml": text})
    result = run("promote", "-m", "why")
    assert result.exit_code == 1 and "✗ Rejected: POLICY\n" in result.stderr
    assert f"POLICY: {reason} by the policy of the working tree and main. Next: " in result.stderr
    assert versions.local() == []


@pytest.mark.usefixtures("committed")
def test_policy_of_main_and_of_the_champion_hold_too():
    promoted()
    git_repository.commit(**{"policy.yaml": "gate: {calibration: {max: 0.4}}"})
    git("checkout", "--quiet", "-b", "other")
    git_repository.commit(**{"policy.yaml": "gate: {calibration: {max: 0.9}}"})
    assert "must be at most 0.4 by the policy of main. Next: " in run("compare").stderr
    Path("params.yaml").write_text(toy.text(gate=GATE | {"calibration": 0.4}), encoding="utf-8")
    another_model("stricter")
    git("branch", "--quiet", "--force", "main", "HEAD")
    promoted()
    git_repository.commit(**{"policy.yaml": "gate: {calibration: {max: 0.3}}"})
    git("branch", "--quiet", "--force", "main", git_repository.commit(**{"policy.yaml": ""}))
    assert run("compare").exit_code == 0


def card(**fields):
    card_input.INPUT.parent.mkdir(exist_ok=True)
    git_repository.commit(**{str(card_input.INPUT): json.dumps(fields)})


@pytest.mark.usefixtures("committed")
def test_risk_is_at_least_that_of_the_data():
    card(data_class="personal", risk="low")
    assert (
        "POLICY: risk is low, and must be high for data of the class personal by the policy of the working tree and "
        in run("compare").stderr
    )
    card(data_class="secret")
    assert (
        "POLICY: data_class is secret, and must be one of public, internal, personal by the policy of the working tree and "
        in run("compare").stderr
    )


@pytest.mark.usefixtures("committed")
def test_tags_stay_with_the_version():
    git_repository.commit(**{"policy.yaml": "tags: [purpose, data_class, risk, retention]"})
    assert (
        "has no data_class, and must have one by the policy of the working tree and " in run("compare").stderr
        and "has no risk, and must have one by the policy of the working tree and " in run("compare").stderr
    )
    card(purpose="planning", data_class="internal", risk="low", retention="a year")
    promoted()
    tags = {"purpose": "planning", "data_class": "internal", "risk": "low", "retention": "a year"}
    assert versions.local()[-1].facts["tags"] == tags


@pytest.mark.usefixtures("committed")
def test_key_of_a_newer_release_is_no_gap():
    git("checkout", "--quiet", "-b", "old")
    git("checkout", "--quiet", "main")
    git_repository.commit(**{"policy.yaml": "colour: red"})
    git("checkout", "--quiet", "old")
    reason = refused("compare")
    assert reason.startswith("main:policy.yaml: colour: unknown key") and reason.endswith(
        "; if a newer release wrote it, merge main"
    )
