"""contract ← features ← model: each imports only those left of it, and of the factory only what is made for them.

In a forecast the contract has the columns that `history` in features.py returns: features ← contract ← model.
"""

import ast
from pathlib import Path

import pytest

from .. import PACKAGE, contract

FOLDER = Path(contract.__file__).parent
OFFERED = tuple(f"{PACKAGE}.factory.{name}" for name in ("validation.expectations", "scoring.relative", "forecasting"))
FIRST = ["features", "contract"] if hasattr(contract, "Observation") else ["contract", "features"]
ALLOWED = {FIRST[0]: set(), FIRST[1]: {FIRST[0]}, "model": {*FIRST}}


def imported(path):
    """The package's own modules that the file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = f"{PACKAGE}." if node.level else ""
            names = [f"{base}{node.module}"] if node.module else [f"{base}{alias.name}" for alias in node.names]
        else:
            continue
        own = (name for name in names if name.startswith(f"{PACKAGE}.") and not name.startswith(OFFERED))
        yield from (name.split(".")[1] for name in own)


@pytest.mark.parametrize("name", ALLOWED)
def test_your_modules_import_downwards(name):
    layered = ALLOWED.keys() | {"factory"}
    assert set(imported(FOLDER / f"{name}.py")) & layered <= ALLOWED[name]
