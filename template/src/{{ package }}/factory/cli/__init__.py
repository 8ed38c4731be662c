"""The `factory` command.

A new command is a function under `@main.command()`, in the module of its group in `factory --help`, and stands there in
the order of the module. What it needs is imported inside of it: `factory --help` must not wait for libraries, and where
a model only scores, most of them are not installed.
"""

from . import ci, data, model, monitoring, project, release, verification, versions  # noqa: F401  each adds its commands
from .main import main

__all__ = ["main"]
