"""The contents of a table, column by column, computed in batches."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..tables.chunks import one_row
from . import categories
from .dates import TEMPORAL
from .source import KINDS, is_readable
from .type_inference import (
    MOSTLY,
    NUMERIC,
    SAMPLE_ROWS,
    ColumnFormat,
    Formats,
    cast,
    infer,
    infer_with_exceptions,
    null_missing,
    parse,
)

MAX_LISTED_VALUES = 300
MAX_WRITTEN = 3 * MAX_LISTED_VALUES  # texts of which several may mean the same
EXACT_COUNT_ROWS = 200_000  # in larger tables the number of distinct values is estimated
PARSED = "\n"  # prefix of the parsed column beside the original, whose name cannot start with it


@dataclass(frozen=True)
class Column:
    """Statistics of a column; `sample` holds the values of rows spread over the table."""

    name: str
    format: ColumnFormat
    rows: int
    missing: int
    different: int  # distinct values, estimated in a large table
    unique: bool
    low: Any
    high: Any
    longest: int  # of texts, in bytes
    values: list[str]  # distinct texts, unless there are many
    sample: pl.Series

    @property
    def kind(self) -> str:
        return self.format.kind

    @property
    def share_missing(self) -> float:
        return self.missing / self.rows


def profile(table: pl.LazyFrame) -> dict[str, Column]:
    """Statistics of each column. Raises FactoryError where one mixes types."""
    schema = table.collect_schema()
    rows = int(table.select(pl.len()).collect(engine="streaming").item())
    sample = table.gather_every(max(1, rows // SAMPLE_ROWS)).collect(engine="streaming")
    formats = {name: infer(sample[name]) for name, dtype in schema.items() if is_readable(dtype)}
    facts = _facts(table, formats, rows)
    doubtful = [name for name in formats if facts[name]["lost"]]
    if doubtful:
        formats |= {
            name: infer_with_exceptions(table, name, formats[name], facts[name]["lost"], rows) for name in doubtful
        }
        facts |= _facts(table, {name: formats[name] for name in doubtful}, rows)
    if changed := _of_categories(table, sample, formats, facts):
        formats |= changed
        facts |= _facts(table, changed, rows)
    values = cast(sample.lazy(), formats).collect()
    columns = {name: _column(name, formats[name], facts[name], values[name]) for name in facts}
    return {name: columns.get(name) or _unreadable(name, dtype, rows) for name, dtype in schema.items()}


def values(table: pl.LazyFrame, columns: dict[str, Column]) -> pl.LazyFrame:
    """The table in the inferred types, without columns of unsupported types."""
    return cast(table, {name: column.format for name, column in columns.items() if column.kind in KINDS})


def numbers(column: Column) -> NDArray[np.float64]:
    """The sample as numbers, NaN where missing: times in their units, texts by their rank."""
    sample = column.sample
    if sample.dtype == pl.String:
        sample = sample.rank("dense")
    return sample.to_physical().cast(pl.Float64).to_numpy()


def _facts(table: pl.LazyFrame, formats: Formats, rows: int) -> dict[str, dict[str, Any]]:
    """Counts, minimum and maximum of each column, in one pass."""
    known = null_missing(table, formats)
    both = known.with_columns(
        parse(name, dtype, formats[name]).alias(PARSED + name) for name, dtype in known.collect_schema().items()
    )
    facts = one_row(both, [_counts(name, format, rows <= EXACT_COUNT_ROWS) for name, format in formats.items()])
    typed = cast(table, formats)
    few = [
        name for name, format in formats.items() if format.kind == "String" and facts[name]["different"] <= MAX_WRITTEN
    ]
    keys = [name for name, format in formats.items() if format.kind in ("Int64", "String") and _may_be_key(facts[name])]
    texts = one_row(typed, [pl.col(name).drop_nulls().unique().sort().implode() for name in few])
    is_key = one_row(typed, [pl.col(name).n_unique() == pl.len() for name in keys])
    return {
        name: {**counts, "values": texts.get(name, []), "unique": is_key.get(name, False)}
        for name, counts in facts.items()
    }


def _of_categories(table: pl.LazyFrame, sample: pl.DataFrame, formats: Formats, facts: dict[str, Any]) -> Formats:
    """The formats of categories that are written in several ways, each of which means one."""
    texts = {name: each["values"] for name, each in facts.items() if each["values"] and not each["unique"]}
    few = {name: each for name, each in texts.items() if categories.are_few(each, facts[name]["rows"])}
    odd = {name: remark for name in few if (remark := categories.remark_on_normalized(sample[name]))}
    several = {name: formats[name] for name, each in few.items() if categories.differ_in_case(each)}
    counts = one_row(cast(table, several), [pl.col(name).drop_nulls().value_counts().implode() for name in several])
    changed = {name: replace(formats[name], remark=remark) for name, remark in odd.items()}
    for name in several:
        written = categories.in_one_case({each[name]: each["count"] for each in counts[name]})
        format = changed.get(name, formats[name]).noted(categories.note(written))
        changed[name] = replace(format, metadata=format.metadata | {"case": "any"}, written=written)
    return changed


def _counts(name: str, format: ColumnFormat, exact: bool) -> pl.Expr:
    value, ordered = pl.col(PARSED + name), format.kind in (*NUMERIC, *TEMPORAL)
    return pl.struct(
        rows=pl.len(),
        missing=value.null_count(),
        lost=value.null_count() - pl.col(name).null_count(),
        different=value.drop_nulls().n_unique() if exact else value.drop_nulls().approx_n_unique(),
        low=value.min() if ordered else pl.lit(None),
        high=value.max() if ordered else pl.lit(None),
        longest=value.str.len_bytes().max() if format.kind == "String" else pl.lit(0),
    ).alias(name)


def _may_be_key(facts: dict[str, Any]) -> bool:
    return bool(facts["missing"] == 0 and facts["different"] > MOSTLY * facts["rows"])


def _unreadable(name: str, dtype: pl.DataType, rows: int) -> Column:
    """A column of an unsupported type."""
    kind = str(dtype.base_type())
    format = ColumnFormat(kind, note=f"type {kind} is not supported: derive columns from it")
    return Column(name, format, rows, 0, rows, False, None, None, 0, [], pl.Series(name, [], pl.Null))


def _column(name: str, format: ColumnFormat, facts: dict[str, Any], sample: pl.Series) -> Column:
    values = facts["values"] if len(facts["values"]) <= MAX_LISTED_VALUES else []
    facts = {key: value for key, value in facts.items() if key != "lost"}
    return Column(
        name=name, format=format, sample=sample, **facts | {"longest": facts["longest"] or 0, "values": values}
    )
