"""An image is of a version: its commit and its model, checked before they go in and after."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from .. import artifact, build, champion, digest, inventory, sbom, versions
from . import repository
from .command import refused, run

ENGINE = """#!{python}
import json, shutil, sys
from pathlib import Path
here = Path(__file__).parent
with (here / "calls").open("a") as log:
    print(json.dumps(sys.argv[1:]), file=log)
if sys.argv[1] == "build":
    shutil.copytree(".", here / "context")
    [image] = [Path(option.partition("=")[2]) for option in sys.argv if option.startswith("--iidfile=")]
    image.write_text("sha256:1234")
if (here / f"no {{sys.argv[1]}}").exists():
    sys.exit("no such luck")
if sys.argv[-1].startswith('"'):
    print((here / "listed").read_text())
"""
STORED = Path(".dvc/stored")
PROJECT = {
    "Dockerfile": "FROM scratch\n",
    "pyproject.toml": '[project]\nname = "late-flights"\n',
    "note.txt": "of the version",
    ".gitignore": "/.dvc\n/data/prepared\n/model\n/reports\n",
}
LISTED = {
    "python": "3.13.0",
    "system": {"ID": "debian", "VERSION_ID": "12"},
    "distributions": [
        {"name": "late-flights", "version": "0.1.0", "license": None},
        {"name": "numpy", "version": "2.5.0", "license": "BSD-3-Clause AND 0BSD"},
        {"name": "odd", "version": "1", "license": "Our own terms"},
    ],
    "packages": [{"name": "libc6", "version": "2.36-9", "architecture": "amd64"}],
}


class Engine:
    """A program in place of Docker that writes down what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.named("docker")
        (folder / "listed").write_text(json.dumps(LISTED))

    def named(self, name: str) -> None:
        program = self.folder / name
        program.write_text(ENGINE.format(python=sys.executable))
        program.chmod(0o755)

    def fails(self, command: str) -> None:
        (self.folder / f"no {command}").touch()

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    @property
    def context(self) -> Path:
        return self.folder / "context"


@pytest.fixture
def engine(committed, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("bin")
    for program in ("git", "sh"):
        (folder / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", str(folder))
    return Engine(folder)


@pytest.fixture
def version(committed, monkeypatch):
    """A version of the toy; DVC brings what is stored."""
    monkeypatch.setattr(champion, "fetch", lambda commit, folder: shutil.copytree(STORED, folder))
    return publish(**PROJECT)


def store() -> None:
    shutil.rmtree(STORED, ignore_errors=True)
    shutil.copytree(artifact.MODEL, STORED)


def publish(**files: str) -> versions.Version:
    store()
    commit = repository.commit(**files)
    model = digest.of_file(artifact.MODEL / "manifest.json")
    return versions.publish(commit, repository.RECORD | {"model": model}, "promoted", versions.known())


def made(*arguments: str) -> str:
    result = run("build", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_image_is_of_the_version_not_of_the_working_tree(engine, version):
    repository.commit(**{"note.txt": "of a later commit"})
    Path("note.txt").write_text("of nobody's commit")
    (artifact.MODEL / "manifest.json").write_text("another")
    before = repository.git("status", "--porcelain")
    assert made() == "✓ late-flights:v1\n✓ reports/sbom/v1.cdx.json\n"
    assert (engine.context / "note.txt").read_text() == "of the version"
    assert digest.of_file(engine.context / "model/manifest.json") == version.facts["model"]
    stamp = json.loads((engine.context / "model/version.json").read_text())
    assert (stamp["version"], stamp["commit"]) == ("v1", version.commit)
    assert repository.git("status", "--porcelain") == before


def test_labels_say_what_it_is(engine, version):
    made("v1")
    labels = dict(option.removeprefix("--label=").split("=") for option in engine.calls[0] if "--label" in option)
    assert labels == {
        "org.opencontainers.image.title": "late-flights",
        "org.opencontainers.image.version": "v1",
        "org.opencontainers.image.revision": version.commit,
        "factory.data": version.facts["data"],
        "factory.model": version.facts["model"],
    }


def test_champion_unless_another_is_named(engine, version):
    repository.another_model("second")
    publish()
    assert "late-flights:v2" in made()
    assert refused("build", "v3") == "there is no version v3: v1, v2"


@pytest.mark.usefixtures("version")
def test_model_without_onnx_keeps_scikit_learn(engine):
    made()
    assert f"--build-arg=PRUNE={build.NO_ESTIMATOR}" in engine.calls[0]
    facts = digest.unseal(artifact.MODEL)
    del facts["files"]
    for name in ("model.onnx", "manifest.json"):
        (artifact.MODEL / name).unlink()
    digest.seal(artifact.MODEL, facts)
    publish()
    shutil.rmtree(engine.context)
    made("v2")
    assert not [option for option in engine.calls[-4] if "PRUNE" in option]


@pytest.mark.usefixtures("version")
def test_image_is_named_once_it_was_seen_to_work(engine):
    made()
    commands = [call[0] for call in engine.calls]
    assert commands == ["build", "run", "run", "tag"] and engine.calls[-1] == ["tag", "sha256:1234", "late-flights:v1"]
    loaded = engine.calls[1]
    assert champion.LOAD in loaded and {"--network=none", "--read-only", "--cap-drop=ALL"} <= set(loaded)
    engine.fails("run")
    shutil.rmtree(engine.context)
    assert refused("build").endswith("failed: no such luck")
    assert [call[0] for call in engine.calls[4:]] == ["build", "run"]


@pytest.mark.usefixtures("version")
def test_failing_build_is_one_line_below_what_the_engine_says(engine, capfd):
    engine.fails("build")
    assert refused("build") == "`docker build` failed with exit code 1: see what it says above"
    assert "no such luck" in capfd.readouterr().err


@pytest.mark.usefixtures("version")
def test_podman_does_as_well(engine):
    (engine.folder / "docker").rename(engine.folder / "podman")
    made()
    (engine.folder / "podman").unlink()
    assert refused("build") == "neither docker nor podman is installed, or on PATH"


@pytest.mark.usefixtures("engine")
def test_nothing_is_promoted_yet():
    assert refused("build") == "nothing has been promoted yet: run `factory promote`"


@pytest.mark.usefixtures("engine")
def test_version_of_a_time_before_the_dockerfile():
    publish()
    assert refused("build").startswith("v1 is of a time before the Dockerfile")


@pytest.mark.usefixtures("version")
def test_model_that_is_not_the_one_promoted_is_refused(engine):
    repository.another_model("second")
    store()
    assert "is not the model that became v1" in refused("build")
    shutil.rmtree(champion.WORKTREES)
    (STORED / "model.onnx").write_bytes(b"")
    assert "model.onnx is damaged" in refused("build")
    assert not (engine.folder / "calls").exists()


@pytest.mark.usefixtures("engine")
def test_list_names_all_that_is_in_it(version):
    made()
    bill = json.loads((sbom.FOLDER / "v1.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    found = {component["name"]: component for component in bill["components"]}
    assert found.keys() == {"cpython", "late-flights", "late-flights-model", "libc6", "numpy", "odd"}
    assert found["numpy"]["purl"] == "pkg:pypi/numpy@2.5.0" and "purl" not in found["late-flights"]
    assert found["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12"
    assert found["numpy"]["licenses"] == [{"expression": "BSD-3-Clause AND 0BSD"}]
    assert found["odd"]["licenses"] == [{"license": {"name": "Our own terms"}}]
    model = found["late-flights-model"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": version.facts["model"]}]
    whole = bill["metadata"]["component"]
    assert (whole["name"], whole["version"], whole["type"]) == ("late-flights", "v1", "container")


def test_inventory_is_of_what_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(inventory.platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    status = "Package: {}\nStatus: {}\nArchitecture: all\nVersion: 1\n"
    dpkg = tmp_path / "status"
    dpkg.write_text(f"{status.format('here', 'install ok installed')}\n{status.format('gone', 'deinstall ok config-files')}")
    found = inventory.inventory(dpkg)
    assert found["packages"] == [{"name": "here", "version": "1", "architecture": "all"}]
    licenses = {each["name"]: each["license"] for each in found["distributions"]}
    assert licenses["polars"] == "MIT License" and licenses["click"] == "BSD-3-Clause"
