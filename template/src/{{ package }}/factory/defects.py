"""Ways to break the code of a scratch copy, each of which the project's own checks must notice."""

import ast
from pathlib import Path

from . import PACKAGE
from .config import Params
from .sabotage import Break

SOURCE = Path("src") / PACKAGE
LIMITS = {"min", "max", "min_length", "max_length"}


def append(module: str, code: str) -> Break:
    """Let the code follow at the end of one of the package's modules."""

    def broken(copy: Path, params: Params) -> None:
        file = copy / SOURCE / module
        file.write_text(file.read_text(encoding="utf-8") + code, encoding="utf-8")

    return broken


def unlimited(copy: Path, params: Params) -> None:
    """The contract has no limits any more."""
    file = copy / SOURCE / "contract.py"
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        call.keywords = [keyword for keyword in call.keywords if keyword.arg not in LIMITS]
    file.write_text(ast.unparse(tree), encoding="utf-8")


company_matters = append(
    "features.py",
    """
_features = features


def features(rows):
    made = _features(rows)
    return made.with_columns(pl.selectors.numeric() - pl.selectors.numeric().mean())
""",
)
unseeded = append(
    "factory/train.py",
    """
_fit = fit


def fit(rows, params):
    return _fit(rows.lazy().collect().sample(fraction=0.9, shuffle=True), params)
""",
)
knows_nothing = append(
    "model.py",
    """
from sklearn.dummy import DummyClassifier, DummyRegressor


def model(problem, categorical, **parameters):
    return DummyRegressor() if problem == "regression" else DummyClassifier()
""",
)
served_differently = append(
    "factory/scoring.py",
    """
Scorer.predict = lambda self, rows: self._predict(matrix(features(rows)) + 1)
""",
)
unchecked = append(
    "factory/scoring.py",
    """
def check(rows, schema):
    pass
""",
)
wrong_version = append(
    "factory/promote.py",
    """
def _one_before(before):
    return before[-1]
""",
)
not_a_number = append(
    "factory/artifact.py",
    """
_load = load


def load(folder=MODEL):
    return Artifact(_load(folder).manifest, lambda features: np.full(len(features), np.nan))
""",
)
slow = append(
    "factory/artifact.py",
    """
_load = load


def load(folder=MODEL):
    import time

    whole = _load(folder)
    return Artifact(whole.manifest, lambda features: (time.sleep(0.05), whole.predict(features))[1])
""",
)
