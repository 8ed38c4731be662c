"""The `factory` command.

A new command is a function under `@main.command()`, in the module of what it is about, or else in main. What it needs
is imported inside of it: `factory --help` must not wait for libraries, and where a model only scores, most of them are
not installed.
"""

from . import ci, data, model, release  # noqa: F401  each adds its commands
from .main import main

__all__ = ["main"]
