"""Tables of rows in, scores out; memory does not grow with the number of rows."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from threadpoolctl import threadpool_limits

from ... import contract, features
from .. import manifest, tables
from ..errors import ContractViolation, FactoryError
from ..tables.sources import Source
from ..validation import unseen
from ..validation.files import cast_to_files
from ..validation.rules import check
from . import places, ranked, staged
from .outcome import Outcome
from .scorer import Scorer
from .workers import Answer, Result, Scored, Task, scores

Pieces = Iterator[tuple[Source, Result]]
OnRows = Callable[[int], object]


def score_file(
    scorer: Scorer,
    source: Path,
    destination: Path,
    on_rows: OnRows = lambda rows: None,
    answer: Answer = scores,
) -> int:
    """Score a table chunk by chunk, in the order of its rows; returns their number.

    `answer` gives the table that is written for a chunk, such as `explain.with_contributions`; `on_rows` is called with
    the size of each. The destination appears only when it is complete. Raises FactoryError.
    """
    table = Source(f"{source}", source.name)
    places.check(f"{source}", [table], destination)
    return score({table: 0}, destination, Task(scorer, answer), on_rows=on_rows).rows


def score(
    sources: Mapping[Source, int],
    destination: Path,
    task: Task,
    rejects: Path | None = None,
    on_rows: OnRows = lambda rows: None,
) -> Outcome:
    """Score tables, whose numbers of rows these are, into one file, or into a folder with a file for each.

    With `rejects`, rows that violate the contract go to that folder, otherwise they end the run. What is written appears
    only when it is complete; a folder that was interrupted goes on behind its complete parts. Raises FactoryError.
    """
    run = _Run(task, rejects, on_rows)
    with threadpool_limits(1, user_api="blas"):  # more would add up in another order
        (run.into_file if destination.suffix in tables.WRITTEN else run.into_folder)(sources, destination)
    for source, tally in run.unseen.items():
        for line in unseen.messages(tally, contract.Row, run.read[source]):
            logging.getLogger(__name__).warning("%s: %s", source, line)
    rejected = run.rejected.total()
    lists = 1 if destination.suffix in tables.WRITTEN else len(sources)
    return Outcome(run.read.total() - rejected, rejected, run.reasons, (run.highest, lists) if run.highest else None)


class _Run:
    """One run, and what it has counted."""

    def __init__(self, task: Task, rejects: Path | None, on_rows: OnRows) -> None:
        self._task, self._rejects, self._on_rows = task, rejects, on_rows
        self._schema = task.answer(task.scorer, contract.Row.create_empty()).schema
        decision = task.scorer.manifest.get("decision", {})
        self.highest: int | None = decision.get("rows")
        self._by_group = "by" in decision
        self.read, self.rejected, self.reasons = Counter[Source](), Counter[Source](), Counter[str]()
        self.unseen: dict[Source, unseen.Tally] = {}
        self._states: dict[Source, dict[str, Any]] = {}

    def into_file(self, sources: Mapping[Source, int], destination: Path) -> None:
        """The scores of all tables, one after the other."""
        self._states = {source: _state(source) for source in sources}
        with staged.beside(destination) as staging:
            aside = self._aside(staging)
            with self._task.map(sources) as pieces:
                scored = self._tables(pieces, staging, aside)
                self._write(scored, staging / destination.name)
            for source in sources:
                aside.complete(source.name)
            self._check(sources)
            aside.publish()
            (staging / destination.name).replace(destination)

    def into_folder(self, sources: Mapping[Source, int], destination: Path) -> None:
        """The scores of each table in a file of its own."""
        names = {source: staged.name_of(source.name) for source in sources}
        with staged.folder(destination, self._identity()) as parts:
            aside, states = self._aside(parts.path), {source: _state(source) for source in sources}
            self._states = states
            done = {source: parts.done(names[source], states[source]) for source in sources}
            new = {source: rows for source, rows in sources.items() if not self._take_up(source, done[source])}
            with self._task.map(new) as pieces:
                for source, some in groupby(pieces, itemgetter(0)):
                    self._write_part(source, some, parts, aside, {"name": names[source], **states[source]})
            self._check(sources)
            aside.publish()
            parts.publish(names.values())

    def _write_part(
        self, source: Source, pieces: Pieces, parts: staged.Folder, aside: staged.Rejects, facts: staged.Facts
    ) -> None:
        aside.discard(source.name)
        before = self.reasons.copy()
        self._write(self._tables(pieces, parts.path, aside), parts.part(facts["name"]))
        aside.complete(source.name)
        counted = {"rows": self.read[source], "rejected": self.rejected[source], "reasons": self.reasons - before}
        parts.complete({**facts, **counted})

    def _write(self, scored: Iterator[pl.DataFrame], path: Path) -> None:
        if self.highest:
            ranked.write(scored, self._schema, path, self.highest, by_group=self._by_group)
        else:
            staged.write(scored, self._schema, path)

    def _tables(self, pieces: Pieces, staging: Path, aside: staged.Rejects) -> Iterator[pl.DataFrame]:
        for source, result in pieces:
            try:
                scored = result()
            except ContractViolation as error:
                raise self._in_whole_table(error, source, staging) from error
            for each in scored:
                self._count(source, each)
                if each.rejected is not None:
                    aside.add(source.name, each.rejected)
                yield each.table

    def _count(self, source: Source, scored: Scored) -> None:
        bad = 0 if scored.rejected is None else scored.rejected.height
        self.rejected[source] += bad
        self.reasons += scored.reasons
        for name, values in scored.unseen.items():
            self.unseen.setdefault(source, unseen.Tally(Counter))[name] += values
        self._read(source, scored.table.height + bad)

    def _read(self, source: Source, rows: int) -> None:
        self.read[source] += rows
        self._on_rows(rows)

    def _take_up(self, source: Source, facts: staged.Facts | None) -> bool:
        """Count a part that an interrupted run has completed."""
        if facts is None or source.path is None:  # whether a file at a URL has changed is not known
            return False
        self.rejected[source] = facts["rejected"]
        self.reasons += Counter(facts["reasons"])
        self._read(source, facts["rows"])
        return True

    def _in_whole_table(self, error: ContractViolation, source: Source, staging: Path) -> ContractViolation:
        """The violation in a chunk, with the rows counted over the whole table."""
        target = self._task.scorer.manifest["target"]
        with TemporaryDirectory(dir=staging) as folder:
            try:
                batches = source.batches(contract.Row.columns(), checked=True)
                chunks = (rows.drop(target, strict=False) for rows in batches)
                check(cast_to_files(chunks, contract.Row, Path(folder, "rows")), contract.Row)
            except ContractViolation as whole:
                error = whole
        return ContractViolation(f"{source}: {error}")

    def _check(self, sources: Mapping[Source, int]) -> None:
        """Refuse tables that have changed, or have no rows."""
        for source, rows in sources.items():
            if self._states[source] != _state(source) or (rows and rows != self.read[source]):
                raise FactoryError(f"{source}: changed while it was read: score it again when it is complete")
        if not self.read.total():
            raise FactoryError(f"{next(iter(sources))}: no rows{' there or in the others' if len(sources) > 1 else ''}")

    def _aside(self, staging: Path) -> staged.Rejects:
        return staged.Rejects(staging / "_rejected", self._rejects or staging)

    def _identity(self) -> str:
        """What the scores depend on beside the rows."""
        code = [manifest.file_sha256(Path(f"{module.__file__}")) for module in (contract, features)]
        facts = [self._task.scorer.manifest, code, f"{self._rejects}", pl.__version__]
        return manifest.sha256(json.dumps(facts, sort_keys=True).encode())


def _state(source: Source) -> dict[str, Any]:
    """What shows whether an input has changed."""
    if source.path is None:
        return {}
    stat = source.path.stat()
    return {"size": stat.st_size, "changed": stat.st_mtime_ns}
