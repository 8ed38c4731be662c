"""Other programs, whose failures become one line."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import FactoryError
from ..platforms import with_git_config

GIT_SETTINGS = {
    "apply.whitespace": "nowarn",
    "color.ui": "false",
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "core.safecrlf": "false",
    "core.useReplaceRefs": "false",
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
    "diff.relative": "false",
    "log.showRoot": "true",
    "log.showSignature": "false",
    "merge.conflictStyle": "merge",
    "merge.directoryRenames": "false",
    "merge.renames": "true",
    "rerere.enabled": "false",
    "status.relativePaths": "false",
    "status.showUntrackedFiles": "normal",
    "submodule.recurse": "false",
}
"""What people set for themselves, and Git's output and merges depend on; not how it reads files, which may be filtered."""


CAPTURED: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
GRACE_SECONDS = 60
"""In which a command that is ended takes back what it has begun."""


def show(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run the command, with all its output on stderr. Raises FactoryError."""
    process = _finished(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=2)
    if process.returncode:
        raise FactoryError(
            f"`{' '.join(command[:2])}` failed with exit code {process.returncode}: see its output above"
        )


def dvc(*command: str) -> str:
    """The output of DVC. Raises FactoryError with its last error, as warnings come first."""
    full = (sys.executable, "-m", "dvc", *command)
    process = _finished(full, stdin=subprocess.DEVNULL, **CAPTURED)
    if process.returncode:
        lines = [line.strip() for line in _text(process.stderr).splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        raise _failure(
            f"dvc {command[0]}", errors[-1] if errors else lines[0] if lines else f"exit code {process.returncode}"
        )
    return _text(process.stdout).strip()


def run(
    *command: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    strip: bool = True,
    seconds: float | None = None,
) -> str:
    """The output of the command. Raises FactoryError with the command and the first line of its error.

    So it does where the command takes longer than these seconds, and then ends it.
    """
    output = _text(run_bytes(*command, cwd=cwd, env=env, stdin=stdin, seconds=seconds))
    return output.strip() if strip else output


def run_bytes(
    *command: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    seconds: float | None = None,
) -> bytes:
    """The output of the command as it is. Raises FactoryError as `run` does."""
    require(command[0])
    if command[0] == "git":
        env = with_git_config(GIT_SETTINGS, env or os.environ)
    content = stdin.encode(errors="replace")
    try:
        process = _finished(command, content, seconds, cwd=cwd, env=env, stdin=subprocess.PIPE, **CAPTURED)
    except subprocess.TimeoutExpired as error:
        raise _failure(" ".join(command[:2]), f"no answer within {seconds:g} seconds") from error
    if process.returncode:
        lines = [line for line in _text(process.stderr or process.stdout).splitlines() if line.strip()]
        first = lines[0] if lines else f"exit code {process.returncode}"
        raise _failure(" ".join(command[:2]), lines[-1] if first.startswith("Traceback") else first)
    return process.stdout


def require(program: str) -> None:
    """Raises FactoryError where the program is not installed."""
    if shutil.which(program) is None:
        raise FactoryError(f"{program} is not installed, or not on PATH")


def _finished(
    command: Sequence[str], content: bytes | None = None, seconds: float | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """The command once it has ended. Where this process is interrupted, it is ended first, and not by force."""
    options |= {"start_new_session": True} if seconds else {}  # so that what it has started can be ended as well
    started: list[subprocess.Popen[bytes]] = []
    with ThreadPoolExecutor(1) as pool:  # in this thread, what an interruption has just started would be lost
        pool.submit(int).result()  # its thread runs, so that shutdown() waits for it
        try:
            pool.submit(lambda: started.append(subprocess.Popen(command, **options))).result()
            output, error = started[0].communicate(content, timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(started[0])
            raise
        except BaseException:
            pool.shutdown()
            for process in started:
                _end(process)
            raise
    return subprocess.CompletedProcess(command, started[0].returncode, output or b"", error or b"")


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=GRACE_SECONDS)
    process.kill()


def _kill(process: subprocess.Popen[Any]) -> None:
    """End it and what it has started, which may hold its output open."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.communicate()


def _text(output: bytes) -> str:
    return output.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def _failure(command: str, reason: str) -> FactoryError:
    if "not a git repository" in reason:
        return FactoryError(
            "there is no Git repository here: run factory in the project's own folder, `uv run factory setup` first"
        )
    return FactoryError(f"`{command}` failed: {reason}")
