"""What else of the project speaks of the problem or of the sample."""

import re
from pathlib import Path

README, PIPELINE = Path("README.md"), Path("dvc.yaml")
INVITATION = re.compile(r"^## Your own data\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
PARAMS = re.compile(r"^( *params: \[)(.*)\]$", re.MULTILINE)


def settle(problem: str) -> None:
    """The pipeline follows the parameters that there are; the README invites to adopt no more."""
    PIPELINE.write_text(PARAMS.sub(lambda found: _followed(found, problem), _text(PIPELINE)), encoding="utf-8")
    if README.exists():
        README.write_text(INVITATION.sub("", _text(README)), encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _followed(found: re.Match[str], problem: str) -> str:
    names = [name.strip() for name in found[2].split(",") if name.strip() != "value"]
    if problem == "classification" and {"model", "evaluation"} & set(names):
        names.append("value")
    return f"{found[1]}{', '.join(names)}]"
