"""The model of a version in a folder of its own, away from its tag: its manifest is signed."""

import shutil
from pathlib import Path

from .. import manifest
from ..errors import FactoryError
from ..paths import MODEL
from ..registry import champion, versions
from ..registry.versions import Version
from ..scoring import artifact
from ..workspace import signing


def choose(name: str | None) -> Version:
    """The version of that name, by default the champion. Raises FactoryError."""
    fetched = versions.fetch()
    if not fetched:
        raise FactoryError('no model has been promoted yet: run `uv run factory promote -m "why"`')
    return versions.find(name, fetched) if name else fetched[-1]


def export(destination: Path, name: str | None = None) -> Version:
    """Write the version's model, by default the champion's, into a new folder, completely or not at all. Raises FactoryError."""
    version = choose(name)
    if destination.exists():
        raise FactoryError(f"{destination} exists already: choose a new folder")
    staging = destination.with_name(f".{destination.name}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        write(version, staging)
        staging.replace(destination)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return version


def write(version: Version, folder: Path) -> None:
    """Write the verified model, which version it is, and the signature where a key is set. Raises FactoryError."""
    shutil.copytree(champion.checkout(version) / MODEL, folder)
    artifact.write_version(folder, version.name, version.commit)
    signing.sign_file(folder / manifest.NAME)
