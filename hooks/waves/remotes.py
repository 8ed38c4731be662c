"""What the projects' repositories answer. They are strangers: each answer is limited in time and size, and runs nothing."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import FactoryError
from factory.update.preconditions import ANSWERS, parse
from factory.update.proposal import BRANCH
from origins import Origin
from strangers import Processes, limited

MAX_BYTES = 1024**3
MAX_ANSWERS = 100_000
MAX_OUTPUT = 10_000_000
PROCESSES = Processes()


class UnreachableError(FactoryError):
    """The repository does not answer, or not to us."""


class NotAProjectError(FactoryError):
    """The repository is not a project of a template."""


@dataclass(frozen=True)
class Heads:
    """The default branch, its commit, and the commit of the branch with a proposal, if there is one."""

    base: str
    commit: str
    proposal: str | None


def run(*command: str, env: Mapping[str, str], timeout: float, cwd: Path | None = None, stdin: str = "") -> str:
    """The output of the command. Raises FactoryError with a line of its error, TimeoutError when the time is over."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        streams = {"stdin": subprocess.PIPE, "stdout": output, "stderr": errors}
        with PROCESSES.started((*limited(MAX_BYTES), *command), cwd=cwd, env=env, **streams) as process:
            try:
                process.communicate(stdin.encode(), timeout)
            except subprocess.TimeoutExpired as error:
                raise TimeoutError(f"no end after {timeout:g} s") from error
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            lines = errors.read(10_000).decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
            fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
            raise FactoryError(fatal[0] if fatal else lines[-1] if lines[0].startswith("Traceback") else lines[0])
        return output.read(MAX_OUTPUT).decode(errors="replace")


def heads(origin: Origin, env: Mapping[str, str], timeout: float) -> Heads:
    """What the remote has now. Raises UnreachableError."""
    wanted = ["HEAD", f"refs/heads/{BRANCH}", *([f"refs/heads/{origin.branch}"] if origin.branch else [])]
    found: dict[str, str] = {}
    base = origin.branch
    for line in _asked("ls-remote", "--symref", "--", origin.url, *wanted, env=env, timeout=timeout).splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: refs/heads/") and name == "HEAD":
            base = base or value.removeprefix("ref: refs/heads/")
        else:
            found[name] = value
    commit = found.get(f"refs/heads/{origin.branch}" if origin.branch else "HEAD")
    if not base or not commit:
        raise UnreachableError(f"there is no branch {base}" if base else "there is no default branch, or nothing in it")
    return Heads(base, commit, found.get(f"refs/heads/{BRANCH}"))


def answers(origin: Origin, branch: str, env: Mapping[str, str], scratch: Path, timeout: float) -> tuple[dict[str, Any], str]:
    """The project's answers on this branch, and its last committer. Raises UnreachableError, NotAProjectError."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        options = ("--quiet", "--bare", "--depth=1", "--no-tags", "--single-branch", "--filter=blob:none", "--template=")
        _asked("clone", *options, f"--branch={branch}", "--", origin.url, folder, env=env, timeout=timeout)
        place, here = f"HEAD:{ANSWERS}", {**env, "GIT_DIR": folder}
        try:
            size = int(run("git", "cat-file", "-s", place, env=here, timeout=timeout))
        except FactoryError as error:
            raise NotAProjectError(f"{ANSWERS}: is missing: it is not a project of a template") from error
        if size > MAX_ANSWERS:
            raise NotAProjectError(f"{ANSWERS}: has {size:,} bytes, and {MAX_ANSWERS:,} at most are read")
        committer = run("git", "show", "--no-patch", "--format=%ce", "HEAD", env=here, timeout=timeout).strip()
        try:
            return parse(run("git", "cat-file", "blob", place, env=here, timeout=timeout)), committer
        except FactoryError as error:
            raise NotAProjectError(str(error)) from error


def clone(origin: Origin, base: str, commit: str, folder: Path, env: Mapping[str, str], timeout: float) -> None:
    """The project at this commit, with as much of its history as is asked for; none of its filters and links is followed."""
    options = ("--quiet", "--no-checkout", "--no-tags", "--single-branch", "--filter=blob:none", "--template=")
    try:
        run("git", "clone", *options, f"--branch={base}", "--", origin.url, str(folder), env=env, timeout=timeout)
        (folder / ".git/info").mkdir(exist_ok=True)
        (folder / ".git/info/attributes").write_text("* -filter\n")
        head = ("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{base}")
        for command in (head, ("reset", "--quiet", "--hard", commit)):
            run("git", *command, env=env, timeout=timeout, cwd=folder)
    except (FactoryError, TimeoutError) as error:
        raise UnreachableError(str(error)) from error


def _asked(*command: str, env: Mapping[str, str], timeout: float) -> str:
    try:
        return run("git", *command, env=env, timeout=timeout)
    except (FactoryError, TimeoutError) as error:
        raise UnreachableError(str(error)) from error
