"""What pages show of a project: its line of FLEET.csv, its last status, and what must be done."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from findings.advisories import Advisory
from findings.dependencies import Dependencies
from findings.needs import URGENCIES, Need, needs, review_due
from findings.withdrawn import Withdrawn
from inventory.model import Inventory, Project
from organisation import ReviewDays

from .texts import line, shown


@dataclass(frozen=True)
class View:
    """A project, with texts that pages can show."""

    project: Project
    needs: tuple[Need, ...]
    advisories: tuple[Advisory, ...]
    withdrawn: tuple[Withdrawn, ...]
    review: datetime | None  # when the model is due for it

    @cached_property
    def status(self) -> dict[str, Any] | None:
        return shown(self.project.status) if self.project.status else None

    def why(self, key: str, otherwise: str = "not known") -> str:
        """Why the status does not know it, without the code."""
        status = self.project.status
        return line(status.why(key)) or otherwise if status and key in status.unknown else otherwise

    @property
    def origin(self) -> dict[str, str]:
        origin = self.project.origin
        return shown({name: getattr(origin, name) for name in ("address", "team", "criticality", "name", "wave")})

    @property
    def state(self) -> str:
        return str(self.project.state)

    @property
    def reason(self) -> str:
        return line(self.project.reason)

    @property
    def weight(self) -> int:
        """By which projects are sorted: how many urgent needs, then how many others."""
        return sum(1000 ** (len(URGENCIES) - 1 - URGENCIES.index(need.kind.urgency)) for need in self.needs)

    @property
    def page(self) -> str:
        """The name of its page's file, which nobody outside can choose: some systems don't distinguish a from A, or know é twice."""
        origin = self.project.origin
        ascii_only = unicodedata.normalize("NFKD", origin.name).encode("ascii", "ignore").decode().lower()
        words = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:60]
        return f"{words or 'project'}-{origin.key[:8]}.html"


def views(inventory: Inventory, dependencies: Dependencies, days: ReviewDays) -> dict[str, View]:
    """The projects by key, in the order of FLEET.csv."""
    advisories = dependencies.by_project(dependencies.advisories)
    withdrawn = dependencies.by_project(dependencies.withdrawn)
    found = {}
    for project in inventory.projects:
        key = project.origin.key
        concerned = tuple(advisories.get(key, ())), tuple(withdrawn.get(key, ()))
        listed = needs(project, inventory.at, days, *concerned)
        found[key] = View(
            project, tuple(replace(need, text=line(need.text)) for need in listed), *concerned, review_due(project, days)
        )
    return found
