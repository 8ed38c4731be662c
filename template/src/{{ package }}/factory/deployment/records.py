"""What ran where: records and proofs on the branch factory/deployments, for a rollback and for the next environment."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from .. import manifest, platforms, signatures
from ..errors import SignatureRefused
from ..registry.trust import Trust
from ..registry.versions import Version
from ..release import provenance, sbom
from ..workspace import git, signing, state_branch
from ..workspace.state_branch import StateBranch

BRANCH = StateBranch("factory/deployments", "What ran where [skip ci]")


@dataclass(frozen=True)
class Record:
    """A version's image that passed its smoke test in an environment."""

    environment: str
    version: str  # the champion by then
    built: str  # the version as which the image was built: an earlier one after a rollback
    image: str
    commit: str
    model: str
    at: str
    by: str
    run: str | None
    seconds: float

    @property
    def name(self) -> str:
        """Its file on the branch."""
        return f"{self.environment}.{self.built}.json"


def of(environment: str, version: Version, built: Version, image: str, seconds: float) -> Record:
    """The record of what has just been deployed. Raises FactoryError."""
    platform, at = platforms.detect(), datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"version": version.name, "built": built.name, "commit": built.commit, "model": built.facts["model"]}
    run = platform.run_url if platform else None
    return Record(environment, image=image, at=at, by=git.author(), run=run, seconds=round(seconds, 1), **facts)


def read(environment: str, trusted: Trust) -> list[Record]:
    """The environment's records that count, the newest last; none where there is no remote. Raises FactoryError."""
    return [record for record in _all(trusted, f"{environment}.") if record.environment == environment]


def latest(trusted: Trust) -> list[Record]:
    """What each environment got last, of the records that count. Raises FactoryError."""
    return [*{record.environment: record for record in _all(trusted)}.values()]


def proof(name: str) -> str | None:
    """What the branch has in the file of that name, which nobody has verified. Raises FactoryError."""
    head = _head()
    return git.show(head, name) if head else None


def fetch_proofs(versions: Iterable[Version]) -> list[Path]:
    """Bring to reports/sbom/ the provenance, and what goes with it, of those versions that lack some there; which files.

    Nothing of it is verified yet. Raises FactoryError.
    """
    lacking = [version for version in versions if not all(path.exists() for path in _proofs(version))]
    head = _head() if lacking else None
    written = []
    for version in lacking if head else ():
        found = {path: git.show(f"{head}", path.name) for path in _proofs(version)}
        statement = provenance.path_of(version)
        if statement.exists() and statement.read_text(encoding="utf-8") != found[statement]:
            continue  # the branch has the proofs of another image
        for path, content in found.items():
            if content is not None and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
                written.append(path)
    return written


def keep(built: Version, record: Record | None = None) -> None:
    """Put the proofs of the version on the branch and the record, signed where there is a key. Raises FactoryError."""
    with tempfile.TemporaryDirectory() as folder:
        files = {path.name: path for path in _proofs(built) if path.is_file()}
        if record:
            path = files[record.name] = Path(folder, record.name)
            manifest.dump(asdict(record), path)
            if signing.sign_file(path):
                signature = path.with_name(path.name + signatures.SUFFIX)
                files[signature.name] = signature
        BRANCH.put(files, add=True)


def _all(trusted: Trust, start: str = "") -> list[Record]:
    """The records that count, of which the files begin like this, the newest last."""
    head = _head()
    names = [name for name in state_branch.names(head) if name.startswith(start)] if head else []
    found = [_parse(head, name, trusted) for name in names if head and name.endswith(".json")]
    return sorted((record for record in found if record), key=lambda record: record.at)


def _proofs(version: Version) -> list[Path]:
    statement = provenance.path_of(version)
    signature = statement.with_name(statement.name + signatures.SUFFIX)
    return [signature, sbom.path_of(version), provenance.verification_of(version), statement]  # by which they are found


def _head() -> str | None:
    return BRANCH.head()[1] if git.remote_name() else None


def _parse(head: str, name: str, trusted: Trust) -> Record | None:
    """The record, unless it is malformed, or not signed by who may sign though that is required."""
    text = git.show(head, name) or ""
    try:
        record = Record(**json.loads(text))
    except (ValueError, TypeError):
        return None
    signature = git.show(head, f"{name}{signatures.SUFFIX}") or ""
    try:
        signatures.verify(text.encode(), signature, trusted.signers, signatures.FILE, what=name)
    except SignatureRefused as error:
        if trusted.policies.signatures_required or error.code == "SIGNATURE_INVALID":
            return None
    return record if record.name == name else None
