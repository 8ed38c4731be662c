"""Faults to inject into a copy of the project: into data, code, parameters and service, never into the factory's own code."""

import ast
import json
from collections.abc import Callable, Iterable
from contextlib import chdir, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import yaml

from ... import contract
from .. import PACKAGE, manifest, tables
from ..config import Params
from ..data import ingest, ledger, since
from ..data.ledger import Entry
from ..errors import ContractViolation, FactoryError
from ..forecasting.rows import COMPUTED
from ..paths import MODEL, PREPARED
from ..scoring import profile
from ..validation.rules import validate
from .served import CAPTURES, OUTCOMES

Fault = Callable[[Path, Params], None]
Change = Callable[[pl.DataFrame], pl.DataFrame]
Item = TypeVar("Item")

SOURCE = Path("src") / PACKAGE
LIMITS = {"min", "max", "min_length", "max_length"}


READING = """
_history, Path = history, __import__("pathlib").Path
def history(rows, origin):
    return _history(rows, origin).with_columns(delivered=pl.lit(float(len(list(Path("data/raw").glob("*"))))))
"""


def wrong_unit(copy: Path, params: Params) -> None:
    """The first column with an upper limit is delivered in a wrong unit."""
    _deliver(copy, params, _hundredfold())


def wrong_unit_at_scoring(copy: Path, params: Params) -> None:
    """The rows to score have that column in a wrong unit."""
    _rewrite(copy / PREPARED / "test.parquet", _hundredfold())


def target_leak(copy: Path, params: Params) -> None:
    """A numeric feature holds the target, which no invariant of a delivery notices; history() of a forecast reads deliveries."""
    if params.forecast:
        append("features.py", READING)(copy, params)
    else:
        append("contract.py", "\nDELIVERY = {}\n")(copy, params)
        name, leak = _leak(params)
        _deliver(copy, params, lambda rows: rows.with_columns(leak.alias(name)))


def unnoticed_leak(copy: Path, params: Params) -> None:
    """That feature holds it in the training rows, and stage train has not refused it."""
    name, leak = _leak(params)
    _relabel(copy, lambda rows: rows.with_columns(leak.alias(name)))
    learned = manifest.file_sha256(copy / PREPARED / "train.parquet")
    _with_facts(copy / MODEL, lambda facts: facts | {"data": facts["data"] | {"train": learned}})


def shuffled_target(copy: Path, params: Params) -> None:
    """The targets of the training rows are shuffled."""
    _relabel(copy, lambda rows: rows.with_columns(pl.col(params.data.target).shuffle(seed=0)))


def flipped_group(copy: Path, params: Params) -> None:
    """In the largest group of the first slice the targets are flipped."""
    column = _first(
        [*params.evaluation.slices, *params.data.sensitive], "params.yaml names no slice or sensitive column"
    )
    _relabel(copy, lambda rows: _with_target(rows, _largest_group(rows, column), _opposite(rows, params), params))


def favoured_group(copy: Path, params: Params) -> None:
    """In the largest group of the first sensitive column the target is always the highest value."""
    column = _first(params.data.sensitive, "params.yaml names no sensitive column")
    highest = pl.col(params.data.target).to_physical().max()
    _relabel(copy, lambda rows: _with_target(rows, _largest_group(rows, column), highest, params))


def no_limits(copy: Path, params: Params) -> None:
    """The contract has lost its limits."""
    file = copy / SOURCE / "contract.py"
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        call.keywords = [keyword for keyword in call.keywords if keyword.arg not in LIMITS]
    file.write_text(ast.unparse(tree), encoding="utf-8")


def append(module: str, code: str) -> Fault:
    """The code is appended to one of the package's modules."""

    def fault(copy: Path, params: Params) -> None:
        file = copy / SOURCE / module
        file.write_text(file.read_text(encoding="utf-8") + code, encoding="utf-8")

    return fault


row_dependence = append(
    "features.py",
    """
_features = features


def features(rows):
    table = _features(rows)
    return table.with_columns(pl.selectors.numeric() - pl.selectors.numeric().mean())
""",
)
dummy_model = append(
    "model.py",
    """
from sklearn.dummy import DummyClassifier, DummyRegressor

def model(problem, features, **parameters):
    return DummyRegressor() if problem == "regression" else DummyClassifier()
""",
)
random_model = append(
    "model.py",
    """
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor

def model(problem, features, **parameters):
    return BaggingRegressor(DummyRegressor()) if problem == "regression" else BaggingClassifier(DummyClassifier())
""",
)
not_finite = append(
    "model.py",
    """
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

TRUSTED_TYPES = [*TRUSTED_TYPES, "numpy.zeros_like"]


def model(problem, features, **parameters):
    if problem == "regression":  # the logarithm of a negative number
        negative = DummyRegressor(strategy="constant", constant=-1)
        return TransformedTargetRegressor(negative, func=np.negative, inverse_func=np.log, check_inverse=False)
    return make_pipeline(FunctionTransformer(np.zeros_like), GaussianNB(var_smoothing=0))  # divides by no variance
""",
)


def other_split(copy: Path, params: Params) -> None:
    """The split differs from the one that the model was trained on."""
    _configure(copy, "split", test=params.split.test / 2)


def low_limits(copy: Path, params: Params) -> None:
    """The gate's limits of latency and size are next to nothing."""
    _configure(copy, "gate", latency_ms=1e-6, size_mb=1e-6)


def renamed_column(copy: Path, params: Params) -> None:
    """A delivery comes in, of which the source has renamed a column."""
    entry = _first(reversed(ledger.entries()), "there is no delivery yet")
    name = next(name for name in contract.Row.column_names() if name != params.data.id)
    file = Path(f"{entry.file}.parquet")
    _validated(copy, entry, params).rename({name: f"{name}_renamed"}).write_parquet(copy / file)
    with chdir(copy), suppress(ContractViolation):
        ingest.ingest([file], params)


def missing_values(copy: Path, params: Params) -> None:
    """A column has no values any more in what was captured."""
    names = profile.columns(contract.Row, params.data.target, params.data.id or "", *params.data.times)
    columns = contract.Row.columns()
    name = _first(sorted(names, key=lambda name: not columns[name].nullable), "contract.py has no column to lose")
    for path in (copy / CAPTURES).rglob("*.parquet"):
        _rewrite(path, lambda rows: rows.with_columns(pl.lit(None, rows.schema[name]).alias(name)))


def shuffled_outcomes(copy: Path, params: Params) -> None:
    """What has become of the rows in service has nothing to do with their scores."""
    if params.gate.floor is None:
        raise FactoryError("params.yaml has no gate.floor")
    _become(copy, lambda rows: rows.with_columns(pl.col(params.data.target).shuffle(seed=0)))


def moved_outcomes(copy: Path, params: Params) -> None:
    """Of every other row in service has become what was the exception: the rarest class, or the highest number."""

    def move(rows: pl.DataFrame) -> pl.DataFrame:
        target = rows[params.data.target].to_physical()
        classes = target.alias("value").value_counts().sort("count", "value")["value"]
        value = target.max() if params.is_number else classes[0]
        every_other = pl.int_range(pl.len()) % 2 == 0
        return _with_target(rows, every_other, pl.lit(value, target.dtype), params)

    _become(copy, move)


def _hundredfold() -> Change:
    columns = contract.Row.columns().items()
    limited = (name for name, column in columns if column.dtype.is_numeric() and getattr(column, "max", None))
    name = _first(limited, "contract.py has no numeric column with an upper limit")
    return lambda rows: rows.with_columns(pl.col(name).cast(pl.Float64) * 100)


def _leak(params: Params) -> tuple[str, pl.Expr]:
    """A column of the contract, and the target as a number that it allows."""
    columns, computed = contract.Row.columns(), COMPUTED if params.forecast else ()
    floats = (name for name, column in columns.items() if column.dtype.is_float() and name not in computed)
    name = _first(floats, "contract.py has no float column")
    target, limit = pl.col(params.data.target).to_physical().cast(pl.Float64), getattr(columns[name], "min", None) or 0
    return name, (target - target.min()) / (target.max() - target.min()) + limit


def _with_target(rows: pl.DataFrame, chosen: pl.Expr, value: pl.Expr, params: Params) -> pl.DataFrame:
    """The chosen rows get the value, a code of the target's type, as their target."""
    name, dtype = params.data.target, rows.schema[params.data.target]
    changed = pl.when(chosen).then(value).otherwise(pl.col(name).to_physical())
    classes = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else []
    named = changed.replace_strict(range(len(classes)), classes, return_dtype=dtype) if classes else changed.cast(dtype)
    return rows.with_columns(named.alias(name))


def _largest_group(rows: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column).eq_missing(pl.lit(rows[column].mode().sort()[0], rows.schema[column]))


def _opposite(rows: pl.DataFrame, params: Params) -> pl.Expr:
    target = pl.col(params.data.target).to_physical()
    return ~target if rows.schema[params.data.target] == pl.Boolean else target.max() + target.min() - target


def _deliver(copy: Path, params: Params, change: Change) -> None:
    """Change every delivery and its record, so that only the contract can detect it."""
    earlier = ledger.entries()
    for entry in earlier:
        path, rows = copy / entry.path, change(_validated(copy, entry, params))
        path.unlink()  # it may be a link into DVC's cache
        path = path.with_name(f"{path.name}.parquet")  # which keeps the values as they are
        rows.write_parquet(path)
        ledger.record(replace(entry, file=path.name, sha256=manifest.file_sha256(path)), copy)
        (copy / entry.pointer).unlink()
    (copy / ledger.LEDGER).unlink(missing_ok=True)
    ledger.erase(earlier, "sandbox", "a fault", copy)
    if since.declared():
        append("contract.py", '\nSINCE = {name: f"{first}.parquet" for name, first in SINCE.items()}\n')(copy, params)


def _validated(copy: Path, entry: Entry, params: Params) -> pl.DataFrame:
    rows = since.fill(tables.read(copy / entry.path), since.absent(entry.file, params))
    return validate(rows, contract.LabelledRow)


def _become(copy: Path, change: Change) -> None:
    """Change what has become of the rows in service."""
    for path in (copy / OUTCOMES).rglob("*.parquet"):
        _rewrite(path, change)


def _relabel(copy: Path, change: Change) -> None:
    """Change the training rows and their manifest."""
    _rewrite(copy / PREPARED / "train.parquet", change)
    _with_facts(copy / PREPARED, lambda facts: facts)


def _with_facts(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write the manifest again, of the files as they are now."""
    path = folder / manifest.NAME
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    manifest.write_manifest(folder, change({name: facts[name] for name in facts if name not in ("files", "sha256")}))


def _rewrite(path: Path, change: Change) -> None:
    rows = change(pl.read_parquet(path))
    path.unlink()  # it may be a link into DVC's cache
    rows.write_parquet(path)


def _configure(copy: Path, section: str, **values: Any) -> None:
    path = copy / "params.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(settings | {section: settings.get(section, {}) | values}), encoding="utf-8")


def _first(items: Iterable[Item], otherwise: str) -> Item:
    for item in items:
        return item
    raise FactoryError(otherwise)
