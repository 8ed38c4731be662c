"""Scores on the way: files and folders that appear under their names only when they are complete."""

import fcntl
import glob
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from .. import interruption, tables
from ..errors import FactoryError

DAY = 24 * 60 * 60  # seconds
JOURNAL = "_journal.jsonl"
SUCCESS = "_SUCCESS"
"""The file in a complete folder, as Spark names it; here with a line of JSON on each part."""
Facts = dict[str, Any]


def write(pieces: Iterable[pl.DataFrame], schema: pl.Schema, path: Path) -> None:
    """Write a table piece by piece, in order, as they are made. Raises OSError where the disk is full."""
    tables.sink(register_io_source(lambda *_: iter(pieces), schema=schema), path)


def name_of(table: str) -> str:
    """The name of what is written for a table of that name: Parquet, unless it is CSV."""
    return table if table.endswith(tables.WRITTEN) else f"{table}.parquet"


@contextmanager
def beside(destination: Path) -> Iterator[Path]:
    """A folder beside a file that is to be written, of this process. Raises FactoryError where the disk is full."""
    _remove_abandoned(destination)
    staging = destination.with_name(f".{destination.name}.{os.getpid()}.tmp")
    try:
        staging.mkdir(exist_ok=True)
        yield staging
    except OSError as error:
        raise FactoryError(f"{destination}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def folder(destination: Path, identity: str) -> Iterator["Folder"]:
    """A folder that is to be written. Raises FactoryError where another run writes it, or the disk is full."""
    path = destination.with_name(f".{destination.name}.incomplete")
    try:
        path.mkdir(exist_ok=True)
        lock = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Folder(destination, path, identity)
        finally:
            os.close(lock)
    except BlockingIOError as error:
        raise FactoryError(f"{destination}: another run is writing it") from error
    except OSError as error:
        raise FactoryError(f"{destination}: {error.strerror or error}") from error


class Folder:
    """Parts beside their destination, which an interrupted run leaves and the same run takes up.

    `identity` is what they depend on beside their inputs: parts of another one are discarded.
    """

    def __init__(self, destination: Path, path: Path, identity: str) -> None:
        self._destination, self.path, self._journal = destination, path, path / JOURNAL
        first, *lines = self._journal.read_text("utf-8").splitlines() if self._journal.exists() else [""]
        self._done: dict[str, Facts] = {}
        if first == identity:
            with suppress(ValueError):  # the last line is cut where the run was killed
                self._done.update((facts["name"], facts) for facts in map(json.loads, lines))
        else:
            for leftover in path.iterdir():
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            self._journal.write_text(f"{identity}\n", "utf-8")

    def done(self, name: str, unchanged: Facts) -> Facts | None:
        """The facts about a part if it is complete, and these among them are the same."""
        facts = self._done.get(name, {})
        return facts if facts and facts.items() >= unchanged.items() and (self.path / name).is_file() else None

    def part(self, name: str) -> Path:
        """Where a part is to be written."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def complete(self, facts: Facts) -> None:
        """Note that the part of that name is complete."""
        self._done[facts["name"]] = facts
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")

    def publish(self, names: Iterable[str]) -> None:
        """Give the folder, with these parts only, its name."""
        interruption.complete()
        known = {name: self._done[name] for name in names}
        for file in [file for file in self.path.rglob("*") if file.is_file()]:
            if file != self._journal and file.relative_to(self.path).as_posix() not in known:
                file.unlink()
        lines = "".join(json.dumps(facts) + "\n" for facts in known.values())
        (self.path / SUCCESS).write_text(lines, "utf-8")
        self._journal.unlink()
        self.path.rename(self._destination)


class Rejects:
    """Rejected rows, by the table they are from, in a folder that gets its name when all are there."""

    def __init__(self, path: Path, destination: Path) -> None:
        self._path, self._destination = path, destination

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Set these rows of a table aside."""
        pieces = self._pieces(name)
        pieces.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in pieces.iterdir())
        rows.write_parquet(pieces / f"{number:08}.parquet", compression="lz4")

    def discard(self, name: str) -> None:
        """Forget what an interrupted run set aside of a table."""
        shutil.rmtree(self._pieces(name), ignore_errors=True)

    def complete(self, name: str) -> None:
        """Put the rows of a table into one file."""
        pieces = self._pieces(name)
        if pieces.is_dir():
            tables.sink(pl.scan_parquet(sorted(pieces.iterdir()), glob=False), self._path / name_of(name))
            shutil.rmtree(pieces)

    def publish(self) -> None:
        """Give the folder its name if there are any rows."""
        interruption.complete()
        if self._path.is_dir():
            moved = self._destination.with_name(f".{self._destination.name}.{os.getpid()}.tmp")
            shutil.move(self._path, moved)
            moved.rename(self._destination)

    def _pieces(self, name: str) -> Path:
        return self._path / f"{name}.pieces"


def _remove_abandoned(destination: Path) -> None:
    """Remove what interrupted runs left, but nothing of the last day: another run may still be writing it."""
    for abandoned in destination.parent.glob(f".{glob.escape(destination.name)}.*.tmp"):
        if abandoned.stat().st_mtime < time.time() - DAY:
            shutil.rmtree(abandoned, ignore_errors=True)
