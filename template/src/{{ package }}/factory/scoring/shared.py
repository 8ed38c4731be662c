"""Features that another project exported as a package: part of the code that a model depends on."""

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ..errors import ArtifactError
from ..manifest import file_sha256

GROUP = "factory.features"
"""The entry points by which packages of features are known."""


def installed() -> dict[str, metadata.Distribution]:
    """The packages of features that are installed, by the name of their module."""
    return {entry.name: entry.dist for entry in metadata.entry_points(group=GROUP) if entry.dist}


def code(module: str) -> dict[str, str]:
    """The sha256 of each file of such a package, as `module/file.py`; none where it is not installed."""
    spec = find_spec(module)
    folders = map(Path, (spec and spec.submodule_search_locations) or [])
    return {f"{module}/{file.name}": file_sha256(file) for folder in folders for file in sorted(folder.glob("*.py"))}


def check(trained: dict[str, str]) -> None:
    """Refuse a model that was trained with other content of such a package. Raises ArtifactError."""
    for module in sorted({name.partition("/")[0] for name in trained if "/" in name}):
        if code(module) != {name: digest for name, digest in trained.items() if name.startswith(f"{module}/")}:
            raise ArtifactError(
                f"{module} is not as the model was trained with: run `uv sync`, and `uv run dvc repro` for a newer version of it"
            )
