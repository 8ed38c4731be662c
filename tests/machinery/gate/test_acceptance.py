"""What a person accepts, with a reason, passes the gate; it counts as a weaker limit."""

import pytest
from late_flights.factory import config, errors
from late_flights.factory.gate import checks, evidence, limits, result
from tests.factory import toy
from tests.factory.gate_evidence import CHANCE, RED, both, params, passing

REASON = "seats of red kinds are sold by others"
KEY = "FAIRNESS_SELECTION kind"
UNFAIR = both(decision=RED | (CHANCE >= 0.4))


def shown(accepted):
    judged = checks.run_checks(passing(params=params(error_gap=2, accepted=accepted), **UNFAIR))
    [check] = [check for check in judged if check.code == "FAIRNESS_SELECTION"]
    return check, [check for check in judged if check.code == "ACCEPTED"]


def test_refusal_states_the_key_by_which_it_is_accepted():
    check, _ = shown({})
    assert not check.passed and check.key == KEY
    assert result.sentence(check).endswith(f"in params.yaml under gate.accepted: `{KEY}: why`")


def test_accepted_check_passes_with_its_reason():
    check, unknown = shown({KEY: REASON})
    assert check.passed and check.judged and check.note.startswith(f"accepted: {REASON}; selection rate ") and not unknown


def test_key_of_no_check_is_reported_and_does_not_block():
    check, [unknown] = shown({"FAIRNESS_SELECTION kidn": REASON})
    assert not check.passed and unknown.passed and not unknown.judged
    assert unknown.note == f"matches none of the checks, did you mean {KEY}?"
    _, [unknown] = shown({KEY: REASON, "LEAKAGE older column": REASON})
    assert unknown.note == "matches none of the checks: remove it"


@pytest.mark.parametrize(
    "accepted, problem",
    [
        ({KEY: " "}, f"gate.accepted: {KEY}: write the reason why it is accepted"),
        ({KEY: "fine now"}, f"gate.accepted: {KEY}: write the reason why it is accepted, in a few words"),
        ({"FLOOR": REASON}, "gate.accepted: FLOOR: cannot be accepted, only LEAKAGE, SMALL_TEST, "),
        ({"LEAKAGED x": REASON}, "gate.accepted: LEAKAGED x: cannot be accepted"),
        ({KEY: None}, f"gate.accepted.{KEY}: Input should be a valid string"),
    ],
)
def test_what_nobody_can_accept_is_refused(tmp_path, accepted, problem):
    path = tmp_path / "params.yaml"
    path.write_text(toy.text(gate={"accepted": accepted}), encoding="utf-8")
    with pytest.raises(errors.FactoryError) as error:
        config.load(path)
    assert problem in str(error.value) and "\n" not in str(error.value)


def test_only_a_new_acceptance_is_a_weaker_limit():
    ours, theirs = (
        toy.params(gate={"accepted": accepted}) for accepted in ({KEY: REASON, "SMALL_TEST": REASON}, {KEY: f"older {REASON}"})
    )
    assert list(limits.weakened(ours, theirs)) == [("gate.accepted", "SMALL_TEST", "none")]
    assert list(limits.weakened(theirs, ours)) == []


def test_acceptance_changes_no_check_of_another_code():
    failed = evidence.Check("FLOOR", "ROC AUC", 0.5, "≥ 0.7", False)
    assert not next(evidence.accept([failed], {KEY: REASON})).passed
