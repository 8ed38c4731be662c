"""A commit's pipeline run again: in a clean worktree, in an environment of the commit's lock, without any cache."""

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filelock import FileLock

from ..errors import CannotEvaluate, FactoryError, Refused
from ..paths import DVC_TMP, MODEL, REPORTS, TRAINING, VERIFICATION
from ..registry import champion
from ..workspace import git
from ..workspace.process import dvc, run, show
from .comparison import CODE, compare

UNCACHED = ("--force", "--no-run-cache")
OTHERS = (*champion.NOT_ITS_OWN, "UV_PYTHON", "MLFLOW_TRACKING_URI")
"""Variables of the environment here that a reproduction must not see."""


class Reproduction:
    """A worktree of the commit, to be trained on the Python minor, and with the BLAS kernel, that its run record names."""

    def __init__(self, folder: Path, commit: str, python: str | None = None) -> None:
        self.folder, self.commit = folder, commit
        self._record, self._bin = run_record(commit), folder / ".venv/bin"
        self._pythons = [_absolute(python)] if python else [_minor(f"{self._record['python']}"), sys.executable]

    def fetch_data(self) -> None:
        """Bring what DVC tracks outside of the pipeline, from its cache here or its remote. Raises CannotEvaluate."""
        for place in _tracked_by_dvc(self.commit):
            self.fetch(place)

    def fetch(self, place: str) -> None:
        """Bring a file or folder that DVC has of the commit. Raises CannotEvaluate."""
        temporary = self.folder / ".fetched.tmp"
        try:
            dvc("get", "--rev", self.commit, ".", place, "--out", str(temporary))
        except FactoryError as error:
            raise CannotEvaluate("STORAGE", f"{place} of commit {self.commit[:8]}: {error}") from error
        if temporary.is_dir():
            shutil.copytree(temporary, self.folder / place, dirs_exist_ok=True)
            shutil.rmtree(temporary)
        else:
            temporary.replace(self.folder / place)

    def install(self) -> None:
        """Make the environment of uv.lock, on the first of the Pythons that uv can provide. Raises CannotEvaluate."""
        uv = os.environ.get("UV", "uv")
        for python in self._pythons:
            try:
                run(uv, "sync", "--quiet", "--frozen", "--python", python, cwd=self.folder, env=self._env)
                return
            except FactoryError as error:
                reason = str(error)
        message = f"the packages of uv.lock cannot be installed: {reason}; --python PATH names another Python"
        raise CannotEvaluate("ENVIRONMENT", message)

    def train(self) -> None:
        """Run every stage, with data and environment. Raises Refused where one fails."""
        try:
            show(str(self._bin / "dvc"), "repro", *UNCACHED, "--no-commit", cwd=self.folder, env=self._env)
        except FactoryError as error:
            raise Refused(CODE, f"the pipeline of commit {self.commit[:8]} fails: {error}") from error

    def compare(self, claimed: Path) -> str:
        """In words how equal the model is to the claimed one. Raises Refused where it is not."""
        return compare(claimed, self.folder / MODEL, other_kernel(self._record, self.folder))

    def run_python(self, script: str, *arguments: str) -> str:
        """What the script prints in the worktree's environment. Raises FactoryError."""
        return run(str(self._bin / "python"), "-c", script, *arguments, cwd=self.folder, env=self._env)

    @property
    def _env(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if name not in OTHERS}
        kernel = self._record["blas_kernel"]
        pinned = {"OPENBLAS_CORETYPE": f"{kernel}"} if kernel else {}
        return env | pinned | {"PATH": f"{self._bin}{os.pathsep}{env.get('PATH', '')}"}


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """A clean worktree of the commit, while the block runs; two at once take turns."""
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    folder = VERIFICATION.resolve()
    with FileLock(DVC_TMP / "factory-verification.lock"):
        _remove(folder)  # what a killed one left
        no_hooks = ("-c", f"core.hooksPath={os.devnull}")
        run("git", *no_hooks, "worktree", "add", "--quiet", "--force", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            _remove(folder)


def run_record(commit: str) -> dict[str, str | None]:
    """Python's version and the BLAS kernel of the training, where reports/run.json of the commit records them."""
    try:
        content = json.loads(git.show(commit, f"{REPORTS}/run.json") or "{}")
        return {"python": content.get("versions", {}).get("python"), "blas_kernel": content.get("blas_kernel")}
    except (ValueError, AttributeError):  # whoever made the commit may have written anything
        return {"python": None, "blas_kernel": None}


def other_kernel(record: dict[str, str | None], root: Path = Path()) -> str:
    """In words, the BLAS kernels of the recorded training and of the one in this folder, unless they are known to be the same."""
    recorded = record["blas_kernel"]
    path = root / TRAINING
    used = json.loads(path.read_text(encoding="utf-8")).get("blas_kernel") if path.exists() else None
    if used and used == recorded:
        return ""
    return f"trained with the BLAS kernel {recorded or '(not recorded)'}, here {used or 'unknown'}"


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    run("git", "worktree", "prune")


def _absolute(python: str) -> str:
    """The Python, which may be a version, by a path that holds in any folder."""
    return str(Path(python).absolute()) if Path(python).is_file() else python


def _minor(version: str) -> str:
    """What to ask uv for: the Python here, unless the version is of another minor one."""
    found = re.match(r"3\.\d+", version)
    return found[0] if found and not f"{platform.python_version()}.".startswith(f"{found[0]}.") else sys.executable


def _tracked_by_dvc(commit: str) -> list[str]:
    """Folders that hold pointers of DVC, and what pointers beside dvc.yaml name."""
    names = run("git", "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    pointers = [PurePosixPath(name) for name in names if name.endswith(".dvc")]
    places = {path.parent if path.parent.name else path.with_suffix("") for path in pointers}
    return sorted(str(place) for place in places if not places & set(place.parents))
