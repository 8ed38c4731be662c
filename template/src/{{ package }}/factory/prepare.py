"""Every delivery against its record and the contract, then split into training and test rows."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from .. import contract
from . import contracts, digest, ledger, sides, tables
from .casts import typed
from .config import Data, Params
from .contracts import check_invariants
from .errors import ContractViolation, FactoryError
from .slices import Some, column, where
from .stage import stage

PREPARED = Path("data/prepared")
GROUP = 2**18  # rows; left to polars, the bytes of the files would depend on the number of threads


def run(params: Params) -> None:
    """Stage `prepare`: the deliveries in the ledger → data/prepared/{train,test}.parquet."""
    with stage("prepare", [PREPARED]) as scratch:
        deliveries = [load(entry, params, scratch / entry.file) for entry in ledger.entries()]
        if not deliveries:
            raise FactoryError(f"{ledger.LEDGER}: no delivery yet: enter one with `factory ingest FILE`")
        folder = scratch / PREPARED.name
        folder.mkdir()
        for name, rows in zip(("train", "test"), split(pl.concat(deliveries), params), strict=True):
            path = folder / f"{name}.parquet"
            with tables.writing(path):
                rows.sink_parquet(path, row_group_size=GROUP)
        digest.seal(folder, {"ledger": digest.of_file(ledger.LEDGER)})


def read(side: str) -> pl.DataFrame:
    """The prepared rows, `train` or `test`."""
    return pl.read_parquet(PREPARED / f"{side}.parquet")


def scan(side: str) -> pl.LazyFrame:
    """The same, read when they are asked for."""
    return pl.scan_parquet(PREPARED / f"{side}.parquet")


def load(entry: ledger.Entry, params: Params, place: Path) -> pl.LazyFrame:
    """A delivery's valid rows, in files below the place. Raises FactoryError if it is not the file that was entered."""
    if not entry.path.is_file():
        raise FactoryError(f"{entry.path} is missing: fetch it with `dvc pull`")
    if digest.of_file(entry.path) != entry.sha256:
        raise FactoryError(f"{entry.path} is not what {ledger.LEDGER} records (its sha256 differs): restore it")
    return spool(entry.path, params, place, checked=True)


def check(path: Path, params: Params) -> pl.DataFrame:
    """The table's rows if they keep the contract. Raises FactoryError naming the file."""
    with TemporaryDirectory() as place:
        return spool(path, params, Path(place, "rows")).collect()


def spool(path: Path, params: Params, place: Path, *, checked: bool = False) -> pl.LazyFrame:
    """The same, in files below the place, in little memory; see `tables.scan` for `checked`."""
    _check_columns(params)
    try:
        rows = _typed(path, place, checked)
        contracts.check(rows, contract.LabelledRow)
        check_invariants(rows, contract.DELIVERY)
        if params.data.time:
            refuse_future(column(rows, params.data.time))
    except ContractViolation as error:
        raise ContractViolation(f"{path}: {error}") from error
    return rows


def _typed(path: Path, place: Path, checked: bool) -> pl.LazyFrame:
    """The rows in the contract's types."""
    place.mkdir(parents=True)
    files: list[Path] = []
    try:
        for rows in tables.batches(path, checked=checked):
            files.append(place / f"{len(files)}.parquet")
            with tables.writing(files[-1]):
                typed(rows, contract.LabelledRow).write_parquet(files[-1], compression="lz4")
        return pl.scan_parquet(files)
    except ContractViolation:  # told of some of the rows
        return typed(tables.read(path, checked=True), contract.LabelledRow).lazy()


def refuse_future(times: pl.Series) -> None:
    """What has an outcome lies in the past; a day's grace covers time zones."""
    late = times.filter(times.cast(pl.Datetime) > datetime.now() + timedelta(days=1))
    if len(late):
        raise ContractViolation(f"{times.name}: in the future, {len(late)} of {len(times)} rows, e.g. {late[0]}")


def split(rows: Some, params: Params, salt: str = "") -> tuple[Some, Some]:
    """Training and test rows, as `sides` chooses them; rows without an outcome, where the contract allows any, are on neither.

    Raises FactoryError where an id stands twice or a side has nothing to learn or to test.
    """
    if params.data.id:
        _check_ids(column(rows, params.data.id), params.data)
    target = column(rows, params.data.target)
    if target.has_nulls():
        rows, target = rows.drop_nulls(params.data.target), target.drop_nulls()
    _check_target(target, params.problem)
    if params.data.time and (gaps := column(rows, params.data.time).null_count()):
        raise FactoryError(f"{params.data.time}: {gaps} rows have no time")
    is_test = sides.test_side(rows, params, salt)
    for name, side in {"train": ~is_test, "test": is_test}.items():
        if target.filter(side).n_unique() < 2:
            raise FactoryError(
                f"the {name} rows ({side.sum()}) hold fewer than two values of {params.data.target}: "
                "bring more data, or change split.test in params.yaml"
            )
    return where(rows, ~is_test), where(rows, is_test)


def _check_columns(params: Params) -> None:
    data, known = params.data, contract.LabelledRow.column_names()
    for name in (data.target, data.id, data.time, *data.sensitive, *params.evaluation.slices):
        if name is not None and name not in known:
            raise FactoryError(f"params.yaml: contract.py has no column {name}, there are {', '.join(known)}")


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
