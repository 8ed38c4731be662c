"""A version's image goes to the registry that is set, under its digest, with where it comes from."""

import json
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.release import image, provenance, publish, sbom
from late_flights.factory.workspace import signing
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run

from machinery import signing_key
from machinery.ci.fake_platforms import TOKEN, FakePlatform, environment
from machinery.release.fake_docker import INVENTORY, publish_version

REGISTRY = "registry.example.com/team/churn"
DIGEST = "1" * 64


@pytest.fixture
def docker(engine, version, monkeypatch):
    """An engine that knows under which digest registries have the image."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", publish.REGISTRY, "REGISTRY_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    places = ("127.0.0.1:4321/churn", REGISTRY, "ghcr.io/me/project")
    engine.answer("inspect", "\n".join(f"{place}@sha256:{DIGEST}" for place in places))
    engine.answer("port", "127.0.0.1:4321")
    sbom.write(json.dumps(INVENTORY), "churn:v1", "sha256:1234", version)
    return engine


def published(name="model/v1"):
    result = run("publish", name)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()[0].removeprefix("✓ ")


def test_image_is_pushed_and_named_by_its_digest(docker, monkeypatch):
    monkeypatch.setenv(publish.REGISTRY, REGISTRY)
    assert published() == f"{REGISTRY}@sha256:{DIGEST}"
    tag, push, _ = docker.calls
    assert tag == ["tag", "sha256:1234", f"{REGISTRY}:v1"] and push == ["push", "--quiet", f"{REGISTRY}:v1"]


def test_registry_is_that_of_the_environment_unless_a_variable_replaces_it(docker, monkeypatch):
    other = "ghcr.io/me/project"
    Path("environments.yaml").write_text(f"all: {{registry: {REGISTRY}}}\nprod: {{registry: {other}}}\n")
    assert published() == f"{REGISTRY}@sha256:{DIGEST}" and [call[0] for call in docker.calls] == ["tag", "push", "inspect"]
    assert run("publish", "v1", "--environment", "prod").stdout.startswith(f"✓ {other}@")
    monkeypatch.setenv(publish.REGISTRY, "127.0.0.1:4321/churn")
    assert published() == f"127.0.0.1:4321/churn@sha256:{DIGEST}"
    assert "ENVIRONMENT: prd is not an environment of environments.yaml" in refused("publish", "v1", "--environment", "prd")


def test_registry_of_one_environment_alone_is_not_passed_over(docker):
    Path("environments.yaml").write_text(f"prod: {{registry: {REGISTRY}}}\n")
    assert "REGISTRY: " in (line := refused("publish", "v1")) and "--environment prod" in line and not docker.calls


def test_version_that_does_not_count_is_not_pushed(docker):
    git_repository.git("tag", "--annotate", "--force", "--message", "mine", "model/v1", "HEAD")
    result = run("publish", "v1")
    assert result.exit_code == 2 and result.stderr.startswith("Error: VERSION_INVALID: model/v1 ") and not docker.calls


@pytest.mark.parametrize("named", ["me/churn", "docker.io/me/churn"])
def test_registry_of_docker_goes_without_its_name(docker, monkeypatch, named):
    monkeypatch.setenv(publish.REGISTRY, "docker.io/me/churn")
    docker.answer("inspect", f"{named}@sha256:{DIGEST}")
    assert published() == f"{named}@sha256:{DIGEST}"


def test_dry_run_starts_a_registry_and_ends_it(docker):
    assert published() == f"127.0.0.1:4321/churn@sha256:{DIGEST}"
    assert docker.calls[0][0] == "run" and docker.calls[0][-1] == publish.LOCAL_REGISTRY
    assert docker.calls[-1][:2] == ["rm", "--force"]


@pytest.mark.parametrize("dry", [True, False])
def test_push_that_is_refused(docker, monkeypatch, dry):
    monkeypatch.setattr(publish, "TIMEOUT_SECONDS", 0)
    if not dry:
        monkeypatch.setenv(publish.REGISTRY, REGISTRY)
    docker.fail("push")
    assert refused("publish", "v1").endswith("failed: no such luck")
    assert (docker.calls[-1][0] == "rm") is dry and not list(Path("reports").glob("sbom/*.provenance.json"))


def test_registry_of_the_platform_gets_the_token_by_its_input(docker, monkeypatch, tmp_path):
    monkeypatch.setenv(publish.REGISTRY, "ghcr.io/me/project")
    for name, value in environment(FakePlatform(address="http://127.0.0.1:9"), "github").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    published()
    assert docker.calls[0] == ["login", "ghcr.io", "--username", "me", "--password-stdin"]
    assert not any(TOKEN in part for call in docker.calls for part in call)


def test_registry_that_does_not_list_the_image(docker, monkeypatch):
    monkeypatch.setenv(publish.REGISTRY, REGISTRY)
    docker.answer("inspect", "elsewhere/x@sha256:2")
    assert refused("publish", "v1").startswith(f"{REGISTRY} reported no digest for ")


def test_statement_names_what_the_image_was_made_of(docker, version):
    published()
    statement = json.loads(Path("reports/sbom/v1.provenance.json").read_text(encoding="utf-8"))
    assert (statement["_type"], statement["predicateType"]) == (provenance.STATEMENT, provenance.PREDICATE)
    assert statement["subject"] == [{"name": "127.0.0.1:4321/churn", "digest": {"sha256": DIGEST}}]
    materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    digests = {material["name"]: next(iter(material["digest"].values())) for material in materials}
    assert digests["code"] == version.commit and digests["model/manifest.json"] == version.facts["model"]
    assert digests["data/prepared/train.parquet"] == version.facts["data"]
    [bill] = statement["predicate"]["runDetails"]["byproducts"]
    assert bill == {"name": "v1.cdx.json", "digest": {"sha256": manifest.file_sha256(Path("reports/sbom/v1.cdx.json"))}}
    assert statement["predicate"]["runDetails"]["builder"]["id"] == git_repository.RECORD["by"]


@pytest.mark.usefixtures("docker")
def test_version_that_is_none():
    assert refused("publish", "model/v7") == "there is no version model/v7: v1"
    assert image.image_name() == "churn"


@pytest.mark.usefixtures("docker")
def test_image_without_a_bill_of_materials():
    Path("reports/sbom/v1.cdx.json").unlink()
    assert refused("publish", "v1") == "reports/sbom/v1.cdx.json names no image: run `uv run factory build v1` here first"


def test_next_jobs_get_the_digest(docker, monkeypatch, tmp_path_factory):
    output = tmp_path_factory.mktemp("github") / "output"
    for name, value in environment(FakePlatform(address="http://127.0.0.1:9"), "github").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    published()
    assert not output.exists()  # of a registry that is gone when they start
    monkeypatch.setenv(publish.REGISTRY, "ghcr.io/me/project")
    published()
    assert output.read_text() == f"image=ghcr.io/me/project@sha256:{DIGEST}\n"


def test_result_of_the_verification_is_stated(docker, version):
    found = {"by": "Zoë", "passed": True, "commit": version.commit, "model": version.facts["model"]}
    Path("reports/sbom/v1.verification.json").write_text(json.dumps(found), encoding="utf-8")
    published()
    statement = json.loads(Path("reports/sbom/v1.provenance.json").read_text(encoding="utf-8"))
    assert statement["predicate"]["runDetails"]["byproducts"][1]["annotations"] == found


@pytest.mark.parametrize("wrong", [{"passed": False}, {"commit": "0" * 40}, {"model": "0" * 64}, None], ids=str)
def test_version_that_is_not_proven_is_not_stated_to_be(docker, version, wrong):
    found = {"passed": True, "commit": version.commit, "model": version.facts["model"]}
    Path("reports/sbom/v1.verification.json").write_text(json.dumps(wrong and found | wrong), encoding="utf-8")
    assert refused("publish", "v1") == (
        "PROVENANCE: reports/sbom/v1.verification.json does not prove v1: run `uv run factory verify v1`, or delete the file"
    )


def test_statement_is_signed_where_there_is_a_key(docker, monkeypatch, tmp_path_factory):
    assert run("publish", "v1").stdout.endswith("✓ reports/sbom/v1.provenance.json, unsigned\n")
    zoe = signing_key.use(monkeypatch, tmp_path_factory.mktemp("keys") / "zoe", "zoe@example.com")
    assert run("publish", "v1").stdout.endswith("provenance.json, unknown signer\n")
    git_repository.commit(allowed_signers=zoe.read_text())
    assert run("publish", "v1").stdout.endswith("provenance.json, signed by zoe@example.com\n")


@pytest.mark.usefixtures("docker")
def test_unsigned_statement_is_refused_where_signatures_are_required(monkeypatch, tmp_path_factory):
    signing_key.require(monkeypatch, tmp_path_factory.mktemp("keys") / "zoe")
    sbom.write(json.dumps(INVENTORY), "churn:v2", "sha256:1234", publish_version())
    monkeypatch.delenv(signing.KEY)
    assert refused("publish", "v2").startswith("there is no key to sign with")
    signing_key.use(monkeypatch, tmp_path_factory.mktemp("keys") / "mallory", "mallory@example.com")
    assert refused("publish", "v2").startswith("PROVENANCE: SIGNER_UNKNOWN: reports/sbom/v2.provenance.json is signed by")
