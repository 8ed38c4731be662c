"""A model in a worker: verified, warmed up by scoring, and ready."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ... import contract
from ..errors import ContractViolation
from ..scoring import artifact, histories, predictions
from ..scoring.explain import explain
from ..scoring.scorer import Scorer
from ..tables.chunks import processors
from ..validation.rules import frame
from . import parsing, tensors
from .packing import Rows
from .parsing import Row, TooLarge
from .responses import Ids

CHUNK = 32_768  # rows that a thread scores at a time
MOST = 1_000  # steps that a model may forecast


class WarmModel:
    """Scores one row, or a table in threads."""

    def __init__(self, scorer: Scorer, version: dict[str, str]) -> None:
        self.manifest, self.version = scorer.manifest, version["version"]
        self._scorer, self._commit = scorer, version["commit"]
        self._threads = ThreadPoolExecutor(processors())

    @classmethod
    def load(cls, folder: Path, signers: Path | None) -> Self:
        """The model in the folder. Raises ArtifactError and SignatureRefused."""
        model = cls(Scorer.load(folder, signers), artifact.read_version(folder))
        for rows in (contract.Row.create_empty(), parsing.valid_row(contract.Row)):
            model.score(rows)
        if model.manifest.get("forecast"):
            with suppress(ContractViolation):  # of a rule that this example breaks
                model.forecast(parsing.example_history(model.manifest), None, MOST)
        return model

    def facts(self) -> dict[str, Any]:
        """What the service needs to know of it, which runs nothing of the user's itself."""
        none = contract.Row.create_empty()
        columns = predictions.to_columns(self._scorer.predict(none), self.manifest, none)
        return {
            "manifest": self.manifest,
            "version": self.version,
            "commit": self._commit,
            "compiled": self._scorer.compiled,
            "example": parsing.example_record(self.manifest.get("typical", {})),
            "history": self._history(),
            "outputs": [tensors.metadata(column.name, column.dtype).model_dump() for column in columns],
        }

    def score(self, rows: Rows) -> tuple[Ids, NDArray[np.float64]]:
        """The ids, where the data have any, and the scores of the rows. Raises ContractViolation."""
        if isinstance(rows, list) and len(rows) == 1:
            return self._id(rows[0]), self._scorer.predict_row(rows[0])
        table = frame(rows, contract.Row) if isinstance(rows, list) else rows
        starts = range(0, max(table.height, 1), CHUNK)
        contexts = [copy_context() for _ in starts]  # of the thread that counts unseen categories
        tasks = ((context, table, start) for context, start in zip(contexts, starts, strict=True))
        chunks = self._threads.map(lambda task: task[0].run(self._score_chunk, *task[1:]), tasks)
        ids, scores = zip(*chunks, strict=True)
        return pl.concat(ids) if ids[0] is not None else None, np.concatenate(scores)

    def explain(self, rows: Rows) -> list[dict[str, Any]]:
        """The explanation of each row's score, ready for JSON. Raises ArtifactError."""
        return explain(self._scorer, frame(rows, contract.Row) if isinstance(rows, list) else rows).to_records()

    def forecast(self, rows: Rows, origin: str | None, most: int) -> tuple[pl.DataFrame, NDArray[np.float64]]:
        """The rows of the horizon after a history, and their scores. Raises ContractViolation, FactoryError and TooLarge."""
        manifest = self.manifest
        table = frame(rows, histories.schema(manifest)) if isinstance(rows, list) else rows
        history, start = histories.read(table, manifest, origin, strict=True)
        if histories.size(history, manifest) > most:
            raise TooLarge(f"more than {most:,} rows to forecast: send fewer series")
        horizon = histories.horizon(history, manifest, start)
        return horizon, self._scorer.predict(horizon)

    def _history(self) -> list[dict[str, Any]] | None:
        """The records of an example, where series are forecast."""
        if not self.manifest.get("forecast"):
            return None
        return parsing.records_of(parsing.example_history(self.manifest), self.manifest)

    def _id(self, row: Row) -> list[Any] | None:
        id = self.manifest["id"]
        return [row[contract.Row.column_names().index(id)]] if id else None

    def _score_chunk(self, table: pl.DataFrame, start: int) -> tuple[pl.Series | None, NDArray[np.float64]]:
        try:
            return self._scorer.predict_with_ids(table[start : start + CHUNK])
        except ContractViolation as error:
            moved = [each if each.row is None else replace(each, row=each.row + start) for each in error.violations]
            raise ContractViolation(moved) from error
