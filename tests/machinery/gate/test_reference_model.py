"""What a challenger is compared with, where the champion may have predicted another target."""

import pytest
from late_flights.factory import errors
from late_flights.factory.gate import compare
from late_flights.factory.registry.versions import Version
from tests.factory import git_repository, toy


def promoted(settings):
    commit = git_repository.commit(**{"params.yaml": settings})
    return Version(1, "", commit, {"commit": commit})


def test_before_the_first_version_it_is_the_baseline():
    assert compare.reference_model(toy.params(), [], None) == (None, "the baseline (there was no champion)")


@pytest.mark.usefixtures("committed")
def test_champion_of_the_same_target():
    version = promoted(toy.text(split={"test": 0.5}))
    assert compare.reference_model(toy.params(), [version], None) == (version, "the champion v1 (unsigned)")


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("change", [{"problem": "regression"}, {"data": {"target": "left"}}], ids=str)
def test_champion_of_another_target_is_no_reference_unless_somebody_accepts_that(change):
    version = promoted(toy.text(**change))
    with pytest.raises(errors.CannotEvaluate, match=r"^OTHER_QUESTION: the champion v1 predicts") as refusal:
        compare.reference_model(toy.params(), [version], None)
    assert "--accept-contract-change" in str(refusal.value)
    reference, description = compare.reference_model(toy.params(), [version], "new data")
    assert reference is None and description.startswith("the baseline (the champion v1 predicts")
