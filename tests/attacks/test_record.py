"""A version that the gate never saw."""

import hashlib
import json

from attack import Target
from conftest import git


def forge(project: Target) -> str:
    """The message of a tag whose record somebody wrote by hand, after a commit that makes the model look better."""
    record = json.loads(git(project.folder, "tag", "--list", "--format=%(contents)", "model/v1").splitlines()[2])
    del record["sha256"]
    previous, commit = (git(project.folder, "rev-parse", name) for name in ("model/v1", "HEAD"))
    record |= {"version": 2, "serves": 2, "commit": commit, "previous": previous, "why": "better", "nonce": "0"}
    content = json.dumps(record, ensure_ascii=False, sort_keys=True)
    sealed = {**record, "sha256": hashlib.sha256(content.encode()).hexdigest()}
    return f"model/v2: promoted\n\n{json.dumps(sealed, ensure_ascii=False, sort_keys=True)}\n"


def test_handwritten_record(signed):
    git(signed.folder, "tag", "--annotate", "--no-sign", "--message", forge(signed), "model/v2")
    git(signed.folder, "push", "--quiet", "origin", "model/v2")
    signed.refused("UNSIGNED", "factory", "audit")
    signed.refused("UNSIGNED", "factory", "trace", "v2")
