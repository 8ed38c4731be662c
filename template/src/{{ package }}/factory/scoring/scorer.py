"""The scorer: validates raw rows, computes features and scores them; and the features as a matrix."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from ... import contract
from ..errors import ArtifactError
from ..paths import MODEL
from ..tables.chunks import CHUNK, Matrix, Rows, collect, height, iter_chunks
from ..validation.parsing import cast
from ..validation.rules import check, frame, single_row, violated_rules
from . import artifact, histories, predictions, shared, texts
from .compiled import Compiled
from .feature_graph import matching_graph
from .feature_table import features
from .texts import Encoders


class Scorer:
    """A loaded model: `score` returns a table, the `predict` methods return arrays of scores.

    The arrays have the shape (rows,), or (rows, classes) where there are several classes.

    >>> scorer = Scorer.load("model")  # doctest: +SKIP
    >>> scorer.score(rows)  # doctest: +SKIP
    """

    def __init__(self, model: artifact.Artifact) -> None:
        shared.check(model.manifest.get("code", {}))
        current = describe(features(contract.Row.create_empty()))
        # order matters: the model knows features by position
        if [*current.items()] != [*model.manifest["features"].items()]:
            raise ArtifactError(
                "features.py or contract.py no longer give the features that the model was trained on: run `uv run dvc repro`"
            )
        self.manifest: dict[str, Any] = model.manifest
        self._predict = model.predict
        self.texts = model.texts
        """What makes numbers of features that are texts or lists."""
        graph = matching_graph(model.feature_session, features, contract.Row)
        self._compiled = Compiled(graph, model.predict, contract.Row) if graph else None
        self.compiled = bool(graph and graph.complete and "model.onnx" in model.manifest["files"])
        """Whether ONNX alone can score valid rows."""

    @classmethod
    def load(cls, folder: str | Path = MODEL, signers: str | Path | None = None) -> Self:
        """The model in the folder, its files verified; with a file of allowed signers, also that one of them signed it.

        Raises ArtifactError and SignatureRefused.
        """
        return cls(artifact.load(Path(folder), None if signers is None else Path(signers)))

    def score(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Id, if there is one, `score` and, for a classifier, `decision` of each row, in the order of the rows.

        The score is the probability of the target, or the predicted value; of several classes it is
        the probability of the one in `decision`, and each has a column `probability_…`. A column of
        the target is ignored. Raises ContractViolation.
        """
        rows = self._cast(rows)
        ids, scores = self._predict_cast(rows)
        columns = predictions.to_columns(scores, self.manifest, rows)
        return pl.DataFrame(columns if ids is None else [ids, *columns])

    def forecast(self, observations: pl.DataFrame, origin: Any = None) -> pl.DataFrame:
        """Series, time, `origin`, `step`, `score` and its interval `low` to `high` for each step after the origin.

        `observations` are the history of the series and, beyond the origin, what is known ahead. Without an origin, the
        newest time of which the target is known. Raises ContractViolation.
        """
        return self.forecasts(self.horizon(observations, origin))

    def horizon(self, observations: pl.DataFrame, origin: Any = None) -> pl.DataFrame:
        """The rows that are scored for that: of each series and step what is known at the origin. Raises ContractViolation."""
        history, start = histories.read(observations, self.manifest, origin)
        return histories.horizon(history, self.manifest, start)

    def forecasts(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The same of rows of a horizon that are known to satisfy the contract."""
        columns = predictions.to_columns(self.predict(rows), self.manifest, rows)
        return pl.DataFrame([*rows.select(histories.keys(self.manifest)), *columns])

    def predict_with_ids(self, rows: pl.DataFrame) -> tuple[pl.Series | None, NDArray[np.float64]]:
        """The ids, if there are any, and the scores of the rows. Raises ContractViolation."""
        return self._predict_cast(self._cast(rows))

    def _cast(self, rows: pl.DataFrame) -> pl.DataFrame:
        return cast(rows.drop(self.manifest["target"], strict=False), contract.Row)

    def _predict_cast(self, rows: pl.DataFrame) -> tuple[pl.Series | None, NDArray[np.float64]]:
        scores = self._fast_path(single_row(rows)) if rows.height == 1 else None
        if scores is None:
            check(rows, contract.Row)
            scores = self.predict(rows)
        return rows[self.manifest["id"]] if self.manifest["id"] else None, scores

    def predict_row(self, row: tuple[Any, ...]) -> NDArray[np.float64]:
        """The score of one row: its values in the contract's order, of its Python types. Raises ContractViolation."""
        scores = self._fast_path(row)
        if scores is None:
            rows = frame([row], contract.Row)
            check(rows, contract.Row)
            scores = self.predict(rows)
        return scores

    def predict(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """The scores of rows that are known to satisfy the contract."""
        return self._predict(self.inputs(rows))

    def inputs(self, rows: pl.DataFrame) -> Matrix:
        """The features of the rows as the estimator sees them."""
        return matrix(self.texts(features(rows))) if rows.height <= CHUNK else feature_matrix(rows, self.texts)

    def predict_features(self, inputs: Matrix) -> NDArray[np.float64]:
        """The scores of features as the estimator sees them, shape (rows, features)."""
        return self._predict(inputs)

    def _fast_path(self, row: tuple[Any, ...] | None) -> NDArray[np.float64] | None:
        """The score of a valid row without polars; None where only polars can decide whether it is valid."""
        if self._compiled is None or row is None:
            return None
        scores, graph = self._compiled.scores([row]), self._compiled.graph
        if scores is None or graph.complete:
            return scores
        violated = violated_rules(frame([row], contract.Row), contract.Row, graph.checked)
        return None if violated else scores


def feature_matrix(rows: Rows, encoders: Encoders = texts.NONE) -> Matrix:
    """The rows' features as the estimator sees them, computed chunk by chunk to save memory."""
    filled = 0
    inputs = np.empty((height(rows), encoders(features(collect(rows.head(0)))).width), np.float32)
    for chunk in iter_chunks(rows):
        inputs[filled : filled + chunk.height] = matrix(encoders(features(chunk)))
        filled += chunk.height
    return inputs


def matrix(table: pl.DataFrame) -> Matrix:
    """Features as the estimator sees them, shape (rows, features): categories as codes, null as NaN."""
    codes = table.with_columns(selectors.enum().to_physical())
    with np.errstate(over="ignore"):  # what 32 bits cannot hold is infinite, and refused in training
        return codes.to_numpy(order="c").astype(np.float32)


def describe(table: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Name and type of each feature, and the categories of those that have any."""
    return {
        name: {"type": str(dtype.base_type())}
        | ({"categories": dtype.categories.to_list()} if isinstance(dtype, pl.Enum) else {})
        for name, dtype in table.schema.items()
    }
