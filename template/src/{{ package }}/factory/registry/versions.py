"""Model versions: annotated tags model/v1, model/v2, …, each with a record that names the tag before it."""

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
    """A tag: its own object, the commit it stands on, and its record, None where that cannot be believed."""

    number: int
    tag: str
    commit: str
    record: dict[str, Any] | None

    @property
    def name(self) -> str:
        return f"v{self.number}"

    @property
    def facts(self) -> dict[str, Any]:
        """The record. Raises CannotEvaluate where there is none, or where it is of another version or commit."""
        if self.record is None or (self.record.get("version"), self.record.get("commit")) != (self.number, self.commit):
            raise CannotEvaluate("VERSION_INVALID", f"{PREFIX}{self.number} has no valid record: run `factory audit`")
        return self.record


def local() -> list[Version]:
    """The versions in this clone, oldest first."""
    versions = []
    for name, tag, commit, message in git.tags(f"{PREFIX}*"):
        if re.fullmatch(rf"{PREFIX}[1-9]\d*", name):
            versions.append(Version(int(name.removeprefix(PREFIX)), tag, commit, _record(message)))
    return sorted(versions, key=lambda version: version.number)


def fetch() -> list[Version]:
    """The versions in this clone, once those of the remote are fetched. Raises CannotEvaluate where it cannot be reached."""
    remote = git.remote_name()
    if remote:
        try:
            git.fetch_tags(remote, PREFIX)
        except FactoryError as error:
            reason = "a tag here is not the remote's: run `factory audit`" if _conflicts(remote) else str(error)
            raise CannotEvaluate("VERSIONS_UNREACHABLE", f"versions of {remote} cannot be fetched: {reason}") from error
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
    """The next version, on the remote first: of several at once exactly one is made. Raises FactoryError."""
    number = previous[-1].number + 1 if previous else 1
    name = f"{PREFIX}{number}"
    chain = {"version": number, "commit": commit, "previous": previous[-1].tag if previous else None}
    record = {**chain, "nonce": token_hex(8), **record}  # two that are otherwise equal are two, and one of them wins
    message = f"{name}: {headline}\n\n{_with_checksum(record)}\n"
    tag = git.make_tag(name, commit, message)
    remote = git.remote_name()
    if remote:
        _push(remote, tag, name)
    try:
        git.create_ref(f"refs/tags/{name}", tag)
    except FactoryError as error:
        if git.tag_object(name) != tag:  # a fetch may have brought what was just pushed
            raise FactoryError(f"{name} was made by another at the same time: run the command again") from error
    return Version(number, tag, commit, record)


def model_md5(dvc_lock: str) -> str:
    """DVC's name for the model's folder with all its files, in the text of a dvc.lock."""
    outs = yaml.safe_load(dvc_lock)["stages"]["train"]["outs"]
    [folder] = [out["md5"] for out in outs if out["path"] == str(MODEL)]
    return str(folder)


def _conflicts(remote: str) -> bool:
    """Whether a tag here is another than the remote's; `git fetch --quiet` does not say why it refuses."""
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
            raise CannotEvaluate("PUSH_UNKNOWN", f"whether {name} reached {remote} is not known: {error}") from error
        if pushed is None:
            raise CannotEvaluate(
                "PUSH_REFUSED", f"{name} was not accepted by {remote}, nothing is changed: {error}"
            ) from error
        if pushed != tag:
            raise FactoryError(f"{name} was made by another at the same time: run the command again") from error


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
