"""The template's files in the project: which of them differ from its release, and which edits the project accepts.

`MANIFEST` and `ORGANISATION` come with the release, `PATCHES` is the project's own; a line of each has the SHA-256 and the path of a file.
"""

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from ..errors import FactoryError
from ..workspace import git
from ..workspace.migration import SHIM

ANSWERS = Path(".copier-answers.yml")
TESTS = Path("tests/factory")
RENDERED = "rendered"
MISSING = "missing"
OWN = "own"
TARGETS = ("compose", "kubernetes", "azureml")
HEADER = """\
# Edits of the template's files that this project accepts, written by `factory check --accept`: SHA-256 and path.
# `missing`: the project does without the file; `own`: the file is the project's own, whatever it holds.
"""


def released() -> dict[Path, str]:
    """The SHA-256 of each file that the release has for a project with these answers. Raises FactoryError."""
    return {path: known for path, known in _manifest().items() if known != RENDERED}


def accepted() -> dict[Path, str]:
    """What the project has in place of the release's files: a SHA-256, `missing` or `own`. Raises FactoryError."""
    lines = _lines(patches(), rf"(?P<hash>[0-9a-f]{{64}}|{MISSING}|{OWN})  (?P<path>.+)") if patches().exists() else ()
    return {Path(line["path"]): line["hash"] for line in lines}


def edited() -> list[Path]:
    """Files that are neither as released nor as accepted, and among the machinery those that are missing or foreign."""
    known = accepted()
    return sorted(path for path, found in _differing().items() if known.get(path) not in (found, OWN))


def accept(paths: Collection[Path] | None = None, *, own: bool = False) -> list[Path]:
    """Accept how these files and folders differ, by default all that do; gives those that were not accepted before.

    Files that are as released again are no longer listed.
    """
    differing, before = _differing(), accepted()
    new = {
        path: OWN if own else found
        for path, found in differing.items()
        if (paths is None or any(path.is_relative_to(given) for given in paths))
        and before.get(path) not in (found, OWN)
    }
    after = {path: known for path, known in before.items() if path in differing} | new
    if after != before:
        _write(after)
    return sorted(new)


def renew(own: Collection[Path] = (), reported: Collection[Path] = ()) -> list[str]:
    """Bring the accepted edits up to date after an update; what became of those that it changed.

    `own` has the files that the update found to be the project's own, `reported` those that it reports otherwise.
    """
    if not has_manifest():
        return []
    before = accepted()
    accept(own, own=True)
    merged = accept(before.keys() - {*reported})
    gone = sorted(before.keys() - accepted().keys() - {*reported})
    unlisted = f"so it is no longer listed in {patches()}"
    return [
        *(f"{path}: {_reason(path, before[path])}, {unlisted}" for path in gone),
        *(f"{path}: your edit was merged with the release's: review it" for path in merged),
    ]


def has_manifest() -> bool:
    """Whether the release says which files are the template's: those before 0.3.0 do not. Raises FactoryError."""
    return (factory() / "MANIFEST").exists()


def is_machinery(path: Path) -> bool:
    """Whether the file is in factory/ or tests/factory/."""
    return path.is_relative_to(factory()) or path.is_relative_to(TESTS)


def as_released(paths: Iterable[Path]) -> list[Path]:
    """Those of the files that are as in the release, or are gone as from the release. Raises FactoryError."""
    release, machinery = released(), (factory(), TESTS)
    lists = [factory() / name for name in ("MANIFEST", "ORGANISATION")]

    def holds(path: Path) -> bool:
        if path.is_file():
            return path in lists or release.get(path) == digest(path.read_bytes())
        return path not in release and any(path.is_relative_to(folder) for folder in machinery)

    return list(filter(holds, paths))


def factory() -> Path:
    """The folder of the machinery. Raises FactoryError."""
    for module in Path().glob("src/*/factory/__init__.py"):
        return module.parent
    raise FactoryError("src/*/factory is missing: run factory in the project's own folder")


def patches() -> Path:
    """Where the edits that the project accepts are. Raises FactoryError."""
    return factory() / "PATCHES"


def answers() -> dict[str, str]:
    """The answers with which the project was rendered. Raises FactoryError."""
    try:
        return dict(yaml.safe_load(ANSWERS.read_text(encoding="utf-8"))) if ANSWERS.exists() else {}
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise FactoryError(f"{ANSWERS}: cannot be read: restore it from Git") from error


def digest(content: bytes) -> str:
    """The SHA-256, whatever line endings Git writes on this machine."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _reason(path: Path, before: str) -> str:
    """Why an edit is no longer listed, of which PATCHES had this."""
    if path not in _manifest():
        return "it is no longer the template's"
    return "the release has your fix" if path.exists() and before != MISSING else "it no longer differs"


def _differing() -> dict[Path, str]:
    """What is in place of the release's files where that is something else."""
    release, own = _manifest(), {factory() / name for name in ("MANIFEST", "PATCHES")}
    listed = filter(os.path.lexists, git.listed(str(factory()), str(TESTS)))  # also a link to a folder
    foreign = (path for path in listed if path not in own and not _is_shim(path))
    found = {path: digest(path.read_bytes()) if path.is_file() else MISSING for path in {*release, *foreign}}
    return {
        path: what
        for path, what in found.items()
        if (is_machinery(path) if what == MISSING else release.get(path) not in (what, RENDERED))
    }


def _manifest() -> dict[Path, str]:
    """What the release has for a project with these answers, also what is not the same in every project."""
    manifest = factory() / "MANIFEST"
    if not manifest.is_file():
        raise FactoryError(f"{manifest} is missing: restore it from Git")
    given = answers()
    target = given.get("target", TARGETS[0])
    places = {given.get("ci"), target, f"{target}_{given.get('storage')}"}
    package = f"src/{factory().parent.name}/"
    pattern = rf"(?P<hash>[0-9a-f]{{64}}|{RENDERED})  (?P<path>\S+)(?P<places>( \w+)*)"
    return {
        Path(line["path"].replace("src/<package>/", package)): line["hash"]
        for file in filter(Path.exists, (manifest, factory() / "ORGANISATION"))
        for line in _lines(file, pattern)
        if _is_at(places, line["places"].split())
    }


def _is_at(places: Collection[str | None], listed: Sequence[str]) -> bool:
    """Whether a file for these platforms and targets is one of a project at those places."""
    of_target = [place for place in listed if place.startswith(TARGETS)]
    of_platform = [place for place in listed if place not in of_target]
    return all(not part or not set(part).isdisjoint(places) for part in (of_platform, of_target))


def _is_shim(path: Path) -> bool:
    """Whether it is what an update by Copier alone leaves in the place of an older module."""
    return path.is_file() and path.read_bytes().strip() == SHIM.encode()


def _lines(file: Path, pattern: str) -> Iterator[re.Match[str]]:
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if line and not line.startswith("#"):
            match = re.fullmatch(pattern, line)
            if not match:
                raise FactoryError(f"{file}:{number}: is not a SHA-256 and a path: restore the file from Git")
            yield match


def _write(entries: dict[Path, str]) -> None:
    lines = [f"{what}  {path.as_posix()}\n" for path, what in sorted(entries.items())]
    if lines:
        patches().write_text(HEADER + "".join(lines), encoding="utf-8", newline="\n")
    else:
        patches().unlink()
