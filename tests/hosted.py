"""What the tests of the platforms' pipelines share: a project with its remotes, and what an agent finds on its machine."""

import contextlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from conftest import commit, git
from workshop import Governed, installed, interpreter

NEWEST = "flights-late-2013-04.parquet"
HOOK = "AKIA" + "IOSFODNN7EXAMPLQ"  # looks like a key of Amazon's
# what most runs are not about; GitHub's green one does it all
QUICK = {"SKIP": "mypy", "PYTEST_ADDOPTS": "--ignore=tests/test_model.py --ignore=tests/test_notebook.py"}
UV = """#!/bin/sh
[ "$1" = audit ] && shift && exec {uv} audit --service-url={osv} "$@"
exec {uv} "$@"
"""


REGISTRY = """
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-registry
RUN echo '{version: "0.1", storage: {filesystem: {rootdirectory: /var/lib/registry}}, http: {addr: ":5000"}}' > /config.yml
ENTRYPOINT ["docker-registry", "serve", "/config.yml"]
"""


class Hosted(Governed):
    """A project with a Git remote, and storage where its pipelines find it."""

    @property
    def remote(self) -> Path:
        return self.folder.parent / "remote.git"

    @property
    def environment(self) -> dict[str, str]:
        """One for all jobs but those that run at once: a new one costs each command a second or two."""
        return {"UV_PROJECT_ENVIRONMENT": str(self.remote.with_name("environment"))}

    @property
    def storage(self) -> Path:
        return self.folder.parents[1] / "storage"

    @contextlib.contextmanager
    def lost(self, *places: Path) -> Iterator[None]:
        """Something of the storage is away while the block runs."""
        for place in places:
            place.rename(place.with_name(f"{place.name} away"))
        yield
        for place in places:
            place.with_name(f"{place.name} away").rename(place)

    def listed(self, out: str) -> Path:
        """What in the storage says which files are in the folder."""
        stages = yaml.safe_load((self.folder / "dvc.lock").read_text())["stages"].values()
        [md5] = (each["md5"] for stage in stages for each in stage["outs"] if each["path"] == out)
        return self.storage / "files/md5" / md5[:2] / md5[2:]

    def release(self) -> None:
        """A release of the template with a change."""
        template = self.folder.parents[1] / "template"
        with (template / "template/Dockerfile").open("a") as dockerfile:
            dockerfile.write("# Changed in 1.1.0\n")
        commit(template, "1.1.0")

    def check_status(self) -> None:
        """The branch factory/status has the status of main's commit and champion, and goes."""
        status = json.loads(git(self.remote, "show", "factory/status:status.json"))
        assert status["commit"] == git(self.remote, "rev-parse", "main") and status["champion"]["version"] == "v1"
        git(self.remote, "branch", "--delete", "--force", "factory/status")

    def deliver(self) -> None:
        """Put a new month into the storage's inbox."""
        (self.storage / "inbox").mkdir(exist_ok=True)
        shutil.copy(self.storage.parent / NEWEST, self.storage / "inbox")

    @contextlib.contextmanager
    def drifted(self, folder: Path) -> Iterator[Path]:
        """A folder of captures with a drift, and their outcomes in the storage's inbox, while the block runs."""
        outcomes = self.storage / "inbox/outcomes/first.csv"
        script = Path(__file__).with_name("drifted.py")
        self.done("python", str(script), *map(str, (self.storage.parent / NEWEST, folder / "captures", outcomes)))
        yield folder / "captures"
        outcomes.unlink()
        if git(self.remote, "branch", "--list", "factory/monitor"):
            git(self.remote, "branch", "--delete", "--force", "factory/monitor")

    def branch(self, name: str, file: str, old: str, new: str, upon: str = "main") -> str:
        """Push a branch with one change upon another: text replaced, or a new file if there is nothing to replace."""
        git(self.folder, "checkout", "--quiet", "-B", name, upon)
        if old:
            self.edit(file, old, new)
        else:
            (self.folder / file).write_text(new, "utf-8")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--no-verify", "--message", "`touch title` $(touch title)")
        git(self.folder, "push", "--quiet", "--force", "origin", name)
        git(self.folder, "checkout", "--quiet", "main")
        return name


# Each breaks what a job guards: the file, what it replaces there by what, the job, and a word of what that says.
BROKEN = {
    "failing-test": ("tests/test_more.py", "", "def test_two():\n    assert 1 + 1 == 3\n", "tests", "1 + 1"),
    "contract-violation": ("src/gate/contract.py", "min=10, max=6000", "min=1500, max=6000", "tests", "distance"),
    "leaked-secret": ("docs/notes.md", "", f'aws_access_key_id = "{HOOK}"\n', "checks", "AWS Access Key"),
}


def hosted(template: Path, folder: Path, ci: str, *, whole: bool = False) -> Hosted:
    """A project on the platform, unless `whole` without the tests that the template brings and the trees that take minutes."""
    shutil.copytree(template, folder / "template")
    commit(folder / "template", "1.0.0")
    project = installed(folder / "template", folder, "Gate", Hosted, ci=ci, storage_url=str(folder / "storage"))
    if not whole:
        project.set("max_iter: 200", "max_iter: 60")
        for file in (project.folder / "tests/factory").glob("test_*.py"):
            file.unlink()
        git(project.folder, "init", "--quiet", "--initial-branch=main")
        project.done("factory", "check", "--accept")
    # the newest month arrives later
    shutil.move(project.folder / f"data/raw/{NEWEST}", folder)
    project.done("factory", "setup")
    git(project.folder.parent, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    git(project.folder, "remote", "add", "origin", str(project.remote))
    git(project.folder, "push", "--quiet", "origin", "main")
    return project


def champion(project: Hosted) -> None:
    """Make the first model v1."""
    project.train("Train")
    project.done("factory", "promote", "-m", "the first")


class Vulnerabilities(BaseHTTPRequestHandler):
    """The part of osv.dev that `uv audit` asks."""

    vulnerable = ""  # the package with a vulnerability

    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        results = [
            {"vulns": [{"id": "TEST-1"}]} if query["package"]["name"] == type(self).vulnerable else {} for query in queries
        ]
        self.answer({"results": results})

    def do_GET(self) -> None:
        self.answer({"id": "TEST-1", "modified": "2026-01-01T00:00:00Z", "summary": "It is only a test"})

    def answer(self, content: dict) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def machine(folder: Path) -> Iterator[Path]:
    """PATH as on an agent: the Pythons of the tests by name, and a uv that asks for vulnerabilities on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vulnerabilities)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder.mkdir()
    for version in ("3.11", "3.13"):
        (folder / f"python{version}").symlink_to(interpreter(version))
    (folder / "uv").write_text(UV.format(uv=shutil.which("uv"), osv=f"http://127.0.0.1:{server.server_port}"))
    (folder / "uv").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("UV_PYTHON_DOWNLOADS", "never")
        yield folder
    server.shutdown()


@contextlib.contextmanager
def registry() -> Iterator[str]:
    """The image of a registry, as none can be fetched; with it goes what a release has made."""
    name = "gate:registry"
    subprocess.run(["docker", "build", "--quiet", "--tag", name, "-"], input=REGISTRY, text=True, check=True)
    yield name
    images = subprocess.run(["docker", "images", "--quiet", "gate"], capture_output=True, text=True).stdout.split()
    subprocess.run(["docker", "image", "rm", "--force", *images], check=True, capture_output=True)


@contextlib.contextmanager
def running_registry() -> Iterator[str]:
    """The address of a registry that keeps the project's image from one job to the next."""
    with registry() as image:
        command = ("docker", "run", "--detach", "--publish=127.0.0.1::5000", image)
        container = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        where = subprocess.run(["docker", "port", container, "5000"], capture_output=True, text=True, check=True).stdout
        yield f"{where.splitlines()[0]}/gate"
        subprocess.run(["docker", "rm", "--force", "--volumes", container], check=True, capture_output=True)
