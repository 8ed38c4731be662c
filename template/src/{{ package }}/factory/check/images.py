"""Report the images that are named without a digest, under which another one may come tomorrow."""

from collections.abc import Collection
from pathlib import Path

from ..errors import FactoryError, listed
from ..release import bases
from .checks import Result

NAME = "images"


def check(files: Collection[Path]) -> Result | None:
    """The result, or None where none of the files names images. It passes: not every machine can ask for digests."""
    if not {bases.FILE, bases.DOCKERFILE}.intersection(files):
        return None
    try:
        names = bases.unpinned()
    except FactoryError as error:
        return Result(NAME, False, str(error))
    return Result(NAME, True, f"not pinned by digest: {listed(names)}: run `uv run factory pin`" if names else "")
