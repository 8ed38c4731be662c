"""A key that signs, and the file of those who may."""

import subprocess
from pathlib import Path
from typing import Any

from late_flights.factory.workspace import signing
from tests.factory import git_repository


def make(path: Path, kind: str = "ed25519") -> str:
    """The public key, of type and base64, of a new pair in the file."""
    subprocess.run(("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)), check=True)
    return path.with_suffix(".pub").read_text(encoding="utf-8").strip()


def use(patch: Any, folder: Path, name: str) -> Path:
    """Sign with a new key of that person from now on; the file by which only that person may sign."""
    folder.mkdir()
    patch.setenv(signing.KEY, str(folder / "key"))
    allowed = folder / "allowed_signers"
    allowed.write_text(f"{name} {make(folder / 'key')}\n", encoding="utf-8")
    return allowed


def require(patch: Any, folder: Path) -> None:
    """From now on signatures are required, and Zoë alone may sign, who does."""
    allowed = use(patch, folder, "zoe@example.com").read_text(encoding="utf-8")
    git_repository.commit(**{"policy.yaml": "signatures: required\n", "allowed_signers": allowed})
