"""Rollback reaches what serves: the earlier image, verified by proofs that the deployment left, and nothing is built."""

import json
import re
import shutil
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.deployment import records, smoke_test
from late_flights.factory.paths import MODEL
from late_flights.factory.registry import versions
from late_flights.factory.release import image, provenance
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery import signing_key
from machinery.deployment.conftest import release
from machinery.deployment.environment_files import IMAGE, REGISTRY, write_environments
from machinery.release.fake_docker import store_model

SECOND = f"{REGISTRY}@sha256:{'2' * 64}"
HOST = "ssh://deploy@prod.example.com"
SBOM = Path("reports/sbom")


@pytest.fixture
def prod(released, tmp_path_factory):
    """Two versions that were deployed, the second of which serves; their proofs are on the branch alone."""
    write_environments(prod={"host": HOST, "registry": REGISTRY})
    git_repository.commit()
    git_repository.share(tmp_path_factory.mktemp("remote"))
    git("push", "--quiet", "--tags", "origin")
    return deploy_both(released)


def deploy_both(engine):
    deployed(engine, "v1")
    promote_second()
    release(versions.local()[-1], SECOND)
    deployed(engine, "v2")
    engine.answer("ps", SECOND)
    shutil.rmtree(SBOM)
    shows(engine, "v1")
    return engine


def promote_second():
    git_repository.another_model("second")
    store_model()
    git("push", "--quiet", "origin", "main")
    facts = {"model": manifest.file_sha256(MODEL / "manifest.json"), "serves": 2}
    versions.publish(git("rev-parse", "HEAD"), git_repository.RECORD | facts, "promoted", versions.local(promoting=True))


def shows(engine, name):
    """From now on the engine's images have the labels of that version."""
    version = versions.find(name, versions.local())
    engine.answer("inspect", json.dumps(image.image_labels(version, "churn")))


def deployed(engine, name):
    shows(engine, name)
    result = run("deploy", "prod", name)
    assert result.exit_code == 0, result.output
    assert not result.stderr
    return result.stdout


def started(engine):
    return [call[5] for call in engine.calls if call[0] == "compose"]


def kept():
    """The commit of the branch."""
    git("fetch", "--quiet", "origin", records.BRANCH.name)
    return git("rev-parse", "FETCH_HEAD")


def names():
    return git("ls-tree", "--name-only", kept()).splitlines()


def rollback(*options):
    return run("rollback", "-m", "why", "--deploy", "prod", *options)


def test_earlier_image_serves_again_and_nothing_is_built(prod, monkeypatch):
    asked = []
    monkeypatch.setattr(smoke_test, "check_service", lambda request, version: iter([asked.append(version.name) or "asked"]))
    result = rollback()
    assert result.exit_code == 0, result.output
    assert "✓ model/v3 is the champion, with the model of v1 (unsigned)\n" in result.stdout
    assert f"✓ {IMAGE} is the image of v1, by its provenance, unsigned\n" in result.stdout
    assert re.search(rf"✓ {IMAGE} serves at {HOST}, healthy after \d+\.\d s\n$", result.stdout)
    assert {path.name.partition(".")[0] for path in SBOM.iterdir()} == {"v1"}
    assert asked == ["v1"] and started(prod) == ["up", "up", "up"] and "build" not in {call[0] for call in prod.calls}
    assert ["pull", "--quiet", IMAGE] in prod.calls
    last = json.loads(git("show", f"{kept()}:prod.v1.json"))
    assert (last["version"], last["built"], last["image"]) == ("v3", "v1", IMAGE) and last["seconds"] >= 0


def test_champion_that_a_rollback_made_has_the_earlier_image(prod):
    assert run("rollback", "-m", "why").exit_code == 0
    assert f"✓ {IMAGE} serves at {HOST}" in run("deploy", "prod").stdout
    assert refused("deploy", "prod", "v1").startswith("SUPERSEDED: v3 is the champion by now")
    assert refused("deploy", "prod", "v2").startswith("SUPERSEDED: v3 is the champion by now")


def test_image_that_was_built_for_the_rollback_is_taken_where_it_is_named(prod):
    assert run("rollback", "-m", "why").exit_code == 0
    third = versions.local()[-1]
    built = f"{REGISTRY}@sha256:{'3' * 64}"
    release(third, built)
    shows(prod, "v3")
    assert f"{built} is the image of v3" in run("deploy", "prod", "v3", "--image", built).stdout


def rewrite(commit, files):
    """Put the commit with other files on the branch, as who may push could; nothing of it is here."""
    shutil.rmtree(SBOM, ignore_errors=True)
    lines = {line.partition("\t")[2]: line for line in git("ls-tree", commit).splitlines()}
    for name, content in files.items():
        lines.pop(name, None)
        if content is not None:
            lines[name] = f"100644 blob {git('hash-object', '-w', '--stdin', stdin=content)}\t{name}"
    tree = git("mktree", stdin="".join(f"{line}\n" for line in lines.values()))
    git("push", "--quiet", "--force", "origin", f"{git('commit-tree', tree, '-m', 'x')}:refs/heads/{records.BRANCH.name}")


def is_refused_and_changes_nothing(engine, code):
    before, calls = git("tag", "--list"), started(engine)
    line = refused("rollback", "-m", "why", "--deploy", "prod")
    assert line.startswith(code), line
    assert git("tag", "--list") == before and started(engine) == calls


def test_what_cannot_be_had_is_refused_before_there_is_a_version(prod):
    commit = kept()
    for name in ("v1.provenance.json", "v1.cdx.json"):
        rewrite(commit, {name: None})
        is_refused_and_changes_nothing(prod, f"PROVENANCE: reports/sbom/{name} is missing")
    rewrite(commit, {"v1.provenance.json": git("show", f"{commit}:v1.provenance.json").replace(model("v1"), model("v2"))})
    is_refused_and_changes_nothing(prod, "PROVENANCE: reports/sbom/v1.provenance.json states model")
    assert [*SBOM.iterdir()] == []
    rewrite(commit, {})
    shows(prod, "v2")
    is_refused_and_changes_nothing(prod, f"IMAGE_FOREIGN: {IMAGE} is not the image of v1")
    for command in ("pull", "version"):
        prod.fail(command)
    is_refused_and_changes_nothing(prod, f"HOST_UNREACHABLE: {HOST}: ")


def model(name):
    return versions.find(name, versions.local()).facts["model"]


def test_earlier_image_that_does_not_start(prod, monkeypatch):
    def differing(request, version):
        raise smoke_test.FactoryError("SCORES_DIFFER: by much")
        yield

    monkeypatch.setattr(smoke_test, "check_service", differing)
    result = rollback()
    assert result.exit_code == 1
    assert result.stderr == (
        "! v3 is the champion, but not deployed to prod: `uv run factory deploy prod v3`\nError: SCORES_DIFFER: by much\n"
    )
    assert [call[5] for call in prod.calls if call[0] == "compose"][-2:] == ["up", "up"]  # the second of what served


def test_of_two_at_once_one_is_refused(prod, monkeypatch):
    push = versions._push

    def overtaken(remote, tag, name):
        monkeypatch.setattr(versions, "_push", push)
        git("push", "--quiet", remote, f"model/v2:refs/tags/{name}")
        push(remote, tag, name)

    monkeypatch.setattr(versions, "_push", overtaken)
    calls = started(prod)
    result = rollback()
    assert result.exit_code == 1 and "somebody else made model/v3 at the same time" in result.stderr
    assert started(prod) == calls


def test_forged_proofs_are_refused_where_signatures_are_required(released, monkeypatch, tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys")
    write_environments(prod={"host": HOST, "registry": REGISTRY})
    signing_key.require(monkeypatch, keys / "zoe")
    git_repository.share(tmp_path_factory.mktemp("remote"))
    git("tag", "--delete", "model/v1")
    facts = {"model": manifest.file_sha256(MODEL / "manifest.json")}
    first = versions.publish(git("rev-parse", "HEAD"), git_repository.RECORD | facts, "promoted", [])
    release(first, IMAGE)
    prod = deploy_both(released)
    assert "prod.v1.json.sig" in names()
    commit = kept()
    forged = git("show", f"{commit}:v1.provenance.json").replace("1" * 64, "6" * 64)
    rewrite(commit, {"v1.provenance.json": forged})
    is_refused_and_changes_nothing(prod, "PROVENANCE: SIGNATURE_INVALID: ")
    rewrite(commit, {"v1.provenance.json": forged, "v1.provenance.json.sig": None})
    is_refused_and_changes_nothing(prod, "PROVENANCE: UNSIGNED: ")
    assert not provenance.path_of(first).with_name("v1.provenance.json.sig").exists()


def test_what_cannot_be_recorded_is_deployed_all_the_same(prod, monkeypatch):
    git_repository.become(monkeypatch, "Ann", "ann@example.com")  # by the same person in the same second it is the same record
    git("remote", "set-url", "--push", "origin", "/nowhere")
    result = run("deploy", "prod", "v2")
    assert result.exit_code == 1 and result.stderr.startswith("Error: IMAGE_FOREIGN")
    shows(prod, "v2")
    result = run("deploy", "prod", "v2")
    assert result.exit_code == 0 and result.stderr.startswith("! Not recorded on the branch factory/deployments: ")


def test_records_of_two_environments_are_kept_beside_each_other(prod, monkeypatch):
    shows(prod, "v2")
    written = records.BRANCH.write
    overtaken = []

    def write(branch, remote, head, *arguments):
        if not overtaken:
            overtaken.append(written(remote, head, {"test.v9.json": Path("params.yaml")}, add=True))
        return written(remote, head, *arguments)

    monkeypatch.setattr(type(records.BRANCH), "write", write)
    deployed(prod, "v2")
    assert {"test.v9.json", "prod.v1.json", "prod.v2.json", "v1.provenance.json", "v2.cdx.json"} <= set(names())


def test_drifted_environment_is_noticed(prod):
    assert f"✓ prod runs {SECOND}, which Zoë" in run("deploy", "prod", "--check").stdout
    prod.answer("ps", IMAGE)
    assert refused("deploy", "prod", "--check").startswith(f"DRIFTED: prod runs {IMAGE}, not {SECOND}, which Zoë")
    prod.answer("ps", "")
    assert refused("deploy", "prod", "--check").startswith(f"DRIFTED: prod runs nothing, not {SECOND}")
    write_environments(dev={"host": HOST})
    result = run("deploy", "dev", "--check")
    assert result.exit_code == 2 and "NOT_RECORDED: factory/deployments has no record of dev" in result.stderr
