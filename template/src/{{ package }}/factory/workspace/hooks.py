"""The hooks that check a commit before it is made."""

import sys

from . import git
from .process import run

BY_HAND = "run `uv run pre-commit run` there or before you commit"


def install() -> str:
    """Install them, in words; with a "! " where Git takes hooks from elsewhere. Raises FactoryError."""
    elsewhere = git.hooks_folder()
    if elsewhere:
        return f"! no pre-commit hooks, as your Git takes hooks from {elsewhere} (core.hooksPath): {BY_HAND}"
    run(sys.executable, "-m", "pre_commit", "install")
    return "pre-commit hooks"
