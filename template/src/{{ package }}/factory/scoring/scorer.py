"""Rows in, scores out: the one definition that training, batch, service and monitoring share."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from ... import contract
from ...features import features
from ..errors import ArtifactError
from ..paths import MODEL
from ..tables.chunks import CHUNK, Matrix, Rows, collect, height, iter_chunks
from ..validation.parsing import cast
from ..validation.rules import check, frame, single_row, violated_rules, within_bounds
from . import artifact, predictions
from .feature_graph import matching


class Scorer:
    """A loaded model.

    >>> scorer = Scorer.load("model")  # doctest: +SKIP
    >>> scorer.score(rows)  # doctest: +SKIP
    """

    def __init__(self, model: artifact.Artifact) -> None:
        made = describe(features(contract.Row.create_empty()))
        if made != model.manifest["features"]:
            raise ArtifactError(
                "features.py or contract.py no longer make the features that the model learned from: run `dvc repro`"
            )
        self.manifest: dict[str, Any] = model.manifest
        self._predict = model.predict
        self._features = matching(model.features, features, contract.Row)

    @classmethod
    def load(cls, folder: str | Path = MODEL) -> Self:
        """The model in the folder, its files verified. Raises ArtifactError."""
        return cls(artifact.load(Path(folder)))

    def score(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Id, if there is one, `score` and, for a classifier, `decision` of each row, in the order of the rows.

        The score is the probability of the target, or the predicted value; of several classes it is
        the probability of the one in `decision`, and each has a column `probability_…`. The target's
        own column may be among the rows and is not looked at. Raises ContractViolation.
        """
        ids, said = self.say(rows)
        told = predictions.columns(said, self.manifest)
        return pl.DataFrame(told if ids is None else [ids, *told])

    def say(self, rows: pl.DataFrame) -> tuple[pl.Series | None, NDArray[np.float64]]:
        """The ids, if there are any, and the bare scores, shape (rows,) or (rows, classes). Raises ContractViolation."""
        if self.manifest["target"] in rows.columns:
            rows = rows.drop(self.manifest["target"])
        known = cast(rows, contract.Row)
        said = self._alone(single_row(known)) if known.height == 1 else None
        if said is None:
            check(known, contract.Row)
            said = self.predict(known)
        return known[self.manifest["id"]] if self.manifest["id"] else None, said

    def say_of_row(self, row: tuple[Any, ...]) -> NDArray[np.float64]:
        """The same of one row: its values in the contract's order, of its Python types. Raises ContractViolation."""
        said = self._alone(row)
        if said is None:
            known = frame([row], contract.Row)
            check(known, contract.Row)
            said = self.predict(known)
        return said

    def predict(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """The bare scores of rows that are known to keep the contract, shape (rows,) or (rows, classes)."""
        return self._predict(matrix(features(rows)) if rows.height <= CHUNK else inputs(rows))

    def _alone(self, row: tuple[Any, ...] | None) -> NDArray[np.float64] | None:
        """The score of a single row that keeps the contract; None where polars has to tell."""
        graph = self._features
        if graph is None or row is None or not within_bounds(row, contract.Row):
            return None
        made, fine = graph([row])
        if not fine[0] or (
            not graph.complete and violated_rules(frame([row], contract.Row), contract.Row, graph.checked)
        ):
            return None
        return self._predict(made)


def inputs(rows: Rows) -> Matrix:
    """The rows' features as the estimator sees them, made slice by slice: all at once they take far more room."""
    made = np.empty((height(rows), len(features(collect(rows.head(0))).columns)), np.float32)
    filled = 0
    for some in iter_chunks(rows):
        made[filled : filled + some.height] = matrix(features(some))
        filled += some.height
    return made


def matrix(made: pl.DataFrame) -> Matrix:
    """Features as the estimator sees them, shape (rows, features): categories as codes, null as NaN."""
    codes = made.with_columns(selectors.enum().to_physical())
    return codes.to_numpy(order="c").astype(np.float32)


def describe(made: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Name and type of each feature, and the categories of those that have any."""
    return {
        name: {"type": str(dtype.base_type())}
        | ({"categories": dtype.categories.to_list()} if isinstance(dtype, pl.Enum) else {})
        for name, dtype in made.schema.items()
    }
