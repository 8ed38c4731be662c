"""How far behind the template a project is, by the names of the template's tags. Nothing but packaging is needed here."""

import re
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
"""What Copier takes for the address of a repository."""


def git_address(source: str) -> str:
    """The template's address as Git takes it: without what Copier abbreviates or puts before it."""
    source = source.removeprefix("git+")
    for short, server in SHORT.items():
        if source.startswith(short):
            return f"{server}{source.removeprefix(short).removesuffix('.git')}.git"
    return source


def newer(release: Version, tags: Iterable[str]) -> tuple[str, int]:
    """The newest release among the tags and this one, and how many there are after this one."""
    released = {version for tag in tags if (version := parse(tag)) and not version.is_prerelease}
    again = {Version(version.public) for version in released if version.local}  # a fork's, of the same release
    return f"{max({release, *released})}", sum(version > release for version in released - again)


def parse(tag: str) -> Version | None:
    """The release of that name; none of a commit, as `git describe` calls it, though its digits may be a version, too."""
    try:
        return None if re.search(r"-\d+-g[0-9a-f]+$|^[0-9a-f]{7,40}$", tag) else Version(tag)
    except InvalidVersion:
        return None
