"""People with SSH keys, and what main says of them."""

from pathlib import Path
from typing import Any

from late_flights.factory.registry import validity, versions
from late_flights.factory.workspace import signing
from tests.factory import git_repository
from tests.factory.git_repository import RECORD, git

from machinery import signing_key

FOLDER = "../keys"  # beside the repository
REQUIRED = {"policy.yaml": "signatures: required\n"}


def key(name: str) -> Path:
    """The file of the person's private key."""
    path = Path(FOLDER, name)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        signing_key.make(path)
    return path.resolve()


def public(name: str) -> str:
    return key(name).with_suffix(".pub").read_text(encoding="utf-8")


def line(name: str, options: str = "") -> str:
    """The person's line for allowed_signers."""
    return f"{name}@example.com {options} {public(name)}"


def allow(*lines: str, **files: str) -> str:
    """Commit who may sign, and more files; the commit."""
    return git_repository.commit(allowed_signers="".join(lines), **files)


def publish(patch: Any, signer: str | None, **facts: Any) -> versions.Version:
    """Make the next version of this commit, signed by that person or by nobody."""
    with patch.context() as inner:
        if signer:
            inner.setenv(signing.KEY, str(key(signer)))
        before = versions.local(promoting=True)
        return versions.publish(git("rev-parse", "HEAD"), RECORD | facts, "promoted", before)


def forge(number: int, **facts: Any) -> str:
    """Make a tag by hand, whose record follows from the tag before it; its object."""
    previous = git("rev-parse", f"model/v{number - 1}") if number > 1 else None
    record = RECORD | {"version": number, "commit": git("rev-parse", "HEAD"), "previous": previous} | facts
    message = f"model/v{number}: promoted\n\n{validity.write_record(record)}\n"
    git("tag", "--annotate", "--file=-", f"model/v{number}", stdin=message)
    return git("rev-parse", f"model/v{number}")


def rewrite(number: int, old: str, new: str) -> str:
    """Put another text into the tag, and leave its signature."""
    content = git("cat-file", "tag", f"model/v{number}") + "\n"
    assert old in content
    tag = git("mktag", stdin=content.replace(old, new))
    git("update-ref", f"refs/tags/model/v{number}", tag)
    return tag
