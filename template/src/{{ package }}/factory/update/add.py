"""Files that a fresh project of this release has and this one lacks, such as a page of docs/ that came later."""

import os
import shutil
from pathlib import Path

from ..errors import FactoryError
from . import releases
from .preconditions import ANSWERS, check_template, parse

SAMPLE = "data"
NOTHING = "this project lacks nothing that a fresh one has"


def add(name: str) -> list[str]:
    """Add the file of this name, with its folder or without; gives its path, or without a name all that can be added.

    Raises FactoryError unless one file fits.
    """
    answers = parse(Path(ANSWERS).read_text(encoding="utf-8") if Path(ANSWERS).exists() else None)
    check_template(answers["_src_path"])
    with releases.render_fresh(answers) as fresh:
        offered = sorted(
            path.as_posix()
            for file in fresh.rglob("*")
            if file.is_file() and (path := file.relative_to(fresh)).parts[0] != SAMPLE and not os.path.lexists(path)
        )
        if not name:
            return offered or [NOTHING]
        found = [path for path in offered if name in (path, Path(path).name)]
        if len(found) != 1:
            fitting = f"it must be one of {', '.join(offered)}" if offered else NOTHING
            raise FactoryError(f"--add {name}: {fitting}")
        Path(found[0]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fresh / found[0], found[0])
        return found
