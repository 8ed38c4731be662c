"""Ways to break the data of a scratch copy, each of which the project's own checks must notice."""

import ast
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import polars as pl

from ... import contract
from .. import PACKAGE, manifest, tables
from ..config import Params
from ..data import ledger
from ..errors import FactoryError
from ..validation.rules import validate

Break = Callable[[Path, Params], None]
Item = TypeVar("Item")


def hundredfold(copy: Path, params: Params) -> None:
    """The first column with an upper limit comes in another unit."""
    columns = contract.Row.columns().items()
    limited = (name for name, column in columns if column.dtype.is_numeric() and getattr(column, "max", None))
    name = _first(limited, "contract.py sets no number an upper limit")
    _deliver(copy, lambda rows: rows.with_columns(pl.col(name).cast(pl.Float64) * 100))


def leaked(copy: Path, params: Params) -> None:
    """A number that the contract knows holds the target, as if it were known beforehand."""
    columns = contract.Row.columns()
    name = _first((name for name, column in columns.items() if column.dtype.is_float()), "no column is a float")
    target, limit = pl.col(params.data.target).to_physical().cast(pl.Float64), getattr(columns[name], "min", None) or 0
    spread = (target - target.min()) / (target.max() - target.min())
    _deliver(copy, lambda rows: rows.with_columns((spread + limit).alias(name)))


def shuffled(copy: Path, params: Params) -> None:
    """The training rows have each other's outcomes."""
    _relabel(copy, params, lambda rows: rows.with_columns(pl.col(params.data.target).shuffle(seed=0)))


def group_forgotten(copy: Path, params: Params) -> None:
    """In the largest group of the first slice the outcomes are turned round."""
    column = _first([*params.evaluation.slices, *params.data.sensitive], "params.yaml names no column to slice by")
    _relabel(copy, params, lambda rows: _where(rows, _largest(rows, column), _opposite(rows, params), params))


def group_favoured(copy: Path, params: Params) -> None:
    """In the largest group of the first sensitive column the outcome is always the highest."""
    column = _first(params.data.sensitive, "params.yaml names no sensitive column")
    most = pl.col(params.data.target).to_physical().max()
    _relabel(copy, params, lambda rows: _where(rows, _largest(rows, column), most, params))


def _where(rows: pl.DataFrame, chosen: pl.Expr, value: pl.Expr, params: Params) -> pl.DataFrame:
    name, dtype = params.data.target, rows.schema[params.data.target]
    changed = pl.when(chosen).then(value).otherwise(pl.col(name).to_physical())
    classes = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else []
    named = changed.replace_strict(range(len(classes)), classes, return_dtype=dtype) if classes else changed.cast(dtype)
    return rows.with_columns(named.alias(name))


def _largest(rows: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column).eq_missing(pl.lit(rows[column].mode().sort()[0], rows.schema[column]))


def _opposite(rows: pl.DataFrame, params: Params) -> pl.Expr:
    target = pl.col(params.data.target).to_physical()
    return ~target if rows.schema[params.data.target] == pl.Boolean else target.max() + target.min() - target


def _deliver(copy: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change every delivery, and its record, so that only the contract can tell."""
    spoilt = []
    for entry in ledger.entries():
        path = copy / entry.path
        rows = change(validate(tables.read(path), contract.LabelledRow))
        path.unlink()  # it may be a link into DVC's cache
        path = path.with_name(f"{path.name}.parquet")  # in which values are as they are, however others spell them
        rows.write_parquet(path)
        spoilt.append(replace(entry, file=path.name, sha256=manifest.file_sha256(path)))
    ledger.write(spoilt, copy / ledger.LEDGER)


def _relabel(copy: Path, params: Params, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change the training rows and seal them again."""
    folder = copy / "data/prepared"
    sealed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    rows = change(pl.read_parquet(folder / "train.parquet"))
    (folder / "manifest.json").unlink()
    (folder / "train.parquet").unlink()
    rows.write_parquet(folder / "train.parquet")
    manifest.write_manifest(folder, {name: value for name, value in sealed.items() if name not in ("files", "sha256")})


def _first(found: Iterable[Item], complaint: str) -> Item:
    for item in found:
        return item
    raise FactoryError(complaint)


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
    "factory/training/train.py",
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
    "factory/scoring/scorer.py",
    """
Scorer.predict = lambda self, rows: self._predict(matrix(features(rows)) + 1)
""",
)
unchecked = append(
    "factory/scoring/scorer.py",
    """
def check(rows, schema):
    pass
""",
)
wrong_version = append(
    "factory/gate/promote.py",
    """
def _one_before(before):
    return before[-1]
""",
)
not_a_number = append(
    "factory/scoring/artifact.py",
    """
_load = load


def load(folder=MODEL):
    return Artifact(_load(folder).manifest, lambda features: np.full(len(features), np.nan))
""",
)
slow = append(
    "factory/scoring/artifact.py",
    """
_load = load


def load(folder=MODEL):
    import time

    whole = _load(folder)
    return Artifact(whole.manifest, lambda features: (time.sleep(0.05), whole.predict(features))[1])
""",
)
