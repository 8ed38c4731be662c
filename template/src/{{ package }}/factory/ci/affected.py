"""Which files of a change can change the model: what the pipeline is made of, as dvc.yaml says."""

from pathlib import Path
from typing import Any

import yaml

from .. import platforms
from ..errors import FactoryError
from ..workspace import git

ALWAYS = (".dvc/config", "data", "dvc.lock", "dvc.yaml", "params.yaml", "pyproject.toml", "src", "uv.lock")


def affected(base: str | None = None) -> list[str] | None:
    """Files between the base and this commit on which a model depends; None where there is nothing to compare with.

    By default the base is where this run's pull request goes. Raises FactoryError.
    """
    here = platforms.here()
    if base is None and here and here.target:
        base = f"origin/{here.target}"
    if base is None:
        return None
    try:
        changed = git.changed_since(base)
    except FactoryError as error:
        raise FactoryError(f"{base} cannot be compared with: is the whole history here? {error}") from error
    watched = [Path(place) for place in (*ALWAYS, *_dependencies())]
    return [path for path in changed if any(_touches(path, place) for place in watched)]


def _touches(path: str, place: Path) -> bool:
    """Whether the file is the place or lies there; one that ends with .dvc stands for a file or a folder that DVC keeps."""
    kept = Path(path.removesuffix(".dvc"))
    return kept.is_relative_to(place) or (path.endswith(".dvc") and place.is_relative_to(kept))


def _dependencies() -> list[str]:
    """What stages of the team's own depend on, files of parameters too."""
    content: Any = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
    found = []
    for stage in content["stages"].values():
        told = stage.get("do") or stage
        named = [place for each in told.get("params") or [] if isinstance(each, dict) for place in each]
        found += [str(place) for place in (*(told.get("deps") or []), *named) if "$" not in str(place)]
    return found
