"""The hub's files, made of an inventory: a page of all projects, one of each, and what must be done for machines."""

import base64
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from factory import codes
from factory.evaluation import page
from files import replace
from findings import lineage
from findings.dependencies import Dependencies
from inventory.model import MEANINGS, Inventory
from organisation import Organisation

from . import graph, overview, trends
from .texts import link, shown
from .views import View, views

FOLDER = Path(__file__).parent
INDEX, FINDINGS, PROJECTS = "index.html", "findings.json", "projects"
OURS = re.compile(r"[a-z0-9-]+-[0-9a-f]{8}\.html")  # as View.page names them
LISTED = {"shared": 30, "packages": 60, "projects": 6}


@dataclass(frozen=True)
class Hub:
    """What the pages are of."""

    inventory: Inventory
    dependencies: Dependencies
    ours: Organisation
    logo: str = ""  # as an address that holds all of it

    @cached_property
    def views(self) -> dict[str, View]:
        return views(self.inventory, self.dependencies, self.ours.review_days)

    @property
    def month(self) -> str:
        return f"{self.inventory.at:%Y-%m}"

    @cached_property
    def shared(self) -> list[lineage.Shared]:
        return lineage.shared({key: view.project.status for key, view in self.views.items() if view.project.status})

    def write(self, out: Path) -> None:
        """Write the files into the folder, each whole or not at all; pages of projects that are no longer listed go."""
        (out / PROJECTS).mkdir(parents=True, exist_ok=True)
        for view in self.views.values():
            replace(out / PROJECTS / view.page, self.page(view))
        pages = {view.page for view in self.views.values()}
        for file in (out / PROJECTS).iterdir():
            if OURS.fullmatch(file.name) and file.name not in pages:
                file.unlink()
        replace(out / FINDINGS, json.dumps(self.findings(), indent=1, ensure_ascii=False) + "\n")
        replace(out / INDEX, self.index())  # the last, as it leads to the others

    def index(self) -> str:
        """The page of all projects."""
        listed = [*self.views.values()]
        script = (FOLDER / "index.js").read_text("utf-8")
        return self._render(
            "index.html",
            project={"name": self.ours.name or "All projects"},
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            views=self.views,
            todo=overview.todo(listed),
            distributions=overview.distributions(listed),
            deployed=overview.in_production(listed),
            costs=overview.costs(listed, self.month),
            teams=sorted({view.origin["team"] for view in listed}),
            shared=[shown(asdict(each)) for each in self.shared],
            graph=graph.layout(lineage.groups(self.shared)),
            trends=trends.of_fleet(self.inventory),
            dependencies=self.dependencies,
            own=overview.own(self.dependencies),
            not_asked=shown(dict(self.dependencies.not_asked)),
        )

    def page(self, view: View) -> str:
        """The page of a project."""
        key = view.project.origin.key
        beside = {each.sha256: [other for other in each.projects if other != key] for each in self.shared if key in each.projects}
        return self._render(
            "project.html",
            project={"name": view.origin["name"]},
            view=view,
            status=view.status,
            why=view.why,
            beside={sha256: [self.views[other] for other in others] for sha256, others in beside.items()},
            trends=trends.of_project(view.project.history) if view.project.history else [],
        )

    def findings(self) -> dict[str, Any]:
        """What must be done, and what projects share."""
        names = {key: view.project.origin.name for key, view in self.views.items()}

        def named(keys: Any) -> list[str]:
            return [names[key] for key in keys]

        known, users = self.dependencies, self.dependencies.users
        return {
            "format": 1,
            "at": self.inventory.at.isoformat(),
            "needs": {
                names[key]: [{"code": each.code, "text": each.text, **asdict(each.kind)} for each in view.needs]
                for key, view in self.views.items()
            },
            "shared": [asdict(each) | {"projects": named(each.projects)} for each in self.shared],
            "advisories": [asdict(each) | {"projects": named(users[each.package])} for each in known.advisories],
            "withdrawn": [asdict(each) | {"projects": named(users[each.package])} for each in known.withdrawn],
            "not_in_the_index": list(known.elsewhere),
            "not_asked": dict(known.not_asked),
            "dependencies_unknown": named(known.unknown),
        }

    def _render(self, name: str, **values: Any) -> str:
        template = (FOLDER / "parts.html").read_text("utf-8") + (FOLDER / name).read_text("utf-8")
        common = {
            "organisation": {"name": self.ours.name, "logo": self.logo},
            "inventory": self.inventory,
            "month": self.month,
            "meanings": MEANINGS,
            "listed": LISTED,
            "link": link,
            "shown": shown,
            "reason": codes.find,
            "money": overview.money,
        }
        return page.render(template, **common, **values)
