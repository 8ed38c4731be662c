"""What the slow tests share: projects at work, and servers on this machine alone."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import copier
import pytest
import yaml
from conftest import git

for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "PYTHONDONTWRITEBYTECODE", "MLFLOW_TRACKING_URI"):
    os.environ.pop(name, None)
os.environ.setdefault("UV_CACHE_DIR", subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True).stdout.strip())

UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "MLFLOW_TRACKING_URI")


def call(project: Path, *command: str, **env: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command in the project; an `env` of None takes a variable away."""
    full = {name: value for name, value in {**os.environ, **env}.items() if value is not None}
    return subprocess.run(command, cwd=project, env=full, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)


def run(project: Path, *command: str, **env: str | None) -> str:
    """What the command prints; it must succeed."""
    done = call(project, *command, **env)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr


def require(name: str) -> str:
    """The path of a command of this machine; the test is skipped where it is missing."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or pytest.skip(f"no {name} on this machine")


def interpreter(version: str) -> str:
    """The path of a Python of that version, fetched if need be; the test is skipped where there is none."""
    hidden = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python"))
    if path := known(version) or (str(hidden[-1]) if hidden else ""):
        return path
    subprocess.run(["uv", "python", "install", "--no-bin", version], capture_output=True)
    return known(version) or pytest.skip(f"no Python {version} on this machine, and none can be fetched")


def known(version: str) -> str:
    """The path of uv's choice of a Python of that version, if there is one."""
    find = ["uv", "python", "find", "--no-python-downloads", version]
    return subprocess.run(find, capture_output=True, text=True).stdout.strip()


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
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert server.poll() is None and time.monotonic() < deadline, (folder / "server.log").read_text()[-2000:]
            time.sleep(0.2)
        yield
    finally:
        end(server, 10)


def end(process: subprocess.Popen, seconds: float) -> None:
    """End it, by force if it is still there after so many seconds."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ready(port: int) -> bool:
    """Whether the service there has loaded its model."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
        return True
    return False


class Project:
    """A project's folder, and commands that run in it with the one environment that all copies share."""

    def __init__(self, folder: Path, bin: Path) -> None:
        self.folder, self.bin = folder, bin

    def start(self, *command: str, output: dict | None = None, **env: str | None) -> subprocess.Popen[str]:
        known = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        known |= {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"} | env
        pipe = {"text": True, "encoding": "utf-8", **(output or {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE})}
        env = {name: value for name, value in known.items() if value is not None}
        return subprocess.Popen(command, cwd=self.folder, env=env, start_new_session=True, **pipe)

    def run(self, *command: str, **env: str | None) -> tuple[int, str, str]:
        process = self.start(*command, **env)
        out, err = process.communicate(timeout=600)
        return process.returncode, out, err

    def done(self, *command: str, **env: str | None) -> str:
        code, out, err = self.run(*command, **env)
        assert code == 0, f"{command}: {out}{err}"
        return out

    def refused(self, *command: str, **env: str | None) -> str:
        """The one line with which the command fails."""
        code, _, err = self.run(*command, **env)
        lines = err.splitlines()
        assert code == 1 and len(lines) == 1 and lines[0].startswith("Error: "), f"{command}: {code} {err}"
        return lines[0].removeprefix("Error: ")

    def reproduced(self, *options: str, **env: str | None) -> dict[str, bytes]:
        """What the pipeline makes, once DVC is content with it."""
        self.done("dvc", "repro", *options, **env)
        assert "up to date" in self.done("dvc", "status")
        assert ".tmp" not in git(self.folder, "status", "--porcelain")  # a stage clears what is left when it next runs
        return self.artefacts()

    def artefacts(self) -> dict[str, bytes]:
        files = [*(self.folder / "model").iterdir(), *(self.folder / "data/prepared").iterdir()]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in files}

    def scratch(self) -> list[Path]:
        # not rglob: it walks the environment, and what is waited for has come and gone meanwhile
        return [path for place in (".", "data", "data/raw", "reports") for path in (self.folder / place).glob("*.tmp")]

    def raw(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "data/raw").glob("*.parquet")}

    def ledger(self) -> list[str]:
        files = (self.folder / "data/raw").glob("*.dvc")  # one that was being written is empty
        pointers = {path.stem: yaml.safe_load(path.read_text("utf-8")) or {} for path in files}
        records = {name: pointer["meta"] for name, pointer in pointers.items() if "meta" in pointer}
        return sorted(records, key=lambda name: (records[name]["received"], name))

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        assert old in path.read_text("utf-8")
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    def set(self, old: str, new: str) -> None:
        self.edit("params.yaml", old, new)

    def running(self, word: str = "") -> list[int]:
        """The processes that work in the folder and have the word in their command."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").readlink() == self.folder and word in (process / "cmdline").read_text():
                    found.append(int(process.name))
            except OSError:
                continue  # it has ended, or is not ours
        return found

    def object(self, file: str, root: str = ".dvc/cache") -> Path:
        """Where DVC keeps the content of the file."""
        md5 = subprocess.run(["md5sum", file], cwd=self.folder, check=True, capture_output=True, text=True).stdout[:32]
        return self.folder / root / "files/md5" / md5[:2] / md5[2:]


Kind = TypeVar("Kind", bound=Project)


def installed(template: Path, folder: Path, name: str, kind: type[Kind], **answers: str) -> Kind:
    """A project as it was rendered, with its environment; its path has blanks and letters beyond ASCII."""
    place = folder / "Zoë 李 x" / "project"
    copier.run_copy(str(template), place, {"project_name": name, **answers}, defaults=True, quiet=True)
    project = kind(place, place / ".venv/bin")
    project.done("uv", "sync", "--quiet")
    return project


def wait(condition: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def beside(project: Project, parent: Path) -> Path:
    """The project and the storage beside it, without the environment."""
    shutil.copytree(project.folder.parent, parent, ignore=shutil.ignore_patterns(".venv", ".*_cache"))
    return parent / project.folder.name


class Governed(Project):
    """A project in which the code of its own folder runs, whichever folder the environment was made for."""

    def start(self, *command: str, **env: str | None):
        return super().start(*command, **{"PYTHONPATH": str(self.folder / "src"), **env})

    def train(self, what: str) -> None:
        self.done("dvc", "repro", "--quiet")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--no-verify", "--message", what)
        self.done("dvc", "push", "--quiet")
        if git(self.folder, "remote"):
            git(self.folder, "push", "--quiet", "origin", "HEAD:main")  # of whose commits versions are made

    def codes(self) -> list[str]:
        """Why the gate refuses the model here."""
        code, _, err = self.run("factory", "compare")
        assert code == 1 and err.startswith("✗ Rejected: "), err
        return err.partition("\n")[0].removeprefix("✗ Rejected: ").split(", ")

    def versions(self) -> list[dict]:
        return json.loads(self.done("factory", "models", "--json"))

    def model(self) -> bytes:
        return (self.folder / "model/model.onnx").read_bytes()


def first_version(template: Path, folder: Path, name: str, **answers: str) -> Governed:
    """A project whose first model is v1, with storage and a Git remote beside it."""
    project = installed(template, folder, name, Governed, **answers)
    place = project.folder
    project.set("max_iter: 200", "max_iter: 60")
    project.done("factory", "setup")
    git(place.parent, "init", "--quiet", "--bare", "--initial-branch=main", "hub.git")
    git(place, "remote", "add", "origin", "../hub.git")
    project.train("Train")
    project.done("factory", "promote", "-m", "the first")
    return project


def gate(template: Path, factory: pytest.TempPathFactory) -> Governed:
    """Such a project called Gate, made once for all processes of a run. Not to be changed."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "gate"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "made").exists():
            place = Path((folder / "made").read_text("utf-8"))
            return Governed(place, place / ".venv/bin")
        project = first_version(template, Path(tempfile.mkdtemp(dir=folder)), "Gate")
        (folder / "made").write_text(str(project.folder), "utf-8")
        return project


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A disk of that size at the place; the test is skipped where there may be none."""
    place.mkdir()
    sudo = ["sudo", "--non-interactive"] if os.geteuid() and shutil.which("sudo") else []
    if subprocess.run([*sudo, "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("may not mount a disk")
    try:
        yield place
    finally:
        subprocess.run([*sudo, "umount", place], check=True)


def fill(disk: Path, left: int) -> None:
    """Leave so many bytes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    space = os.statvfs(disk)
    filler.write_bytes(bytes(space.f_bavail * space.f_frsize - left))
