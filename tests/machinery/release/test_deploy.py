"""A version at work where it is deployed to: seen to be right, and taken back where it is not."""

import json

import pytest
from late_flights.factory import errors
from late_flights.factory.release import deploy as deployment
from late_flights.factory.release import image, publish, smoke_test
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run

from machinery.release.fake_docker import publish_version

REGISTRY, TARGET = "registry.example.com/churn", "ssh://deploy@staging.example.com"


@pytest.fixture
def host(engine, version, monkeypatch):
    """An engine that has the version's image; the service is as it should be."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", publish.REGISTRY, deployment.TARGET, deployment.URL):
        monkeypatch.delenv(name, raising=False)
    engine.answer("images", "1234")
    engine.answer("inspect", json.dumps(image.image_labels(version, "churn")))
    monkeypatch.setattr(publish, "by_digest", lambda engine, tag, env: f"{tag.partition(':')[0]}@sha256:1")
    monkeypatch.setattr(smoke_test, "check_service", lambda request, version: iter([getattr(request, "__name__", "")]))
    return engine


def composed(host):
    return [call[5:] for call in host.calls if call[0] == "compose"]


def deploy(*arguments):
    result = run("deploy", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def target(host, monkeypatch):
    monkeypatch.setenv(publish.REGISTRY, REGISTRY)
    monkeypatch.setenv(deployment.TARGET, TARGET)
    return host


def test_dry_run_serves_here_and_ends(host):
    assert "dry run: churn:v1 served on this machine" in deploy("staging", "model/v1")
    assert [call[0] for call in composed(host)] == ["up", "down"]


def test_dry_run_without_an_image(host):
    host.answer("images", "")
    assert "dry run: FACTORY_TARGET and FACTORY_REGISTRY are not set for production" in deploy("production", "v1")
    assert not composed(host)


def test_target_serves_on(target):
    assert deploy("staging", "v1").endswith(f"✓ {REGISTRY}@sha256:1 serves at {TARGET}\n")
    assert [call[0] for call in composed(target)] == ["up"]
    assert ["pull", "--quiet", f"{REGISTRY}:v1"] in target.calls


@pytest.mark.parametrize("previous", ["", "churn@sha256:0"])
def test_service_that_does_not_score_as_recorded_is_taken_back(target, monkeypatch, previous):
    def differing(request, version):
        raise errors.FactoryError("SCORES_DIFFER: by much")
        yield

    target.answer("ps", previous)
    monkeypatch.setattr(smoke_test, "check_service", differing)
    assert refused("deploy", "staging", "v1") == "SCORES_DIFFER: by much"
    assert [call[0] for call in composed(target)] == ["up", "up" if previous else "down"]


def test_image_of_something_else_is_not_run(target, version):
    target.answer("inspect", json.dumps(image.image_labels(version, "churn") | {"factory.model": "another"}))
    assert refused("deploy", "staging", "v1").startswith(
        f"IMAGE_FOREIGN: {REGISTRY}:v1 is not the image of v1: its label factory.model"
    )
    assert not composed(target)


def test_champion_alone_is_deployed(host):
    git_repository.another_model("second")
    publish_version()
    assert refused("deploy", "production", "v1").startswith("SUPERSEDED: v2 is the champion by now")
    assert not composed(host)


def test_target_without_a_registry(target, monkeypatch):
    monkeypatch.delenv(publish.REGISTRY)
    assert refused("deploy", "staging", "v1").startswith("FACTORY_TARGET is set, FACTORY_REGISTRY is not")
