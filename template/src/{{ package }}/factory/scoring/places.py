"""Where scores and rejected rows may go: nowhere where something would be lost, or be taken for input next time."""

from collections.abc import Sequence
from pathlib import Path

from .. import tables
from ..errors import FactoryError
from ..tables.sources import URL, Source
from .staged import name_of


def check(place: str, sources: Sequence[Source], destination: Path, rejects: Path | None = None) -> None:
    """Refuse a destination, or a folder for rejected rows, for the tables found in a place. Raises FactoryError."""
    if destination.suffix in tables.WRITTEN:
        _check_path(place, destination)
        files = (source.path for source in sources if source.path and source.path.exists())
        if destination.exists() and any(destination.samefile(file) for file in files):
            raise FactoryError(f"{destination}: is the input file: name another file for the scores")
    else:
        if destination.suffix and not destination.is_dir():
            kinds = " or ".join(tables.WRITTEN)
            raise FactoryError(
                f"{destination}: unsupported file type, use {kinds}, or a folder without a dot in its name"
            )
        _check_folder(place, sources, destination)
        _check_names(sources)
    if rejects:
        _check_folder(place, sources, rejects)
        if rejects.resolve() == destination.resolve():
            raise FactoryError(f"{rejects}: is where the scores go: name another folder for rejected rows")


def _check_folder(place: str, sources: Sequence[Source], folder: Path) -> None:
    _check_path(place, folder)
    if any(source.path and source.path.resolve().is_relative_to(folder.resolve()) for source in sources):
        raise FactoryError(f"{folder}: the input is in it: name another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FactoryError(f"{folder}: exists: name another folder, or delete it")


def _check_path(place: str, path: Path) -> None:
    if URL.match(f"{path}".replace(":/", "://", 1)):
        raise FactoryError(f"{path}: scores are written to this machine: name a file or a folder")
    if not path.parent.is_dir():
        raise FactoryError(f"{path.parent}: no such folder")
    if Path(place).is_dir() and path.resolve().is_relative_to(Path(place).resolve()):
        raise FactoryError(f"{path}: is in the folder of the input: name another place")


def _check_names(sources: Sequence[Source]) -> None:
    """Refuse tables of which one would replace the scores of another."""
    known: dict[str, Source] = {}
    for source in sources:
        other = known.setdefault(name_of(source.name).lower(), source)  # some file systems ignore case
        if other is not source:
            raise FactoryError(f"{source}: its scores would have the same name as those of {other}: rename one")
