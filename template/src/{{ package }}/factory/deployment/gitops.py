"""A cluster that Argo CD or Flux brings to what main has: the overlay's change is proposed, and nothing here reaches the cluster."""

import os
import tempfile
from functools import partial
from pathlib import Path

from .. import platforms
from ..environments import Environment
from ..errors import FactoryError
from ..platforms.base import TOKEN, Platform
from ..workspace import commits, git, pull_request
from ..workspace.process import run
from . import overlay, smoke_test

PROPOSE = "FACTORY_PROPOSE_TOKEN"  # a job's own token may open no pull request, or one whose pipelines do not start


class Main:
    """The environment's overlay on the main branch of the remote, as last fetched."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._path = f"{overlay.FOLDER / environment.name / overlay.FILE}"

    def running(self) -> str | None:
        """The image that the overlay names; whether it serves by now is for `request` to show. Raises FactoryError."""
        with tempfile.TemporaryDirectory() as folder:
            return overlay.read(self._write(Path(folder)))

    def request(self, path: str, body: bytes) -> bytes:
        """The response as callers get it. Raises FactoryError."""
        if not self._environment.url:
            raise FactoryError(f"NOT_READY: {self._environment.name} has no `url` in environments.yaml to ask")
        return smoke_test.http_client(self._environment.url)(path, body)

    def propose(self, image: str, title: str, text: str) -> str:
        """Push a branch that changes the image in the overlay alone, and open its pull request; what came of it. Raises FactoryError."""
        branch = f"factory/deploy-{self._environment.name}"
        if self.running() == image:
            return f"main has {image} in {self._path} already"
        remote, before = pull_request.previous(branch)
        name, main = git.main()
        base = name.removeprefix(f"{remote}/")
        commit = self._commit(str(main), image, title)
        platform = _platform()
        if platform is None:
            by_hand = f"pushed {branch}: open its pull request into {base}"
            return pull_request.propose(remote, branch, str(main), commit, before, lambda: by_hand)
        show = partial(platform.open_pull_request, branch, base, title, text, False)
        return f"See {pull_request.propose(remote, branch, str(main), commit, before, show)}"

    def _write(self, folder: Path) -> Path:
        name, main = git.main()
        content = commits.contents([f"{main}:{self._path}"])[0] if main else None
        if content is None:
            raise FactoryError(
                f"OVERLAY: {self._path} is not on {name}: commit and push it, as Argo CD and Flux read it there"
            )
        file = folder / overlay.FILE
        file.write_bytes(content)
        return file

    def _commit(self, main: str, image: str, message: str) -> str:
        """A commit on top of main that no branch has yet; the working tree is not touched."""
        with tempfile.TemporaryDirectory() as folder:
            file = self._write(Path(folder))
            overlay.write(file, image)
            blob = run("git", "hash-object", "-w", "--no-filters", str(file))
            env = os.environ | {"GIT_INDEX_FILE": f"{folder}/index"}
            run("git", "read-tree", main, env=env)
            run("git", "update-index", "--cacheinfo", f"100644,{blob},{self._path}", env=env)
            tree = run("git", "write-tree", env=env)
        return run("git", "commit-tree", tree, "-p", main, "-m", message)


def _platform() -> Platform | None:
    token = os.environ.get(PROPOSE) or os.environ.get(TOKEN, "")
    return platforms.detect({**os.environ, TOKEN: token})
