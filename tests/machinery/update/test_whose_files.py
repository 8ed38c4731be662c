"""In an update each file counts as whose it is: the machinery the template's, what is your own yours, wherever it has moved."""

from pathlib import Path

import pytest
from late_flights.factory.update.vendored import digest

from machinery.update.made_up_releases import FACTORY, LINES, NEW, PATCHED, edit, git, updated


@pytest.mark.usefixtures("release")
def test_machinery_is_the_release_and_the_edit_a_patch():
    edit({f"{FACTORY}/errors.py": LINES.replace("line 3\n", "mine\n")})
    assert PATCHED in updated(3)
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
    beside = f"{name}.factory"
    message = f"! {name}: is yours and stays; the release's version is {beside}: copy what you need, then delete {beside}"
    assert message in updated(3)
    assert Path(name).read_text() == "FROM mine\nRUN mine\n"
    assert Path(beside).read_text() == (NEW | {"added.txt": "theirs\n", "ignored/added.txt": "theirs\n"})[name]


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
    missed = "you deleted or moved it, and the release changed it: not delivered; nothing to do if you meant it"
    assert f"! compose.yaml: {missed}" in lines
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
    assert updated(0)[:-1] == [f"✓ {FACTORY}/errors.py: your edit was merged with the release's: review it"]
    assert Path(FACTORY, "errors.py").read_text() == merged
    assert f"{digest(merged.encode())}  {FACTORY}/errors.py\n" in Path(FACTORY, "PATCHES").read_text()


@pytest.mark.usefixtures("release")
def test_edit_that_nobody_has_accepted_is_merged_and_to_be_accepted():
    name = f"{FACTORY}/errors.py"
    edit({name: LINES.replace("line 15\n", "mine\n")})
    accept = f"`uv run factory check --accept {name}`"
    merged = f"! {name}: your edit was merged with the release's: review it, then {accept}, or take it back"
    assert updated(3)[:-1] == [merged]
    assert Path(name).read_text() == NEW[name].replace("line 15\n", "mine\n")


def test_of_an_accepted_edit_that_conflicts_one_thing_is_said(release):
    name = f"{FACTORY}/errors.py"
    release({f"{FACTORY}/MANIFEST": f"{digest(NEW[name].encode())}  {name}\n"})
    edit({name: LINES.replace("line 3\n", "mine\n"), f"{FACTORY}/PATCHES": f"{'1' * 64}  {name}\n"})
    assert updated(3)[:-1] == [PATCHED] and not Path(FACTORY, "PATCHES").exists()


def test_marked_lines_are_not_accepted(release):
    patches = f"{'1' * 64}  Dockerfile\n"
    release({f"{FACTORY}/MANIFEST": f"{digest(NEW['Dockerfile'].encode())}  Dockerfile\n"})
    edit({"Dockerfile": LINES.replace("line 3\n", "mine\n"), f"{FACTORY}/PATCHES": patches})
    assert updated(2)[:-1] == ["✗ Dockerfile: conflict: edit the marked lines"]
    assert Path(FACTORY, "PATCHES").read_text() == patches


@pytest.mark.usefixtures("release")
def test_what_the_project_calls_its_own_is_not_merged():
    ours = LINES.replace("line 15\n", "mine\n")
    edit({"Dockerfile": ours, f"{FACTORY}/PATCHES": "own  Dockerfile\n"})
    updated(3)
    assert Path("Dockerfile").read_text() == ours and Path("Dockerfile.factory").read_text() == NEW["Dockerfile"]


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
    lines = updated(3)
    assert f"✓ {FACTORY}/errors.py: your changes are in the file that the release moved it to" in lines
    assert any(line.startswith(f"! {FACTORY}/core/errors.py: your edit was merged") for line in lines)
    assert Path(FACTORY, "core/errors.py").read_text().endswith("line 19\nmine\n")
