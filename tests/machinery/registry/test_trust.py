"""What of a commit decides which versions count, read one by one or of many commits at once."""

from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.registry import trust
from tests.factory import git_repository
from tests.factory.git_repository import git

from machinery.registry.signers import REQUIRED


@pytest.fixture
def start(tmp_path, monkeypatch):
    """A repository of one commit; the current folder."""
    git_repository.environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return git_repository.start()


def test_reading_ahead_finds_what_reading_one_by_one_does(start):
    commits = [git_repository.commit(one="1"), git_repository.commit(**REQUIRED), git_repository.commit(allowed_signers="")]
    alone = [trust._files(commit) for commit in commits]
    trust.read_ahead(commits)
    assert [trust._READ[commit] for commit in commits] == alone
    assert len({tuple(sorted(files)) for files in alone}) == 3


def test_reading_ahead_takes_no_file_that_is_damaged_for_one_that_is_missing(start):
    required = git_repository.commit(**REQUIRED, two="2")
    blob = git("rev-parse", "HEAD:policy.yaml")
    place = Path(".git/objects", blob[:2], blob[2:])
    place.unlink()
    trust.read_ahead([required, "0" * 40])
    assert not {required, "0" * 40} & trust._READ.keys()
    with pytest.raises(errors.FactoryError):
        trust.policy_of("model/v1", required)
