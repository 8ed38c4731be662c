"""High risk wants a full card and the approval of a second person, proven by a signature, never by a name."""

import json

import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.evaluation import card_input
from late_flights.factory.gate import approval
from late_flights.factory.registry import versions
from late_flights.factory.registry.trust import trust
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import another_model, git

from machinery.gate.people import HIGH, LI, MAX, UNSIGNED, WORDS, ZOE, check, entry, refusal, write_card

pytestmark = pytest.mark.usefixtures("keys")


def test_low_risk_needs_neither_words_nor_approval():
    assert check() == []
    card_input.INPUT.parent.mkdir(exist_ok=True)
    git_repository.commit(**{str(card_input.INPUT): "# nothing yet\n"})
    assert check() == []
    write_card(risk="low")
    assert check() == []


def test_high_risk_with_a_word_missing():
    write_card(risk="high", **WORDS | {"limits": " "})
    with pytest.raises(
        errors.FactoryError, match=r"^CARD_INCOMPLETE: docs/model-card.yaml: risk is high, fill in limits; "
    ) as error:
        check()
    assert str(error.value).endswith(f"; then {approval.NEXT}")


def test_high_risk_without_approval_says_what_to_add():
    write_card(**HIGH)
    assert refusal() == (
        "NOT_APPROVED: risk is high: somebody other than who made the model must add to approvals in docs/model-card.yaml "
        f"{{by: Name <address>, model: {manifest.model_id()}}}; then run `uv run dvc repro`, commit all of it signed "
        "(`git commit -S`), and `git push`"
    )


def test_second_person_approves(approve):
    commit = approve(LI)
    [proof] = check()
    assert proof == {"by": "li@example.com", "how": "signature", "id": commit, "at": git("show", "-s", "--format=%cI", commit)}


def test_approval_stays_when_others_edit_the_card(approve):
    approve(LI)
    card_input.INPUT.write_text(card_input.INPUT.read_text().replace("in words", "in other words"))
    git_repository.commit()
    assert check()


INVALID = {
    "forged by the author": (LI, ZOE, LI, "is signed by zoe@example.com"),
    "forged without a signature": (LI, UNSIGNED, LI, "UNSIGNED: commit "),
    "by the author": (ZOE, ZOE, ZOE, "zoe@example.com made the model"),
    "by another than is named": (MAX, MAX, LI, "is signed by max@example.com"),
}


@pytest.mark.parametrize("author, key, named, reason", INVALID.values(), ids=INVALID)
def test_approval_that_does_not_count(approve, author, key, named, reason):
    approve(author, key, named)
    message = refusal()
    assert f"the approval by {named[0]} <{named[1]}> does not count: " in message and reason in message


def test_signer_whom_main_does_not_allow(approve, act):
    act(LI)
    git_repository.commit(allowed_signers="")
    approve(LI)
    assert "who made the model is not known: SIGNER_UNKNOWN: " in refusal()


def test_signers_that_a_branch_brings_itself(approve, tmp_path_factory):
    approve(LI)
    git_repository.share(tmp_path_factory.mktemp("hub"))
    git("rm", "--quiet", "allowed_signers")
    git_repository.commit()
    git("push", "--quiet", "origin", "main")
    git("revert", "--no-edit", "HEAD")
    assert "SIGNER_UNKNOWN" in refusal()


@pytest.mark.parametrize("author", [ZOE, LI], ids=["unsigned", "in another's name"])
def test_model_whose_maker_is_not_known(approve, act, author):
    act(author, UNSIGNED)
    another_model("second")
    approve(LI)
    assert "who made the model is not known: UNSIGNED: " in refusal()


def test_author_of_the_model_that_is_forged(approve, act):
    """Who signs the model's commit has made it, whatever name it has."""
    act(MAX, ZOE)
    another_model("second")
    for maker in (ZOE, MAX):
        approve(maker)
        assert f"{maker[1]} made the model" in refusal()
    approve(LI)
    assert check()


def test_squash_drops_the_signatures(approve, act):
    git("checkout", "--quiet", "-b", "work")
    another_model("second")
    approve(LI)
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--squash", "work")
    act(LI, UNSIGNED)
    git_repository.commit()
    assert "a squash or a rebase on the platform drops signatures: merge with a merge commit" in refusal()
    act(ZOE)
    git("reset", "--quiet", "--hard", "HEAD~1")
    git("merge", "--quiet", "--no-ff", "--no-edit", "work")
    assert check()


def test_approval_of_another_model(approve):
    approve(LI, model="0" * 64)
    assert "does not count" not in refusal()


def test_model_that_the_card_merely_mentions(act):
    act(LI)
    write_card(**HIGH | {"limits": f"not {manifest.model_id()}"})
    act(ZOE)
    write_card(**HIGH | {"limits": f"not {manifest.model_id()}"}, approvals=[entry(LI)])
    assert "is signed by zoe@example.com" in refusal()


def test_approval_of_the_model_before(approve):
    approve(LI)
    another_model("second")
    refusal()


def test_approval_that_is_not_committed():
    write_card(**HIGH)
    card_input.INPUT.write_text(json.dumps({**HIGH, "approvals": [entry(LI)]}))
    refusal()


def test_withdrawn_approval_is_not_entered_again_by_another(approve):
    """That Li's line was there once must not lend Li's signature to Zoë's."""
    approve(LI)
    write_card(**HIGH)
    approve(ZOE, named=LI)
    assert "is signed by zoe@example.com" in refusal()
    write_card(**HIGH)
    approve(LI)
    assert check()


def test_merge_that_brings_an_approval_is_who_made_it(act):
    """A merge can hold what none of its parents has."""
    git("checkout", "--quiet", "-b", "work")
    act(LI)
    write_card(**HIGH, approvals=[])
    git("checkout", "--quiet", "main")
    git_repository.commit(**{"note.txt": "of main"})
    act(ZOE)
    git("merge", "--quiet", "--no-commit", "--no-ff", "work")
    write_card(**HIGH, approvals=[entry(LI)])
    assert len(git("show", "-s", "--format=%P").split()) == 2 and "is signed by zoe@example.com" in refusal()


def test_history_that_is_cut_off(approve, tmp_path_factory, monkeypatch):
    approve(LI)
    here, copy = git("rev-parse", "--show-toplevel"), tmp_path_factory.mktemp("copy")
    git("clone", "--quiet", "--depth=1", f"file://{here}", str(copy))
    monkeypatch.chdir(copy)
    with pytest.raises(errors.FactoryError, match="the history is cut off: fetch the whole"):
        approval.check(git("rev-parse", "HEAD"), "0" * 64, [], trust())


def test_promotion_asks_and_records(approve):
    write_card(**HIGH)
    assert refused("promote", "-m", "why").startswith("NOT_APPROVED")
    approve(LI)
    result = run("promote", "-m", "why")
    assert result.exit_code == 0 and "✓ Approved by li@example.com (signature " in result.stdout
    [version] = versions.local()
    assert [each["by"] for each in version.facts["approvals"]] == ["li@example.com"]
    assert "approved    by li@example.com (signature " in run("trace", "v1").stdout
