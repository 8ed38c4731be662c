"""Run the checks on the files that they concern."""

import difflib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from ..errors import FactoryError
from ..workspace import git, process
from . import azureml, dictionary, images, overlays, settings, template
from .checks import Check, Result

SCRIPTS = sysconfig.get_path("scripts")
FROM_PACKAGES = os.path.relpath(SCRIPTS, sysconfig.get_path("purelib"))


def check(given: Sequence[Path], checks: Sequence[Check], skip: Collection[str] = ()) -> Iterator[Result]:
    """Check the given files, by default all. Raises FactoryError."""
    left_out = _skipped(
        skip,
        [
            *(own.NAME for own in (template, images, settings)),
            *(check.name for check in checks),
            *(own.NAME for own in (dictionary, azureml, overlays)),
        ],
    )
    selected = select(given)
    comparison, files = template.compare(selected)
    own = images.check(selected), settings.check(), dictionary.check(selected), azureml.check(selected)
    for result in (comparison, *own):
        if result and result.name not in left_out:
            yield result
    chosen = [check for check in checks if check.name not in left_out]
    concerned = {check: found for check in chosen if (found := [file for file in files if check.concerns(file)])}
    manifests = overlays.NAME not in left_out and overlays.concerns(selected)
    missing = _install({check.command[0] for check in concerned} | ({overlays.TOOL} if manifests else set()))
    if manifests:
        yield overlays.check(missing)
    yield from (_run(check, found, missing) for check, found in concerned.items() if check.fixes)
    others = {check: found for check, found in concerned.items() if not check.fixes}
    with ThreadPoolExecutor() as pool:
        yield from pool.map(_run, others.keys(), others.values(), repeat(missing))


def select(given: Sequence[Path]) -> list[Path]:
    """The given files and those below given folders; by default all that Git tracks or would. Raises FactoryError."""
    for path in given:
        if not path.exists():
            raise FactoryError(f"{path}: no such file")
    folders = [str(path) for path in given if path.is_dir()]
    listed = git.files(*folders) if folders or not given else []
    return sorted({*listed, *(path for path in given if path.is_file())})


def _skipped(names: Collection[str], known: Sequence[str]) -> set[str]:
    """Names to leave out, also those in SKIP, where pre-commit has those of other hooks too. Raises FactoryError."""
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise FactoryError(
                f"--skip {name}: no such check: {f'did you mean {close[0]}?' if close else ', '.join(known)}"
            )
    return {*names, *os.environ.get("SKIP", "").split(",")}


def _install(tools: Collection[str]) -> str:
    """Install the group lint, if one of the tools is missing; why one still is."""
    try:
        if not all(map(_path, tools)):
            process.run(os.environ.get("UV", "uv"), "sync", "--quiet", "--frozen", "--inexact", "--group", "lint")
    except FactoryError as error:
        return str(error)
    return "add it to a dependency group"


def _run(check: Check, files: Collection[Path], missing: str) -> Result:
    tool, *options = check.arguments(files)
    path = _path(tool)
    if not path:
        return Result(check.name, False, f"{tool} is not installed: {missing}, or --skip {check.name}")
    done = subprocess.run(
        [path, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    output = done.stdout.strip()
    if done.returncode:
        return Result(check.name, False, check.advice, output)
    return Result(check.name, True, output.rpartition("\n")[2])


def _path(tool: str) -> str | None:
    """The tool's program in this environment, or in one on which it is laid, as by `uv run --with`."""
    below = (os.path.normpath(Path(place, FROM_PACKAGES)) for place in sys.path if place.endswith("site-packages"))
    return shutil.which(tool, path=os.pathsep.join([SCRIPTS, *below]))
