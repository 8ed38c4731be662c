"""Files of outcomes, taken in all or none: by the contract, each outcome once, and none that contradicts another."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dataframely as dy
import polars as pl
from filelock import FileLock

from ... import contract
from .. import tables
from ..config import Params
from ..errors import ContractViolation, FactoryError, close, listed
from ..paths import DVC_TMP
from ..validation import personal, rules
from ..validation.parsing import parse, try_cast
from .outcomes import (
    AT,
    CONTEXT,
    FILES,
    NUMBER,
    OUTCOME,
    SHA256,
    TIME,
    by,
    folder,
    plain,
    reading,
    several,
    tables_of,
    text,
    ways,
)


@dataclass(frozen=True)
class Received:
    """A file, its outcomes, how many of them were not known before, and how many of its rows have none."""

    file: Path
    outcomes: pl.DataFrame
    new: int
    unlabelled: int


def receive(files: Collection[Path], params: Params) -> list[Received]:
    """Keep the outcomes in the files, all or none; what is known already counts once. Raises FactoryError."""
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    with FileLock(DVC_TMP / "factory-outcomes.lock"):
        known, received, fresh = tables_of(params), list[Received](), list[pl.DataFrame]()
        for file in files:
            table = parsed(file, params)
            labelled = table.drop_nulls(params.data.target)
            with reading(folder(params)):
                fresh.append(_unknown(labelled, known, params, file))
            known.append(fresh[-1].lazy())
            received.append(Received(file, labelled, fresh[-1].height, table.height - labelled.height))
        for file, rows in zip(files, fresh, strict=True):
            if rows.height:
                _keep(rows, file.name, folder(params))
    return received


def received_files(params: Params) -> set[str]:
    """The names of the files that were received."""
    return {path.stem.partition("-")[2] for path in folder(params).glob(FILES)}


def parsed(file: Path, params: Params) -> pl.DataFrame:
    """The outcomes in a file, and what names their rows, by the contract. Raises FactoryError."""
    data = params.data
    with tables.reading(file):
        table = tables.scan(file).collect()  # which may have no rows, as on some days nothing becomes known
    if data.target not in table.columns:
        meant = close(data.target, table.columns, 0.6)
        hint = f"did you mean {meant}?" if meant else "which holds the outcomes"
        raise FactoryError(f"{file}: no column {data.target}, {hint}")
    hashed = bool(data.id) and data.id in table.columns and personal.is_hashed(table[data.id])
    series = params.forecast.groups if params.forecast else []
    typed = [data.target, *series, *data.times, *([data.id] if data.id and not hashed else [])]
    values = _valid(table.select(name for name in dict.fromkeys(typed) if name in table.columns), data.target, file)
    values = values.hstack(_context(table.select(name for name in CONTEXT if name in table.columns), file))
    now = pl.lit(datetime.now(UTC), TIME.dtype)
    values = values.with_columns((pl.col(AT).fill_null(now) if AT in values.columns else now).alias(AT))
    if data.id and data.id in table.columns:
        ids = table[data.id] if hashed else values[data.id].cast(pl.String)
        values = values.with_columns(ids).with_columns((ids if hashed else personal.hashed(data.id)).alias(SHA256))
    named_by = [way for way in ways(params) if {*way} <= {*values.columns}]
    if not named_by:
        raise FactoryError(f"{file}: names no rows: it needs the columns {_wanted(params)}")
    nameless = values.select(
        pl.all_horizontal(pl.any_horizontal(pl.col(way).is_null()) for way in named_by)
    ).to_series()
    if nameless.any():
        raise ContractViolation(
            f"{file}: {int(nameless.sum()):,} of {values.height:,} outcomes name no row: they need {_wanted(params)}"
        )
    return values


def _valid(values: pl.DataFrame, name: str, file: Path) -> pl.DataFrame:
    """The values in the contract's types; outcomes that it does not allow are refused. Raises ContractViolation."""
    typed, losses = try_cast(values, contract.LabelledRow)
    try:
        if losses:
            raise ContractViolation(losses)
        outcome: type[dy.Schema] = type("Outcome", (dy.Schema,), {name: contract.LabelledRow.columns()[name]})
        rules.check(typed.select(name).drop_nulls(), outcome)
    except ContractViolation as error:
        raise ContractViolation(f"{file}: {error}") from error
    return typed


def _context(given: pl.DataFrame, file: Path) -> pl.DataFrame:
    """Request, position, caller, and when the outcome became known. Raises ContractViolation."""
    typed = given.select(parse(name, given.schema[name], CONTEXT[name]) for name in given.columns)
    for name in typed.columns:
        if lost := typed[name].null_count() - given[name].null_count():
            kind = "a time with its zone, such as 2026-11-20T11:30Z" if name == AT else CONTEXT[name].dtype
            raise ContractViolation(f"{file}: {name}: not {kind}, {lost:,} of {given.height:,} rows")
    return typed


def _unknown(rows: pl.DataFrame, known: Collection[pl.LazyFrame], params: Params, file: Path) -> pl.DataFrame:
    """The outcomes that are new. Raises ContractViolation where one differs from another of the same row."""
    own, others = plain(rows.lazy().with_row_index(NUMBER), params), [plain(table, params) for table in known]
    new = pl.Series(NUMBER, dtype=pl.UInt32)
    for way in ways(params):
        named, earlier = by(way, [own]), by(way, others)
        if named is None:
            continue
        all = pl.concat([named, *([] if earlier is None else [earlier])], how="diagonal_relaxed").select(*way, OUTCOME)
        differ = all.group_by(way).agg(_several=several()).filter("_several")
        _refuse_contradictions(named.join(differ, on=way, how="semi"), way, params, file)
        first = named.unique(way, keep="first")
        fresh = first if earlier is None else first.join(earlier, on=way, how="anti")
        new = new.append(fresh.select(NUMBER).collect()[NUMBER])
    return rows[new.unique().sort()]


def _refuse_contradictions(found: pl.LazyFrame, way: tuple[str, ...], params: Params, file: Path) -> None:
    contrary = found.sort(NUMBER).select(text(way)).collect().to_series()
    if count := len(contrary):
        what = f"{count:,} outcomes differ" if count > 1 else "1 outcome differs"
        raise ContractViolation(
            f"{file}: {what} from others of the same rows: {listed(contrary.unique(maintain_order=True).to_list())}: correct "
            f"the file, or if an earlier one is wrong, delete that in {folder(params)}/"
        )


def _keep(rows: pl.DataFrame, name: str, place: Path) -> None:
    """Write them so that only this user can read them, and a kill leaves no half of them."""
    now = datetime.now(UTC)
    day = place / f"{now:%Y-%m-%d}"
    day.mkdir(0o700, parents=True, exist_ok=True)
    (place / ".gitignore").write_text("*\n", encoding="utf-8")  # wherever it is, Git keeps nothing of people
    with tables.private(day / f"{now:%H%M%S.%f}-{name}.parquet") as path, tables.writing(path):
        rows.write_parquet(path)


def _wanted(params: Params) -> str:
    """The columns by which outcomes can name rows, in words."""
    known = [way for way in ways(params) if SHA256 not in way]
    return " or ".join(", ".join(way) for way in known[:-1])
