"""What a valid version is: decided here alone, for everything that uses one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from .. import manifest, signatures
from ..errors import CannotEvaluate, SignatureRefused
from ..signatures import Signers
from .tags import NEVER, PREFIX, Tag
from .trust import Trust, policy_of, read_ahead

TYPES = {
    **dict.fromkeys(("version", "serves", "rows"), int),
    **dict.fromkeys(("commit", "action", "by", "at", "why", "model", "data"), str),
    **dict.fromkeys(("metrics", "gate"), dict),
}
REQUIRED = {"signatures": "required"}  # in the record of a version that was made where signatures were required
INVALID = "VERSION_INVALID"
TOLERATED = "UNSIGNED", "SIGNER_UNKNOWN"  # unless signatures are required
TOLERANCE = timedelta(minutes=10)  # by which two clocks may differ
RESTORE = "restore its tag"


@dataclass(frozen=True)
class Problem:
    """Why something is refused."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True)
class Signature:
    """Who signed, of those who may; without a signer, why nobody did."""

    signer: str | None = None
    problem: Problem = Problem("UNSIGNED", "not signed")

    @property
    def state(self) -> str:
        """What is shown of it: signed, unsigned or unknown signer."""
        return "signed" if self.signer else "unsigned" if self.problem.code == "UNSIGNED" else "unknown signer"

    def __str__(self) -> str:
        return f"signed by {self.signer}" if self.signer else self.state


@dataclass(frozen=True)
class Version:
    """A tag and its record, None where that is missing or was edited; valid unless it has a problem."""

    number: int
    tag: str
    target: str  # the commit that the tag names, whatever its record says
    record: dict[str, Any] | None
    signature: Signature = Signature()
    problem: Problem | None = None

    @property
    def name(self) -> str:
        return f"v{self.number}"

    @property
    def facts(self) -> dict[str, Any]:
        """The record. Raises CannotEvaluate where the version is not valid."""
        self.check()
        return self.record or {}

    @property
    def commit(self) -> str:
        """The commit. Raises CannotEvaluate where the version is not valid."""
        self.check()
        return self.target

    def check(self) -> None:
        """Raises CannotEvaluate where the version is not valid."""
        if self.problem:
            raise CannotEvaluate(self.problem.code, self.problem.message)


def judge(tags: Sequence[Tag], trusted: Trust, *, promoting: bool = False) -> list[Version]:
    """The versions of these tags, which are in order; `promoting` if one more is about to be made on top of them.

    Where signatures are required, a signed version vouches by its record for unsigned ones before it, from the time when
    signatures were not required.
    """
    read_ahead({tag.commit for tag in tags if tag.commit})
    versions: list[Version] = []
    bound: list[bool] = []  # of each, whether the valid version before it wants it signed
    newest, binds = NEVER, False
    for tag in tags:
        record, signature = _record(tag.message), _signature(tag, trusted.signers, newest)
        newest = max(newest, tag.at) if signature.signer else newest
        defect = None if signature.signer or signature.problem.code in TOLERATED else signature.problem
        problem = _problem(tag, record) or defect
        version = Version(tag.number, tag.object, tag.commit, record, signature, problem)
        asked = trusted.policies.signatures_required or binds
        version = _require_main(version, trusted) if asked else version
        versions.append(version)
        bound.append(binds)
        if not version.problem and (signature.signer or not asked):
            binds = _binds(version)
    _require_signatures(versions, bound, trusted, promoting)
    _compare_neighbours(versions)
    return versions


def must_sign(previous: Sequence[Version], trusted: Trust) -> bool:
    """Whether the version after these, the newest of which is valid, must be signed."""
    return trusted.policies.signatures_required or (bool(previous) and _binds(previous[-1]))


def after(versions: Sequence[Version], trusted: Trust) -> Trust:
    """What holds for the version after these: the policy of the last valid one's commit as well."""
    valid = [version for version in versions if not version.problem]
    return trusted.beside(f"{PREFIX}{valid[-1].number}", valid[-1].commit) if valid else trusted


def is_required(version: Version) -> bool:
    """Whether the version says of itself that signatures were required when it was made."""
    return bool(version.record and version.record.items() >= REQUIRED.items())


def _binds(version: Version) -> bool:
    """Whether the next version must be signed, whatever main says by then: so a loosened policy takes one signed version.

    A version is of a commit from before signatures were required where somebody has rolled back.
    """
    recorded = bool(version.signature.signer) and is_required(version)
    return recorded or policy_of(f"{PREFIX}{version.number}", version.commit).signatures == "required"


def write_record(record: dict[str, Any]) -> str:
    """The record in one line, with its checksum."""
    content = json.dumps(record, ensure_ascii=False, sort_keys=True)
    return json.dumps({**record, "sha256": manifest.sha256(content.encode())}, ensure_ascii=False, sort_keys=True)


def _record(message: str) -> dict[str, Any] | None:
    line = next((line for line in message.splitlines() if line.startswith("{")), "")
    try:
        record: dict[str, Any] = json.loads(line)
        del record["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return record if write_record(record) == line else None


def _problem(tag: Tag, record: dict[str, Any] | None) -> Problem | None:
    """What is wrong with the tag by itself; its signature apart."""
    if not tag.header:
        reason = f"is a lightweight tag, as some CI checkouts leave it: git fetch --force origin tag {tag.name}"
    elif record is None or not all(isinstance(record.get(name), kind) for name, kind in TYPES.items()):
        reason = f"has no valid record, its message was edited: {RESTORE}, or delete it"
    elif tag.number == 1 and record.get("previous"):
        reason = f"names a version before it: {RESTORE}"
    elif tag.header != tag.name:
        reason = f"is the tag of v{record['version']} under another name: {_deletion(tag.name)}"
    elif (record["version"], record["commit"]) != (tag.number, tag.commit):
        reason = (
            f"was moved: it was created on {str(record['commit'])[:8]} as v{record['version']}: {RESTORE}, or delete it"
        )
    elif failed := _failed_checks(record["gate"]):
        reason = f"did not pass the gate ({failed}): delete it"
    else:
        return None
    return Problem(INVALID, f"{tag.name} {reason}")


def _failed_checks(gate: Any) -> str:
    try:
        failed = [str(check["code"]) for check in gate["checks"] if check["passed"] is not True]
        return ", ".join(failed) if gate["checks"] else "no checks recorded"
    except (KeyError, TypeError):
        return "no checks recorded"


def _signature(tag: Tag, signers: Signers, newest: datetime) -> Signature:
    """The tag's signature; its date, which is the signer's to choose, must be after that of the newest signed before it."""
    try:
        signer = signatures.verify(tag.content, tag.signature, signers, "git", tag.at, what=tag.name)
    except SignatureRefused as error:
        return Signature(None, Problem(error.code, error.reason))
    if newest - TOLERANCE <= tag.at <= datetime.now(UTC) + TOLERANCE:
        return Signature(signer)
    reason = f"{tag.name} has a date, {tag.at:%Y-%m-%d %H:%M}, that is before an earlier version's or in the future"
    return Signature(None, Problem("SIGNER_UNKNOWN", f"{reason}: it may be signed with a key whose time is over"))


def _require_signatures(versions: list[Version], bound: Sequence[bool], trusted: Trust, promoting: bool) -> None:
    """Give a problem to those that have to be signed and are neither that nor, of those that are not bound, vouched for."""
    vouched = versions[-1].tag if versions and promoting else None
    for place, (version, late) in reversed(list(enumerate(zip(versions, bound, strict=True)))):
        counts = version.tag == vouched or not trusted.policies.signatures_required
        if not (version.problem or version.signature.signer or (counts and not late)):
            advice = _advice(version, late, versions[-1].name)
            problem = replace(version.signature.problem, message=f"{version.signature.problem.message}: {advice}")
            version = versions[place] = replace(version, problem=problem)
        vouched = version.facts.get("previous") if not version.problem else None


def _require_main(version: Version, trusted: Trust) -> Version:
    """With a problem if it is signed and of a commit that is not on main, as that of another project with the same signers."""
    if version.signature.signer and not version.problem:
        try:
            trusted.check_on_main(version.commit)
        except CannotEvaluate as error:
            return replace(version, problem=Problem(error.code, f"{PREFIX}{version.number}: {error.reason}"))
    return version


def _advice(version: Version, late: bool, newest: str) -> str:
    """What to do about a version that is not signed by somebody who may."""
    if version.signature.problem.code != "UNSIGNED":
        return "if that person may sign, it takes a line in allowed_signers on the main branch; else delete the tag"
    if late:
        return _deletion(f"{PREFIX}{version.number}")
    return f'promote a model, or sign again what is served, by `uv run factory rollback --to {newest} -m "signed"`'


def _deletion(name: str) -> str:
    return f"delete it, by `git push origin :refs/tags/{name}` and `git tag --delete {name}`"


def _compare_neighbours(versions: list[Version]) -> None:
    """Give a problem to a tag that is not the one which the next recorded; to both, where either may have been edited."""
    for place in reversed(range(1, len(versions))):
        before, after = versions[place - 1], versions[place]
        if (
            before.problem
            or after.problem
            or after.number != before.number + 1
            or after.facts.get("previous") == before.tag
        ):
            continue
        if after.signature.signer or not before.signature.signer:
            reason = f"{PREFIX}{before.number} was moved or edited after {after.name} recorded it: {RESTORE}"
            versions[place - 1] = replace(before, problem=Problem(INVALID, reason))
        if not after.signature.signer:
            reason = f"{PREFIX}{after.number} does not follow from the {before.name} that is here: {RESTORE}"
            versions[place] = replace(after, problem=Problem(INVALID, reason))
