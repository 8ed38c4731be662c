"""Features that alone tell the target: they would hardly be known when scores are needed."""

import numpy as np
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeRegressor

from ...features import features
from ..config import Params
from ..errors import FactoryError
from ..metrics import definitions
from ..scoring.scorer import matrix
from ..tables.chunks import Matrix, Rows, collect, sample

DISGUISE = 0.999
DISGUISE_ROWS = 20_000
DISGUISE_HITS = 5  # a column may well put fewer on top by chance
DISGUISE_CELLS = 4_000_000  # of wide tables fewer rows


def refuse_disguised_target(train: Rows, params: Params) -> None:
    """Refuse a feature that alone tells the target: it would not be known when scores are needed."""
    most = max(DISGUISE_CELLS // len(features(collect(train.head(0))).columns), DISGUISE_ROWS // 10)
    rows = sample(train, min(DISGUISE_ROWS, most))
    if params.data.id and params.data.repeats:
        rows = rows.sort(params.data.id, maintain_order=True)  # what tells an id does not yet tell the target
    table, target = features(rows), definitions.target_of(rows, params)
    for name, column in zip(table.columns, matrix(table).T, strict=True):
        if tells(column, target, params.problem) > DISGUISE:
            raise FactoryError(
                f"features.py: {name} alone tells {params.data.target}; if it is only known afterwards, leave it out"
            )


def tells(values: definitions.Vector | Matrix, target: definitions.Vector, problem: str) -> float:
    """How well a column of numbers alone tells the target: ROC AUC or R² of a small tree, at best 1.

    The tree learns from the first half of the rows and is measured on the second; NaN is unknown.
    """
    column, half = np.nan_to_num(values, nan=-1e30).reshape(-1, 1), len(target) // 2
    if np.ptp(target[half:]) == 0 or (problem == "classification" and _rarer(target[half:]) < DISGUISE_HITS):
        return 0.0
    wanted = definitions.one_hot(target) if problem == "multiclass" else target
    tree = DecisionTreeRegressor(max_leaf_nodes=255, random_state=0).fit(column[:half], wanted[:half])
    truth, said = target[half:], tree.predict(column[half:])
    if problem == "regression":
        return float(r2_score(truth, said))
    return (
        definitions.multiclass_roc_auc(truth, said) if problem == "multiclass" else definitions.ranked(truth > 0, said)
    )


def _rarer(target: definitions.Vector) -> float:
    return float(min(target.sum(), len(target) - target.sum()))
