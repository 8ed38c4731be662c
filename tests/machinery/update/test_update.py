"""`factory update` merges what a release changes, and what Git cannot merge by the format; or changes nothing."""

import shutil
import tomllib
from pathlib import Path

import pytest
from late_flights.factory.update.update import Update
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run

from machinery.update.made_up_releases import FACTORY, LINES, NEW, edit, git, updated

NEXT = "uv sync, uv run factory check, uv run pytest, and commit"


@pytest.mark.usefixtures("release")
def test_what_the_release_changes_arrives():
    assert updated(0) == [f"✓ Template updated from 1.0.0 to 1.1.0; next: {NEXT}"]
    assert {name: Path(name).read_text() for name in NEW} == NEW
    assert Path("mine.txt").read_text() == "mine\n" and not Path("dropped.txt").exists()
    assert not Path("docs").exists()


def test_what_is_to_be_done_and_what_changed_is_said_last():
    done = Update("1.0.0", "1.0.0", pending=["do it"], answers={"ci": "github", "license": "MIT"})
    assert done.lines() == [
        "! do it",
        f"✓ Answers changed: ci=github, license=MIT; next: do what the lines with ! say, then {NEXT}",
    ]
    assert done.lines(with_pending=False) == [f"✓ Answers changed: ci=github, license=MIT; next: {NEXT}"]
    [moved] = Update("1.0.0", "1.0.0", answers={"_src_path": "there"}).lines()
    assert "_src_path=there (give --template again until a newer release has come from there); next" in moved


@pytest.mark.usefixtures("release")
def test_changes_of_both_sides_are_merged():
    edit({"Dockerfile": LINES.replace("line 15\n", "mine\n")})
    assert "✓ Dockerfile: has your changes and the release's" in updated(0)
    assert Path("Dockerfile").read_text() == NEW["Dockerfile"].replace("line 15\n", "mine\n")


@pytest.mark.usefixtures("release")
def test_a_conflict_is_named_and_its_lines_are_marked():
    edit({"Dockerfile": LINES.replace("line 3\n", "mine\n")})
    lines = updated(2)
    assert "✗ Dockerfile: conflict: edit the marked lines" in lines
    assert lines[-1].endswith(f"next: resolve the conflicts in Dockerfile, then {NEXT}")
    assert "<<<<<<<" in Path("Dockerfile").read_text() and git("ls-files", "--unmerged", "Dockerfile")
    assert "the last update's conflicts are not resolved" in refused("update")


def test_key_that_both_sides_added_is_there_once(release):
    old = "services:\n  app:\n    image: one\n    ports: [80]\n    user: me\n  other:\n    image: two\n"
    release({"compose.yaml": f"services:\n  cache:\n    image: redis\n{old[10:]}"}, {"compose.yaml": old})
    edit({"compose.yaml": f"{old}  cache:\n    image: memcached\n"})
    assert "✗ compose.yaml: is as it was, as the merged file could not be read: take over compose.yaml.factory" in updated(2)


TABLES = "[a]\nx = 1\ny = 2\nz = 3\n\n[b]\nx = 1\n"


def test_what_git_merges_into_nonsense_is_merged_by_the_format(release):
    release({"team.toml": TABLES.replace("[a]\n", "[new]\nx = 1\n\n[a]\n")}, {"team.toml": TABLES})
    edit({"team.toml": f"{TABLES}\n[new]\ny = 1\n"})
    assert "✓ team.toml: has your changes and the release's" in updated(0)
    assert tomllib.loads(Path("team.toml").read_text())["new"] == {"x": 1, "y": 1}


def test_merged_file_that_cannot_be_read_is_as_before(release):
    theirs, ours = TABLES.replace("[a]\n", "[new]\nx = 1\n\n[a]\n"), f"{TABLES}\n[new]\nx = 2\n"
    release({"team.toml": theirs}, {"team.toml": TABLES})
    edit({"team.toml": ours})
    assert "✗ team.toml: is as it was, as the merged file could not be read: take over team.toml.factory" in updated(2)
    assert Path("team.toml").read_text() == ours and Path("team.toml.factory").read_text() == theirs


def test_conflict_by_lines_is_merged_by_the_format(release):
    release({"team.toml": TABLES.replace("z = 3\n", "z = 3\ntheirs = 1\n")}, {"team.toml": TABLES})
    edit({"team.toml": TABLES.replace("z = 3\n", "z = 3\nmine = 1\n")})
    assert "✓ team.toml: has your changes and the release's" in updated(0)
    assert {"mine", "theirs"} < tomllib.loads(Path("team.toml").read_text())["a"].keys()


def test_neighbouring_lines_are_no_conflict(release):
    release({"Dockerfile": "ARG A=1\n\nARG B=2\nFROM b\n"}, {"Dockerfile": "ARG A=1\nARG B=1\nFROM a\nRUN a\n"})
    edit({"Dockerfile": "ARG A=2\nARG B=1\nFROM a\nRUN mine\n"})
    assert "✗ Dockerfile: conflict: edit the marked lines" in updated(2)
    git("reset", "--quiet", "--hard")
    release({"Dockerfile": "ARG A=1\n\nARG B=2\nFROM b\nRUN a\n"})
    assert "✓ Dockerfile: has your changes and the release's" in updated(0)
    assert Path("Dockerfile").read_text() == "ARG A=2\n\nARG B=2\nFROM b\nRUN mine\n"


def test_modules_of_the_tests_hold_what_both_sides_added(release):
    release({"tests/__init__.py": "import one\n\nimport two\n"}, {"tests/__init__.py": "import one\n"})
    edit({"tests/__init__.py": "import one\n\nMINE = 1\n"})
    assert "✓ tests/__init__.py: has your changes and the release's" in updated(0)
    assert {"import one", "import two", "MINE = 1"} <= set(Path("tests/__init__.py").read_text().splitlines())


def test_modules_of_the_tests_may_conflict(release):
    release({"tests/__init__.py": "import two\n"}, {"tests/__init__.py": f"import one\n{LINES}".replace("line ", "line_")})
    edit({"tests/__init__.py": f"import three\n{LINES}".replace("line ", "line_")})
    assert "✗ tests/__init__.py: conflict: edit the marked lines" in updated(2)


def test_marks_of_a_conflict_in_a_docstring_are_a_conflict(release):
    release({"tests/__init__.py": f'"""theirs\n{LINES}"""\n'}, {"tests/__init__.py": f'"""old\n{LINES}"""\n'})
    edit({"tests/__init__.py": f'"""mine\n{LINES}"""\n'})
    assert "✗ tests/__init__.py: conflict: edit the marked lines" in updated(2)


@pytest.mark.usefixtures("release")
def test_project_in_a_folder_of_a_repository(old_project, monkeypatch):
    shutil.rmtree(".git")
    monkeypatch.chdir(old_project.parent)
    git_repository.start()
    monkeypatch.chdir(old_project)
    edit({"Dockerfile": LINES.replace("line 15\n", "mine\n"), f"{FACTORY}/errors.py": LINES.replace("line 3\n", "mine\n")})
    lines = updated(3)
    assert "✓ Dockerfile: has your changes and the release's" in lines and Path(FACTORY, "errors.py.patch").exists()
    assert Path(FACTORY, "errors.py").read_text() == NEW[f"{FACTORY}/errors.py"]


@pytest.mark.parametrize("option", ["a", "a b"])
def test_data_is_key_and_value(option):
    assert refused("update", "--data", option) == f"--data {option}: is not KEY=VALUE"


@pytest.mark.usefixtures("release")
def test_what_a_fresh_project_has_is_listed_and_added():
    assert run("update", "--add").output == "docs/new.md\n"
    assert run("update", "--add", "new.md").exit_code == 0
    assert run("update", "--add").output == "this project lacks nothing that a fresh one has\n"
    assert Path("docs/new.md").read_text() == "# New\n"
    assert refused("update", "--add", "new.md") == "--add new.md: this project lacks nothing that a fresh one has"


@pytest.mark.usefixtures("release")
def test_only_what_is_offered_is_added():
    assert refused("update", "--add", "mine.txt") == "--add mine.txt: it must be one of docs/new.md"
