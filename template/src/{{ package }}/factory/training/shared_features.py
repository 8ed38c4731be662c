"""Whether the pipeline notices a new version of features that another project shares: what dvc.yaml says of them."""

import json
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from ..errors import FactoryError
from ..scoring import shared

DVC_YAML = Path("dvc.yaml")
SOURCES = ("contract.py", "features.py", "model.py")


def code() -> dict[str, str]:
    """The sha256 of each file of the packages that have been imported. Raises FactoryError where a stage would not notice another."""
    imported = {module: each for module, each in shared.installed().items() if module in sys.modules}
    for module, distribution in imported.items():
        if missing := [name for name, stage in _stages() if not _notices(stage, distribution)]:
            raise FactoryError(
                f"{DVC_YAML}: a new version of {module} would not run {', '.join(missing)} again: {_remedy(distribution)}"
            )
    return {name: digest for module in imported for name, digest in shared.code(module).items()}


def _stages() -> Iterator[tuple[str, dict[str, Any]]]:
    """The stages that depend on the owner's modules, which may import a package."""
    content = yaml.safe_load(DVC_YAML.read_text(encoding="utf-8")) if DVC_YAML.exists() else {}
    for name, stage in content.get("stages", {}).items():
        if any(Path(f"{dependency}").name in SOURCES for dependency in stage.get("deps") or []):
            yield name, stage


def _notices(stage: dict[str, Any], distribution: Distribution) -> bool:
    if file := _wheel(distribution):
        return any(file.is_relative_to(f"{dependency}") for dependency in stage["deps"])
    if distribution.read_text("direct_url.json"):
        return False  # what lies elsewhere may change, and others do not have it
    files = [name for each in stage.get("params") or [] if isinstance(each, dict) for name in each]
    return "uv.lock" in stage["deps"] or "pyproject.toml" in files


def _wheel(distribution: Distribution) -> Path | None:
    """The file in the project that the package was installed from, if it was."""
    address = urlsplit(json.loads(distribution.read_text("direct_url.json") or "{}").get("url", ""))
    file = Path(unquote(address.path)).resolve()
    inside = address.scheme == "file" and file.is_relative_to(Path.cwd())
    return file.relative_to(Path.cwd()) if inside else None


def _remedy(distribution: Distribution) -> str:
    if file := _wheel(distribution):
        return f"add `- {file.parent if file.parent.name else file}` to their deps"
    if distribution.read_text("direct_url.json"):
        return "it is not from a file in this project: copy its wheel to packages/, and `uv add` that"
    name, version = distribution.metadata["Name"], distribution.version
    exact = f"state {name}=={version} in pyproject.toml"
    return f"{exact}, and add `- pyproject.toml: [project.dependencies]` to their params"
