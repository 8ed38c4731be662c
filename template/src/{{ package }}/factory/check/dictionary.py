"""Compare the data dictionary, where there is one, with contract.py and params.yaml."""

from collections.abc import Collection
from pathlib import Path

from .. import PACKAGE, config
from ..paths import DICTIONARY
from .checks import Result

NAME = "dictionary"
SOURCES = {Path("src", PACKAGE, "contract.py"), Path("params.yaml")}


def check(files: Collection[Path]) -> Result | None:
    """The result, or None where none of the files concerns it."""
    if not DICTIONARY.exists() or not {DICTIONARY, *SOURCES}.intersection(files):
        return None
    try:
        from ..evaluation import dictionary  # imports contract.py, which may be broken

        current = dictionary.render(config.load())
    except Exception as error:  # noqa: BLE001  of the user's own code
        return Result(NAME, False, f"{DICTIONARY} cannot be compared: {' '.join(str(error).split())}")
    stale = DICTIONARY.read_text(encoding="utf-8") != current
    return Result(
        NAME, not stale, f"{DICTIONARY} is not of this contract.py: run `{dictionary.COMMAND}`" if stale else ""
    )
