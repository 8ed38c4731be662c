"""A program in place of Docker or Podman, and versions of the toy to make images of."""

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from late_flights.factory import manifest
from late_flights.factory.paths import MODEL
from late_flights.factory.registry import versions
from tests.factory import git_repository
from tests.factory.cli_runner import run

ENGINE = """
import json, shutil, sys
from pathlib import Path
here = Path(__file__).parent
with (here / "calls").open("a") as log:
    print(json.dumps(sys.argv[1:]), file=log)
if sys.argv[1] == "build":
    shutil.copytree(".", here / "context")
    [image] = [Path(option.partition("=")[2]) for option in sys.argv if option.startswith("--iidfile=")]
    image.write_text("sha256:1234")
answer = here / f"answer to {sys.argv[1]}"
if answer.exists():
    print(answer.read_text())
if (here / f"fail {sys.argv[1]}").exists():
    sys.exit("no such luck")
if sys.argv[-1].startswith('"'):
    print((here / "inventory").read_text())
"""
STORED = Path(".dvc/stored")
PROJECT = {
    "Dockerfile": "FROM scratch\n",
    "pyproject.toml": '[project]\nname = "churn"\n',
    "note.txt": "of the version",
    ".gitignore": "/.dvc\n/data/prepared\n/model\n/reports\n",
}
INVENTORY = {
    "python": "3.13.0",
    "system": {"ID": "debian", "VERSION_ID": "12"},
    "distributions": [
        {"name": "churn", "version": "0.1.0", "license": None},
        {"name": "numpy", "version": "2.5.0", "license": "BSD-3-Clause AND 0BSD"},
        {"name": "odd", "version": "1", "license": "Our own terms"},
    ],
    "packages": [{"name": "libc6", "version": "2.36-9", "architecture": "amd64"}],
}


class FakeEngine:
    """A program in place of Docker that writes down its commands."""

    def __init__(self, folder: Path, patch: Any) -> None:
        self.folder = folder
        for program in ("git", "ssh-keygen"):
            (folder / program).symlink_to(str(shutil.which(program)))
        patch.setenv("PATH", str(folder))
        self.install("docker")
        (folder / "inventory").write_text(json.dumps(INVENTORY))

    def install(self, name: str) -> None:
        script, program = self.folder / "engine.py", self.folder / name
        script.write_text(ENGINE)
        command = shlex.join([sys.executable, str(script)])  # not behind #!, where a path may have no blank
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)

    def fail(self, command: str) -> None:
        (self.folder / f"fail {command}").touch()

    def answer(self, command: str, text: str) -> None:
        """What the engine answers to the command."""
        (self.folder / f"answer to {command}").write_text(text)

    @property
    def calls(self) -> list[list[str]]:
        log = self.folder / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def context(self) -> Path:
        return self.folder / "context"


def store_model() -> None:
    shutil.rmtree(STORED, ignore_errors=True)
    shutil.copytree(MODEL, STORED)


def publish_version(**files: str) -> versions.Version:
    store_model()
    commit = git_repository.commit(**files)
    model = manifest.file_sha256(MODEL / "manifest.json")
    return versions.publish(commit, git_repository.RECORD | {"model": model}, "promoted", versions.local(promoting=True))


def built(*arguments: str) -> str:
    result = run("build", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout
