"""Columns that came later: `SINCE` in contract.py names the first delivery that has each; in earlier ones they are null."""

from collections.abc import Sequence

import polars as pl

from ... import contract
from ..config import Params
from ..errors import FactoryError, Violation
from ..paths import RAW
from ..tables.chunks import column
from ..validation.definition import delivered
from ..validation.parsing import COLUMN_MISSING
from . import ledger


def absent(delivery: str, params: Params, new: Sequence[str] = ()) -> list[str]:
    """The columns that a delivery may lack, by its file's name; `new` are those being added to the ledger, in order.

    Raises FactoryError where SINCE cannot hold.
    """
    since = {name: str(first).removeprefix(f"{RAW.as_posix()}/") for name, first in declared().items()}
    if not since:
        return []
    order = [entry.file for entry in ledger.entries()]
    order += [name for name in (*new, delivery) if name not in order]
    for name, first in since.items():
        _check(name, first, params, order)
    return [name for name, first in since.items() if order.index(delivery) < order.index(first)]


def declared() -> dict[str, str]:
    """The first delivery of each column that came later."""
    return getattr(contract, "SINCE", {})


def fill(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The rows, with nulls in those of the columns that they lack."""
    return rows.with_columns(pl.lit(None).alias(name) for name in columns if name not in rows.columns)


def applicable(invariants: dict[str, pl.Expr], rows: pl.LazyFrame, absent: Sequence[str]) -> dict[str, pl.Expr]:
    """The invariants, without those of a column that came later and has no value in these rows."""
    empty = {name for name in absent if column(rows, name).is_null().all()}
    return {name: each for name, each in invariants.items() if empty.isdisjoint(each.meta.root_names())}


def hint(violations: Sequence[Violation], delivery: str) -> str:
    """What to do where a delivery lacks columns because it is older than they are."""
    columns = delivered().columns()
    lacking = [v.subject for v in violations if v.problem == COLUMN_MISSING and columns[v.subject].nullable]
    if not lacking or delivery not in [entry.file for entry in ledger.entries()]:
        return ""
    return (
        f'; if it came later, name the first delivery that has it in contract.py: SINCE = {{"{lacking[0]}": "{RAW}/…"}}'
    )


def _check(name: str, first: str, params: Params, order: list[str]) -> None:
    columns = delivered().columns()
    if name not in columns:
        problem = "is not a column of LabelledRow"
    elif not columns[name].nullable:
        problem = "has to be nullable, since earlier deliveries lack it: nullable=True"
    elif name in (params.data.id, *params.data.times):
        problem = "is the id or the time in params.yaml, which each row needs"
    elif first not in order:
        problem = f"names {RAW}/{first}, which is not a delivery: correct the name, or ingest that file first"
    else:
        return
    raise FactoryError(f"contract.py: SINCE: {name} {problem}")
