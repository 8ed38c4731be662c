"""Every delivery against its record and the contract, then split into training and test rows."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from .. import contract
from . import contracts, digest, ledger, sides, tables
from .casts import typed
from .config import Data, Params
from .contracts import check_invariants
from .errors import ContractViolation, FactoryError
from .stage import stage

PREPARED = Path("data/prepared")


def run(params: Params) -> None:
    """Stage `prepare`: the deliveries in the ledger → data/prepared/{train,test}.parquet."""
    with stage("prepare", [PREPARED]) as scratch:
        deliveries = [load(entry, params) for entry in ledger.entries()]
        if not deliveries:
            raise FactoryError(f"{ledger.LEDGER}: no delivery yet: enter one with `factory ingest FILE`")
        train, test = split(pl.concat(deliveries), params)
        folder = scratch / PREPARED.name
        folder.mkdir()
        for rows, path in ((train, folder / "train.parquet"), (test, folder / "test.parquet")):
            with tables.writing(path):
                rows.write_parquet(path)
        digest.seal(folder, {"ledger": digest.of_file(ledger.LEDGER)})


def read(side: str) -> pl.DataFrame:
    """The prepared rows, `train` or `test`."""
    return pl.read_parquet(PREPARED / f"{side}.parquet")


def load(entry: ledger.Entry, params: Params) -> pl.DataFrame:
    """A delivery's valid rows. Raises FactoryError if it is not the file that was entered."""
    if not entry.path.is_file():
        raise FactoryError(f"{entry.path} is missing: fetch it with `dvc pull`")
    if digest.of_file(entry.path) != entry.sha256:
        raise FactoryError(f"{entry.path} is not what {ledger.LEDGER} records (its sha256 differs): restore it")
    return check(entry.path, params, checked=True)


def check(path: Path, params: Params, *, checked: bool = False) -> pl.DataFrame:
    """The table's rows if they keep the contract; see `tables.scan` for `checked`. Raises FactoryError naming the file."""
    _check_columns(params)
    try:
        rows = _typed(path, checked)
        contracts.check(rows, contract.LabelledRow)
        check_invariants(rows, contract.DELIVERY)
        if params.data.time:
            refuse_future(rows[params.data.time])
    except ContractViolation as error:
        raise ContractViolation(f"{path}: {error}") from error
    return rows


def _typed(path: Path, checked: bool) -> pl.DataFrame:
    """The rows in the contract's types, of which text takes up several times the room."""
    try:
        return pl.concat([typed(rows, contract.LabelledRow) for rows in tables.batches(path, checked=checked)])
    except ContractViolation:  # told of some of the rows
        return typed(tables.read(path, checked=True), contract.LabelledRow)


def refuse_future(times: pl.Series) -> None:
    """What has an outcome lies in the past; a day's grace covers time zones."""
    late = times.filter(times.cast(pl.Datetime) > datetime.now() + timedelta(days=1))
    if len(late):
        raise ContractViolation(f"{times.name}: in the future, {len(late)} of {len(times)} rows, e.g. {late[0]}")


def split(rows: pl.DataFrame, params: Params, salt: str = "") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Training and test rows, as `sides` chooses them; rows without an outcome, where the contract allows any, are on neither.

    Raises FactoryError where an id stands twice or a side has nothing to learn or to test.
    """
    if params.data.id:
        _check_ids(rows[params.data.id], params.data)
    if rows[params.data.target].has_nulls():
        rows = rows.drop_nulls(params.data.target)
    _check_target(rows[params.data.target], params.problem)
    if params.data.time and rows[params.data.time].has_nulls():
        raise FactoryError(f"{params.data.time}: {rows[params.data.time].null_count()} rows have no time")
    is_test = sides.test_side(rows, params, salt)
    train, test = rows.filter(~is_test), rows.filter(is_test)
    for name, side in {"train": train, "test": test}.items():
        if side[params.data.target].n_unique() < 2:
            raise FactoryError(
                f"the {name} rows ({side.height}) hold fewer than two values of {params.data.target}: "
                "bring more data, or change split.test in params.yaml"
            )
    return train, test


def _check_columns(params: Params) -> None:
    data, known = params.data, contract.LabelledRow.column_names()
    for column in (data.target, data.id, data.time, *data.sensitive, *params.evaluation.slices):
        if column is not None and column not in known:
            raise FactoryError(f"params.yaml: contract.py has no column {column}, there are {', '.join(known)}")


def _check_target(target: pl.Series, problem: str) -> None:
    wanted = {
        "classification": "true and false, or 1 and 0",
        "multiclass": "one of several classes, dy.Enum",
        "regression": "numbers",
    }[problem]
    if problem == "multiclass":
        fits = isinstance(target.dtype, pl.Enum) and len(target.dtype.categories) > 1
    else:
        fits = target.dtype.is_numeric() or target.dtype == pl.Boolean
    if not fits or (problem == "classification" and not target.cast(pl.Float64).is_in([0.0, 1.0]).all()):
        raise FactoryError(f"{target.name}: the target of a {problem} is {wanted}: change contract.py or params.yaml")


def _check_ids(ids: pl.Series, data: Data) -> None:
    if ids.has_nulls() and (data.repeats or not data.time):
        raise FactoryError(f"{ids.name}: {ids.null_count()} rows have no id")
    twice = ids.filter(ids.is_duplicated())
    if len(twice) and not data.repeats:
        raise FactoryError(
            f"{ids.name}: {len(twice)} rows share their id with another, e.g. {twice[0]!r}: "
            "remove the repeats from the deliveries, or say `repeats: true` below data in params.yaml"
        )
