"""Fingerprints of files, and JSON that carries its own."""

import hashlib
import json
from pathlib import Path
from typing import Any

from .errors import ArtifactError
from .paths import MODEL


def of_bytes(content: bytes) -> str:
    """The sha256 of the content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def of_file(path: Path) -> str:
    """The sha256 of the file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(folder: Path, facts: dict[str, Any]) -> None:
    """Write manifest.json: the facts, the sha256 of every file in the folder, and its own."""
    files = {path.name: of_file(path) for path in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(_sealed({**facts, "files": files}), encoding="utf-8")


def unseal(folder: Path) -> dict[str, Any]:
    """The facts that `seal` wrote, once every file is verified. Raises ArtifactError."""
    path = folder / "manifest.json"
    try:
        text = path.read_text(encoding="utf-8")
        content: dict[str, Any] = json.loads(text)
        del content["sha256"]
        if text != _sealed(content):
            raise ValueError("sha256")
        damaged = [name for name, sha256 in content["files"].items() if of_file(folder / name) != sha256]
    except FileNotFoundError as error:
        missing = Path(error.filename)
        raise ArtifactError(f"{missing} is missing: run `dvc pull` or `dvc repro`") from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: run `dvc repro`") from error
    if damaged:
        raise ArtifactError(
            f"{folder / damaged[0]} is damaged (its sha256 differs): delete it from the DVC cache and pull or run again"
        )
    return content


def _sealed(content: dict[str, Any]) -> str:
    own = of_bytes(json.dumps(content, sort_keys=True).encode())
    return json.dumps({**content, "sha256": own}, indent=2, ensure_ascii=False) + "\n"


def dump(content: Any, path: Path) -> None:
    """Write indented JSON that ends with a newline."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def model_id(folder: Path = MODEL) -> str:
    """The sha256 of the sealed manifest, which names that of every other file."""
    return of_file(folder / "manifest.json")
