"""What the slow tests share: projects at work, and servers on this machine alone."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import git

for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "PYTHONDONTWRITEBYTECODE", "MLFLOW_TRACKING_URI"):
    os.environ.pop(name, None)
os.environ.setdefault("UV_CACHE_DIR", subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True).stdout.strip())


def call(project: Path, *command: str, **env: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command in the project; an `env` of None takes a variable away."""
    full = {name: value for name, value in {**os.environ, **env}.items() if value is not None}
    return subprocess.run(command, cwd=project, env=full, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)


def run(project: Path, *command: str, **env: str | None) -> str:
    """What the command prints; it must succeed."""
    done = call(project, *command, **env)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr


def interpreter(version: str) -> str:
    """The path of a Python of that version; the test is skipped where there is none."""
    found = subprocess.run(["uv", "python", "find", "--no-python-downloads", version], capture_output=True, text=True)
    if found.returncode == 0:
        return found.stdout.strip()
    hidden = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python"))
    return str(hidden[-1]) if hidden else pytest.skip(f"no Python {version} on this machine: not tested")


def copy(rendered: Path, folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return shutil.copytree(rendered, folder)


def status(project: Path) -> str:
    return git(project, "status", "--porcelain")


def tool(folder: Path, name: str, *requirements: str) -> Path:
    """A command of a package in an environment of its own."""
    run(folder, "uv", "venv", "--quiet", "tool")
    run(folder, "uv", "pip", "install", "--quiet", "--python", "tool", *requirements)
    return folder / "tool" / "bin" / name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(port: int, *command: object, folder: Path, seconds: int = 60) -> Iterator[None]:
    """A server while the block runs; it is up when it accepts connections."""
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen([str(part) for part in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert server.poll() is None and time.monotonic() < end, (folder / "server.log").read_text()[-2000:]
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
