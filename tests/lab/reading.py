"""What files say, whatever their layout: TOML and YAML as a set of facts, a path and a value each."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

Facts = set[tuple[str, str]]


def text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() and not path.is_symlink() else ""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The items of a list all have the path of the list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, str(value)


def facts(path: Path) -> Facts:
    """None where the file is missing or cannot be parsed."""
    try:
        if path.suffix == ".toml":
            found = tomllib.loads(text(path))
            return {*leaves(found), *_effective(found)} if path.name == "pyproject.toml" else {*leaves(found)}
        return {*leaves(yaml.load(text(path), yaml.BaseLoader))}
    except (tomllib.TOMLDecodeError, yaml.YAMLError, InvalidRequirement):
        return set()


def _effective(pyproject: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is installed: `dependencies`, `extra.NAME` and `group.NAME` with what they include, and each package's constraints."""
    project = pyproject.get("project", {})
    lists = {f"extra.{name}": items for name, items in project.get("optional-dependencies", {}).items()}
    lists |= {f"group.{name}": items for name, items in pyproject.get("dependency-groups", {}).items()}
    lists["dependencies"] = project.get("dependencies", [])
    bounds = [Requirement(item) for item in pyproject.get("tool", {}).get("uv", {}).get("constraint-dependencies", [])]

    def expand(name: str) -> Iterator[Requirement]:
        for item in lists.get(name, []):
            if isinstance(item, dict):
                yield from expand(f"group.{item['include-group']}")
            elif (found := Requirement(item)).name == project.get("name"):
                for extra in found.extras:
                    yield from expand(f"extra.{extra}")
            else:
                yield found

    for name in lists:
        for found in expand(name):
            yield name, str(found)
            yield from ((name, str(bound)) for bound in bounds if bound.name == found.name)
