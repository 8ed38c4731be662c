"""Which changed files affect the model: those that the stages in dvc.yaml depend on."""

from pathlib import Path
from typing import Any

import yaml

from .. import platforms
from ..errors import FactoryError
from ..workspace import git

ALWAYS = (".dvc/config", "data", "dvc.lock", "dvc.yaml", "params.yaml", "pyproject.toml", "src", "uv.lock")


def files_affecting_model(base: str | None = None) -> list[str] | None:
    """Files changed since the base on which the model depends; None where there is no base to compare with.

    By default the base is the target branch of this run's pull request. Raises FactoryError.
    """
    platform = platforms.detect()
    if base is None and platform and platform.target_branch:
        base = f"origin/{platform.target_branch}"
    if base is None:
        return None
    try:
        changed = git.changed_since(base)
    except FactoryError as error:
        raise FactoryError(
            f"cannot compare with {base}: fetch the whole history (`git fetch --unshallow`): {error}"
        ) from error
    watched = [Path(path) for path in (*ALWAYS, *_dependencies())]
    return [file for file in changed if any(_touches(file, path) for path in watched)]


def _touches(file: str, watched: Path) -> bool:
    """Whether the file is the watched path or below it; one that ends with .dvc stands for the data that DVC keeps."""
    kept = Path(file.removesuffix(".dvc"))
    return kept.is_relative_to(watched) or (file.endswith(".dvc") and watched.is_relative_to(kept))


def _dependencies() -> list[str]:
    """Dependencies of the team's own stages, parameter files included."""
    content: Any = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
    paths = []
    for stage in content["stages"].values():
        definition = stage.get("do") or stage
        files = [path for entry in definition.get("params") or [] if isinstance(entry, dict) for path in entry]
        paths += [str(path) for path in (*(definition.get("deps") or []), *files) if "$" not in str(path)]
    return paths
