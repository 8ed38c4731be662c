"""Model versions: annotated tags model/v1, model/v2, …, each with a record that names the previous tag."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import yaml

from .. import manifest
from ..errors import CannotEvaluate, FactoryError
from ..paths import MODEL
from ..workspace import git

PREFIX = "model/v"


@dataclass(frozen=True)
class Version:
    """A tag: its object, its commit, and its record, None where that is missing or was edited."""

    number: int
    tag: str
    commit: str
    record: dict[str, Any] | None

    @property
    def name(self) -> str:
        return f"v{self.number}"

    @property
    def facts(self) -> dict[str, Any]:
        """The record. Raises CannotEvaluate where there is none, or where it names another version or commit."""
        if self.record is None or (self.record.get("version"), self.record.get("commit")) != (self.number, self.commit):
            raise CannotEvaluate(
                "VERSION_INVALID", f"{PREFIX}{self.number} has no valid record: run `uv run factory audit`"
            )
        return self.record


def local() -> list[Version]:
    """The versions in this clone, oldest first."""
    versions = []
    for name, tag, commit, message in git.tags(f"{PREFIX}*"):
        if re.fullmatch(rf"{PREFIX}[1-9]\d*", name):
            versions.append(Version(int(name.removeprefix(PREFIX)), tag, commit, _record(message)))
    return sorted(versions, key=lambda version: version.number)


def fetch() -> list[Version]:
    """The versions, after fetching the remote's. Raises CannotEvaluate where the remote cannot be reached."""
    remote = git.remote_name()
    if remote:
        try:
            git.fetch_tags(remote, PREFIX)
        except FactoryError as error:
            reason = (
                "a tag here differs from the remote's: run `uv run factory audit`" if _conflicts(remote) else str(error)
            )
            raise CannotEvaluate(
                "VERSIONS_UNREACHABLE", f"the versions of {remote} cannot be fetched: {reason}"
            ) from error
    return local()


def find(name: str, versions: list[Version]) -> Version:
    """The version of that name, `v3` or `3`. Raises FactoryError."""
    for version in versions:
        if name.removeprefix(PREFIX).removeprefix("v") == str(version.number):
            return version
    raise FactoryError(
        f"there is no version {name}: {', '.join(v.name for v in versions) or 'none has been promoted yet'}"
    )


def publish(commit: str, record: dict[str, Any], headline: str, previous: list[Version]) -> Version:
    """Make the next version, on the remote first: of several at once exactly one succeeds. Raises FactoryError."""
    number = previous[-1].number + 1 if previous else 1
    name = f"{PREFIX}{number}"
    chain = {"version": number, "commit": commit, "previous": previous[-1].tag if previous else None}
    record = {**chain, "nonce": token_hex(8), **record}  # so that two otherwise equal records differ, and one wins
    message = f"{name}: {headline}\n\n{_with_checksum(record)}\n"
    tag = git.make_tag(name, commit, message)
    remote = git.remote_name()
    if remote:
        _push(remote, tag, name)
    try:
        git.create_ref(f"refs/tags/{name}", tag)
    except FactoryError as error:
        if git.tag_object(name) != tag:  # a fetch may have brought the tag that was just pushed
            raise FactoryError(f"somebody else made {name} at the same time: run the command again") from error
    return Version(number, tag, commit, record)


def by_test_rows(versions: list[Version]) -> list[list[Version]]:
    """The versions in groups of those whose figures are of the same test rows, and so compare.

    Records of a release before 0.3.0 do not name the test rows: there it is the training rows that are the same.
    """
    records = [version.record for version in versions if version.record]
    name = "test" if all("test" in record for record in records) else "data"
    groups: dict[str, list[Version]] = {}
    for version in versions:
        if version.record:
            groups.setdefault(version.record[name], []).append(version)
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


def _with_checksum(record: dict[str, Any]) -> str:
    content = json.dumps(record, ensure_ascii=False, sort_keys=True)
    return json.dumps({**record, "sha256": manifest.sha256(content.encode())}, ensure_ascii=False, sort_keys=True)


def _record(message: str) -> dict[str, Any] | None:
    line = next((line for line in message.splitlines() if line.startswith("{")), "")
    try:
        record: dict[str, Any] = json.loads(line)
        del record["sha256"]
    except (ValueError, KeyError, TypeError):
        return None
    return record if _with_checksum(record) == line else None
