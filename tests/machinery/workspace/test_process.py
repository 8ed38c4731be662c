"""Programs that are run: what they are given, and how their failures are reported."""

import os
import sys

import pytest
from late_flights.factory import errors
from late_flights.factory.workspace import git, process


def test_missing_program_is_named():
    with pytest.raises(errors.FactoryError, match="no-such-program is not installed, or not on PATH"):
        process.run("no-such-program")


def test_failing_program_is_quoted_in_one_line():
    with pytest.raises(errors.FactoryError, match="`git no-such-command` failed: git: 'no-such-command'"):
        process.run("git", "no-such-command")


def test_program_gets_folder_environment_and_input(tmp_path):
    script = "import os, sys; print(os.getcwd(), os.environ.get('WORD'), sys.stdin.read()); print()"
    command = (sys.executable, "-c", script)
    printed = f"{tmp_path} none 李"
    how = {"cwd": tmp_path, "env": os.environ | {"WORD": "none", "PYTHONUTF8": "1"}, "stdin": "李"}
    assert process.run(*command, **how) == printed
    assert process.run(*command, **how, strip=False) == f"{printed}\n\n"


FAILURES = {
    "first complaint": ("print('b\\nc', file=sys.stderr)", "b"),
    "what it printed": ("print('only here')", "only here"),
    "last line of a traceback": ("raise OSError('the fault')", "OSError: the fault"),
    "nothing": ("pass", "exit code 3"),
}


@pytest.mark.parametrize("script, message", FAILURES.values(), ids=FAILURES)
def test_failure_is_reported_by_its_most_telling_line(script, message):
    with pytest.raises(errors.FactoryError) as error:
        process.run(sys.executable, "-c", f"import sys\n{script}\nsys.exit(3)")
    assert str(error.value).endswith(f"` failed: {message}")


@pytest.mark.parametrize("question", [git.author, git.branch])
def test_without_git_no_other_reason_is_given(monkeypatch, tmp_path, question):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.FactoryError, match="git is not installed, or not on PATH"):
        question()
