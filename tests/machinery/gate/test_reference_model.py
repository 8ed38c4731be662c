"""With whom a challenger is compared, where the champion may have answered another question."""

from types import SimpleNamespace

import pytest
from late_flights.factory import errors
from late_flights.factory.gate import compare
from tests.factory import git_repository, toy


def champion(settings):
    return SimpleNamespace(name="v1", facts={"commit": git_repository.commit(**{"params.yaml": settings})})


def test_before_the_first_version_it_is_the_baseline():
    assert compare.reference_model(toy.params(), [], None) == (None, "the baseline, as no model has been promoted yet")


@pytest.mark.usefixtures("committed")
def test_champion_of_the_same_question():
    holder = champion(toy.text(split={"test": 0.5}))
    assert compare.reference_model(toy.params(), [holder], None) == (holder, "the champion v1")


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("change", [{"problem": "regression"}, {"data": {"target": "left"}}], ids=str)
def test_champion_of_another_question_is_no_rival_and_somebody_has_to_say_so(change):
    holder = champion(toy.text(**change))
    with pytest.raises(errors.CannotEvaluate, match=r"^OTHER_QUESTION: the champion v1 tells") as refusal:
        compare.reference_model(toy.params(), [holder], None)
    assert "--accept-contract-change" in str(refusal.value)
    found, against = compare.reference_model(toy.params(), [holder], "new data")
    assert found is None and against.startswith("the baseline, as v1 tells")
