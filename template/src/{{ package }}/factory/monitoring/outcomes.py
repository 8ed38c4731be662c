"""Outcomes that become known later: kept as they come in, and joined to the captured rows that they belong to.

They name a row by its id, where ids repeat together with its time, or by its request and the position in it. They are kept in
files as captures are, so that what erases one person's captures finds theirs.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
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
AT, SHA256, NUMBER = "_at", "_sha256", "_number"
IN_MEMORY = 5_000_000  # outcomes
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
    """Outcomes in tables, by the columns that name their rows; of many, those that are asked for are read when they are."""

    def __init__(self, tables: Collection[pl.LazyFrame], params: Params) -> None:
        self._params, plain = params, [_plain(table, params) for table in tables]
        self._named = {way: known for way in _ways(params) if (known := _by(way, plain)) is not None}
        self._hashed = any(personal.is_hashed(table.select(ID).head(1).collect()[ID]) for table in plain)

    @property
    def is_empty(self) -> bool:
        """Whether none is known."""
        return not self._named

    def join(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Captured rows of one model with `_outcome`, null where none is known, and `_outcome_id`, the id in its file.

        An outcome from before the request is not its own; nor is one that is contradicted by what names the row otherwise.
        """
        pairs = self.pairs(rows).filter(~pl.col("_before"))
        own = pairs.group_by("_n").agg(pl.col(OUTCOME).first(), pl.col(ID).drop_nulls().first(), _several=several())
        own = own.filter(~pl.col("_several")).drop("_several")
        return rows.with_row_index("_n").join(own, on="_n", how="left", maintain_order="left").drop("_n")

    def pairs(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The outcomes that name one of the rows: its number `_n`, and whether they are from `_before` the request."""
        asked = _comparable(rows, self._params, self._hashed).with_row_index("_n").rename({AT: "_asked"})
        outcome: Any = target(self._params).dtype
        types = {"_n": pl.UInt32, NUMBER: pl.UInt32, OUTCOME: outcome, ID: pl.String, "_before": pl.Boolean}
        found = [pl.DataFrame(schema=types)]
        for way, known in self._named.items():
            if {*way} <= {*asked.columns}:
                named = asked.lazy().select("_n", "_asked", *way).drop_nulls(way)
                pairs = known.join(named, on=way, how="inner").with_columns(_before=pl.col(AT) < pl.col("_asked"))
                with _reading(folder(self._params)):
                    found.append(pairs.select(*types).collect())
        return pl.concat(found)


def read(params: Params) -> Outcomes:
    """All that were received. Raises CannotEvaluate where a file is damaged."""
    found = _received(params)
    with _reading(folder(params)):
        few = sum(int(table.select(pl.len()).collect().item()) for table in found) <= IN_MEMORY
        return Outcomes([table.collect().lazy() for table in found] if few else found, params)


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


def several() -> pl.Expr:
    """Whether there are several outcomes, which contradict each other."""
    return pl.col(OUTCOME).n_unique() > 1


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
    ways = [way for way in _ways(params) if {*way} <= {*values.columns}]
    if not ways:
        raise FactoryError(f"{file}: names no rows: it needs the columns {_wanted(params)}")
    nameless = values.select(pl.all_horizontal(pl.any_horizontal(pl.col(way).is_null()) for way in ways)).to_series()
    if nameless.any():
        raise ContractViolation(
            f"{file}: {int(nameless.sum()):,} of {values.height:,} outcomes name no row: they need {_wanted(params)}"
        )
    return values


def _received(params: Params) -> list[pl.LazyFrame]:
    """The files with outcomes of this target. Raises CannotEvaluate where one is damaged."""
    found = []
    for file in sorted(folder(params).glob(FILES)):
        with _reading(file):
            found += [pl.scan_parquet(file)] if params.data.target in pl.read_parquet_schema(file) else []
    return found


@contextmanager
def _reading(place: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CannotEvaluate("OUTCOMES", f"{place}: {' '.join(str(error).split())}") from error


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
    own, others = _plain(rows.lazy().with_row_index(NUMBER), params), [_plain(table, params) for table in known]
    new = pl.Series(NUMBER, dtype=pl.UInt32)
    for way in _ways(params):
        named, earlier = _by(way, [own]), _by(way, others)
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
    contrary = found.sort(NUMBER).select(_text(way)).collect().to_series()
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
    path = day / f"{now:%H%M%S.%f}-{name}.parquet"
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        temporary.touch(0o600)
        with tables.writing(temporary):
            rows.write_parquet(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _plain(table: pl.LazyFrame, params: Params) -> pl.LazyFrame:
    """Outcomes with what names their rows, the outcome, the id, and when it became known; their number, if they have one."""
    schema, data, dtype = table.collect_schema(), params.data, target(params).dtype
    id = pl.col(data.id) if data.id and data.id in schema else pl.lit(None, pl.String)
    outcome = pl.col(data.target)
    if isinstance(dtype, pl.Enum):  # which may have had other categories
        outcome = outcome.cast(pl.String)
    kept = {name for way in _ways(params) for name in way} & schema.keys()
    named = [_typed(name, params) for name in sorted(kept)]
    number = pl.col(NUMBER) if NUMBER in schema else pl.lit(None, pl.UInt32).alias(NUMBER)
    return table.select(*named, outcome.cast(dtype, strict=False).alias(OUTCOME), id.alias(ID), pl.col(AT), number)


def _by(way: tuple[str, ...], plain: Collection[pl.LazyFrame]) -> pl.LazyFrame | None:
    """The outcomes that name their row by these columns, if there are any."""
    parts = [table.drop_nulls(way) for table in plain if {*way} <= table.collect_schema().keys()]
    return pl.concat(parts, how="diagonal_relaxed").select(*way, OUTCOME, ID, AT, NUMBER) if parts else None


def _comparable(rows: pl.DataFrame, params: Params, hashed: bool) -> pl.DataFrame:
    """Captured rows with what names them as outcomes have it; with hashes of the ids, if one of both has only those."""
    id = params.data.id
    if id in rows.columns:
        if personal.is_hashed(rows[id]):
            rows = rows.with_columns(pl.col(id).alias(SHA256))
        elif hashed:
            rows = rows.with_columns(personal.hashed(id).alias(SHA256))
    names = {name for way in _ways(params) for name in way} & {*rows.columns}
    return rows.select(pl.col(AT), *(_typed(name, params) for name in sorted(names)))


def _typed(name: str, params: Params) -> pl.Expr:
    """A column that names rows, in the type that it has on both sides."""
    if name in params.data.times:
        return pl.col(name).cast(contract.LabelledRow.columns()[name].dtype, strict=False)
    return pl.col(name).cast(CONTEXT[name].dtype if name in CONTEXT else pl.String)


def _ways(params: Params) -> list[tuple[str, ...]]:
    """The columns that name a row, by each way in which they can."""
    data = params.data
    times = tuple(data.times) if data.repeats else ()
    known = data.id and (times or not data.repeats)
    return [*([(data.id, *times), (SHA256, *times)] if known and data.id else []), *REQUESTS]


def _text(way: tuple[str, ...]) -> pl.Expr:
    return pl.concat_str(pl.lit(way[0]), *(pl.col(name).cast(pl.String) for name in way), separator=" ")


def names(table: pl.DataFrame, params: Params) -> pl.Series:
    """What names the row of each outcome, in words."""
    texts = [_text(way) for way in _ways(params) if {*way} <= {*table.columns}]
    return table.select(pl.coalesce(texts).alias("name")).to_series()


def _wanted(params: Params) -> str:
    """The columns by which outcomes can name rows, in words."""
    data = params.data
    times = data.times if data.repeats else []
    id = [", ".join([data.id, *times])] if data.id and (times or not data.repeats) else []
    return " or ".join([*id, ", ".join(REQUESTS[0])])
