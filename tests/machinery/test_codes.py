"""What a reason code means, for those who meet it in a log."""

import pytest
from late_flights.factory import codes
from tests.factory.cli_runner import refused, run


@pytest.mark.parametrize("word", ["leakage", "LEAKAGE", " Leakage "])
def test_a_code_is_found_in_whatever_case(word):
    assert codes.find(word).code == "LEAKAGE"


@pytest.mark.parametrize("word", ["TRAIN_FAILED", "AZ_FAILED", "my_own_stage_failed"])
def test_a_step_that_failed_has_the_reason_of_all_steps(word):
    assert codes.find(word).code == "STEP_FAILED"


def test_the_command_states_meaning_and_remedy():
    shown = run("reason", "not_on_main").output
    reason = codes.known()["NOT_ON_MAIN"]
    assert reason.meaning in shown and f"Next: {reason.remedy}" in shown


def test_without_a_code_the_command_lists_all():
    lines = run("reason").output.splitlines()
    assert [line.split()[0] for line in lines] == list(codes.known())


def test_an_unknown_code_is_refused_with_what_was_meant():
    assert "did you mean LEAKAGE" in refused("reason", "LEAKAGES")


def test_each_has_one_meaning_and_one_remedy():
    assert all(reason.meaning and reason.remedy for reason in codes.known().values())
