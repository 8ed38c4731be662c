"""What is known against the packages of a fleet: vulnerabilities and withdrawn releases, or why it could not be found out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import requests
from factory.errors import FactoryError
from inventory.model import Project

from . import advisories, packages, withdrawn
from .advisories import Advisory
from .index import without_login
from .osv import Record
from .packages import Package
from .withdrawn import Withdrawn

SECONDS = 10  # until a server is given up that does not respond at all
Found = TypeVar("Found", Advisory, Withdrawn)


@dataclass(frozen=True)
class Dependencies:
    """What was found, which projects use each package, and what was not asked, and why."""

    users: Mapping[Package, list[str]]
    unknown: tuple[str, ...]  # keys of projects of which no packages are known
    advisories: tuple[Advisory, ...] = ()
    withdrawn: tuple[Withdrawn, ...] = ()
    elsewhere: tuple[str, ...] = ()  # names that the index does not have
    not_asked: Mapping[str, str] = field(default_factory=dict)

    def by_project(self, found: Sequence[Found]) -> dict[str, list[Found]]:
        """What was found, by the key of each project that it concerns."""
        concerned: dict[str, list[Found]] = {}
        for each in found:
            for project in self.users[each.package]:
                concerned.setdefault(project, []).append(each)
        return concerned


def check(projects: Iterable[Project], osv: str, index: str, records: Sequence[Record] | None = None) -> Dependencies:
    """Look into the records, or else ask OSV's API, and ask the index; an empty address is not asked."""
    known = {each.origin.key: each.status and each.status.dependencies for each in projects}
    users = packages.users((key, each.packages) for key, each in known.items() if each)
    names, not_asked = list(users), dict[str, str]()
    vulnerable, gone, elsewhere = list[Advisory](), list[Withdrawn](), list[str]()
    try:
        vulnerable = advisories.look_up(records, names) if records is not None else advisories.ask(_reached(osv), names)
    except FactoryError as error:
        not_asked["vulnerabilities"] = str(error)
    try:
        gone, elsewhere = withdrawn.ask(_reached(index), names)
    except FactoryError as error:
        not_asked["withdrawn releases"] = str(error)
    unknown = tuple(key for key, each in known.items() if not each)
    return Dependencies(users, unknown, tuple(vulnerable), tuple(gone), tuple(elsewhere), not_asked)


def _reached(address: str) -> str:
    """The address, if a server responds there, whatever it responds: its client would try again for minutes. Raises FactoryError."""
    if not address:
        raise FactoryError("no address was given")
    try:
        requests.head(address, timeout=SECONDS).close()
    except (requests.RequestException, ValueError) as error:
        raise FactoryError(f"{without_login(address)} cannot be reached: {type(error).__name__}") from error
    return address
