"""Whose approval of a merged pull request counts: somebody's who neither opened it nor pushed to it, of what was merged."""

import pytest
from late_flights.factory import errors, platforms

from machinery.ci.fake_platforms import environment, fake_platform
from machinery.ci.fake_reviews import HEAD, MERGE, OLDER, Merged, at

APPROVED, REJECTED = "APPROVED", "CHANGES_REQUESTED"


@pytest.fixture
def server():
    with fake_platform() as server:
        yield server


@pytest.fixture(params=["github", "gitlab", "azure"])
def platform(request, server):
    return platforms.detect(environment(server, request.param))


@pytest.mark.parametrize("commit", [HEAD, OLDER, MERGE])
def test_approval_of_what_was_merged(platform, server, commit):
    server.merged = Merged(reviews=[("li", "COMMENTED", OLDER, 1), ("li", APPROVED, HEAD, 5)])
    [review] = platform.reviews(commit)
    assert (review.by, review.at, review.id) == ("li", at(5), "2") and "2" in review.url


def test_each_reviewer_counts_once(platform, server):
    reviews = [("li", APPROVED, HEAD, 5), ("max", APPROVED, HEAD, 6), ("li", APPROVED, HEAD, 7)]
    server.merged = Merged(reviews=reviews)
    assert {review.by: review.at for review in platform.reviews(HEAD)} == {"li": at(7), "max": at(6)}


NONE = {
    "none": Merged(reviews=[]),
    "by who opened it": Merged(by="li"),
    "by who pushed to it last": Merged(pushes=[(OLDER, "zoe", 1), (HEAD, "li", 2)]),
    "by who pushed to it before": Merged(pushes=[(OLDER, "li", 1), (HEAD, "zoe", 2)]),
    "of a commit that others pushed too": Merged(pushes=[(HEAD, "li", 1), (HEAD, "zoe", 2)]),
    "before the last push": Merged(reviews=[("li", APPROVED, OLDER, 1)], pushes=[(OLDER, "zoe", 0), (HEAD, "zoe", 2)]),
    "withdrawn": Merged(reviews=[("li", APPROVED, HEAD, 5), ("li", REJECTED, HEAD, 6)]),
    "not merged": Merged(merged=False),
    "merged elsewhere": Merged(base="sandbox"),
    "of a fork": Merged(fork=True),
    "pushed by nobody knows whom": Merged(pushes=[(OLDER, "zoe", 1)]),
}


@pytest.mark.parametrize("merged", NONE.values(), ids=NONE)
def test_what_does_not_count(platform, server, merged):
    server.merged = merged
    assert platform.reviews(HEAD) == []


def test_commit_of_no_pull_request(platform, server):
    server.merged = Merged()
    assert platform.reviews("e" * 40) == []


def test_who_may_only_read(server):
    server.merged = Merged(readers={"li"})
    assert platforms.detect(environment(server, "github")).reviews(HEAD) == []


@pytest.mark.parametrize("kind, name", [("github", "bot"), ("gitlab", "project_1_bot_2"), ("azure", "bot")])
def test_program_reviews_nothing(server, kind, name):
    server.merged = Merged(reviews=[(name, APPROVED, HEAD, 5)], bots={name})
    assert platforms.detect(environment(server, kind)).reviews(HEAD) == []


def test_refusal_of_the_platform_is_an_error(platform, server):
    server.merged, server.down = Merged(), True
    with pytest.raises(errors.FactoryError, match=": 403 "):
        platform.reviews(HEAD)
