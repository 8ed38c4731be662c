"""The template of the fleet: its addresses, and one clone of it from which all projects are rendered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from factory import platforms
from factory.errors import FactoryError
from factory.status.releases import git_address, parse

from . import remotes

LISTED = 3  # releases in an error


@dataclass(frozen=True)
class Templates:
    """Each address that projects may have recorded, and where the clone is, if the template is not a folder here."""

    addresses: Sequence[str]
    clone: Path | None = None

    def foreign(self, source: str) -> str | None:
        """Why a project with this template is not updated, or None if it is one of ours."""
        if same(source) in map(same, self.addresses):
            return None
        return f"its template is {source}, which is none of --template {', '.join(self.addresses)}"

    def environment(self, env: Mapping[str, str], project: str) -> dict[str, str]:
        """Git's environment in which the template comes from the clone, and the project from where it is."""
        if self.clone is None:
            return dict(env)
        places = {address for each in self.addresses for address in (each, git_address(each))}
        # a longer address that begins like the template's is another repository: the longest one that fits wins
        env = platforms.with_git_config({f"url.{project}.insteadOf": project}, env)
        for place in places:
            env = platforms.with_git_config({f"url.{self.clone}.insteadOf": place}, env)
        return env


def opened(addresses: Sequence[str], env: Mapping[str, str], scratch: Path, release: str, timeout: float) -> Templates:
    """The template with the release. Raises FactoryError where it is not to be had."""
    first, folder = git_address(addresses[0]), Path(mkdtemp(dir=scratch))
    is_here = Path(first).exists()
    place = first if is_here else str(folder)
    try:
        if not is_here:
            remotes.run("git", "clone", "--quiet", "--mirror", "--", first, place, env=env, timeout=timeout)
        tags = remotes.run("git", "-C", place, "tag", "--list", env=env, timeout=timeout).split()
    except (FactoryError, TimeoutError) as error:
        raise FactoryError(f"{first}: the template cannot be read: {error}: give its address by --template") from error
    if not {release, f"v{release}"} & {*tags}:
        raise FactoryError(f"{first}: has no release {release}: {_newest(tags)}")
    return Templates(addresses, None if is_here else folder)


def _newest(tags: Sequence[str]) -> str:
    releases = sorted((tag for tag in tags if parse(tag)), key=parse, reverse=True)
    if not releases:
        return "there is none yet, make the first one by `nox -s release` in the template, and push its tag"
    return f"the newest {'is' if len(releases) == 1 else 'are'} {', '.join(releases[:LISTED])}"


def same(address: str) -> str:
    """What addresses of one repository have in common, by whichever protocol."""
    given = git_address(address)
    if not re.match(r"[a-z+]+://|[^/:]{2,}:", given):
        return given  # a folder
    place = re.sub(r"^(\w+://)?([^@/]+@)?", "", given).rstrip("/").removesuffix(".git")
    return "//" + re.sub(r"^([^/:]+):(?!\d)", r"\1/", place).casefold()
