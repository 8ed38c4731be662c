"""The inventory as JSON, for other programs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from files import replace

from .model import Inventory, Project

FORMAT = 1


def write(inventory: Inventory, path: Path) -> None:
    """Write inventory.json whole: of each project its line of FLEET.csv, state, last status as its own format has it, and trend."""
    content = {
        "format": FORMAT,
        "at": inventory.at.isoformat(),
        "live": inventory.live,
        "projects": [_project(project) for project in inventory.projects],
    }
    replace(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _project(project: Project) -> dict[str, Any]:
    origin = project.origin
    return {
        "name": origin.name,
        "url": origin.address,
        "team": origin.team,
        "criticality": origin.criticality,
        "wave": origin.wave,
        "state": project.state,
        "reason": project.reason,
        "commit": project.commit,
        "rewritten": project.rewritten,
        "counted": project.counted,
        "status": project.status.model_dump(mode="json") if project.status else None,
        "history": [asdict(point) | {"at": point.at.isoformat()} for point in project.history],
    }
