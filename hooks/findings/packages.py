"""The packages that the projects of a fleet use: names and versions as projects wrote them, as far as an index could have them."""

import re
from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

Package = tuple[str, str]
"""A canonical name and a public version."""
Users = Mapping[Package, list[str]]
"""Of each package the projects that use it."""

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")


def users(used: Iterable[tuple[str, Mapping[str, str]]]) -> dict[Package, list[str]]:
    """By package the projects that use it, of projects and their packages; what an index cannot have is left out."""
    found: dict[Package, list[str]] = {}
    for project, packages in used:
        for name, version in packages.items():
            known = package(name, version)
            if known and project not in found.setdefault(known, [])[-1:]:  # also where it writes one name in two ways
                found[known].append(project)
    return dict(sorted(found.items()))


def package(name: str, version: str) -> Package | None:
    """Without the local part of the version, such as +cpu, which advisories and indexes don't have."""
    try:
        canonical, public = canonicalize_name(name), Version(version).public
    except InvalidVersion:
        return None
    return (canonical, public) if NAME.fullmatch(canonical) else None
