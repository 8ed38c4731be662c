"""`factory update` merges what a release changes, and settles by the kind of file what Git cannot; or changes nothing."""

import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from late_flights.factory.update import releases
from late_flights.factory.update.vendored import digest
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run

ANSWERS = ".copier-answers.yml"
FACTORY = "src/x/factory"
LINES = "".join(f"line {number}\n" for number in range(20))
OLD = {
    ANSWERS: "_commit: 1.0.0\n_src_path: the/template\nci: github\nproject_name: x\n",
    "Dockerfile": LINES,
    "compose.yaml": "services:\n  app:\n    image: one\n",
    "dropped.txt": LINES,
    f"{FACTORY}/__init__.py": "",
    f"{FACTORY}/errors.py": LINES,
    f"{FACTORY}/MANIFEST": "# none\n",
}
NEW = OLD | {
    ANSWERS: OLD[ANSWERS].replace("1.0.0", "1.1.0"),
    "Dockerfile": LINES.replace("line 3\n", "line three\n"),
    "compose.yaml": "services:\n  app:\n    image: two\n",
    f"{FACTORY}/errors.py": LINES.replace("line 3\n", "line three\n"),
    f"{FACTORY}/extra.py": "EXTRA = 1\n",
}
del NEW["dropped.txt"]


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True) if text is None else file.write_text(text)


def git(*command: str) -> str:
    return subprocess.run(["git", *command], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed project of release 1.0.0, which is the current folder."""
    folder = tmp_path / "Zoë's project"
    write(folder, OLD | {"mine.txt": "mine\n", ".gitignore": "/ignored/\n"})
    monkeypatch.chdir(folder)
    git_repository.environment(monkeypatch)
    git_repository.start()
    return folder


@pytest.fixture
def release(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give the releases files of their own: the newer one these, and the older one those."""
    old: dict[str, str | None] = dict(OLD)
    new: dict[str, str | None] = dict(NEW)

    def render(*, folders: Mapping[str, str], **request: object) -> dict[str, str]:
        for name, folder in folders.items():
            write(Path(folder), {"old": old, "new": new, "fresh": OLD | {"docs/new.md": "# New\n"}}[name])
        return {"before": "1.0.0", "after": "1.1.0"}

    def give(newer: Mapping[str, str | None], older: Mapping[str, str] = {}) -> None:
        new.update(newer)
        old.update(older)

    monkeypatch.setattr(releases, "_run_copier", render)
    return give


def edit(files: Mapping[str, str | None]) -> None:
    write(Path(), files)
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", "edit")


def updated(code: int) -> list[str]:
    result = run("update")
    assert result.exit_code == code, result.output
    return result.output.splitlines()


@pytest.mark.usefixtures("release")
def test_what_the_release_changes_arrives():
    assert updated(0) == ["✓ Template updated from 1.0.0 to 1.1.0; next: uv sync, uv run pytest, then commit"]
    assert {name: Path(name).read_text() for name in NEW} == NEW
    assert Path("mine.txt").read_text() == "mine\n" and not Path("dropped.txt").exists()
    assert not Path("docs").exists()


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
    assert lines[-1].endswith("next: resolve the conflicts in Dockerfile, then uv sync, uv run pytest, then commit")
    assert "<<<<<<<" in Path("Dockerfile").read_text() and git("ls-files", "--unmerged", "Dockerfile")
    assert "the last update's conflicts are not resolved" in refused("update")


@pytest.mark.usefixtures("release")
def test_machinery_is_the_release_and_the_edit_a_patch():
    edit({f"{FACTORY}/errors.py": LINES.replace("line 3\n", "mine\n")})
    assert (
        f"! {FACTORY}/errors.py: is as released; your change, which conflicts with that, is {FACTORY}/errors.py.patch"
        in updated(3)
    )
    assert Path(FACTORY, "errors.py").read_text() == NEW[f"{FACTORY}/errors.py"]
    git("checkout", "--quiet", "HEAD", "--", f"{FACTORY}/errors.py")
    git("apply", "--reverse", f"{FACTORY}/errors.py.patch")
    assert Path(FACTORY, "errors.py").read_text() == LINES


@pytest.mark.usefixtures("release")
def test_own_module_where_the_release_brings_one_is_a_patch():
    edit({f"{FACTORY}/extra.py": "MINE = 1\n"})
    updated(3)
    assert Path(FACTORY, "extra.py").read_text() == "EXTRA = 1\n"
    assert "+MINE = 1\n" in Path(FACTORY, "extra.py.patch").read_text()


@pytest.mark.parametrize("name", ["added.txt", "ignored/added.txt", "Dockerfile"])
def test_what_is_the_projects_own_stays_and_the_release_is_beside_it(release, name):
    release({"added.txt": "theirs\n", "ignored/added.txt": "theirs\n"} if name != "Dockerfile" else {})
    edit({name: "FROM mine\nRUN mine\n"})
    assert f"! {name}: is your own; the release's is {name}.factory: take from it what you need and delete it" in updated(3)
    assert Path(name).read_text() == "FROM mine\nRUN mine\n"
    assert Path(f"{name}.factory").read_text() == (NEW | {"added.txt": "theirs\n", "ignored/added.txt": "theirs\n"})[name]


@pytest.mark.usefixtures("release")
def test_what_is_no_file_any_more_stays():
    Path("Dockerfile").unlink()
    Path("Dockerfile").symlink_to("mine.txt")
    Path("compose.yaml").unlink()
    edit({"compose.yaml/mine.txt": "mine\n"})
    updated(3)
    assert Path("Dockerfile").is_symlink() and Path("compose.yaml/mine.txt").read_text() == "mine\n"
    assert Path("Dockerfile.factory").exists() and Path("compose.yaml.factory").exists()


@pytest.mark.usefixtures("release")
def test_edited_file_that_the_release_drops_is_kept():
    edit({"dropped.txt": f"{LINES}mine\n"})
    assert "! dropped.txt: kept, as it was edited since generation; the template no longer has it" in updated(3)
    assert Path("dropped.txt").read_text() == f"{LINES}mine\n"


@pytest.mark.usefixtures("release")
def test_moved_file_gets_the_changes_and_deleted_one_stays_away():
    edit({"Dockerfile": None, "docker/Dockerfile": f"{LINES}mine\n", "compose.yaml": None})
    lines = updated(3)
    assert "✓ Dockerfile: the release's changes are in the file that you moved it to" in lines
    assert Path("docker/Dockerfile").read_text() == f"{NEW['Dockerfile']}mine\n" and not Path("Dockerfile").exists()
    assert "! compose.yaml: you deleted or moved it, and the release changed it: not delivered" in lines
    assert not Path("compose.yaml").exists()


def test_module_that_the_project_does_without_is_not_named_again(release):
    name = f"{FACTORY}/errors.py"
    release({f"{FACTORY}/MANIFEST": f"{'0' * 64}  {name}\n"})
    edit({name: None, f"{FACTORY}/PATCHES": f"missing  {name}\n"})
    assert len(updated(0)) == 1 and not Path(name).exists()


def test_accepted_edit_that_is_merged_is_accepted_again(release):
    release({f"{FACTORY}/MANIFEST": f"{'0' * 64}  {FACTORY}/errors.py\n"})
    merged = NEW[f"{FACTORY}/errors.py"].replace("line 15\n", "mine\n")
    edit(
        {f"{FACTORY}/errors.py": LINES.replace("line 15\n", "mine\n"), f"{FACTORY}/PATCHES": f"{'1' * 64}  {FACTORY}/errors.py\n"}
    )
    assert f"✓ {FACTORY}/errors.py: your edit was merged with the release's: review it" in updated(0)
    assert Path(FACTORY, "errors.py").read_text() == merged
    assert f"{digest(merged.encode())}  {FACTORY}/errors.py\n" in Path(FACTORY, "PATCHES").read_text()


@pytest.mark.usefixtures("release")
def test_what_the_project_calls_its_own_is_not_merged():
    ours = LINES.replace("line 15\n", "mine\n")
    edit({"Dockerfile": ours, f"{FACTORY}/PATCHES": "own  Dockerfile\n"})
    updated(3)
    assert Path("Dockerfile").read_text() == ours and Path("Dockerfile.factory").read_text() == NEW["Dockerfile"]


def test_key_that_both_sides_added_is_there_once(release):
    old = "services:\n  app:\n    image: one\n    ports: [80]\n    user: me\n  other:\n    image: two\n"
    release({"compose.yaml": f"services:\n  cache:\n    image: redis\n{old[10:]}"}, {"compose.yaml": old})
    edit({"compose.yaml": f"{old}  cache:\n    image: memcached\n"})
    assert "✗ compose.yaml: is as it was, as the merged file could not be read: take over compose.yaml.factory" in updated(2)


@pytest.mark.usefixtures("release")
def test_moved_file_may_conflict():
    edit({"Dockerfile": None, "docker/Dockerfile": LINES.replace("line 3\n", "mine\n")})
    assert "✗ docker/Dockerfile: conflict: edit the marked lines" in updated(2)
    assert not Path("Dockerfile").exists()


def test_file_that_both_move_is_there_twice(release):
    release({"Dockerfile": None, "image/Dockerfile": NEW["Dockerfile"]})
    edit({"Dockerfile": None, "docker/Dockerfile": LINES.replace("line 15\n", "mine\n")})
    assert "! docker/Dockerfile: you moved it here and the release to another place: keep one of them" in updated(3)
    assert Path("docker/Dockerfile").read_text() == NEW["Dockerfile"].replace("line 15\n", "mine\n")
    assert "line three\n" in Path("image/Dockerfile").read_text() and not git("ls-files", "--unmerged")


def test_edit_goes_where_the_release_moves_the_file(release):
    release({f"{FACTORY}/errors.py": None, f"{FACTORY}/core/errors.py": LINES.replace("line 3\n", "line three\n")})
    edit({f"{FACTORY}/errors.py": f"{LINES}mine\n"})
    assert f"✓ {FACTORY}/errors.py: your changes are in the file that the release moved it to" in updated(0)
    assert Path(FACTORY, "core/errors.py").read_text().endswith("line 19\nmine\n")


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
def test_project_in_a_folder_of_a_repository(project, monkeypatch):
    shutil.rmtree(".git")
    monkeypatch.chdir(project.parent)
    git_repository.start()
    monkeypatch.chdir(project)
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
