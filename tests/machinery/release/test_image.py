"""An image is of a version: its commit and its model, checked before they go in and after."""

import json
import shutil
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.paths import MODEL
from late_flights.factory.registry import champion
from late_flights.factory.release import image
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run

from machinery.release.fake_docker import STORED, built, publish_version, store_model


def test_image_is_of_the_version_not_of_the_working_tree(engine, version):
    git_repository.commit(**{"note.txt": "of a later commit"})
    Path("note.txt").write_text("of nobody's commit")
    (MODEL / "manifest.json").write_text("another")
    before = git_repository.git("status", "--porcelain")
    assert built() == "✓ churn:v1\n✓ reports/sbom/v1.cdx.json\n"
    assert (engine.context / "note.txt").read_text() == "of the version"
    assert manifest.file_sha256(engine.context / "model/manifest.json") == version.facts["model"]
    stamp = json.loads((engine.context / "model/version.json").read_text())
    assert (stamp["version"], stamp["commit"]) == ("v1", version.commit)
    assert git_repository.git("status", "--porcelain") == before


def test_labels_say_what_it_is(engine, version):
    built("v1")
    labels = dict(option.removeprefix("--label=").split("=") for option in engine.calls[0] if "--label" in option)
    assert labels == {
        "org.opencontainers.image.title": "churn",
        "org.opencontainers.image.version": "v1",
        "org.opencontainers.image.revision": version.commit,
        "factory.data": version.facts["data"],
        "factory.model": version.facts["model"],
    }


def test_champion_unless_another_is_named(engine, version):
    git_repository.another_model("second")
    publish_version()
    assert "churn:v2" in built()
    assert refused("build", "v3") == "there is no version v3: v1, v2"


@pytest.mark.usefixtures("version")
def test_model_without_onnx_keeps_scikit_learn(engine):
    built()
    assert f"--build-arg=PRUNE={image.NO_ESTIMATOR}" in engine.calls[0]
    facts = manifest.read_manifest(MODEL)
    del facts["files"]
    for name in ("model.onnx", "manifest.json"):
        (MODEL / name).unlink()
    manifest.write_manifest(MODEL, facts)
    publish_version()
    shutil.rmtree(engine.context)
    built("v2")
    assert not [option for option in engine.calls[-4] if "PRUNE" in option]


def own_options(text: str) -> None:
    git_repository.another_model("second")
    publish_version(**{"pyproject.toml": f'[project]\nname = "churn"\n[tool.factory]\nbuild = {text}\n'})


@pytest.mark.usefixtures("version")
def test_options_of_the_project_are_the_last(engine):
    own_options('["--build-arg=PYTHON=3.12", "--pull"]')
    built()
    assert engine.calls[0][-3:] == ["--build-arg=PYTHON=3.12", "--pull", "."]


@pytest.mark.parametrize("text", ['"--pull"', '["PYTHON=3.12"]', "[3.12]"])
@pytest.mark.usefixtures("version")
def test_options_that_are_none(engine, text):
    own_options(text)
    assert refused("build").startswith("pyproject.toml: `build` below [tool.factory] is a list") and not engine.calls


@pytest.mark.usefixtures("version")
def test_image_is_named_once_it_was_seen_to_work(engine):
    built()
    commands = [call[0] for call in engine.calls]
    assert commands == ["build", "run", "run", "tag"] and engine.calls[-1] == ["tag", "sha256:1234", "churn:v1"]
    loaded = engine.calls[1]
    assert champion.LOAD in loaded and {"--network=none", "--read-only", "--cap-drop=ALL"} <= set(loaded)
    engine.fail("run")
    shutil.rmtree(engine.context)
    assert refused("build") == "image failed its load test and was not tagged: no such luck"
    assert [call[0] for call in engine.calls[4:]] == ["build", "run"]


@pytest.mark.usefixtures("version")
def test_failing_build_is_one_line_below_what_the_engine_says(engine, capfd):
    engine.fail("build")
    assert refused("build") == "`docker build` failed with exit code 1: see its output above"
    assert "no such luck" in capfd.readouterr().err


@pytest.mark.usefixtures("version")
def test_podman_does_as_well(engine):
    (engine.folder / "docker").rename(engine.folder / "podman")
    built()
    (engine.folder / "podman").unlink()
    assert refused("build") == "neither docker nor podman is on PATH: install one of them"


@pytest.mark.usefixtures("engine")
def test_nothing_is_promoted_yet():
    assert refused("build").startswith("no model has been promoted yet: run `uv run factory promote")


@pytest.mark.usefixtures("engine")
def test_version_of_a_time_before_the_dockerfile():
    publish_version()
    assert refused("build").startswith("the commit of v1 has no Dockerfile yet")


@pytest.mark.usefixtures("version")
def test_model_that_is_not_the_one_promoted_is_refused(engine):
    git_repository.another_model("second")
    store_model()
    result = run("build")
    assert result.exit_code == 2 and result.stderr.startswith(
        "Error: CHAMPION_CHANGED: v1 has another model than the one promoted"
    )
    (STORED / "model.onnx").write_bytes(b"")
    assert "model.onnx is damaged" in run("build").stderr
    assert not (engine.folder / "calls").exists()
