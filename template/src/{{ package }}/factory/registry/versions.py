"""Model versions: annotated tags model/v1, model/v2, …, each with a record that names the previous tag."""

from contextlib import suppress
from itertools import takewhile
from secrets import token_hex
from typing import Any

import yaml

from ..errors import CannotEvaluate, FactoryError
from ..paths import MODEL
from ..workspace import git, signing
from . import tags, validity
from .tags import PREFIX
from .trust import Trust, trust
from .validity import Version

__all__ = ["PREFIX", "Version", "by_test_rows", "fetch", "find", "local", "model_md5", "publish", "vouched_for"]


def local(trusted: Trust | None = None, *, promoting: bool = False) -> list[Version]:
    """The versions in this clone, oldest first, each with its problem if it is not valid; `promoting` before one more is made."""
    return validity.judge(tags.read(tags.refs()), trusted or trust(), promoting=promoting)


def fetch(*, promoting: bool = False) -> list[Version]:
    """The versions, after fetching the remote's, and main. Raises CannotEvaluate where the remote cannot be reached."""
    remote = git.remote_name()
    if remote:
        try:
            git.fetch_tags(remote, PREFIX)
            git.fetch_main(remote)
        except FactoryError as error:
            reason = (
                "a tag here differs from the remote's: run `uv run factory audit`" if _conflicts(remote) else str(error)
            )
            raise CannotEvaluate(
                "VERSIONS_UNREACHABLE", f"the versions of {remote} cannot be fetched: {reason}"
            ) from error
    return local(promoting=promoting)


def find(name: str, versions: list[Version]) -> Version:
    """The version of that name, `v3` or `3`. Raises FactoryError."""
    for version in versions:
        if name.removeprefix(PREFIX).removeprefix("v") == str(version.number):
            return version
    raise FactoryError(
        f"there is no version {name}: {', '.join(v.name for v in versions) or 'none has been promoted yet'}"
    )


def publish(commit: str, record: dict[str, Any], headline: str, previous: list[Version]) -> Version:
    """Make the next version, on the remote first: of several at once exactly one succeeds. Raises FactoryError.

    `previous` are the versions before one more is made. It is signed where that is required, or a key is set.
    """
    if previous:
        previous[-1].check()
    number, trusted = previous[-1].number + 1 if previous else 1, trust()
    chain = {"version": number, "commit": commit, "previous": previous[-1].tag if previous else None}
    record = {**chain, "nonce": token_hex(8), **record}  # so that two otherwise equal records differ, and one wins
    required = validity.must_sign(previous, trusted)
    if trusted.policies.signatures_required:
        record |= validity.REQUIRED
    name = f"{PREFIX}{number}"
    message = f"{name}: {headline}\n\n{validity.write_record(record)}\n"
    tag = git.make_tag(name, commit, message, sign=required or signing.can_sign())
    read = tags.read([*((version.number, version.tag) for version in previous), (number, tag)])
    version = validity.judge(read, trusted)[-1]
    version.check()  # before anybody else sees it
    _share(tag, name)
    return version


def vouched_for(previous: list[Version], trusted: Trust) -> list[Version]:
    """The unsigned versions that will count because the next one, which has to be signed, names them."""
    if not trusted.policies.signatures_required:
        return []
    return [*takewhile(lambda each: not each.signature.signer, reversed(previous))][::-1]


def by_test_rows(versions: list[Version]) -> list[list[Version]]:
    """The versions in groups of those whose figures are of the same test rows, and so compare.

    Records of a release before 0.3.0 do not name the test rows: there it is the training rows that are the same.
    """
    valid = [version for version in versions if not version.problem]
    name = "test" if all("test" in version.facts for version in valid) else "data"
    groups: dict[str, list[Version]] = {}
    for version in valid:
        groups.setdefault(version.facts[name], []).append(version)
    return list(groups.values())


def model_md5(dvc_lock: str) -> str:
    """The hash by which DVC knows the folder model/, from the text of a dvc.lock."""
    outs = yaml.safe_load(dvc_lock)["stages"]["train"]["outs"]
    [folder] = [out["md5"] for out in outs if out["path"] == str(MODEL)]
    return str(folder)


def _conflicts(remote: str) -> bool:
    """Whether a tag here differs from the remote's; `git fetch --quiet` fails without a reason."""
    with suppress(FactoryError):
        return any(
            git.tag_object(name) not in (None, tag) for name, tag in git.remote_tags(remote, f"{PREFIX}*").items()
        )
    return False


def _share(tag: str, name: str) -> None:
    """Give the tag its name, on the remote first."""
    remote = git.remote_name()
    if remote:
        _push(remote, tag, name)
    try:
        git.create_ref(f"refs/tags/{name}", tag)
    except FactoryError as error:
        if git.tag_object(name) != tag:  # a fetch may have brought the tag that was just pushed
            raise FactoryError(f"somebody else made {name} at the same time: run the command again") from error


def _push(remote: str, tag: str, name: str) -> None:
    try:
        git.push(remote, f"{tag}:refs/tags/{name}")
    except FactoryError as error:
        try:
            pushed = git.remote_tags(remote, name).get(name)
        except FactoryError:
            raise CannotEvaluate("PUSH_UNKNOWN", f"{name} may or may not have reached {remote}: {error}") from error
        if pushed is None:
            raise CannotEvaluate(
                "PUSH_REFUSED", f"{remote} did not accept {name}, nothing was changed: {error}"
            ) from error
        if pushed != tag:
            raise FactoryError(f"somebody else made {name} at the same time: run the command again") from error
