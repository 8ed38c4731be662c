"""The project's files as a good engineer would write them by hand."""

import subprocess
import sys
from datetime import date, datetime, time
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from .. import PACKAGE
from ..errors import FactoryError
from . import context
from .proposal import Proposal

SOURCE, TESTS = Path("src") / PACKAGE, Path("tests")
PLACES = {
    "contract.py": SOURCE,
    "features.py": SOURCE,
    "params.yaml": Path(),
    "test_contract.py": TESTS,
    "test_features.py": TESTS,
    "test_model.py": TESTS,
}


def write(proposal: Proposal, outcome: context.Outcome, folder: Path) -> list[Path]:
    """Write every file below the folder, formatted; their paths in the project."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"code": code, "yaml": plain_yaml, "comment": comment}
    facts = context.of(proposal, outcome)
    for name, place in PLACES.items():
        source = resources.files(__package__).joinpath("templates", f"{name}.txt").read_text(encoding="utf-8")
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / name).write_text(environment.from_string(source).render(facts), encoding="utf-8")
    written = [place / name for name, place in PLACES.items()]
    _format([folder / path for path in written if path.suffix == ".py"])
    return written


def code(value: Any) -> str:
    """The value as Python source."""
    if isinstance(value, datetime | date | time):
        return repr(value).removeprefix("datetime.")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(code, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{code(key)}: {code(each)}" for key, each in value.items()) + "}"
    return repr(value)


def plain_yaml(value: Any) -> str:
    """The value as YAML on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10**9)
    return text.removesuffix("...\n").strip()


def comment(text: str) -> str:
    """The text as a comment that ends a line."""
    return f" # {' '.join(text.split())}" if text else ""


def _format(files: list[Path]) -> None:
    """Lay the code out as the project's own style asks; files by name, for ruff passes over folders such as build/ and .nox/."""
    for command in (["check", "--fix-only", "--quiet"], ["format", "--quiet"]):
        config = ["--config", str(Path("pyproject.toml").resolve())]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, *map(str, files)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FactoryError(f"`ruff {command[0]}` failed: {done.stderr.strip() or done.stdout.strip()}")
