"""High risk wants a full card and the approval of a second person, who commits it in person."""

import json

import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.evaluation import card_input
from late_flights.factory.gate import promote
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import another_model

pytestmark = pytest.mark.usefixtures("committed")
ZOE, LI, MAX = ("Zoë 李", "zoe@example.com"), ("Li", "Li@example.com"), ("Max", "max@example.com")
WORDS = dict.fromkeys(card_input.REQUIRED_FIELDS, "in words")


def write_card(**content):
    card_input.INPUT.parent.mkdir(exist_ok=True)
    card_input.INPUT.write_text(json.dumps(content), encoding="utf-8")
    return git_repository.commit()


@pytest.fixture
def approve(monkeypatch):
    """Let somebody commit that somebody approves a model."""

    def approve(committer, named, model):
        git_repository.become(monkeypatch, *committer)
        write_card(risk="high", **WORDS, approvals=[{"by": f"{named[0]} <{named[1]}>", "model": model}])
        git_repository.become(monkeypatch, *ZOE)

    return approve


def refusal(model=None):
    with pytest.raises(errors.FactoryError) as error:
        promote.check_approval(model or manifest.model_id())
    assert "\n" not in str(error.value) and error.value.exit_code == 1
    return str(error.value)


def test_low_risk_needs_neither_words_nor_approval():
    promote.check_approval(manifest.model_id())
    write_card(risk="low")
    promote.check_approval(manifest.model_id())


def test_high_risk_with_a_word_missing():
    write_card(risk="high", **WORDS | {"limits": " "})
    assert refusal() == "CARD_INCOMPLETE: docs/model-card.yaml: risk is high, fill in: limits"


def test_high_risk_without_approval_says_what_to_add():
    write_card(risk="high", **WORDS)
    model = manifest.model_id()
    message = refusal()
    assert message.startswith("NOT_APPROVED: risk is high: somebody other than zoe@example.com must add to approvals in ")
    assert message.endswith(f"{{by: Name <address>, model: {model}}}")


def test_second_person_approves(approve):
    approve(LI, LI, manifest.model_id())
    promote.check_approval(manifest.model_id())


def test_approval_stays_when_others_edit_the_card(approve):
    approve(LI, LI, manifest.model_id())
    card_input.INPUT.write_text(card_input.INPUT.read_text().replace("in words", "in other words"))
    git_repository.commit()
    promote.check_approval(manifest.model_id())


INVALID = {
    "by the author": (ZOE, ZOE),
    "by the author in another's name": (ZOE, LI),
    "by another than is named": (MAX, LI),
    "by another in the author's name": (LI, ZOE),
}


@pytest.mark.parametrize("committer, named", INVALID.values(), ids=INVALID)
def test_approval_by_the_wrong_person(approve, committer, named):
    approve(committer, named, manifest.model_id())
    assert refusal().startswith("NOT_APPROVED")


def test_approval_of_another_model(approve):
    approve(LI, LI, "0" * 64)
    assert refusal().startswith("NOT_APPROVED")


def test_model_that_the_card_merely_mentions(monkeypatch):
    git_repository.become(monkeypatch, *LI)
    approved = [{"by": "Li <li@example.com>", "model": "0" * 64}]
    write_card(risk="high", **WORDS | {"limits": f"not {manifest.model_id()}"}, approvals=approved)
    assert refusal().startswith("NOT_APPROVED")


def test_approval_of_the_model_before(approve):
    approve(LI, LI, manifest.model_id())
    another_model("second")
    assert refusal().startswith("NOT_APPROVED")


def test_approval_that_is_not_committed():
    card_input.INPUT.parent.mkdir(exist_ok=True)
    approved = [{"by": "Li <li@example.com>", "model": manifest.model_id()}]
    card_input.INPUT.write_text(json.dumps({"risk": "high", **WORDS, "approvals": approved}))
    assert refusal().startswith("NOT_APPROVED")


def test_withdrawn_approval_is_not_entered_again_by_another(approve):
    """Li approves and withdraws; that Li's line was there once must not lend his name to Zoë's."""
    model = manifest.model_id()
    approve(LI, LI, model)
    approve(LI, LI, "0" * 64)
    approve(ZOE, LI, model)
    assert refusal().startswith("NOT_APPROVED")


def test_who_changes_the_manifest_alone_made_the_model(approve, monkeypatch):
    """Another threshold decides otherwise though the estimator is the same."""
    git_repository.become(monkeypatch, *LI)
    model = another_model("another threshold")
    approve(LI, LI, model)
    assert refusal(model).startswith("NOT_APPROVED")
    assert "somebody other than li@example.com" in refusal(model)


def test_promotion_asks(approve):
    write_card(risk="high", **WORDS)
    assert refused("promote", "-m", "why").startswith("NOT_APPROVED")
    approve(LI, LI, manifest.model_id())
    assert run("promote", "-m", "why").exit_code == 0
