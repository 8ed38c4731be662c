"""A disaster: all that is left of a project is its Git remote and its storage, or a clone whose storage is lost."""

import json
import shutil
import urllib.request
from pathlib import Path

import pytest
import yaml
from conftest import git
from workshop import Governed, beside, free_port, gate, ready, run, serving, wait

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def promoted(template, tmp_path_factory) -> Governed:
    """A project with two versions; not to be changed."""
    made = gate(template, tmp_path_factory)
    project = Governed(beside(made, tmp_path_factory.mktemp("lost") / "x"), made.bin)
    project.set("max_iter: 60", "max_iter: 160")
    project.train("More trees")
    project.done("factory", "promote", "-m", "more trees")
    return project


@pytest.fixture
def left(promoted, tmp_path) -> Path:
    """The folder with the Git remote and the storage, and nothing else of the project."""
    for name in ("hub.git", "gate-storage"):
        shutil.copytree(promoted.folder.parent / name, tmp_path / "left" / name)
    return tmp_path / "left"


@pytest.fixture
def clone(promoted, left) -> Governed:
    """A clone with nothing of the storage, in which the environment of the others works."""
    git(left, "clone", "--quiet", "hub.git", "clone")
    return Governed(left / "clone", promoted.bin)


def objects(storage: Path) -> dict[str, bytes]:
    return {path.relative_to(storage).as_posix(): path.read_bytes() for path in storage.rglob("*") if path.is_file()}


def test_an_empty_machine_gets_a_working_project_from_git_and_storage_alone(promoted, left, tmp_path):
    clean = {"HOME": str(tmp_path / "home"), "PYTHONPATH": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None}
    (tmp_path / "home").mkdir()
    git(left, "clone", "--quiet", "hub.git", "churn")
    project = left / "churn"
    done = run(project, "uv", "run", "--quiet", "factory", "restore", **clean)
    assert "Next: uv run pytest" in done and "! " not in done, done
    assert (project / "model/model.onnx").read_bytes() == promoted.model()
    assert (project / ".git/hooks/pre-commit").exists()
    assert git(project, "tag") == "model/v1\nmodel/v2" and git(project, "status", "--porcelain") == ""
    for command in (("pytest", "-q"), ("factory", "audit"), ("factory", "verify", "v2", "--quick")):
        run(project, "uv", "run", *command, **clean)
    port = free_port()
    with serving(port, ".venv/bin/factory", "serve", "--port", port, folder=project):
        assert wait(lambda: ready(port), 60)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/version") as response:
            assert json.load(response)["version"] == "v2"
    assert run(project, "uv", "run", "--quiet", "factory", "restore", **clean) == done, "it can be repeated"


def object_of(project: Governed, version: str, path: str) -> Path:
    """The object in the storage of the version's file, by its pointer or dvc.lock."""
    name, _, inside = path.partition("/") if path.startswith("model/") else (path, "", "")
    if inside:
        lock = yaml.safe_load(git(project.folder, "show", f"model/{version}:dvc.lock"))
        [md5] = [out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", ()) if out["path"] == name]
        listing = json.loads((project.folder.parent / "gate-storage/files/md5" / md5[:2] / md5[2:]).read_bytes())
        [md5] = [entry["md5"] for entry in listing if entry["relpath"] == inside]
    else:
        [out] = yaml.safe_load(git(project.folder, "show", f"model/{version}:{path}.dvc"))["outs"]
        md5 = out["md5"]
    return Path("files/md5", md5[:2], md5[2:])


def test_what_the_storage_lacks_is_named_by_file_and_version(promoted, left, clone):
    delivery = f"data/raw/{promoted.ledger()[0]}"
    model, data = (left / "gate-storage" / object_of(promoted, *what) for what in (("v1", "model/model.onnx"), ("v2", delivery)))
    whole = objects(left / "gate-storage")
    model.unlink()
    data.chmod(0o644)
    data.write_bytes(b"rot")
    code, _, err = clone.run("factory", "restore")
    [line] = err.splitlines()
    assert code == 2 and line.startswith(f"Error: STORAGE: {left / 'gate-storage'} lacks "), err
    assert f"{delivery} of v1; model of v1; {delivery} of v2" in line and "model of v2" not in line
    assert "`uv run factory restore --storage URL`" in line and not (clone.folder / "model").exists()
    git(left, "clone", "--quiet", "hub.git", "elsewhere")
    elsewhere = Governed(left / "elsewhere", promoted.bin)
    shutil.copytree(promoted.folder / ".dvc/cache", elsewhere.folder / ".dvc/cache")
    assert "lacks " in elsewhere.refused("factory", "restore", "--storage", "../gate-storage")
    assert git(elsewhere.folder, "status", "--porcelain") == ""
    for name, content in whole.items():
        (left / "gate-storage" / name).unlink(missing_ok=True)
        (left / "gate-storage" / name).write_bytes(content)
    assert "Next: uv run pytest" in clone.done("factory", "restore")


@pytest.mark.nightly
def test_history_is_completed_damage_fetched_again_and_what_was_erased_not_missed(promoted, left):
    git(left, "clone", "--quiet", "--depth=1", f"file://{left}/hub.git", "shallow")
    clone = Governed(left / "shallow", promoted.bin)
    clone.done("factory", "restore")
    assert git(clone.folder, "rev-list", "--count", "HEAD") == git(promoted.folder, "rev-list", "--count", "HEAD")
    damaged = clone.folder / ".dvc/cache" / object_of(promoted, "v1", "model/model.onnx")
    kept = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(b"rot")
    erased = clone.ledger()[0]
    clone.done("factory", "ledger", "--erase", erased, "-m", "ours no longer")
    git(clone.folder, "add", "--all")
    git(clone.folder, "commit", "--quiet", "--no-verify", "--message", "Erase a delivery")
    git(clone.folder, "push", "--quiet", "origin", "HEAD:main")
    for place in (left / "gate-storage", clone.folder / ".dvc/cache"):
        (place / object_of(promoted, "v1", f"data/raw/{erased}")).unlink()
    clone.done("factory", "restore")
    assert damaged.read_bytes() == kept and erased not in clone.raw()


def test_a_lost_storage_is_replaced_from_what_a_clone_has(left, clone):
    before = objects(left / "gate-storage")
    clone.done("factory", "restore")
    shutil.rmtree(left / "gate-storage")
    shutil.rmtree(clone.folder / "model")
    done = clone.done("factory", "restore", "--storage", "../new storage")
    assert 'git commit -m "Replace the storage" .dvc/config' in done and (clone.folder / "model/model.onnx").exists()
    assert objects(left / "new storage") == before and before
    assert "url = ../../new storage" in (clone.folder / ".dvc/config").read_text("utf-8")
    assert not (clone.folder / ".dvc/config.local").exists()


def test_what_cannot_be_done_is_refused_in_one_line_and_changes_nothing(clone):
    config = (clone.folder / ".dvc/config").read_bytes()
    (clone.folder.parent / "file").touch()
    clone.refused("factory", "restore", "--storage", "../file/storage")
    (clone.folder / "environments.yaml").write_text("prod: {storage: nowhere}\n")
    assert "nowhere is not a remote in .dvc/config, which has storage" in clone.refused(
        "factory", "restore", "--environment", "prod"
    )
    assert (clone.folder / ".dvc/config").read_bytes() == config and not (clone.folder / ".dvc/config.local").exists()
    git(clone.folder, "remote", "remove", "origin")
    assert "git clone URL" in clone.refused("factory", "restore")
