"""The bare repository in which the branches of all projects come together."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from factory import platforms
from factory.errors import FactoryError
from factory.status.model import BRANCH
from files import locked, named
from strangers import LOCAL, SETTINGS, SILENT, Processes, limited

ACCEPTED, KEPT = "refs/projects/", "refs/kept/"
"""What is known of a project's branch; what the project has since replaced in it."""
MAX_FETCHED = 32 * 1024 * 1024
"""Bytes of any file that a fetch may write: years of statuses are smaller."""
BUSY = "another hub is at work there: wait until it has ended"
FETCHED, TOO_LARGE = "fetched", "too large"
REJECTED = re.compile(r"^warning: rejected .*", re.MULTILINE)


class FetchError(Exception):
    """What Git prints where it cannot fetch."""


@dataclass(frozen=True)
class Repository:
    """The repository, which only one hub uses at a time."""

    path: Path
    fetches: Processes = field(default_factory=Processes, repr=False)

    def fetch(self, url: str, key: str, known: str | None, timeout: float) -> str:
        """Fetch the project's branch with its history; its commit. Raises FetchError, or TimeoutError.

        Its objects are in a repository of their own, which sees those that are known, until `take` accepts them. So a server
        hears of its project's commits only, nothing broken gets in, and a fetch costs the same whatever else is in here.
        """
        with named(self.path):
            place = self._place(key, known)
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap=")
        command = (
            *limited(MAX_FETCHED),
            "git",
            "fetch",
            *options,
            "--",
            url,
            f"+refs/heads/{BRANCH}:refs/heads/new",
        )  # where Git takes commits only
        try:
            with tempfile.TemporaryFile() as errors:  # as long as the server likes, up to the limit
                code = self._finished(command, place, errors.fileno(), timeout)
                errors.seek(0)
                text = errors.read(10_000).decode(errors="replace")
            if any(file.stat().st_size >= MAX_FETCHED for file in place.glob("objects/pack/tmp_*")):
                raise FetchError(TOO_LARGE)
            rejected = REJECTED.search(text)  # without an exit code, as what is cut
            if code or rejected:
                raise FetchError(rejected[0] if rejected else text.strip() or f"exit code {code}")
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)  # what was ended with the fetch may not be gone yet
            raise
        return (place / "refs/heads/new").read_text("ascii").strip()

    def take(self) -> None:
        """Accept the objects of all fetches."""
        packs = self.path / "objects/pack"
        for suffix in ("pack", "rev", "idx"):  # by the last Git knows that a pack is there
            for file in self.path.glob(f"{FETCHED}/*/objects/pack/pack-*.{suffix}"):
                file.replace(packs / file.name)
        shutil.rmtree(self.path / FETCHED, ignore_errors=True)

    def run(self, *command: str, stdin: str = "") -> str:
        """The output of Git on this repository alone. Raises FactoryError."""
        done = subprocess.run(["git", *command], input=stdin.encode(), env=self.environment, capture_output=True)
        if done.returncode:
            reason = (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"])[0]
            raise self.damaged(command[0], reason)
        return done.stdout.decode(errors="replace")

    def damaged(self, command: str, reason: str) -> FactoryError:
        """The error where Git cannot do with this repository what it should."""
        remedy = "see `git fsck` there; what projects still have is gathered again once it is moved away"
        return FactoryError(f"{self.path}: `git {command}` failed: {reason}; {remedy}")

    def refs(self, prefix: str) -> dict[str, str]:
        """Commits by what follows the prefix in their ref's name."""
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname)", prefix).splitlines()
        return {name.removeprefix(prefix): commit for commit, _, name in (line.partition(" ") for line in lines)}

    def pack(self) -> None:
        """Make few files of many, so that the next gathering is as fast."""
        self.run("pack-refs", "--all")
        self.run("repack", "-d", "--quiet", "--geometric=2")

    @property
    def environment(self) -> dict[str, str]:
        """Git's settings and logins are those of who runs the hub, but for what a stranger could make use of."""
        inherited = {name: value for name, value in platforms.git_env().items() if name not in LOCAL}
        return platforms.with_git_config(SETTINGS, inherited | SILENT | {"GIT_DIR": str(self.path)})

    def _place(self, key: str, known: str | None) -> Path:
        """A repository, made without a process."""
        (self.path / FETCHED).mkdir(exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=self.path / FETCHED))  # not that of a hub that was killed
        for folder in ("objects/info", "objects/pack", "refs/heads"):
            (place / folder).mkdir(parents=True)
        (place / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
        (place / "objects/info/alternates").write_text("../../../objects\n", "ascii")
        if known:
            (place / "refs/known").write_text(f"{known}\n", "ascii")
        return place

    def _finished(self, command: tuple[str, ...], place: Path, errors: int, timeout: float) -> int:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": errors}
        env = self.environment | {"GIT_DIR": str(place)}
        with self.fetches.started(command, env=env, **streams) as process:
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                raise TimeoutError from error


@contextmanager
def opened(path: Path) -> Iterator[Repository]:
    """The repository at the path, made if there is none, for this hub alone. Raises FactoryError where another one uses it."""
    lock = path / "hub.lock"
    if path.exists() and not lock.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FactoryError(f"{path}: is not a hub's repository: name another place with --cache")
    path.mkdir(parents=True, exist_ok=True)
    with locked(lock, f"{lock}: {BUSY}"):
        _clean(path)
        repository = Repository(path.resolve())
        repository.run("init", "--quiet", "--bare")
        try:
            yield repository
        finally:
            repository.fetches.stop()


def _clean(path: Path) -> None:
    """Remove what a hub that was killed has left unfinished."""
    shutil.rmtree(path / FETCHED, ignore_errors=True)
    for leftover in (*path.glob("refs/**/*.lock"), *path.glob("*.lock"), *path.glob("objects/**/tmp_*")):
        if leftover.name != "hub.lock":
            leftover.unlink(missing_ok=True)
