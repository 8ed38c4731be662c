"""Check every delivery against the ledger and the contract, then split the rows into training and test."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from ... import contract
from .. import manifest, tables
from ..config import Data, Params
from ..errors import CannotEvaluate, ContractViolation, FactoryError, Violation, close
from ..paths import PREPARED, RAW
from ..tables.chunks import Rows, height
from ..validation import definition, rules, unseen
from ..validation.files import cast_to_files
from ..validation.parsing import first_value
from ..workspace.stage import stage
from . import integrity, ledger, observations, row_time, since
from .split import is_future, split


def run(params: Params) -> None:
    """Stage `prepare`: the deliveries in the ledger → data/prepared/{train,test}.parquet."""
    with stage("prepare", [PREPARED]) as staging:
        integrity.check(contents=False)
        entries = ledger.entries()
        deliveries = [load(entry, params, staging / entry.file) for entry in entries]
        if not deliveries:
            raise FactoryError(f"{RAW}: no delivery yet: add one with `uv run factory ingest FILE`")
        folder = staging / PREPARED.name
        folder.mkdir()
        for name, rows in _parts(pl.concat(deliveries), params).items():
            tables.sink(rows, folder / f"{name}.parquet")
        facts = {"ledger": ledger.sha256(entries), "deliveries": [entry.file for entry in entries]}
        manifest.write_manifest(folder, facts)


def _parts(rows: pl.LazyFrame, params: Params) -> dict[str, pl.LazyFrame]:
    """By name what is prepared: the rows of training and test, and of forecasts the observations that they come from."""
    if not params.forecast:
        return dict(zip(("train", "test"), split(rows, params), strict=True))
    seen = rows.collect()
    train, test = observations.split(seen, params)
    return {"train": train.lazy(), "test": test.lazy(), "observations": seen.lazy()}


def read(name: str) -> pl.DataFrame:
    """The prepared rows, `train` or `test`; of forecasts also the `observations`."""
    return pl.read_parquet(_prepared(name))


def scan(name: str) -> pl.LazyFrame:
    """The same, read on demand."""
    return pl.scan_parquet(_prepared(name))


def _prepared(name: str) -> Path:
    path = PREPARED / f"{name}.parquet"
    if not path.exists():
        raise FactoryError(f"{path} is missing: run `uv run dvc pull` or `uv run dvc repro`")
    return path


def describe(facts: dict[str, Any], params: Params) -> dict[str, Any]:
    """What a model was trained and tested on, by the manifest of the prepared rows: the same for the same rows."""
    parts = {name: extent(scan(name), params) for name in ("train", "test")}
    sha256 = {name: facts["files"][f"{name}.parquet"] for name in parts}
    return {**sha256, "rows": parts["train"]["rows"], "parts": parts, "deliveries": facts.get("deliveries", [])}


def extent(rows: Rows, params: Params) -> dict[str, Any]:
    """The number of rows and, where they have a time, the first and the last."""
    size = {"rows": height(rows)}
    if not params.data.time:
        return size
    times = row_time.times(rows, params.data)
    return size | {"from": str(times.min()), "to": str(times.max())}


def load(entry: ledger.Entry, params: Params, folder: Path) -> pl.LazyFrame:
    """A delivery's valid rows, in files in a new folder. Raises FactoryError if the file is not the recorded one."""
    if not entry.path.is_file():
        raise FactoryError(f"{entry.path} is missing: fetch it with `uv run dvc pull`")
    if manifest.file_sha256(entry.path) != entry.sha256:
        raise CannotEvaluate("LEDGER", integrity.not_as_recorded(entry, "its sha256 differs"))
    rows = load_validated(entry.path, params, folder, checked=True)
    if (found := height(rows)) != int(entry.rows):
        raise CannotEvaluate("LEDGER", integrity.not_as_recorded(entry, f"{found:,} rows, not {int(entry.rows):,}"))
    return rows


def check(path: Path, params: Params) -> pl.DataFrame:
    """The table's rows if they satisfy the contract. Raises FactoryError naming the file."""
    with TemporaryDirectory() as folder:
        return load_validated(path, params, Path(folder, "rows")).collect()


def load_validated(
    path: Path, params: Params, folder: Path, *, checked: bool = False, new: Sequence[str] = ()
) -> pl.LazyFrame:
    """The same, in files in a new folder, with little memory; `checked` as in `tables.scan`, `new` as in `since.absent`."""
    check_columns(params)
    absent = since.absent(path.name, params, new)
    try:
        batches = (since.fill(batch, absent) for batch in tables.batches(path, checked=checked))
        with unseen.counting() as tally:
            rows = cast_to_files(batches, definition.delivered(), folder)
        if tally and (refused := unseen.violations(tally, definition.delivered(), height(rows))):
            raise ContractViolation(refused)
        rules.check(rows, definition.delivered())
        rules.check_invariants(rows, since.applicable(contract.DELIVERY, rows, absent))
        if params.data.time:
            check_times(rows.drop_nulls(params.data.target) if params.forecast else rows, params.data)
    except ContractViolation as error:
        raise ContractViolation(f"{path}: {error}{since.hint(error.violations, path.name)}") from error
    return rows


def check_times(rows: Rows, data: Data) -> None:
    """Refuse times that do not exist, and times in the future."""
    row_time.check_exist(rows, data)
    check_not_future(row_time.times(rows, data))


def check_not_future(times: pl.Series) -> None:
    """Refuse times in the future: rows with a known target are from the past."""
    future = is_future(times).fill_null(False)
    if future.any():
        example = first_value(times.filter(future))
        raise ContractViolation(
            [Violation(times.name, "in the future", future.arg_max(), int(future.sum()), len(times), example)]
        )


def check_columns(params: Params) -> None:
    """Raises FactoryError where contract.py is incomplete, or params.yaml names a column that it lacks, or a time of another type."""
    definition.check()
    columns = {**contract.LabelledRow.columns(), **definition.delivered().columns()}
    for name in params.columns:
        if name not in columns:
            meant = close(name, columns, 0.6)
            hint = f"did you mean {meant}?" if meant else f"there are {', '.join(columns)}"
            raise FactoryError(f"params.yaml: contract.py has no column {name}, {hint}")
    observations.check_columns(params)
    parts = len(params.data.times) > 1
    for time in params.data.times:
        dtype = columns[time].dtype
        if not (dtype.is_numeric() or (dtype in (pl.String, pl.Enum) if parts else dtype in (pl.Date, pl.Datetime))):
            what = "a part of one, such as a month," if parts else "a time"
            raise FactoryError(f"params.yaml: data.time: {time} is not {what} but {dtype}")
