"""Rows in, scores out: the one definition that training, batch, service and monitoring share."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from .. import contract
from ..features import features
from . import artifact
from .contracts import conform
from .errors import ArtifactError


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

    @classmethod
    def load(cls, folder: str | Path = artifact.MODEL) -> Self:
        """The model in the folder, its files verified. Raises ArtifactError."""
        return cls(artifact.load(Path(folder)))

    def score(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Id, `score` and, for a classifier, `decision` of each row, in the order of the rows.

        The score is the probability of the target, or the predicted value. The target's own
        column may be among the rows and is not looked at. Raises ContractViolation.
        """
        if self.manifest["target"] in rows.columns:
            rows = rows.drop(self.manifest["target"])
        known = conform(rows, contract.Row)
        score = self.predict(known)
        columns = [pl.Series("score", score)]
        if self.manifest["threshold"] is not None:
            columns.append(pl.Series("decision", score >= self.manifest["threshold"]))
        return known.get_column(self.manifest["id"]).to_frame().hstack(columns)

    def predict(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """The scores alone of rows that are known to keep the contract, shape (rows,)."""
        return self._predict(matrix(features(rows)))


def matrix(frame: pl.DataFrame) -> artifact.Matrix:
    """Features as the estimator sees them, shape (rows, features): categories as codes, null as NaN."""
    codes = frame.with_columns(selectors.enum().to_physical())
    return codes.to_numpy(order="c").astype(np.float32)


def describe(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Name and type of each feature, and the categories of those that have any."""
    return {
        name: {"type": str(dtype.base_type())}
        | ({"categories": dtype.categories.to_list()} if isinstance(dtype, pl.Enum) else {})
        for name, dtype in frame.schema.items()
    }
