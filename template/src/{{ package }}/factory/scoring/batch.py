"""A file of rows in, a file of scores out; memory does not grow with the number of rows."""

import glob
import logging
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from ... import contract
from .. import tables
from ..errors import ContractViolation, FactoryError
from ..validation import unseen
from ..validation.files import cast_to_files
from ..validation.rules import check
from .scorer import Scorer

DAY = 24 * 60 * 60  # seconds


def score_file(
    scorer: Scorer,
    source: Path,
    destination: Path,
    on_rows: Callable[[int], object] = lambda rows: None,
    answer: Callable[[Scorer, pl.DataFrame], pl.DataFrame] = lambda scorer, rows: scorer.score(rows),
) -> int:
    """Score a table batch by batch, in the order of its rows; returns their number.

    `answer` gives the table that is written for a batch, such as `explain.with_contributions`; `on_rows` is called with the size of each batch. The destination appears only when it is complete.
    Raises FactoryError.
    """
    _check_destination(source, destination)
    sizes: list[int] = []
    tally = unseen.Tally(Counter)

    def answered(rows: pl.DataFrame) -> pl.DataFrame:
        with unseen.counting(tally):
            table = answer(scorer, rows)
        sizes.append(rows.height)
        on_rows(rows.height)
        return table

    schema = answer(scorer, contract.Row.create_empty()).schema
    scores = tables.scan(source).map_batches(answered, schema=schema, streamable=True)
    with _staging(destination) as staging:
        try:
            with tables.reading(source):
                tables.sink(scores, staging / destination.name)
        except ContractViolation as error:
            raise _violation_in_file(error, source, scorer, staging / "rows") from error
        if not sum(sizes):
            raise FactoryError(f"{source}: no rows")
        (staging / destination.name).replace(destination)
    for line in unseen.messages(tally, contract.Row, sum(sizes)) if tally else ():
        logging.getLogger(__name__).warning("%s: %s", source, line)
    return sum(sizes)


@contextmanager
def _staging(destination: Path) -> Iterator[Path]:
    """A folder beside the destination, of this process. Raises FactoryError where the disk is full."""
    _remove_abandoned(destination)
    staging = destination.with_name(f".{destination.name}.{os.getpid()}.tmp")
    try:
        staging.mkdir(exist_ok=True)
        yield staging
    except OSError as error:
        raise FactoryError(f"{destination}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _violation_in_file(error: ContractViolation, source: Path, scorer: Scorer, folder: Path) -> ContractViolation:
    """The violation in a batch, with the rows counted over the whole file."""
    target = scorer.manifest["target"]
    try:
        batches = (rows.drop(target, strict=False) for rows in tables.batches(source, checked=True))
        check(cast_to_files(batches, contract.Row, folder), contract.Row)
    except ContractViolation as whole:
        error = whole
    return ContractViolation(f"{source}: {error}")


def _check_destination(source: Path, destination: Path) -> None:
    if destination.suffix not in tables.WRITTEN:
        raise FactoryError(f"{destination}: unsupported file type, use {' or '.join(tables.WRITTEN)}")
    if not destination.parent.is_dir():
        raise FactoryError(f"{destination.parent}: no such folder")
    if destination.exists() and source.exists() and destination.samefile(source):
        raise FactoryError(f"{destination}: is the input file: name another file for the scores")


def _remove_abandoned(destination: Path) -> None:
    """Remove what interrupted runs left, but nothing of the last day: another run may still be writing it."""
    for abandoned in destination.parent.glob(f".{glob.escape(destination.name)}.*.tmp"):
        if abandoned.stat().st_mtime < time.time() - DAY:
            shutil.rmtree(abandoned, ignore_errors=True)
