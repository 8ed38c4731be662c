"""How many approvals the policy wants, and reviews on the platform in the place of signatures."""

import pytest
from late_flights.factory import errors, platforms
from late_flights.factory.platforms.base import Review
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import another_model, git

from machinery.gate.people import HIGH, LI, MAX, UNSIGNED, WORDS, ZOE, check, entry, policy, refusal, write_card

pytestmark = pytest.mark.usefixtures("keys")


def test_policy_wants_more_people(act):
    policy("approvals: {high: 2}\n")
    act(LI)
    write_card(**HIGH, approvals=[entry(LI)])
    assert "2 people other than who made the model must add" in refusal()
    act(MAX)
    write_card(**HIGH, approvals=[entry(LI), {**entry(LI), "by": "L. <li@example.com>"}, entry(MAX)])
    act(ZOE)
    assert [proof["by"] for proof in check()] == ["li@example.com", "max@example.com"]


def test_policy_raises_the_risk_of_a_class_of_data():
    write_card(risk="low", data_class="personal", **WORDS)
    refusal()


@pytest.mark.parametrize("before", [HIGH, {"risk": "low", "data_class": "personal"}], ids=["risk", "class of data"])
def test_nobody_lowers_the_champions_risk_alone(act, before):
    champion = write_card(**before)
    write_card(risk="low", data_class="internal")
    assert "risk is high in the model card of v1, here low: somebody other than who made the model" in refusal(champion)
    act(LI)
    write_card(risk="low", data_class="internal", approvals=[entry(LI)])
    act(ZOE)
    assert [proof["by"] for proof in check(champion)] == ["li@example.com"]


def test_branch_is_no_less_risky_than_main():
    git("checkout", "--quiet", "-b", "work")
    git("checkout", "--quiet", "main")
    write_card(**HIGH)
    git("checkout", "--quiet", "work")
    assert "risk is high in the model card of main, here low" in refusal()


def test_risk_that_the_last_promoted_version_had_counts_after_a_rollback(approve):
    assert run("promote", "-m", "low").exit_code == 0
    another_model("second")
    approve(LI)
    assert run("promote", "-m", "high").exit_code == 0 and run("rollback", "-m", "why").exit_code == 0
    write_card(risk="low")
    another_model("third")
    assert "risk is high in the model card of v2, here low" in refused("promote", "-m", "alone")


def test_protected_file_wants_an_approval_that_has_seen_it(approve, act):
    policy("protected: [note.txt]\n")
    champion = git("rev-parse", "HEAD")
    assert check(champion) == []
    git_repository.commit(**{"note.txt": "changed"})
    with pytest.raises(errors.FactoryError, match=r"NOT_APPROVED: note\.txt is protected: "):
        check(champion)
    act(LI)
    write_card(risk="low", approvals=[entry(LI)])
    act(ZOE)
    assert check(champion)
    git_repository.commit(**{"note.txt": "changed again"})
    with pytest.raises(errors.FactoryError, match=r"note\.txt, which is protected, has changed since"):
        check(champion)


class Platform:
    """Knows reviews, by commit."""

    def __init__(self, reviews):
        self.found = reviews

    def reviews(self, commit):
        if self.found is None:
            raise errors.FactoryError("FACTORY_TOKEN is not set")
        return [
            Review(f"{number}", name, "2030-01-01T00:00:00Z", "at/1") for number, name in enumerate(self.found.get(commit, []))
        ]


@pytest.fixture
def reviewed(monkeypatch):
    return lambda reviews: monkeypatch.setattr(platforms, "detect", lambda: Platform(reviews))


def test_review_on_the_platform_counts_without_signatures(act, reviewed):
    act(ZOE, UNSIGNED)
    another_model("second")
    model = git("rev-parse", "HEAD")
    write_card(**HIGH)
    reviewed({model: ["li"]})
    assert check() == [{"how": "review", "id": "0", "by": "li", "at": "2030-01-01T00:00:00Z", "url": "at/1"}]


@pytest.mark.parametrize(
    "reviews, reason",
    [({}, "no pull request that brought "), (None, "the platform's reviews are not known: FACTORY_TOKEN is not set")],
)
def test_review_that_is_missing(reviewed, reviews, reason):
    write_card(**HIGH)
    reviewed(reviews)
    assert reason in refusal()


def test_signatures_and_reviews_are_not_added_up(approve, reviewed):
    """Who signs as li@example.com may be who reviews as li."""
    policy("approvals: {high: 2}\n")
    model = git("log", "--format=%H", "--reverse").splitlines()[0]
    approve(LI)
    reviewed({model: ["li"]})
    refusal()
    reviewed({model: ["li", "max"]})
    assert len(check()) == 2


def test_reviews_are_of_each_commit_that_changes_what_is_protected(reviewed):
    policy("protected: [note.txt]\n")
    champion, model = git("rev-parse", "HEAD"), git("log", "--format=%H", "--reverse").splitlines()[0]
    change = git_repository.commit(**{"note.txt": "changed"})
    reviewed({model: ["li"]})
    with pytest.raises(errors.FactoryError, match=f"no pull request that brought {change[:8]} has 1 review"):
        check(champion)
    reviewed({model: ["li"], change: ["max"]})
    assert check(champion)
