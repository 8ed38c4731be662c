"""`factory update` runs Copier, and is careful before and after it."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from late_flights.factory.ci import template_update
from late_flights.factory.workspace import process
from tests.factory.cli_runner import run

NOW = "_commit: 1.0.0\n_src_path: the/template\nproject_name: x\n"
THEN = NOW.replace("1.0.0", "1.1.0")


@pytest.fixture
def copier_calls(committed, monkeypatch):
    """A project of release 1.0.0 with one file edited; the calls of Copier, which drops two."""
    Path(template_update.ANSWERS).write_text(NOW)
    for name in ("dropped.py", "edited.py"):
        Path(name).write_text("as the template made it\n")
    commit("answers")
    Path("edited.py").write_text("as the user likes it\n")
    commit("edit")
    calls = []

    def copier(*command: str, **how: Any) -> str:
        if "copier" not in command:
            return process.run(*command, **how)
        calls.append(command)
        if "copy" in command:
            rendered = Path(command[-1])
            rendered.mkdir()
            for name in ("dropped.py", "edited.py"):
                (rendered / name).write_text("as the template made it\n")
        else:
            Path(template_update.ANSWERS).write_text(THEN)
            Path("dropped.py").unlink()
            Path("edited.py").unlink()
        return ""

    monkeypatch.setattr(template_update, "run", copier)
    return calls


def commit(message: str) -> None:
    subprocess.run(["git", "add", "--all"], check=True)
    subprocess.run(["git", "commit", "--quiet", "--no-verify", "--message", message], check=True)


def test_what_the_user_edited_is_kept_and_reported(copier_calls):
    result = run("update")
    assert result.exit_code == 3, result.output
    assert "! edited.py: kept, as it was edited since generation" in result.output and "dropped.py" not in result.output
    assert "from 1.0.0 to 1.1.0" in result.output
    assert Path("edited.py").read_text() == "as the user likes it\n" and not Path("dropped.py").exists()


def test_whole_files_are_compared(copier_calls):
    run("update", "--release", "1.1.0")
    assert template_update.WHOLE_FILES in copier_calls[1] and copier_calls[1][-2:] == ("--vcs-ref", "1.1.0")


def test_nothing_of_the_last_days_runs(copier_calls):
    run("update")
    for command in copier_calls:
        [day] = [word.partition("=")[2] for word in command if word.startswith("--exclude-newer=")]
        assert datetime.now(UTC) - datetime.fromisoformat(f"{day}T00:00:00+00:00") >= timedelta(days=7)


def test_another_template_is_refused_before_anything_is_asked_of_it(copier_calls):
    Path(template_update.ANSWERS).write_text(NOW.replace("the/", "their/"))
    commit("innocent change")
    result = run("update")
    assert result.exit_code == 1 and ", not their/template" in result.stderr
    assert not copier_calls
    assert run("update", "--template", "their/template").exit_code == 3


def test_nothing_stays_of_an_update_that_changes_an_answer(copier_calls, monkeypatch):
    monkeypatch.setitem(globals(), "THEN", THEN.replace("x\n", "y\n"))
    result = run("update")
    assert result.exit_code == 1 and "does not accept the answer 'x'" in result.stderr
    assert Path("dropped.py").exists() and Path(template_update.ANSWERS).read_text() == NOW
