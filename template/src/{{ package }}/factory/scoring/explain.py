"""Why a row has its score: what each of its features adds to the score of a typical row.

The contributions are Shapley values (Shapley 1953; Strumbelj & Kononenko 2014) of the model as it is, whatever the estimator:
the features of the typical row become those of the row one after the other, in many orders, and the changes of the score are
averaged. In each order they add up to the whole difference, and so they do on average.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ... import contract
from ..errors import ArtifactError
from ..tables.chunks import Matrix
from ..validation.parsing import cast
from ..validation.rules import check
from .scorer import Scorer

PAIRS = 32  # of orders, each with its reverse, which together vary less than two by chance (Mitchell et al. 2022)
CELLS = 4_000_000  # of the matrix that is scored at a time
CONTRIBUTION = "contribution_"
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """Of each row its score, that of the typical row, and between them what each feature adds, shape (rows, features).

    `errors` are the standard errors of the contributions. Of several classes the score is the probability of the one that is
    decided for the row.
    """

    features: list[str]
    score: Values
    typical: Values
    contributions: Values
    errors: Values

    def columns(self) -> list[pl.Series]:
        """`typical`, and by feature the contributions."""
        by_feature = zip(self.features, self.contributions.T, strict=True)
        return [
            pl.Series("typical", self.typical),
            *(pl.Series(CONTRIBUTION + name, each) for name, each in by_feature),
        ]

    def to_records(self) -> list[dict[str, Any]]:
        """For each row the typical score, the contributions, and the largest of their standard errors."""
        rows = zip(self.typical.tolist(), self.contributions.tolist(), self.errors.max(axis=1).tolist(), strict=True)
        return [
            {"typical": typical, "contributions": dict(zip(self.features, added, strict=True)), "error": error}
            for typical, added, error in rows
        ]

    def ranked(self, row: int) -> list[tuple[str, float, float]]:
        """Features, contributions and their standard errors, the largest first."""
        order = np.argsort(-np.abs(self.contributions[row]), kind="stable")
        return [(self.features[i], float(self.contributions[row, i]), float(self.errors[row, i])) for i in order]


def explain(scorer: Scorer, rows: pl.DataFrame) -> Explanation:
    """The explanation of each row's score. Raises ContractViolation, and ArtifactError for a model without a typical row."""
    rows = cast(rows.drop(scorer.manifest["target"], strict=False), contract.Row)
    check(rows, contract.Row)
    inputs, typical = scorer.inputs(rows), typical_features(scorer.manifest)
    names = [*scorer.manifest["features"]]
    orders, owners = _orders(len(names)), scorer.texts.owners(names)
    score, base = np.empty(len(inputs)), np.empty(len(inputs))
    contributions, errors = (np.empty((len(inputs), len(names))) for _ in range(2))
    for i, row in enumerate(inputs):
        score[i], base[i], contributions[i], errors[i] = _explained(scorer, row, typical, orders, owners)
    return Explanation(names, score, base, contributions, errors)


def with_contributions(scorer: Scorer, rows: pl.DataFrame) -> pl.DataFrame:
    """The scores of the rows, and the columns of their explanation. Raises ContractViolation and ArtifactError."""
    return scorer.score(rows).hstack(explain(scorer, rows).columns())


def typical_features(manifest: dict[str, Any]) -> Matrix:
    """The features of the typical row, shape (features,)."""
    known = manifest.get("typical_features")
    if known is None:
        raise ArtifactError("this model was trained before scores could be explained: run `uv run dvc repro`")
    return np.array([np.nan if value is None else value for value in known], np.float32)


def middle(inputs: Matrix, categories: NDArray[np.bool_]) -> list[float | None]:
    """Of each feature the median, or the most frequent category; None where most are missing. `inputs` are those of training."""
    return [_middle(column, of_categories) for column, of_categories in zip(inputs.T, categories, strict=True)]


def _middle(column: Matrix, of_categories: bool) -> float | None:
    known = column[~np.isnan(column)]
    if 2 * len(known) <= len(column):
        return None
    if not of_categories:
        return float(np.quantile(known, 0.5, method="lower"))
    values, counts = np.unique(known, return_counts=True)
    return float(values[counts.argmax()])


def _orders(features: int) -> NDArray[np.int64]:
    """The orders, shape (2 * PAIRS, features): the same for every row, so that equal rows have equal explanations."""
    generator = np.random.default_rng(0)
    first = np.array([generator.permutation(features) for _ in range(PAIRS)])
    return np.stack([first, first[:, ::-1]], axis=1).reshape(2 * PAIRS, features)


def _explained(
    scorer: Scorer, row: Matrix, typical: Matrix, orders: NDArray[np.int64], owners: NDArray[np.int64]
) -> tuple[float, float, Values, Values]:
    """Score, typical score, contributions and errors of one row; `owners` are the features of its columns."""
    ends = scorer.predict_features(np.stack([row, typical]))
    decided = int(ends[0].argmax()) if ends.ndim > 1 else None
    number, steps = orders.shape[0], orders.shape[1] + 1
    places = np.argsort(orders, axis=1)  # of each feature in each order
    changed = np.arange(steps)[None, :, None] > places[:, None, :]
    size = max(1, CELLS // (steps * len(row)))
    gains = []
    for start in range(0, number, size):
        inputs = np.where(changed[start : start + size][:, :, owners], row, typical).reshape(-1, len(row))
        scores = scorer.predict_features(inputs)
        path = (scores if decided is None else scores[:, decided]).reshape(-1, steps)
        gains.append(np.take_along_axis(np.diff(path), places[start : start + size], axis=1))
    pairs = np.concatenate(gains).reshape(PAIRS, 2, -1).mean(axis=1)
    score, base = (float(end if decided is None else end[decided]) for end in ends)
    return score, base, pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(PAIRS)
