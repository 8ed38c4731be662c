"""The branch factory/status: one file, and as its history the statuses before."""

import json
import tempfile
from pathlib import Path

from ..errors import FactoryError
from ..registry import versions
from ..registry.trust import trust
from ..workspace import git
from ..workspace.state_branch import StateBranch
from . import model, status
from .model import NAME, Status

BRANCH = StateBranch(model.BRANCH, "The state of the project [skip ci]")


def to_json(found: Status) -> str:
    """The status as the file has it."""
    return json.dumps(found.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


def push() -> Status:
    """Put the status of main's commit on the branch, after those that are there. Raises FactoryError."""
    if git.remote_name() is None:
        raise FactoryError("there is no Git remote: add one with `git remote add origin URL`")
    versions.fetch()
    trust().check_on_main(git.commit() or "HEAD")
    if git.uncommitted():
        raise FactoryError("there are uncommitted changes, which others cannot see: commit them, or `git restore` them")
    found = status.read()
    content = to_json(found).encode()
    model.parse(content)  # as a hub will
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        path.write_bytes(content)
        BRANCH.put({NAME: path}, chain=True)
    return found
