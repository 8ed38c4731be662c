"""Outcomes that become known later: kept as they come in, and joined to the captured rows that they belong to.

They name a row by its id, where ids repeat together with its time, or by its request and the position in it. They are kept in
files as captures are, so that what erases one person's captures finds theirs.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from filelock import FileLock

from ... import contract
from .. import tables
from ..config import Params
from ..data.captures import IDS, ROW
from ..errors import CannotEvaluate, ContractViolation, FactoryError, listed
from ..paths import DVC_TMP
from ..validation import personal, rules
from ..validation.parsing import parse, try_cast

OUTCOME, ID = "_outcome", "_outcome_id"
AT, SHA256, KEY, NUMBER = "_at", "_sha256", "_key", "_number"
FILES = "*/*.parquet"
REQUESTS = (IDS[0], ROW), (IDS[1], ROW, "_caller")  # clients repeat the ids of others
TIME = dy.Datetime(time_unit="us", time_zone="UTC", nullable=True)
CONTEXT: dict[str, dy.Column] = {
    **dict.fromkeys((*IDS, "_caller"), dy.String(nullable=True)),
    ROW: dy.UInt32(nullable=True),
    AT: TIME,
}


@dataclass(frozen=True)
class Received:
    """A file, its outcomes, how many of them were not known before, and how many of its rows have none."""

    file: Path
    outcomes: pl.DataFrame
    new: int
    unlabelled: int


class Outcomes:
    """Outcomes in tables that are read on demand."""

    def __init__(self, tables: Collection[pl.LazyFrame], params: Params) -> None:
        self._params = params
        named = [_named(table, params) for table in tables]
        self._known = pl.concat(named, how="diagonal_relaxed") if named else None
        self._hashed = any(personal.is_hashed(table.select(ID).head(1).collect()[ID]) for table in named)

    @property
    def is_empty(self) -> bool:
        """Whether none is known."""
        return self._known is None

    def join(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Captured rows of one model with `_outcome`, null where none is known, and `_outcome_id`, the id in its file.

        An outcome from before the request is not its own.
        """
        pairs = self.pairs(rows).filter(~pl.col("_before")).unique("_n", keep="first", maintain_order=True)
        own = pairs.select("_n", OUTCOME, ID)
        return rows.with_row_index("_n").join(own, on="_n", how="left", maintain_order="left").drop("_n")

    def pairs(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The outcomes that name one of the rows: its number `_n`, and whether they are from `_before` the request."""
        id = self._params.data.id
        if id in rows.columns and personal.is_hashed(rows[id]):
            rows = rows.with_columns(pl.col(id).alias(SHA256))
        elif id in rows.columns and self._hashed:
            rows = rows.with_columns(personal.hashed(id).alias(SHA256))
        keys = list(_keys(rows.schema, self._params))
        if self._known is None or not keys:
            return _no_pairs(self._params)
        asked = rows.with_row_index("_n").select("_n", pl.col(AT).alias("_asked"), pl.concat_list(keys).alias(KEY))
        asked = asked.explode(KEY).drop_nulls(KEY)
        found = self._known.explode(KEY).join(asked.lazy(), on=KEY, how="inner", maintain_order="right")
        return found.with_columns(_before=pl.col(AT) < pl.col("_asked")).drop(KEY, AT, "_asked").collect()

    def names(self) -> pl.Series:
        """What names the row of each."""
        first = pl.col(KEY).list.drop_nulls().list.first()
        return pl.Series(dtype=pl.String) if self._known is None else self._known.select(first).collect().to_series()


def read(params: Params) -> Outcomes:
    """All that were received. Raises CannotEvaluate where a file is damaged."""
    return Outcomes(_received(params), params)


def receive(files: Collection[Path], params: Params) -> list[Received]:
    """Keep the outcomes in the files, all or none; what is known already counts once. Raises FactoryError."""
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    with FileLock(DVC_TMP / "factory-outcomes.lock"):
        known, received, fresh = _received(params), list[Received](), list[pl.DataFrame]()
        for file in files:
            table = parsed(file, params)
            labelled = table.drop_nulls(params.data.target)
            fresh.append(_unknown(labelled, known, params, file))
            known.append(fresh[-1].lazy())
            received.append(Received(file, labelled, fresh[-1].height, table.height - labelled.height))
        for file, rows in zip(files, fresh, strict=True):
            if rows.height:
                _keep(rows, file.name, folder(params))
    return received


def folder(params: Params) -> Path:
    """Where they are kept."""
    return Path(params.monitor.outcomes)


def received_files(params: Params) -> set[str]:
    """The names of the files that were received."""
    return {path.stem.partition("-")[2] for path in folder(params).glob(FILES)}


def target(params: Params) -> dy.Column:
    """The contract's column of the outcomes."""
    return contract.LabelledRow.columns()[params.data.target]


def parsed(file: Path, params: Params) -> pl.DataFrame:
    """The outcomes in a file, and what names their rows, by the contract. Raises FactoryError."""
    table, data = tables.read(file), params.data
    if data.target not in table.columns:
        close = get_close_matches(data.target, table.columns, n=1)
        hint = f"did you mean {close[0]}?" if close else "which holds the outcomes"
        raise FactoryError(f"{file}: no column {data.target}, {hint}")
    hashed = bool(data.id) and data.id in table.columns and personal.is_hashed(table[data.id])
    typed = [data.target, *data.times, *([data.id] if data.id and not hashed else [])]
    values = _valid(table.select(name for name in dict.fromkeys(typed) if name in table.columns), data.target, file)
    values = values.hstack(_context(table.select(name for name in CONTEXT if name in table.columns), file))
    now = pl.lit(datetime.now(UTC), TIME.dtype)
    values = values.with_columns((pl.col(AT).fill_null(now) if AT in values.columns else now).alias(AT))
    if data.id and data.id in table.columns:
        ids = table[data.id] if hashed else values[data.id].cast(pl.String)
        values = values.with_columns(ids).with_columns((ids if hashed else personal.hashed(data.id)).alias(SHA256))
    keys = list(_keys(values.schema, params))
    if not keys:
        raise FactoryError(f"{file}: names no rows: it needs the columns {_wanted(params)}")
    nameless = values.select(pl.all_horizontal(key.is_null() for key in keys)).to_series()
    if nameless.any():
        raise ContractViolation(
            f"{file}: {int(nameless.sum()):,} of {values.height:,} outcomes name no row: they need {_wanted(params)}"
        )
    return values


def _received(params: Params) -> list[pl.LazyFrame]:
    """The files with outcomes of this target. Raises CannotEvaluate where one is damaged."""
    found = []
    for file in sorted(folder(params).glob(FILES)):
        try:
            found += [pl.scan_parquet(file)] if params.data.target in pl.read_parquet_schema(file) else []
        except (OSError, pl.exceptions.PolarsError) as error:
            raise CannotEvaluate("OUTCOMES", f"{file}: {' '.join(str(error).split())}") from error
    return found


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
            raise ContractViolation(f"{file}: {name}: not {CONTEXT[name].dtype}, {lost:,} of {given.height:,} rows")
    return typed


def _unknown(rows: pl.DataFrame, known: Collection[pl.LazyFrame], params: Params, file: Path) -> pl.DataFrame:
    """The outcomes that are new. Raises ContractViolation where one differs from another of the same row."""
    keys = _named(rows.lazy(), params).explode(KEY).drop_nulls(KEY)
    earlier = [_named(each, params).explode(KEY) for each in known]
    all = pl.concat([*earlier, keys], how="diagonal_relaxed").select(KEY, OUTCOME)
    differ = keys.join(all, on=KEY, maintain_order="left").filter(pl.col(OUTCOME) != pl.col(f"{OUTCOME}_right"))
    first = differ.unique(NUMBER, keep="first", maintain_order=True).collect()[KEY]
    if conflicts := first.unique(maintain_order=True).to_list():
        count = f"{len(first):,} outcomes differ" if len(first) > 1 else "1 outcome differs"
        raise ContractViolation(
            f"{file}: {count} from others of the same rows: {listed(conflicts)}: correct the file, "
            f"or if an earlier one is wrong, delete that in {folder(params)}/"
        )
    new = keys.unique(KEY, keep="first", maintain_order=True)
    if earlier:
        new = new.join(pl.concat(earlier, how="diagonal_relaxed"), on=KEY, how="anti")
    return rows[new.select(NUMBER).unique().sort(NUMBER).collect()[NUMBER]]


def _keep(rows: pl.DataFrame, name: str, place: Path) -> None:
    """Write them so that only this user can read them, and a kill leaves no half of them."""
    now = datetime.now(UTC)
    day = place / f"{now:%Y-%m-%d}"
    day.mkdir(0o700, parents=True, exist_ok=True)
    path = day / f"{now:%H%M%S.%f}-{name}.parquet"
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        temporary.touch(0o600)
        with tables.writing(temporary):
            rows.write_parquet(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _named(table: pl.LazyFrame, params: Params) -> pl.LazyFrame:
    """Of outcomes their number in the table, all that names the row of each, the outcome, the id, and when it became known."""
    schema, dtype = table.collect_schema(), target(params).dtype
    id = pl.col(params.data.id) if params.data.id and params.data.id in schema else pl.lit(None, pl.String)
    outcome = pl.col(params.data.target)
    if isinstance(dtype, pl.Enum):  # which may have had other categories
        outcome = outcome.cast(pl.String)
    outcome = outcome.cast(dtype, strict=False).alias(OUTCOME)
    keys = pl.concat_list(_keys(schema, params)).alias(KEY)
    return table.with_row_index(NUMBER).select(NUMBER, keys, outcome, id.alias(ID), pl.col(AT))


def _no_pairs(params: Params) -> pl.DataFrame:
    types: dict[str, Any] = {
        "_n": pl.UInt32,
        "_before": pl.Boolean,
        NUMBER: pl.UInt32,
        OUTCOME: target(params).dtype,
        ID: pl.String,
    }
    return pl.DataFrame(schema=types)


def _keys(schema: pl.Schema, params: Params) -> Iterator[pl.Expr]:
    """What names a row, as texts, which are null where a part is missing."""
    data, columns = params.data, contract.LabelledRow.columns()
    times = data.times if data.repeats else []
    for name in (data.id, SHA256):
        if name and name in schema and (times or not data.repeats) and set(times) <= schema.keys():
            at = [pl.col(time).cast(columns[time].dtype, strict=False).cast(pl.String) for time in times]
            yield pl.concat_str(pl.lit(name), pl.col(name).cast(pl.String), *at, separator=" ")
    for names in REQUESTS:
        if {*names} <= schema.keys():
            yield pl.concat_str(pl.lit(names[0]), *(pl.col(name).cast(pl.String) for name in names), separator=" ")


def _wanted(params: Params) -> str:
    """The columns by which outcomes can name rows, in words."""
    data = params.data
    times = data.times if data.repeats else []
    id = [", ".join([data.id, *times])] if data.id and (times or not data.repeats) else []
    return " or ".join([*id, ", ".join(REQUESTS[0])])
