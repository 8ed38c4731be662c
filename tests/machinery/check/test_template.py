"""An edit of the template's files is named with what to do about it."""

from pathlib import Path

import pytest
from tests.factory import cli_runner, git_repository

from machinery.update.vendored_project import FACTORY, MACHINERY, RENDERED

OTHERS = [
    f"--skip={name}"
    for name in ("images", "ruff-check", "ruff-format", "mypy", "large-files", "secrets", "keys", "workflows", "zizmor")
]

NEXT = f"Next: git add {FACTORY}/PATCHES, and commit it with them\n"


def check(*arguments: str | Path) -> tuple[int, str]:
    result = cli_runner.run("check", *OTHERS, *arguments)
    return result.exit_code, result.output


def test_a_project_as_released(vendoring):
    assert check() == (0, "✓ template: as in release 0.3.0\n")


@pytest.mark.parametrize("committed", [False, True])
def test_an_edit_and_how_to_take_it_back(vendoring, committed):
    released = git_repository.git("rev-parse", "--short", "HEAD")
    before = MACHINERY.read_text()
    MACHINERY.write_text("WHEELS = 5\n")
    if committed:
        git_repository.commit()
    restore = f"git checkout {released} -- {MACHINERY}"
    code, output = check()
    title, line = output.splitlines()
    assert code == 1 and title == "✗ template: not as in release 0.3.0"
    edit, advice = line.split(": restore it with ")
    assert edit == f"TEMPLATE_EDITED: {MACHINERY} differs from release 0.3.0"
    assert advice == f"`{restore}`, or accept it with `uv run factory check --accept {MACHINERY}`"
    git_repository.git(*restore.split()[1:])
    assert MACHINERY.read_text() == before and check()[0] == 0


def test_before_the_first_commit_an_edit_can_only_be_accepted(vendoring):
    git_repository.git("update-ref", "-d", "HEAD")
    MACHINERY.write_text("WHEELS = 5\n")
    assert f"{MACHINERY} differs from release 0.3.0: accept it with `uv run" in check()[1]


def test_where_no_commit_has_the_released_file_it_cannot_be_restored(vendoring):
    manifest = FACTORY / "MANIFEST"
    manifest.write_text(manifest.read_text().replace(manifest.read_text().split()[3], "0" * 64))
    assert "Dockerfile differs from release 0.3.0: accept it with `uv run" in check()[1]


def test_a_missing_and_a_foreign_file(vendoring):
    MACHINERY.unlink()
    Path(RENDERED).unlink()
    Path("tests/factory/mine.py").touch()
    code, output = check()
    assert f"TEMPLATE_EDITED: {RENDERED} is missing; release 0.3.0 has it: restore it with" in output
    assert code == 1 and f"TEMPLATE_EDITED: {MACHINERY} is missing; release 0.3.0 has it: restore it with" in output
    assert (
        "TEMPLATE_EDITED: tests/factory/mine.py is not part of release 0.3.0: move it out of tests/factory, or accept" in output
    )


def test_patch_that_an_update_left_is_not_to_be_accepted(vendoring):
    patch = Path(f"{MACHINERY}.patch")
    patch.touch()
    code, output = check()
    advice = "make it again and accept that, or drop it; then delete the patch"
    assert code == 1 and output.endswith(f": {patch} holds a fix that an update could not merge: {advice}\n")


def test_an_accepted_edit_passes_until_the_file_is_edited_again(vendoring):
    MACHINERY.write_text("WHEELS = 5\n")
    Path("Dockerfile").write_text("FROM mine\n")
    assert cli_runner.run("check", "--accept", FACTORY).output == f"✓ {MACHINERY}: accepted\n{NEXT}"
    assert f"{MACHINERY} differs" not in check()[1]
    assert cli_runner.run("check", "--accept").output == f"✓ Dockerfile: accepted\n{NEXT}"
    assert cli_runner.run("check", "--accept").output == "There is nothing to accept\n"
    assert check() == (0, f"✓ template: as in release 0.3.0, but for what PATCHES lists: Dockerfile; {MACHINERY}\n")
    MACHINERY.write_text("WHEELS = 6\n")
    assert check()[0] == 1


def test_a_commit_of_ones_own_files_is_not_stopped_by_an_edit_elsewhere(vendoring):
    MACHINERY.write_text("WHEELS = 5\n")
    Path("README.md").touch()
    assert check("README.md") == (0, "")
    assert check("README.md", "Dockerfile")[0] == check(FACTORY / "MANIFEST")[0] == 1


def test_what_a_release_asks_for_is_named_until_it_is_done(vendoring):
    (FACTORY / "changes.yaml").write_text("0.4.0: {notes: {do: write it, why: people ask, files: [NOTES.md]}}\n")
    git_repository.git("add", FACTORY / "changes.yaml")
    git_repository.git("commit", "--quiet", "--message", "An update")
    cli_runner.run("check", "--accept")
    code, output = check()
    assert code == 0
    assert "! notes: NOTES.md: write it, because people ask\n! to decline one of these, add its ID to pyproject.toml" in output
    assert "notes" not in check("Dockerfile")[1]
    Path("NOTES.md").touch()
    assert "!" not in check()[1]


def test_a_damaged_manifest_is_one_line_and_stops_no_other_check(vendoring):
    (FACTORY / "MANIFEST").write_text("<<<<<<< HEAD\n")
    result = cli_runner.run("check", "--skip=ruff-check")
    assert result.exit_code == 1 and "✓ secrets" in result.output
    assert "✗ template: src/x/factory/MANIFEST:1: is not a SHA-256 and a path: restore the file from Git\n" in result.output
