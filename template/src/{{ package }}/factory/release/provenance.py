"""SLSA provenance of an image as an in-toto statement: written and signed when it is published, verified when it is deployed."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import manifest, platforms, signatures
from ..errors import Refused, SignatureRefused
from ..registry.trust import Trust
from ..registry.versions import Version
from ..workspace import git, signing
from . import sbom

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://docs.docker.com/reference/dockerfile"
MODEL = "model/manifest.json"
SAME_RUN = "take image and reports/sbom/ from one run of `factory publish`"


def path_of(version: Version) -> Path:
    """Where the statement about the version's image is, with its signature beside it."""
    return sbom.FOLDER / f"{version.name}.provenance.json"


def verification_of(version: Version) -> Path:
    """Where `factory verify` leaves its result, which becomes part of the statement."""
    return sbom.FOLDER / f"{version.name}.verification.json"


def write(version: Version, image: str, trusted: Trust) -> str:
    """Write the statement about the image, named by its digest, and sign it; who signed. Raises FactoryError."""
    path = path_of(version)
    platform = platforms.detect()
    manifest.dump(_statement(version, image, platform.run_url if platform else git.author()), path)
    signing.sign_file(path, required=trusted.policies.signatures_required)
    return _signature(path, path.read_bytes(), trusted)


def published(version: Version) -> str:
    """The image that was published, by digest. Raises Refused."""
    subject = _read(version)[1]["subject"][0]
    return f"{subject['name']}@sha256:{subject['digest']['sha256']}"


def is_verified(version: Version) -> bool:
    """Whether the statement names what `factory verify` found, which `verify` holds to be that it passed. Raises Refused."""
    return verification_of(version).name in _claims(_read(version)[1])


def verify(version: Version, image: str, trusted: Trust) -> str:
    """Verify that the statement is of this image and version, and of the files beside it; who signed. Raises Refused."""
    content, statement = _read(version)
    path, stated = path_of(version), _claims(statement)
    try:
        actual = _claims(_statement(version, image, builder=""))
    except FileNotFoundError as error:
        raise Refused("PROVENANCE", f"{error.filename} is missing: {SAME_RUN}") from error
    if verification_of(version).name not in stated:
        actual.pop(verification_of(version).name, None)
    for name in stated.keys() | actual.keys():
        if stated.get(name) != actual.get(name):
            difference = f"{path} states {name} {stated.get(name)}, not {actual.get(name)}"
            raise Refused("PROVENANCE", f"{difference}: {SAME_RUN}")
    return _signature(path, content, trusted)


def _signature(path: Path, content: bytes, trusted: Trust) -> str:
    try:
        return f"signed by {signatures.verify_file(path, trusted.signers, content)}"
    except SignatureRefused as error:
        if trusted.policies.signatures_required or error.code == "SIGNATURE_INVALID":
            raise Refused("PROVENANCE", f"{error}") from error
        return "unsigned" if error.code == "UNSIGNED" else "unknown signer"


def _read(version: Version) -> tuple[bytes, Any]:
    path = path_of(version)
    try:
        content = path.read_bytes()
        statement = json.loads(content)
        _claims(statement)
    except FileNotFoundError as error:
        raise Refused("PROVENANCE", f"{path} is missing: {SAME_RUN}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("PROVENANCE", f"{path} is not a statement of `factory publish`: {SAME_RUN}") from error
    return content, statement


def _claims(statement: Any) -> dict[str, str]:
    """What has to be so: by name, as the statement has it."""
    [subject] = statement["subject"]
    definition, details = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    materials = {each["name"]: each["digest"] for each in definition["resolvedDependencies"]}
    return {
        "type": f"{statement['_type']} {statement['predicateType']}",
        "image": subject["digest"]["sha256"],  # wherever a copy of it is
        "version": definition["externalParameters"]["version"],
        "commit": definition["externalParameters"]["commit"],
        "model": materials[MODEL]["sha256"],
        **{each["name"]: each["digest"]["sha256"] for each in details["byproducts"]},
    }


def _statement(version: Version, image: str, builder: str) -> dict[str, Any]:
    name, _, digest = image.partition("@sha256:")
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"version": version.name, "commit": version.commit},
                "resolvedDependencies": _materials(version),
            },
            "runDetails": {
                "builder": {"id": builder},
                "metadata": {"finishedOn": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"},
                "byproducts": _byproducts(version),
            },
        },
    }


def _materials(version: Version) -> list[dict[str, Any]]:
    """Code, lock file, model and training data."""
    lock = (git.show(version.commit, "uv.lock") or "").encode()
    return [
        {"name": "code", "digest": {"gitCommit": version.commit}},
        {"name": "uv.lock", "digest": {"sha256": manifest.sha256(lock)}},
        {"name": MODEL, "digest": {"sha256": version.facts["model"]}},
        {"name": "data/prepared/train.parquet", "digest": {"sha256": version.facts["data"]}},
    ]


def _byproducts(version: Version) -> list[dict[str, Any]]:
    """The bill of materials, and what `factory verify` found, if it ran."""
    bill, verification = sbom.path_of(version), verification_of(version)
    products: list[dict[str, Any]] = [{"name": bill.name, "digest": {"sha256": manifest.file_sha256(bill)}}]
    if verification.is_file():
        found = _proof(version, verification)
        digest = {"sha256": manifest.file_sha256(verification)}
        products.append({"name": verification.name, "digest": digest, "annotations": found})
    return products


def _proof(version: Version, path: Path) -> dict[str, Any]:
    """What `factory verify` found. Raises Refused where that is not that the version is proven."""
    with suppress(ValueError, TypeError):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found == found | {"passed": True, "commit": version.commit, "model": version.facts["model"]}:
            return found
    advice = f"run `uv run factory verify {version.name}`, or delete the file"
    raise Refused("PROVENANCE", f"{path} does not prove {version.name}: {advice}")
