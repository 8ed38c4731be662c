"""version.json beside a model: which version it is. The model itself cannot know, as it is made before its tag."""

import json
from pathlib import Path

from . import digest

NAME = "version.json"


def write(folder: Path, version: str, commit: str) -> None:
    """Say which version the model in the folder is."""
    facts = {"version": version, "commit": commit, "model": digest.of_file(folder / "manifest.json")}
    (folder / NAME).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    """`version`, `commit` and `model`, the sha256 of manifest.json; a model without a version goes by its digits."""
    model = digest.of_file(folder / "manifest.json")
    try:
        facts: dict[str, str] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if facts["model"] == model:
            return facts
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"version": model[:12], "commit": "", "model": model}
