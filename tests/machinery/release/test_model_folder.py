"""A version's model in a folder of its own."""

from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.release import model_folder
from late_flights.factory.scoring import artifact
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run

from machinery import signing_key
from machinery.release.fake_docker import built, publish_version


@pytest.fixture
def zoe(tmp_path_factory, monkeypatch):
    return signing_key.use(monkeypatch, tmp_path_factory.mktemp("keys") / "zoe", "zoe@example.com")


def exported(*arguments):
    result = run("export", "model", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_model_is_the_versions_and_signed(version, zoe):
    assert exported("away", "v1") == "✓ v1: away, signed\n"
    assert artifact.load(Path("away"), zoe)
    assert artifact.read_version(Path("away")) == {
        "version": "v1",
        "commit": version.commit,
        "model": version.facts["model"],
    }
    git_repository.another_model("second")
    publish_version()
    assert exported("champion") == "✓ v2: champion, signed\n"


@pytest.mark.usefixtures("version")
def test_without_a_key_it_is_not_signed():
    assert exported("away") == "✓ v1: away, not signed\n"
    assert not Path("away/manifest.json.sig").exists()


@pytest.mark.usefixtures("version")
def test_nothing_is_left_of_what_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("FACTORY_SIGNING_KEY", "/nowhere")
    assert "ssh-keygen" in refused("export", "model", "away")
    assert not [*Path().glob("*away*")]
    Path("taken").mkdir()
    assert refused("export", "model", "taken") == "taken exists already: choose a new folder"


@pytest.mark.usefixtures("version")
def test_image_holds_the_signature(engine, zoe):
    built()
    assert artifact.load(engine.context / "model", zoe)
    assert manifest.file_sha256(engine.context / "model/manifest.json") == model_folder.choose(None).facts["model"]
