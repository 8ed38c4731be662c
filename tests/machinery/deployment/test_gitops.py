"""A cluster that follows main: the overlay's change is proposed, and the working tree stays as it is."""

import subprocess
from pathlib import Path

import pytest
from late_flights.factory.deployment import smoke_test
from late_flights.factory.platforms.gitlab import GitLab
from late_flights.factory.registry import versions
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.ci.fake_platforms import environment, fake_platform
from machinery.deployment.conftest import verify
from machinery.deployment.environment_files import (
    CONTENT,
    IMAGE,
    OVERLAY,
    REGISTRY,
    kubernetes,
    write_environments,
    write_overlay,
)

BRANCH = "factory/deploy-prod"


@pytest.fixture
def main(released, tmp_path_factory):
    """The overlay on main, beside work that is not committed; there is no kubectl."""
    kubernetes()
    write_overlay()
    OVERLAY.write_bytes(CONTENT.replace("\n", "\r\n").encode())
    git_repository.commit()
    git_repository.share(tmp_path_factory.mktemp("remote"))
    Path("params.yaml").write_text("unfinished: true\n")
    return released


@pytest.fixture
def platform(main, monkeypatch):
    with fake_platform() as platform:
        for name, value in environment(platform, "gitlab").items():
            monkeypatch.setenv(name, value)
        yield platform


def deploy(*options):
    result = run("deploy", "prod", "v1", *options)
    assert result.exit_code == 0, result.output
    return result.stdout


def proposed():
    git("fetch", "--quiet", "origin", BRANCH)
    return git("diff", "--numstat", "origin/main", "FETCH_HEAD").split()


def test_overlay_is_all_that_the_pull_request_changes(platform):
    before = git("rev-parse", "HEAD"), git("status", "--porcelain"), git("branch", "--list")
    assert "✓ See at/1\n" in deploy()
    [request] = platform.pull_requests
    assert (request["branch"], request["base"], request["title"]) == (BRANCH, "main", "Deploy v1 to prod")
    assert IMAGE in request["text"]
    assert proposed() == ["2", "2", f"{OVERLAY}"]
    content = CONTENT.replace("registry.example.com/other", REGISTRY).replace("0" * 64, "1" * 64).replace("\n", "\r\n")
    assert content_of(f"FETCH_HEAD:{OVERLAY}") == content.encode()
    assert git("rev-parse", "FETCH_HEAD^") == git("rev-parse", "origin/main")
    assert before == (git("rev-parse", "HEAD"), git("status", "--porcelain"), git("branch", "--list"))


def content_of(name):
    return subprocess.run(["git", "show", name], capture_output=True, check=True).stdout


def test_pull_request_has_a_token_of_its_own_where_one_is_set(platform, monkeypatch):
    monkeypatch.setattr(GitLab, "open_pull_request", lambda gitlab, *_: gitlab.token)
    assert "✓ See secret" in deploy()
    monkeypatch.setenv("FACTORY_PROPOSE_TOKEN", "another")
    assert "✓ See another\n" in deploy()


def test_without_a_platform_the_branch_is_pushed(main):
    assert f"✓ pushed {BRANCH}: open its pull request into main\n" in deploy()
    assert proposed() == ["2", "2", f"{OVERLAY}"]


def test_again_changes_nothing(platform):
    deploy()
    head = git("ls-remote", "origin", f"refs/heads/{BRANCH}")
    deploy()
    assert git("ls-remote", "origin", f"refs/heads/{BRANCH}") == head and len(platform.pull_requests) == 1


def test_what_main_has_already(main):
    deploy()
    proposed()
    git("push", "--quiet", "origin", "FETCH_HEAD:main")
    assert f"main has {IMAGE} in {OVERLAY} already" in deploy()


def test_branch_of_somebody_else_is_left(main, monkeypatch):
    deploy()
    proposed()
    git_repository.become(monkeypatch, "Ann", "ann@example.com")
    git("push", "--quiet", "--force", "origin", f"{git('commit-tree', 'FETCH_HEAD^{tree}', '-m', 'mine')}:refs/heads/{BRANCH}")
    git_repository.become(monkeypatch, "Zoë 李", "zoe@example.com")
    assert refused("deploy", "prod", "v1").startswith(f"somebody else has committed to {BRANCH}")


def test_overlay_that_is_not_on_main(main):
    git("rm", "--quiet", f"{OVERLAY}")
    git("commit", "--quiet", "--message", "gone")
    git("push", "--quiet", "origin", "main")
    assert refused("deploy", "prod", "v1").startswith(f"OVERLAY: {OVERLAY} is not on origin/main")


def test_proofs_are_kept_for_a_rollback_but_no_record_of_what_did_not_run(main):
    deploy()
    git("fetch", "--quiet", "origin", "factory/deployments")
    assert git("ls-tree", "--name-only", "FETCH_HEAD").split() == ["v1.cdx.json", "v1.provenance.json"]


def test_evidence_of_an_environment_that_follows_main(main, monkeypatch):
    kubernetes(after="test")
    overlay = Path("deploy/kubernetes/overlays/test/kustomization.yaml")
    overlay.parent.mkdir()
    overlay.write_text(CONTENT)
    git_repository.commit()
    git("push", "--quiet", "origin", "main")
    verify(versions.local()[-1])
    assert "and test runs nothing" in refused("deploy", "prod", "v1")
    overlay.write_text(CONTENT.replace("0" * 64, "1" * 64))
    git_repository.commit()
    git("push", "--quiet", "origin", "main")
    monkeypatch.setattr(smoke_test, "check_service", lambda request, version: iter([f"{request('/version', b'')}"]))
    assert "NOT_READY: test has no `url`" in refused("deploy", "prod", "v1")
    monkeypatch.setattr(smoke_test, "http_client", lambda url: lambda path, body: f"{url}{path}".encode())
    shared = {"target": "kubernetes", "registry": REGISTRY}
    write_environments(all=shared, test={"url": "https://test"}, prod={"after": "test"})
    assert "✓ test runs v1: b'https://test/version'\n" in deploy()
