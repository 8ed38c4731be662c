"""Records of known vulnerabilities in OSV's format, as far as packages of PyPI are concerned."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from factory.errors import FactoryError
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ValidationError

from .packages import Package

FIRST = Version("0.dev0")  # which OSV writes as "0" in a range


class Event(BaseModel):
    """Where a range begins or ends: one of the three."""

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None


class Range(BaseModel):
    """Releases in an order: by their numbers where the type is ECOSYSTEM."""

    type: str = ""
    events: list[Event] = []


class Named(BaseModel):
    """A package, by ecosystem and name."""

    ecosystem: str = ""
    name: str = ""


class Affected(BaseModel):
    """A package, and which of its releases."""

    package: Named | None = None
    ranges: list[Range] | None = None
    versions: list[str] | None = None

    @property
    def name(self) -> str:
        """The canonical name; empty where the package is of another ecosystem."""
        here = self.package and self.package.ecosystem.partition(":")[0] == "PyPI"
        return canonicalize_name(self.package.name) if self.package and here else ""

    @property
    def ordered(self) -> list[Range]:
        return [each for each in self.ranges or () if each.type == "ECOSYSTEM"]


class Record(BaseModel):
    """A vulnerability, as one database has it."""

    id: str
    aliases: list[str] | None = None
    summary: str = ""
    details: str = ""
    withdrawn: str | None = None
    affected: list[Affected] | None = None

    def of(self, name: str) -> list[Affected]:
        """What it has on the package."""
        return [each for each in self.affected or () if each.name == name]

    def affects(self, package: Package) -> bool:
        """Whether the release is listed or in a range."""
        name, version = package[0], Version(package[1])
        return any(
            version in map(parsed, each.versions or ()) or any(_within(one, version) for one in each.ordered)
            for each in self.of(name)
        )

    def fixed(self, package: Package) -> set[Version]:
        """The later releases that no longer have it."""
        ends = [
            parsed(event.fixed) for each in self.of(package[0]) for one in each.ordered for event in one.events if event.fixed
        ]
        return {each for each in ends if each and each > Version(package[1])}


def read(file: Path) -> list[Record]:
    """The records in the file: all.zip as OSV offers it, or JSON with a record or a list of them. Raises FactoryError."""
    try:
        return [*_records(file)]
    except (OSError, ValidationError, ValueError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:200]
        raise FactoryError(f"{file}: cannot be read as records of OSV, in JSON or a ZIP file of it: {reason}") from error


def parsed(text: str) -> Version | None:
    """The version, if it is one."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _records(file: Path) -> Iterator[Record]:
    if not zipfile.is_zipfile(file):
        content = json.loads(file.read_bytes())
        yield from map(Record.model_validate, content if isinstance(content, list) else [content])
        return
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield Record.model_validate_json(archive.read(name))


def _within(one: Range, version: Version) -> bool:
    """Whether the version is at or after an `introduced`, and neither at or after the next `fixed`, nor after the next `last_affected`."""
    inside, marks = False, [*_marks(one)]
    for at, kind in sorted(marks):
        if kind == "introduced":
            inside = inside or version >= at
        elif version > at or (kind == "fixed" and version == at):
            inside = False
    return inside


def _marks(one: Range) -> Iterator[tuple[Version, str]]:
    for event in one.events:
        for kind, text in event.model_dump(exclude_none=True).items():
            if at := FIRST if text == "0" else parsed(text):
                yield at, kind
