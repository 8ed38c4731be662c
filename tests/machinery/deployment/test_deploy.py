"""A version at work where it is deployed to: seen to be right, and taken back where it is not."""

import base64
import json
import re
from pathlib import Path

import pytest
from late_flights.factory import environments, errors
from late_flights.factory.deployment import compose, smoke_test
from late_flights.factory.release import image, provenance, serve
from late_flights.factory.serving import settings
from late_flights.factory.workspace import signing
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run

from machinery import signing_key
from machinery.deployment.conftest import release
from machinery.deployment.environment_files import IMAGE, REGISTRY, kubernetes
from machinery.release.fake_docker import publish_version

TARGET, ANOTHER = "ssh://deploy@staging.example.com", f"{REGISTRY}@sha256:{'2' * 64}"
STATEMENT, BILL = Path("reports/sbom/v1.provenance.json"), Path("reports/sbom/v1.cdx.json")


@pytest.fixture
def host(released):
    """An engine that has the version's image; the service is as it should be."""
    return released


def composed(host):
    return [call[5:] for call in host.calls if call[0] == "compose"]


def deploy(*arguments):
    result = run("deploy", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def target(host, monkeypatch):
    monkeypatch.setenv(environments.REGISTRY, REGISTRY)
    monkeypatch.setenv(environments.HOST, TARGET)
    return host


def test_dry_run_serves_here_and_ends(host):
    assert "dry run: churn:v1 served on this machine" in deploy("staging", "model/v1")
    assert [call[0] for call in composed(host)] == ["up", "down"]


def test_dry_run_asks_what_it_started_whatever_serves_elsewhere(host, monkeypatch):
    monkeypatch.setenv(environments.URL, "http://127.0.0.1:9")
    host.answer("exec", base64.b64encode(b"of the container").decode())
    monkeypatch.setattr(smoke_test, "check_service", lambda request, version: iter([request("/version", b"").decode()]))
    for name in ("trial", "dev"):
        assert "✓ of the container\n" in deploy(name, "v1")
    monkeypatch.setenv(environments.HOST, TARGET)
    assert "dry run: churn:v1 served on this machine" in deploy("trial", "v1")
    assert [call[0] for call in composed(host)] == ["up", "down"] * 3


def test_dry_run_without_an_image(host):
    host.answer("images", "")
    assert "dry run: FACTORY_TARGET and FACTORY_REGISTRY are not set for production" in deploy("production", "v1")
    assert not composed(host)


def test_dry_run_of_a_version_that_does_not_count(host):
    host.answer("images", "")
    git_repository.git("tag", "--force", "model/v1", "HEAD")
    assert "VERSION_INVALID: model/v1 is a lightweight tag" in run("deploy", "staging", "v1").stderr


def test_target_serves_on(target):
    output = deploy("staging", "v1", "--image", IMAGE)
    assert re.fullmatch(
        f"✓ {IMAGE} is the image of v1, by its provenance, unsigned\n✓ request\n"
        rf"✓ {IMAGE} serves at {TARGET}, healthy after \d+\.\d s\n",
        output,
    )
    assert [call[0] for call in composed(target)] == ["up"]
    assert ["pull", "--quiet", IMAGE] in target.calls


@pytest.mark.parametrize("previous", ["", "churn@sha256:0"])
def test_service_that_does_not_score_as_recorded_is_taken_back(target, monkeypatch, previous):
    def differing(request, version):
        raise errors.FactoryError("SCORES_DIFFER: by much")
        yield

    target.answer("ps", previous)
    monkeypatch.setattr(smoke_test, "check_service", differing)
    assert refused("deploy", "staging", "v1") == "SCORES_DIFFER: by much"
    assert [call[0] for call in composed(target)] == ["up", "up" if previous else "down"]


@pytest.mark.parametrize("known", [True, False])
def test_image_of_before_there_was_the_setting(target, monkeypatch, known):
    started = []
    monkeypatch.setattr(serve, "unknown", lambda commit, names: [] if known else [*names])
    run_compose = compose.Host._compose
    monkeypatch.setattr(
        compose.Host, "_compose", lambda host, *words, **env: (started.append(env), run_compose(host, *words, **env))
    )
    deploy("staging", "v1")
    assert started == [{} if known else {"OPEN": ""}]


def test_setting_is_looked_up_in_the_code_of_the_commit(version):
    assert serve.unknown(version.commit, ["open"]) == ["open"]
    code = Path(f"src/{serve.PACKAGE}/factory/serving/settings.py")
    code.parent.mkdir(parents=True)
    for content, known in (("    rows: int  # to reopen: or\n", False), (Path(settings.__file__).read_text(), True)):
        code.write_text(content)
        git_repository.commit()
        assert (serve.unknown("HEAD", ["open"]) == []) is known


def test_commit_that_is_not_in_the_clone_is_taken_for_a_new_one(version):
    assert serve.unknown("0" * 40, ["open"]) == []


def test_image_of_something_else_is_not_run(target, version):
    target.answer("inspect", json.dumps(image.image_labels(version, "churn") | {"factory.model": "another"}))
    assert refused("deploy", "staging", "v1").startswith(
        f"IMAGE_FOREIGN: {IMAGE} is not the image of v1: its label factory.model"
    )
    assert not composed(target)


def test_champion_alone_is_deployed(host):
    git_repository.another_model("second")
    publish_version()
    assert refused("deploy", "production", "v1").startswith("SUPERSEDED: v2 is the champion by now")
    assert not composed(host)


def test_digest_is_that_of_the_provenance_where_none_is_given(target, monkeypatch):
    monkeypatch.delenv(environments.REGISTRY)
    assert f"✓ {IMAGE} serves at" in deploy("staging", "v1")
    assert f"✓ {IMAGE} serves at" in deploy("staging", "v1", "--image", "")  # of a job that had none to hand over


def test_image_and_environment_of_another_name_are_not_deployed(target):
    kubernetes(namespace="churn-prod")
    git_repository.commit(**{"policy.yaml": "names: {environment: 'acme-.+'}"})
    line = "POLICY: the name of the environment is churn-prod, and must match acme-.+ by the policy of "
    assert line in refused("deploy", "prod")
    git_repository.commit(**{"policy.yaml": r"names: {image: 'registry\.acme\.example/.+'}"})
    assert f"POLICY: the name of the image is {REGISTRY}, and must match registry" in refused("deploy", "prod")
    assert composed(target) == []


def test_tag_is_not_deployed(target):
    assert refused("deploy", "staging", "v1", "--image", f"{REGISTRY}:v1").startswith(
        f"{REGISTRY}:v1 names no image by its digest"
    )
    STATEMENT.unlink()
    assert refused("deploy", "staging", "v1").startswith(f"PROVENANCE: {STATEMENT} is missing: take image and reports/sbom/")
    assert not any("pull" in call for call in target.calls)


def edit(path, *place, value):
    """Change one value of the file in JSON."""
    content = inner = json.loads(path.read_text(encoding="utf-8"))
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def swapped():
    return ANOTHER


def another_bill():
    edit(BILL, "components", value=[])


def no_bill():
    BILL.unlink()


def bill_not_stated():
    edit(STATEMENT, "predicate", "runDetails", "byproducts", value=[])


def of_another_version():
    edit(STATEMENT, "predicate", "buildDefinition", "externalParameters", "version", value="v2")


def of_another_commit():
    edit(STATEMENT, "predicate", "buildDefinition", "externalParameters", "commit", value="0" * 40)


def of_another_model():
    edit(STATEMENT, "predicate", "buildDefinition", "resolvedDependencies", 2, "digest", value={"sha256": "0" * 64})


def of_another_kind():
    edit(STATEMENT, "predicateType", value="https://example.com/anything")


def verified_by_nobody():
    stated = {"name": "v1.verification.json", "digest": {"sha256": "0" * 64}}
    edit(STATEMENT, "predicate", "runDetails", "byproducts", 0, value=stated)


def no_json():
    STATEMENT.write_text("no JSON", encoding="utf-8")


@pytest.mark.parametrize(
    "tamper",
    [
        swapped,
        another_bill,
        no_bill,
        bill_not_stated,
        of_another_version,
        of_another_commit,
        of_another_model,
        of_another_kind,
        verified_by_nobody,
        no_json,
    ],
)
def test_what_its_provenance_does_not_speak_for_is_not_run(target, tamper):
    image = tamper() or IMAGE
    assert refused("deploy", "staging", "v1", "--image", image).startswith("PROVENANCE: reports/sbom/v1.")
    assert not any("pull" in call for call in target.calls) and not composed(target)


def test_signature_is_verified_where_there_is_one(target, monkeypatch, tmp_path_factory):
    zoe = signing_key.use(monkeypatch, tmp_path_factory.mktemp("keys") / "zoe", "zoe@example.com")
    git_repository.commit(allowed_signers=zoe.read_text())
    signing.sign_file(STATEMENT)
    assert "by its provenance, signed by zoe@example.com" in deploy("staging", "v1")
    edit(STATEMENT, "predicate", "runDetails", "builder", value={"id": "somebody else"})
    assert refused("deploy", "staging", "v1") == (
        f"PROVENANCE: SIGNATURE_INVALID: {STATEMENT} is not what was signed: make it again, signed by an allowed signer"
    )


def test_policy_wants_a_signature(target, monkeypatch, tmp_path_factory):
    signing_key.require(monkeypatch, tmp_path_factory.mktemp("keys") / "zoe")
    second = publish_version()
    release(second, IMAGE)
    statement = provenance.path_of(second)
    statement.with_name("v2.provenance.json.sig").unlink()
    assert refused("deploy", "staging", "v2") == (
        f"PROVENANCE: UNSIGNED: {statement} is not signed: make it again, signed by an allowed signer"
    )
    signing_key.use(monkeypatch, tmp_path_factory.mktemp("keys") / "mallory", "mallory@example.com")
    signing.sign_file(statement)
    assert refused("deploy", "staging", "v2").startswith(f"PROVENANCE: SIGNER_UNKNOWN: {statement} is signed by the key")
