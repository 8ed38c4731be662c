"""Which versions count: by their tags, by who signed them, by the policy, and by the versions beside them."""

import json
import shutil
from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.registry import trust, validity, versions
from tests.factory import git_repository
from tests.factory.cli_runner import run
from tests.factory.git_repository import git

from machinery.registry.signers import REQUIRED, allow, forge, line, public, publish, rewrite

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")
LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def start(tmp_path, monkeypatch):
    """A repository on whose main Zoë and Li may sign; the current folder."""
    git_repository.environment(monkeypatch)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    git_repository.start()
    allow(line("zoe"), line("li"))


@pytest.fixture
def required(start):
    """Signatures are required."""
    return git_repository.commit(**REQUIRED)


def refused(code, act, *arguments, **options):
    """The reason for which something is refused with the code, in one line; no tag is made."""
    before = git("for-each-ref")
    with pytest.raises(errors.CannotEvaluate) as refusal:
        act(*arguments, **options)
    assert refusal.value.code == code and "\n" not in str(refusal.value) and git("for-each-ref") == before
    return str(refusal.value)


def codes():
    return [version.problem and version.problem.code for version in versions.local()]


@pytest.mark.usefixtures("start")
def test_who_signed_is_shown_where_nobody_has_to(monkeypatch):
    publish(monkeypatch, None)
    publish(monkeypatch, "zoe")
    publish(monkeypatch, "mallory")
    assert [str(version.signature) for version in versions.local()] == ["unsigned", "signed by zoe@example.com", "unknown signer"]
    assert codes() == [None] * 3


@pytest.mark.usefixtures("required")
def test_signed_version_counts(monkeypatch):
    version = publish(monkeypatch, "zoe")
    assert versions.local() == [version] and version.facts["signatures"] == "required"
    assert (version.signature.signer, version.signature.state) == ("zoe@example.com", "signed")


@pytest.mark.usefixtures("required")
def test_nobody_makes_a_version_without_a_key(monkeypatch):
    with pytest.raises(errors.FactoryError, match="there is no key to sign with"):
        publish(monkeypatch, None)
    assert not git("tag", "--list")


@pytest.mark.usefixtures("required")
def test_stranger_makes_no_version(monkeypatch):
    message = refused("SIGNER_UNKNOWN", publish, monkeypatch, "mallory")
    assert "which is not allowed" in message and message.endswith(
        "a line in allowed_signers on the main branch; else delete the tag"
    )


@pytest.mark.usefixtures("required")
def test_unsigned_tag_on_a_signed_one_does_not_count_and_nothing_is_built_on_it(monkeypatch):
    publish(monkeypatch, "zoe")
    forge(2)
    assert codes() == [None, "UNSIGNED"]
    for use in ("facts", "commit"):
        refused("UNSIGNED", getattr, versions.local()[-1], use)
    message = refused("UNSIGNED", publish, monkeypatch, "zoe")
    assert message.endswith("delete it, by `git push origin :refs/tags/model/v2` and `git tag --delete model/v2`")
    git("tag", "--delete", "model/v2")
    publish(monkeypatch, "li")
    assert codes() == [None, None]


@pytest.mark.usefixtures("start")
def test_versions_from_before_count_once_somebody_vouches_for_them(monkeypatch):
    publish(monkeypatch, None)
    publish(monkeypatch, "mallory")
    publish(monkeypatch, None)
    git_repository.commit(**REQUIRED)
    assert codes() == ["UNSIGNED", "SIGNER_UNKNOWN", "UNSIGNED"]
    assert '`uv run factory rollback --to v3 -m "signed"`' in str(versions.local()[0].problem)
    publish(monkeypatch, "zoe")
    assert codes() == [None] * 4
    assert [version.signature.state for version in versions.local()] == ["unsigned", "unknown signer", "unsigned", "signed"]


@pytest.mark.usefixtures("start")
def test_version_is_not_vouched_for_by_one_that_names_another(monkeypatch):
    publish(monkeypatch, None)
    git_repository.commit(**REQUIRED)
    publish(monkeypatch, "zoe")
    git("tag", "--delete", "model/v1")
    forge(1, why="better")
    assert codes() == ["UNSIGNED", None]


@pytest.mark.usefixtures("required")
def test_branch_does_not_bring_its_own_signers(monkeypatch):
    git("checkout", "--quiet", "-b", "other")
    allow(line("mallory"), **{"policy.yaml": f"signers: |\n  {line('mallory')}"})
    refused("SIGNER_UNKNOWN", publish, monkeypatch, "mallory")


def test_signers_are_those_of_the_remote(required, tmp_path, monkeypatch):
    git_repository.share(tmp_path / "remote.git")
    allow(line("mallory"))
    assert trust.trust().main == required
    refused("SIGNER_UNKNOWN", publish, monkeypatch, "mallory")
    git("push", "--quiet", "origin", "main")
    assert publish(monkeypatch, "mallory").signature.signer == "mallory@example.com"


@pytest.mark.usefixtures("start")
def test_organisation_s_signers_count_too(monkeypatch):
    git_repository.commit(**{"policy.yaml": f"signatures: required\nsigners: |\n  {line('boss')}"})
    assert publish(monkeypatch, "boss").signature.signer == "boss@example.com"


@pytest.mark.usefixtures("start")
def test_strictest_policy_decides():
    """Of the files here, of main and of the commit of the last version that counts."""
    git("checkout", "--quiet", "-b", "other")
    git_repository.commit(**REQUIRED)
    forge(1)
    git_repository.commit(**{"policy.yaml": ""})
    forge(2, gate={})
    policies = validity.after(versions.local(), trust.trust()).policies
    assert policies.signatures_required and list(policies.by_place)[2:] == ["model/v1"]
    assert not trust.trust().policies.signatures_required
    Path("policy.yaml").write_text(REQUIRED["policy.yaml"], encoding="utf-8")
    assert trust.trust().policies.signatures_required


@pytest.fixture
def loosened(start, monkeypatch):
    """Signatures were required for v2, and are not any more; the commit of v1, from before."""
    before = git("rev-parse", "HEAD")
    publish(monkeypatch, None)
    git_repository.commit(**REQUIRED)
    publish(monkeypatch, "zoe")
    git_repository.commit(**{"policy.yaml": "signatures: optional\n"})
    return before


def test_version_made_by_hand_of_a_commit_from_before_brings_no_looser_policy(loosened):
    """The policy of the newest tag's commit says nothing of that tag."""
    git("checkout", "--quiet", "--detach", loosened)
    forge(3, action="rollback", serves=1)
    forge(4, action="rollback", serves=1)
    git("checkout", "--quiet", "main")
    assert codes() == [None, None, "UNSIGNED", "UNSIGNED"]
    assert "delete it, by `git push origin :refs/tags/model/v4`" in refused("UNSIGNED", versions.local(promoting=True)[-1].check)


@pytest.mark.usefixtures("loosened")
def test_loosened_policy_holds_from_the_version_after_the_next(monkeypatch):
    with pytest.raises(errors.FactoryError, match="there is no key to sign with"):
        publish(monkeypatch, None)
    publish(monkeypatch, "zoe")
    publish(monkeypatch, None)
    assert codes() == [None] * 4 and versions.local()[-1].signature.state == "unsigned"


def test_policy_is_not_loosened_by_a_rollback_to_before_it(loosened, monkeypatch):
    """What is published counts afterwards, too."""
    git_repository.commit(**REQUIRED)
    git("checkout", "--quiet", "--detach", loosened)
    publish(monkeypatch, "zoe", action="rollback", serves=1)
    git("checkout", "--quiet", "main")
    git_repository.commit(**{"policy.yaml": ""})
    with pytest.raises(errors.FactoryError, match="there is no key to sign with"):
        publish(monkeypatch, None)
    publish(monkeypatch, "li")
    assert codes() == [None] * 4


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"], ids=ascii)
def test_signer_in_what_is_a_comment_for_git(monkeypatch, end):
    allow(f"# contractors: see the wiki{end}{line('mallory')}")
    publish(monkeypatch, "mallory")
    assert versions.local()[-1].signature.state == "unknown signer"


def test_signature_by_one_whose_time_was_over(start, monkeypatch):
    allow(line("zoe"), line("li", 'valid-before="20210101Z"'), **REQUIRED)
    refused("SIGNER_UNKNOWN", publish, monkeypatch, "li")
    monkeypatch.setenv("GIT_COMMITTER_DATE", LONG_AGO)
    assert publish(monkeypatch, "li").signature.signer == "li@example.com"
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    publish(monkeypatch, "zoe")
    monkeypatch.setenv("GIT_COMMITTER_DATE", LONG_AGO)
    assert "has a date, 2020-01-01 00:00, that is before" in refused("SIGNER_UNKNOWN", publish, monkeypatch, "li")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2090-01-01T00:00:00Z")
    assert "in the future" in refused("SIGNER_UNKNOWN", publish, monkeypatch, "zoe")


@pytest.mark.usefixtures("start")
def test_revoked_key_is_refused_where_signatures_are_optional_too(monkeypatch):
    publish(monkeypatch, "li")
    git_repository.commit(revoked_signers=public("li"))
    assert codes() == ["SIGNATURE_INVALID"]
    git_repository.commit(revoked_signers="nonsense")
    with pytest.raises(errors.FactoryError, match=r"^revoked_signers, line 1"):
        versions.local()


@pytest.mark.usefixtures("start")
def test_record_that_was_edited_and_sealed_again_is_not_what_was_signed(monkeypatch):
    publish(monkeypatch, "zoe")
    sealed = validity.write_record(versions.local()[0].facts | {"why": "better"})
    rewrite(1, validity.write_record(versions.local()[0].facts), sealed)
    assert codes() == ["SIGNATURE_INVALID"]
    refused("SIGNATURE_INVALID", publish, monkeypatch, "zoe")


@pytest.mark.usefixtures("required")
def test_signed_version_of_a_commit_that_is_not_on_main(monkeypatch):
    git_repository.commit(**{"note.txt": "of another project with the same signers"})
    publish(monkeypatch, "zoe")
    git("switch", "--quiet", "--detach")
    git("branch", "--force", "main", "HEAD~1")
    assert codes() == ["NOT_ON_MAIN"]


def test_no_commit_is_replaced(required, monkeypatch):
    git("replace", required, allow(line("mallory")))
    git("reset", "--quiet", "--soft", required)
    refused("SIGNER_UNKNOWN", publish, monkeypatch, "mallory")


@pytest.mark.usefixtures("required")
def test_signed_tag_under_another_name(monkeypatch):
    """Git verifies it, whatever the ref's name."""
    publish(monkeypatch, "zoe")
    publish(monkeypatch, "zoe")
    git("update-ref", "refs/tags/model/v3", git("rev-parse", "model/v1"))
    assert codes() == [None, None, "VERSION_INVALID"]


@pytest.mark.usefixtures("required")
def test_signed_version_says_what_was_before_it(monkeypatch):
    """A tag that was signed as well, but is not the one that the next recorded."""
    publish(monkeypatch, "zoe")
    publish(monkeypatch, "zoe")
    git("update-ref", "-d", "refs/tags/model/v2")
    later = publish(monkeypatch, "li", why="another")
    git("tag", "--delete", "model/v1", "model/v2")
    publish(monkeypatch, "zoe", why="better")
    git("update-ref", "refs/tags/model/v2", later.tag)
    assert codes() == ["VERSION_INVALID", None]


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("facts", [{"metrics": []}, {"rows": "many"}, {"previous": "0" * 40}, {"gate": {"checks": [1]}}], ids=str)
def test_record_that_no_command_writes(facts):
    forge(1, **facts)
    assert codes() == ["VERSION_INVALID"]


def test_tag_that_a_checkout_has_cut_is_fetched_again(start, tmp_path, monkeypatch):
    git_repository.share(tmp_path / "remote.git")
    version = publish(monkeypatch, "zoe")
    git("tag", "--force", "model/v1", "model/v1^{}")
    assert "is a lightweight tag" in str(versions.local()[0].problem)
    assert versions.fetch() == [version]


@pytest.mark.usefixtures("start")
def test_states_are_shown_to_machines(monkeypatch):
    publish(monkeypatch, "zoe")
    [listed] = json.loads(run("models", "--json").stdout)
    assert (listed["signature"], listed["signer"]) == ("signed", "zoe@example.com")
