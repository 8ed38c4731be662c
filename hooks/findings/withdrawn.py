"""Releases that their authors have yanked, or whose project the index has in quarantine."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from packaging.version import Version

from .index import Details, Index
from .packages import Package

PYPI = "https://pypi.org"
VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
AT_ONCE = 8
LONGEST = 200  # characters of a reason


@dataclass(frozen=True)
class Withdrawn:
    """A release that should not be used any longer, and why."""

    package: Package
    reason: str


def default(environment: Mapping[str, str] = os.environ) -> str:
    """The index that uv or pip are set to, or PyPI."""
    return next(filter(None, map(environment.get, VARIABLES)), f"{PYPI}/simple")


def ask(address: str, packages: Sequence[Package]) -> tuple[list[Withdrawn], list[str]]:
    """Which releases are withdrawn, and the names that this index does not have. Raises FactoryError."""
    index, versions = Index(address), dict[str, list[str]]()
    for name, version in packages:
        versions.setdefault(name, []).append(version)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        asked = dict(zip(versions, threads.map(index.details, versions), strict=True))
    found = [
        Withdrawn((name, version), " ".join(reason.split())[:LONGEST])
        for name, details in asked.items()
        for version in versions[name]
        if details and (reason := _reason(details, Version(version)))
    ]
    return found, [name for name, details in asked.items() if not details]


def _reason(details: Details, version: Version) -> str:
    """Why the release is withdrawn: the project is in quarantine, or each of the release's files has been yanked."""
    if details.status.status == "quarantined":
        return f"quarantined: {details.status.reason or 'no reason given'}"
    files = [file for file in details.files if file.version == version]
    if not files or not all(file.gone for file in files):
        return ""
    return f"yanked: {next((file.yanked for file in files if isinstance(file.yanked, str)), '') or 'no reason given'}"
