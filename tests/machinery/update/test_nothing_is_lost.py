"""Whether it succeeds, fails or may not begin: an update loses nothing of a person's work."""

import shutil
import subprocess
from pathlib import Path

import pytest
from late_flights.factory.errors import FactoryError
from late_flights.factory.update import releases
from tests.factory.cli_runner import refused, run

from machinery.update.made_up_releases import ANSWERS, FACTORY, LINES, NEW, edit, git, updated, write


@pytest.mark.usefixtures("release")
def test_nothing_stays_of_an_update_that_fails(monkeypatch):
    edit({"dropped.txt": f"{LINES}mine\n", f"{FACTORY}/errors.py": LINES.replace("line 3\n", "mine\n")})
    monkeypatch.setattr("late_flights.factory.update.update.changes.apply", lambda before: 1 / 0)
    assert isinstance(run("update").exception, ZeroDivisionError)
    assert git("status", "--porcelain") == "" and not Path(FACTORY, "errors.py.patch").exists()


@pytest.mark.usefixtures("release")
def test_what_changes_while_the_releases_are_rendered_stays(monkeypatch):
    render = releases._run_copier

    def slow(**request: object) -> dict[str, str]:
        write(Path(), {"Dockerfile": "mine\n", "new.txt": "mine\n"})
        return render(**request)

    monkeypatch.setattr(releases, "_run_copier", slow)
    assert "uncommitted changes" in refused("update")
    assert Path("Dockerfile").read_text() == Path("new.txt").read_text() == "mine\n"


@pytest.mark.usefixtures("release")
def test_what_git_is_told_to_overlook_stays():
    git("update-index", "--assume-unchanged", "mine.txt")
    Path("mine.txt").write_text("local\n")
    assert refused("update").startswith("mine.txt: is marked as unchanged: ")
    git("update-index", "--no-assume-unchanged", "mine.txt")
    git("update-index", "--skip-worktree", "mine.txt", "Dockerfile")
    Path("Dockerfile").write_text("local\n")
    assert "would be overwritten" in refused("update")
    assert Path("mine.txt").read_text() == Path("Dockerfile").read_text() == "local\n"


@pytest.mark.usefixtures("release")
def test_work_in_a_submodule_stays(tmp_path, monkeypatch):
    shutil.copytree(Path(), tmp_path / "other")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "other")
    git("config", "--file", ".gitmodules", "submodule.other.ignore", "all")
    git("config", "submodule.recurse", "true")
    edit({})
    Path("other/mine.txt").write_text("local\n")
    monkeypatch.setattr("late_flights.factory.update.update.changes.apply", lambda before: 1 / 0)
    assert isinstance(run("update").exception, ZeroDivisionError)
    assert Path("other/mine.txt").read_text() == "local\n"


@pytest.fixture
def leftover(old_project: Path) -> None:
    """What `copier update` leaves of a conflict."""
    Path(ANSWERS).write_text(NEW[ANSWERS])
    blob = git("hash-object", "-w", "mine.txt").strip()
    index = "".join(f"100644 {blob} {stage}\tDockerfile\n" for stage in (1, 2, 3))
    subprocess.run(["git", "update-index", "--index-info"], input=f"0 {'0' * 40}\tDockerfile\n{index}", text=True, check=True)
    Path("Dockerfile").write_text("<<<<<<< before updating\n")


@pytest.mark.usefixtures("release", "leftover")
def test_what_copier_left_is_stashed():
    assert "git stash list" in "".join(updated(3))
    assert Path("Dockerfile").read_text() == NEW["Dockerfile"]
    assert "<<<<<<<" in git("show", "stash@{0}:Dockerfile")


@pytest.mark.usefixtures("release", "leftover")
def test_update_that_fails_says_where_what_copier_left_is(monkeypatch):
    def fail(before: str) -> list[str]:
        raise FactoryError("the disk is full")

    monkeypatch.setattr("late_flights.factory.update.update.changes.apply", fail)
    assert refused("update").startswith("the disk is full; what Copier's update had left is in `git stash list`")


@pytest.mark.parametrize("mine", ["Müll".encode("latin-1"), b"line\r\nends"])
def test_bytes_of_the_projects_lines_stay(release, mine):
    release({".dockerignore": "a\nb\n"}, {".dockerignore": "a\n"})
    Path(".dockerignore").write_bytes(b"a\n" + mine + b"\n")
    edit({})
    updated(0)
    assert mine in Path(".dockerignore").read_bytes() and b"b" in Path(".dockerignore").read_bytes()


def test_what_is_not_a_folder_stays(release):
    release({"ops/new.txt": "theirs\n", "deploy/a.txt": f"{LINES}theirs\n"}, {"deploy/a.txt": LINES})
    Path("deploy").symlink_to("elsewhere")
    edit({"ops": "mine\n", "elsewhere/a.txt": LINES})
    lines = updated(3)
    assert "! ops/new.txt: ops is not a folder in the project: not delivered" in lines
    assert "! deploy/a.txt: deploy is not a folder in the project: not delivered" in lines
    assert Path("ops").read_text() == "mine\n" and Path("deploy").is_symlink() and Path("elsewhere/a.txt").read_text() == LINES


@pytest.mark.usefixtures("release")
def test_link_in_place_of_a_module_stays(tmp_path):
    (tmp_path / "shared.py").write_text("mine\n")
    Path(FACTORY, "errors.py").unlink()
    Path(FACTORY, "errors.py").symlink_to(tmp_path / "shared.py")
    edit({})
    assert any(line.startswith(f"! {FACTORY}/errors.py: is yours and stays; ") for line in updated(3))
    assert Path(FACTORY, "errors.py").is_symlink() and (tmp_path / "shared.py").read_text() == "mine\n"


@pytest.mark.usefixtures("release")
def test_patch_and_release_beside_are_committed_even_if_such_files_are_ignored():
    edit({".gitignore": "*.patch\n*.factory\n", "Dockerfile": "FROM mine\n", f"{FACTORY}/errors.py": "mine\n"})
    updated(3)
    assert {"Dockerfile.factory", f"{FACTORY}/errors.py.patch"} < set(git("diff", "--cached", "--name-only").splitlines())
