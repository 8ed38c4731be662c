"""The machinery around contract, features and model; `copier update` keeps it up to date."""

import sys
from typing import Any

from ._moved import OldModules

PACKAGE = __name__.partition(".")[0]
"""The name of the package that all of this is in."""

sys.meta_path.insert(0, OldModules())


def __getattr__(name: str) -> Any:
    """By this mypy takes older modules for granted, as Python finds them; to be deleted with release 0.5.0."""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
