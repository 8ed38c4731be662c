"""Repositories that were copied with all their branches, and show the status of another project as their own."""

from collections.abc import Sequence
from dataclasses import replace

from origins import place

from .model import Project, State


def without(projects: Sequence[Project]) -> tuple[Project, ...]:
    """The projects, each status at one of them: where it says that it belongs, otherwise at the first of the list."""
    owners: dict[str, Project] = {}
    for project in projects:
        if project.commit and (project.commit not in owners or _is_own(project)):
            owners[project.commit] = project
    return tuple(_checked(project, owners.get(project.commit or "", project)) for project in projects)


def _checked(project: Project, owner: Project) -> Project:
    if owner is project:
        return project
    reason = f"OTHER_PROJECT: the status is that of {owner.origin.name}, of which this repository is a copy"
    return replace(project, state=State.FOREIGN, reason=reason, status=None, commit=None, history=(), counted=False)


def _is_own(project: Project) -> bool:
    address = project.status.address if project.status else None
    return address is not None and place(address) == place(project.origin.url)
