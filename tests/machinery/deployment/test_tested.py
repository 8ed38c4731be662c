"""What may come to an environment: an image that ran in the one before, and that was verified."""

import json
from pathlib import Path

import pytest
from late_flights.factory.deployment import records, smoke_test
from late_flights.factory.registry import trust
from late_flights.factory.release import image, provenance
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery import signing_key
from machinery.deployment.conftest import release, verify
from machinery.deployment.environment_files import IMAGE, REGISTRY, write_environments

ANOTHER = f"{REGISTRY}@sha256:{'2' * 64}"


@pytest.fixture
def environments(released, version, tmp_path_factory):
    """A version that is verified, and prod after test, both on hosts."""
    hosts = {name: {"host": f"ssh://deploy@{name}.example.com"} for name in ("test", "prod")}
    write_environments(all={"registry": REGISTRY}, test=hosts["test"], prod={**hosts["prod"], "after": "test"})
    git_repository.commit()
    git_repository.share(tmp_path_factory.mktemp("remote"))
    verify(version)
    return released


def composed(engine):
    return [call[5] for call in engine.calls if call[0] == "compose"]


def deploy(*arguments):
    result = run("deploy", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_image_that_ran_in_test_comes_to_prod(environments):
    deploy("test")
    assert "✓ v1 passed in test on " in deploy("prod")


def test_image_that_did_not(environments):
    assert refused("deploy", "prod", "v1").startswith(
        f"UNTESTED: {IMAGE} has no record of test that counts, and test runs nothing"
    )
    assert not composed(environments)


def test_another_image_of_the_version_did_not(environments, version):
    deploy("test")
    verify(version, ANOTHER)
    assert refused("deploy", "prod", "v1", "--digest", ANOTHER.partition("@")[2]).startswith(f"UNTESTED: {ANOTHER} has no record")


def test_what_test_runs_now_is_evidence(environments, monkeypatch):
    monkeypatch.setattr(smoke_test, "check_service", lambda request, version: iter(["ready"]))
    environments.answer("ps", IMAGE)
    assert "✓ test runs v1: ready\n" in deploy("prod", "v1")
    environments.answer("ps", ANOTHER)
    git("push", "--quiet", "--delete", "origin", records.BRANCH.name)
    assert refused("deploy", "prod", "v1").endswith(f"test runs {ANOTHER}: run `uv run factory deploy test v1` first")


def test_what_test_runs_now_but_does_not_score_as_recorded(environments, monkeypatch):
    def differing(request, version):
        raise smoke_test.FactoryError("SCORES_DIFFER: by much")
        yield

    environments.answer("ps", IMAGE)
    monkeypatch.setattr(smoke_test, "check_service", differing)
    assert "and SCORES_DIFFER: by much" in refused("deploy", "prod", "v1")
    assert not composed(environments)


def test_variables_of_prod_are_not_those_of_test(environments, monkeypatch):
    monkeypatch.setenv("FACTORY_TARGET", "ssh://deploy@elsewhere.example.com")
    write_environments(all={"registry": REGISTRY}, prod={"after": "test"})
    environments.answer("ps", IMAGE)
    assert "test has no `host` in environments.yaml" in refused("deploy", "prod", "v1")


def test_image_that_nobody_verified(environments, version):
    deploy("test")
    provenance.verification_of(version).unlink()
    release(version, IMAGE)
    assert refused("deploy", "prod", "v1").startswith("UNVERIFIED: the provenance of v1 has no verification")
    assert len(composed(environments)) == 1


def test_verification_that_only_the_branch_has(environments, version):
    deploy("test")
    provenance.verification_of(version).unlink()
    assert "✓ v1 passed in test on " in deploy("prod")
    assert provenance.verification_of(version).is_file()


def test_verification_that_did_not_pass(environments, version):
    deploy("test")
    path = provenance.verification_of(version)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"passed": False}))
    assert refused("deploy", "prod", "v1").startswith(f"PROVENANCE: {path} does not prove v1")


def forge(**changes):
    """A record that somebody else puts on the branch, as of what test ran."""
    facts = {"environment": "test", "version": "v1", "built": "v1", "image": IMAGE, "commit": "0" * 40, "model": "0" * 64}
    record = {**facts, "at": "2026-01-01T00:00:00+00:00", "by": "Mallory", "run": None, "seconds": 1.0, **changes}
    Path("forged.json").write_text(json.dumps(record))
    remote, head = records.BRANCH.head()
    records.BRANCH.write(remote, head, {"test.v1.json": Path("forged.json")}, add=True)
    Path("forged.json").unlink()


@pytest.mark.parametrize("changes", [{"environment": "prod"}, {"built": "v2"}, {"image": ANOTHER}, {"more": 1}])
def test_record_of_something_else_is_none(environments, changes):
    forge(**changes)
    assert refused("deploy", "prod", "v1").startswith(f"UNTESTED: {IMAGE} has no record of test that counts")


def test_record_without_a_signature_counts_only_where_none_is_required(environments, version, monkeypatch, tmp_path_factory):
    forge()
    assert [record.by for record in records.read("test", trust.trust())] == ["Mallory"]
    folder = tmp_path_factory.mktemp("keys")
    signing_key.require(monkeypatch, folder / "zoe")
    git("push", "--quiet", "origin", "main")
    git("fetch", "--quiet", "origin")
    assert records.read("test", trust.trust()) == []
    records.keep(version, records.of("test", version, version, IMAGE, 1.0))
    [record] = records.read("test", trust.trust())
    assert (record.image, record.seconds) == (IMAGE, 1.0) and record.by.startswith("Zoë")
    signing_key.use(monkeypatch, folder / "mallory", "mallory@example.com")
    records.keep(version, records.of("test", version, version, ANOTHER, 1.0))
    assert records.read("test", trust.trust()) == []


def test_digest_needs_a_registry(environments):
    assert refused("deploy", "test", "--image", IMAGE, "--digest", "sha256:1") == "give --image or --digest, not both"
    write_environments(test={"host": "ssh://x"})
    assert refused("deploy", "test", "--digest", "sha256:1").startswith("test has no registry: give --image NAME@sha256:1")


def test_labels_of_another_version(environments, version):
    environments.answer("inspect", json.dumps(image.image_labels(version, "other")))
    assert refused("deploy", "test", "v1").startswith(f"IMAGE_FOREIGN: {IMAGE}")
