"""The contents of a folder: manifest.json with the sha256 of every file, and of itself."""

import hashlib
import json
from pathlib import Path
from typing import Any

from .errors import ArtifactError
from .paths import MODEL

NAME = "manifest.json"


def sha256(content: bytes) -> str:
    """The sha256 of the content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256 of the file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def model_id(folder: Path = MODEL) -> str:
    """The sha256 of the model's manifest, which holds those of all other files."""
    return file_sha256(folder / NAME)


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Write manifest.json: the facts, the sha256 of every file in the folder, and its own."""
    files = {path.name: file_sha256(path) for path in sorted(folder.iterdir())}
    (folder / NAME).write_text(sealed({**facts, "files": files}), encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The facts in manifest.json, after verifying every file. Raises ArtifactError."""
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8")
        content: dict[str, Any] = json.loads(text)
        del content["sha256"]
        if text != sealed(content):
            raise ValueError("sha256")
        damaged = [name for name, expected in content["files"].items() if file_sha256(folder / name) != expected]
    except FileNotFoundError as error:
        missing = Path(error.filename)
        raise ArtifactError(f"{missing} is missing: run `uv run dvc pull` or `uv run dvc repro`") from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: run `uv run dvc repro`") from error
    if damaged:
        raise ArtifactError(
            f"{folder / damaged[0]} is damaged (its sha256 differs): delete it from the DVC cache and pull or run again"
        )
    return content


def dump(content: Any, path: Path) -> None:
    """Write indented JSON that ends with a newline."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def sealed(content: dict[str, Any]) -> str:
    """The text of a manifest with these facts and files, and its own sha256."""
    own = sha256(json.dumps(content, sort_keys=True).encode())
    return json.dumps({**content, "sha256": own}, indent=2, ensure_ascii=False) + "\n"
