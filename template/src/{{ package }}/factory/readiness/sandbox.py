"""A copy of the project with a champion in service, into which faults are injected."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from .. import PACKAGE, manifest, policy
from ..config import Params
from ..errors import FactoryError
from ..paths import MODEL, PREPARED, WORKTREES
from ..workspace.process import run
from . import served
from .faults import Fault

Command = tuple[str, ...]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
AUTHOR = {f"GIT_{role}_{what}": "sandbox@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
PROMOTE = f"""
import json, sys
from {PACKAGE}.factory.registry import versions
commit, model = sys.argv[1:]
record = dict(action="promote", serves=1, by="sandbox", at="", why="", model=model, data="", rows=0, metrics=dict())
gate = dict(checks=[dict(code="SANDBOX", passed=True)])
versions.publish(commit, record | dict(gate=gate), "the model without faults", [])
"""


class Sandbox:
    """The working tree, its data and its model, committed in a repository of their own as model/v1."""

    _in_place = threading.Lock()  # faults and captures change the working directory of this process

    def __init__(self, params: Params, threads: int = 0) -> None:
        """`threads` is how many each of its processes uses; 0: as many as it would."""
        self._params = params
        self._threads = dict.fromkeys(THREADS, f"{threads}") if threads else {}
        self._running: subprocess.Popen[str] | None = None
        self._stopped = False
        self._temporary = tempfile.TemporaryDirectory(prefix="readiness-")
        self.folder = Path(self._temporary.name) / "project"

    def __enter__(self) -> Self:
        if not all((folder / manifest.NAME).exists() for folder in (MODEL, PREPARED)):
            raise FactoryError("there is no model to test: run `uv run dvc pull` or `uv run dvc repro`")
        files = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
        for folder in ("data", str(MODEL)):
            files += [str(path) for path in Path(folder).rglob("*") if path.is_file()]
        for name in {name for name in files if Path(name).is_file()}:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, self.folder / name)
        self._allow_unsigned()
        self._forget_service()
        served.serve(self.folder, self._params)
        self._git("init", "--quiet")
        self._git("config", "core.compression", "0")
        self._git("add", "--force", "--all")
        self._git("commit", "--quiet", "--no-verify", "--message", "Without faults")
        commit = run("git", "rev-parse", "HEAD", cwd=self.folder)
        self._git("worktree", "add", "--quiet", "--detach", str(WORKTREES / commit), commit)
        run(sys.executable, "-c", PROMOTE, commit, manifest.model_id(), cwd=self.folder, env=self._env())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._temporary.cleanup()

    def run_without_fault(self, command: Command) -> str | None:
        """The output of the command if it fails on the copy as it is; None if it succeeds."""
        try:
            return self._run(command)
        finally:
            self._restore()

    def stop(self) -> None:
        """End what runs in the copy; nothing is started in it any more."""
        self._stopped = True
        if (process := self._running) and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)

    def run_with_fault(self, fault: Fault, commands: Sequence[Command]) -> str | None:
        """The output of the first command that fails on the faulty copy; None if all succeed."""
        try:
            with self._in_place:
                fault(self.folder, self._params)
            for command in commands:
                if (output := self._run(command)) is not None:
                    return output
            return None
        finally:
            self._restore()

    def _run(self, command: Command) -> str | None:
        """The output of the command if it fails."""
        program = {
            "pytest": ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-cov"),
            "factory": ("-c", f"from {PACKAGE}.factory.cli import main; main()"),
        }[command[0]]
        full = (sys.executable, *program, *command[1:])
        if self._stopped:
            raise FactoryError("interrupted")
        # a session of its own, so that all of it can be ended
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        self._running = subprocess.Popen(
            full, cwd=self.folder, env=self._env() | self._threads, text=True, start_new_session=True, **pipes
        )
        if self._stopped:  # since it was looked at
            self.stop()
        output, errors = self._running.communicate()
        return errors + output if self._running.returncode else None  # pytest writes to stdout, the gate to stderr

    def _restore(self) -> None:
        self._git("reset", "--quiet", "--hard")
        self._git("clean", "--quiet", "--force", "-d", "-x")  # reports, too, but no worktree

    def _allow_unsigned(self) -> None:
        """Nobody signs the copy's version, and no test is of that."""
        file = self.folder / policy.FILE
        if file.exists():
            text = file.read_text(encoding="utf-8")
            file.write_text(re.sub(r"(?m)^signatures:.*", "signatures: optional", text), encoding="utf-8")

    def _forget_service(self) -> None:
        """Captures and outcomes of the project's own service may be anywhere: the copy has its own."""
        file = self.folder / "params.yaml"
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        if settings.pop("monitor", None):
            file.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def _git(self, *command: str) -> None:
        run("git", *command, cwd=self.folder, env=self._env())

    def _env(self) -> dict[str, str]:
        # the copy's code takes precedence over the project's own, which is installed
        return os.environ | AUTHOR | {"PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
