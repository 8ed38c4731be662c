"""All kinds of edits, and which of them a project gets."""

from random import Random

from . import kinds_of_dependencies, kinds_of_files, kinds_of_platform, kinds_of_pyproject
from .edits import Kind

KINDS = [*kinds_of_dependencies.KINDS, *kinds_of_pyproject.KINDS, *kinds_of_files.KINDS, *kinds_of_platform.KINDS]


def shuffled(origin: str, random: Random) -> list[Kind]:
    """The kinds that a project of that origin may have, in an order of chance."""
    return random.sample(found := [kind for kind in KINDS if origin in kind.origins.split()], len(found))
