"""The packages that the model runs with: of its image where there is one, else those that uv.lock pins."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from packageurl import PackageURL
from packaging.version import Version as Release

from ..dashboard.history import Made
from ..deployment import records
from ..errors import CannotEvaluate
from ..registry.versions import Version
from ..release import sbom
from ..workspace import git
from .parts import PACKAGES, Dependencies
from .reasons import short

LOCK = "uv.lock"
EXTRA = "serve"  # with what the service needs

Json = dict[str, Any]


def dependencies(made: list[Made]) -> Dependencies:
    """Of the champion, or of the commit here. Raises CannotEvaluate where no file has them."""
    champion = made[-1].version if made and not made[-1].version.problem else None
    bill = champion and _bill(champion)
    if bill:
        return Dependencies(source="sbom", packages=_bounded(_of_bill(json.loads(bill))))
    commit = champion.commit if champion else "HEAD"
    lock = git.show(commit, f"./{LOCK}")
    if lock is None:
        raise CannotEvaluate("NO_LOCK", f"{LOCK} is not committed")
    return Dependencies(source="lock", packages=_bounded(_of_lock(tomllib.loads(lock)["package"])))


def _bill(version: Version) -> str | None:
    """The bill of materials of the version's image, which after a rollback is that of an earlier version."""
    path = sbom.path_of(version)
    if path.exists():
        return path.read_text(encoding="utf-8")
    return records.proof(path.name) or records.proof(path.name.replace(version.name, f"v{version.facts['serves']}"))


def _of_bill(bill: Json) -> Iterator[tuple[str, str]]:
    for component in bill["components"]:
        url = PackageURL.from_string(component["purl"]) if component.get("purl") else None
        if url and url.type == "pypi":
            yield component["name"], component["version"]


def _of_lock(packages: list[Json]) -> Iterator[tuple[str, str]]:
    """What the project itself needs, and in turn what that needs."""
    by_name = dict[str, list[Json]]()
    for package in packages:
        by_name.setdefault(package["name"], []).append(package)
    [project] = (package for package in packages if {"editable", "virtual"} & package["source"].keys())
    waiting, seen = [(project["name"], ""), (project["name"], EXTRA)], set[tuple[str, str]]()
    while waiting:
        name, extra = each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        for package in by_name.get(name, ()):
            if package is not project:
                yield name, package["version"]
            waiting += _needed(package, extra)


def _needed(package: Mapping[str, Any], extra: str) -> Iterator[tuple[str, str]]:
    listed = package.get("optional-dependencies", {}).get(extra, ()) if extra else package.get("dependencies", ())
    for each in listed:
        yield each["name"], ""
        yield from ((each["name"], more) for more in each.get("extra", ()))


def _bounded(packages: Iterator[tuple[str, str]]) -> dict[str, str]:
    """By name, of several versions for several platforms the newest. Raises CannotEvaluate where they are too many."""
    found = dict[str, str]()
    for name, version in packages:
        if name not in found or Release(found[name]) < Release(version):
            found[short(name)] = short(version)
    if len(found) > PACKAGES:
        raise CannotEvaluate(
            "TOO_MANY", f"the model runs with {len(found)} packages, and a status has room for {PACKAGES}"
        )
    return dict(sorted(found.items()))
