"""Captured rows whose outcome is known: how outcomes fit captures, and such rows as a delivery by the contract."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

import numpy as np
import polars as pl

from ... import contract
from .. import tables
from ..config import Params
from ..data import ingest, ledger, prepare
from ..data.ledger import Entry
from ..errors import ContractViolation, FactoryError, listed
from ..paths import DVC_TMP
from ..validation import personal
from ..validation.parsing import try_cast
from .captures import Day
from .outcomes import AT, ID, NUMBER, OUTCOME, Outcomes, names, several

ORIGIN = "captures"  # with which the source of such a delivery begins
STAGED = DVC_TMP / "labelled"


@dataclass(frozen=True)
class Fit:
    """How many outcomes belong to captured rows, how many are from before the request, and what names those of no row.

    Of the captured rows, how many have outcomes that contradict each other, by the id and by the request.
    """

    known: int
    before: int
    unknown: list[str]
    contradicted: int


def fit(received: pl.DataFrame, days: Iterable[Day], every: Outcomes, params: Params) -> Fit:
    """How outcomes that were received fit what was captured, and every one that is known."""
    named = Outcomes([received.with_row_index(NUMBER).lazy()], params)
    known, timely = (np.zeros(received.height, bool) for _ in range(2))
    contradicted = 0
    for rows in (rows for day in days for rows in day.tables.values()):
        pairs = named.pairs(rows)
        all_pairs = every.pairs(rows)  # with the times when they first came in
        known[pairs[NUMBER]] = True
        timely[pairs.join(all_pairs.filter(~pl.col("_before")), on="_n", how="semi")[NUMBER]] = True
        contradicted += all_pairs.group_by("_n").agg(_several=several()).filter("_several").height
    unknown = names(received, params).filter(pl.Series(~known)).to_list()
    return Fit(int(timely.sum()), int((known & ~timely).sum()), unknown, contradicted)


def deliver(name: str, days: Iterable[Day], known: Outcomes, params: Params) -> tuple[Entry | None, Counter[str]]:
    """Add the captured rows whose outcome is known, and that are in no delivery yet, as one, if there are any.

    Beside its record, how many rows were left out, by the reason. Raises FactoryError.
    """
    if params.forecast:
        raise FactoryError("the observations that became known are deliveries: factory ingest takes in their files")
    if Path(name).name != name or tables.suffix(name) != ".parquet":
        raise FactoryError(f"{name}: the delivery has to be named like captured-2026-11.parquet")
    left_out = Counter[str]()
    if known.is_empty:
        return None, left_out
    found = [rows for day in days for rows in _labelled(day, known, params, left_out)]
    rows = _new(pl.concat(found).sort(AT, maintain_order=True), params) if found else pl.DataFrame()
    if rows.is_empty():
        return None, +left_out
    first, last = rows[AT].dt.date().min(), rows[AT].dt.date().max()
    source = f"{ORIGIN} of {first!s} to {last!s}, {', '.join(rows['_model'].unique().sort())}, with outcomes"
    STAGED.mkdir(parents=True, exist_ok=True)
    file = STAGED / name
    try:
        rows.drop(AT, "_model").write_parquet(file)
        prepare.check(file, params)
        return ingest.ingest([file], params, source)[0], +left_out
    except ContractViolation as error:  # what a service met is no fault of who wants to learn from it
        left_out[str(error).removeprefix(f"{file}: ")] += rows.height
        return None, +left_out
    finally:
        file.unlink(missing_ok=True)


def name_of_today() -> str:
    """The name of a delivery, which no earlier one has."""
    taken, day = {entry.file for entry in ledger.entries()}, datetime.now(UTC).date()
    numbered = (f"captured-{day}-{number}.parquet" for number in count(2))
    return next(name for name in chain([f"captured-{day}.parquet"], numbered) if name not in taken)


def _labelled(day: Day, known: Outcomes, params: Params, left_out: Counter[str]) -> Iterator[pl.DataFrame]:
    """A day's rows that have an outcome, in the contract's columns and types; those that cannot have them are left out."""
    id = params.data.id
    for rows in day.tables.values():
        joined = known.join(rows).drop_nulls(OUTCOME).with_columns(pl.col(OUTCOME).alias(params.data.target))
        if id:
            joined = _with_ids(joined, id)
            left_out["only a hash of the id is known"] += joined[id].null_count()
            joined = joined.drop_nulls(id)
        names = contract.LabelledRow.column_names()
        kept = _without_hashes(joined.select(name for name in names if name in joined.columns), id)
        typed, losses = try_cast(kept, contract.LabelledRow)
        if typed.width < len(names):
            left_out[f"captured without {listed([name for name in names if name not in typed.columns])}"] += (
                joined.height
            )
        elif losses:
            left_out[listed([f"{each.subject}: {each.problem}" for each in losses])] += joined.height
        elif joined.height:
            yield typed.hstack(joined.select(AT, "_model"))


def _with_ids(rows: pl.DataFrame, id: str) -> pl.DataFrame:
    """The rows with the ids that came with the outcomes, where captures have a hash of it, or none."""
    captured = pl.col(id).cast(pl.String) if id in rows.columns else pl.lit(None, pl.String)
    plain = (pl.when(~each.str.contains(personal.HASH)).then(each) for each in (captured, pl.col(ID)))
    return rows.with_columns(pl.coalesce(*plain).alias(id))


def _without_hashes(rows: pl.DataFrame, id: str | None) -> pl.DataFrame:
    """The rows without the hashes of personal data, from which nothing may be learned as if they were values.

    They are null, or where the contract wants a value, as if they had not been captured.
    """
    columns = contract.LabelledRow.columns()
    hashed = [name for name in rows.columns if name != id and personal.is_hashed(rows[name])]
    needed = [name for name in hashed if not columns[name].nullable]
    return rows.drop(needed).with_columns(pl.lit(None).alias(name) for name in hashed if name not in needed)


def _new(rows: pl.DataFrame, params: Params) -> pl.DataFrame:
    """The rows that are in no delivery yet: by the id, or where that repeats, or there is none, by all values."""
    id, entries = params.data.id, ledger.entries()
    if id and not params.data.repeats:
        text = pl.col(id).cast(pl.String)
        earlier = [ingest.ids_in(tables.scan(entry.path, checked=True), entry.path, id) for entry in entries]
        new = rows.unique(id, keep="first", maintain_order=True)
        return new.filter(~text.is_in(pl.concat(earlier).implode())) if earlier else new
    names = [name for name in rows.columns if name not in (AT, "_model")]
    # rows without a time may be equal and of several events, but for those that came from captures
    paths = [entry.path for entry in entries if params.data.times or entry.source.startswith(ORIGIN)]
    found = [try_cast(tables.read(path, checked=True), contract.LabelledRow)[0] for path in paths]
    if not found:
        return rows
    nth = pl.int_range(pl.len()).over(names).alias("_nth")  # the same row may have been scored several times
    delivered = pl.DataFrame(schema={name: rows.schema[name] for name in names})
    delivered = pl.concat([delivered, *found], how="diagonal").select(names).with_columns(nth)
    return rows.with_columns(nth).join(delivered, on=[*names, "_nth"], how="anti", nulls_equal=True).drop("_nth")
