"""The type and format of a column, inferred from some of its values, and again where the others are exceptions."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self

import dataframely as dy
import polars as pl

from ..errors import FactoryError
from ..validation import missing_words, parsing, texts
from ..validation.missing_words import COMMON_MISSING, SENTINELS
from . import boolean_words, codes, dates, number_formats, time_formats

NUMERIC = ("Int64", "Float64")
MOSTLY = 0.9  # share of values from which on the others are exceptions
DIGITS = r"^[+-]?\d[\d.,:/ -]*$"
SAMPLE_ROWS = 20_000
FIRST_TRIED = 100  # values: most formats fail on them


@dataclass(frozen=True)
class ColumnFormat:
    """A type of the contract, how its values are written, and which texts mean a missing value, or another text."""

    kind: str
    metadata: dict[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    note: str = ""  # on what is doubtful
    options: dict[str, Any] = field(default_factory=dict)  # of the type
    remark: str = ""  # on what is not
    written: dict[str, str] = field(default_factory=dict)

    def column(self) -> dy.Column:
        """The column without limits."""
        missing = {"missing": [*self.metadata.get("missing", []), *self.missing, ""], "normalized": True}
        return getattr(dy, self.kind)(nullable=True, metadata=self.metadata | missing, **self.options)  # type: ignore[no-any-return]

    def noted(self, note: str) -> Self:
        """The same with one more note."""
        return replace(self, note="; ".join(filter(None, (self.note, note))))


Formats = dict[str, ColumnFormat]


def null_missing(table: pl.LazyFrame, formats: Formats) -> pl.LazyFrame:
    """The columns, null where a value means a missing one."""
    schema = table.collect_schema()
    return table.select(
        parsing.null_where_missing(name, schema[name], format.column()) for name, format in formats.items()
    )


def cast(table: pl.LazyFrame, formats: Formats) -> pl.LazyFrame:
    """The columns in their types, null where a value is missing or does not have the format."""
    known = null_missing(table, formats)
    return known.select(parse(name, dtype, formats[name]) for name, dtype in known.collect_schema().items())


def parse(name: str, dtype: pl.DataType, format: ColumnFormat) -> pl.Expr:
    """The values in their type, null where a contract would refuse them."""
    value = parsing.parse(name, dtype, format.column())
    if format.kind == "Float64":
        return pl.when(value.is_finite()).then(value)
    if format.kind in dates.DATES:
        return dates.in_calendar(value)
    return value.replace(format.written) if format.written else value


def infer(values: pl.Series) -> ColumnFormat:
    """The format of the column, by some of its values."""
    dtype = values.dtype
    if dtype == pl.Boolean:
        return ColumnFormat("Bool")
    if dtype.is_integer() or parsing.is_long(dtype):
        return _of_numbers(values.cast(pl.Int64, strict=False), ColumnFormat("Int64"))
    if dtype.is_numeric():
        return _of_numbers(values, ColumnFormat("Float64"))
    if dtype == pl.Duration:
        return ColumnFormat("Float64", remark="durations, in seconds")
    if dtype.is_temporal():
        zone = getattr(dtype, "time_zone", None)
        return ColumnFormat(str(dtype.base_type()), options={"time_zone": zone} if zone else {})
    format = infer_format(values.cast(pl.String))
    is_category = isinstance(dtype, pl.Categorical | pl.Enum)
    if is_category and format.kind not in ("Bool", "String"):  # a contract does not parse categories
        return ColumnFormat("String", missing=format.missing)
    if format.kind not in NUMERIC:
        return format
    format = _of_numbers(cast(values.to_frame().lazy(), {values.name: format}).collect().to_series(), format)
    is_long = format.kind == "Int64" and number_formats.are_too_long(values)  # and no time in nanoseconds
    return ColumnFormat("String", missing=format.missing, remark=number_formats.TOO_LONG) if is_long else format


def infer_with_exceptions(table: pl.LazyFrame, name: str, format: ColumnFormat, lost: int, rows: int) -> ColumnFormat:
    """The format of the column, given values that the inferred one cannot parse. Raises FactoryError."""
    known = null_missing(table.select(name), {name: format})
    dtype = known.collect_schema()[name]
    unread = known.filter(parse(name, dtype, format).is_null()).drop_nulls().unique()
    odd, usual = (
        part.head(SAMPLE_ROWS).collect(engine="streaming").to_series().cast(pl.String) for part in (unread, known)
    )
    odd = texts.normalize(odd)
    if missing_words.are_missing(odd).all():
        return _with_missing(format, sorted(odd), dtype)
    if parsing.is_long(dtype):
        return _of_long(pl.concat([usual, odd]).cast(dtype))
    other = infer_format(pl.concat([usual, odd]))
    if other.kind == "String" and (lost < (1 - MOSTLY) * rows or dtype != pl.String):
        raise FactoryError(
            f"{name}: {lost:,} of {rows:,} values are not {format.kind}, e.g. {min(odd)!r}: "
            "fix them, or remove the column from the table"
        )
    return other


def infer_format(values: pl.Series) -> ColumnFormat:
    """The format that all the texts have; otherwise they are text."""
    words = texts.normalize(values.drop_nulls()).unique()
    words = words.filter(words != "")
    is_missing = missing_words.are_missing(words)
    rest, missing = words.filter(~is_missing), missing_words.with_both_infinities(sorted(words.filter(is_missing)))
    candidates = _candidates(rest) if len(rest) else iter(())
    format = next(candidates, None)
    if format is None:
        return _of_text(words, _note_on_odd_values(rest))
    if "format" in format.metadata:
        format = _of_times(rest, format, candidates)
    return replace(format, missing=tuple(missing)).noted(missing_words.note(missing))


def _of_text(words: pl.Series, note: str) -> ColumnFormat:
    """The format of text, where NA may be a code, and most words that mean a missing number are ordinary ones."""
    missing = {*words} & {*COMMON_MISSING}
    meaning = codes.meaning_of_na(words.name, {*words} - missing)
    if meaning is None:
        return ColumnFormat("String", missing=tuple(sorted(missing)), note=note)
    note = f"NA is read as {meaning}, not as a missing value" if "NA" in missing else ""
    return ColumnFormat("String", {"not_missing": ["NA"]}, tuple(sorted(missing - {"NA"})), note)


def _of_times(words: pl.Series, format: ColumnFormat, candidates: Iterator[ColumnFormat]) -> ColumnFormat:
    """The most likely of the formats that times may have, with a note on the next one."""
    formats = [format, *(other for other in candidates if other.kind == format.kind)]
    if "%y" in format.metadata["format"]:
        format = _of_two_digits(words, formats)
    others = [other.metadata["format"] for other in formats]
    other = next((o for o in others if o != format.metadata["format"] and not o.startswith(time_formats.RARE)), None)
    return format.noted(f"could also be {other}" if other else "")


def _note_on_odd_values(texts: pl.Series) -> str:
    """The few values that keep a column from being one of numbers or times."""
    if note := number_formats.why_text(texts) if len(texts) else "":
        return note
    odd = texts.filter(~texts.str.contains(DIGITS))
    few = 0 < len(odd) < (1 - MOSTLY) * len(texts)
    return f"numbers or times except {min(odd)[:30]!r}: fix it?" if few else ""


def _candidates(texts: pl.Series) -> Iterator[ColumnFormat]:
    """Types and formats that fit all the texts, the simplest first."""
    boolean = boolean_words.candidate(texts)
    if boolean is not None:
        yield ColumnFormat("Bool", boolean)
    if number_formats.are_codes(texts):
        return
    yield from (format for format in _written_formats(texts) if _fits(texts, format))


def _written_formats(texts: pl.Series) -> Iterator[ColumnFormat]:
    """The formats of numbers, durations and times that the texts look like."""
    for number in number_formats.candidates(texts):
        if not number.is_measure:
            yield _number_format("Int64", number)
        if number.is_measure or not number_formats.are_too_long(texts):
            yield _number_format("Float64", number)
    yield from (_number_format("Float64", each) for each in number_formats.candidates_of_durations(texts, by_name=True))
    for kind, options, metadata in time_formats.candidates(texts):
        yield ColumnFormat(kind, metadata, options=options)
    yield from (
        _number_format("Float64", each) for each in number_formats.candidates_of_durations(texts, by_name=False)
    )


def _number_format(kind: str, number: number_formats.NumberFormat) -> ColumnFormat:
    return ColumnFormat(kind, number.metadata, note=number.note, remark=number.remark)


def _fits(texts: pl.Series, format: ColumnFormat) -> bool:
    """Whether the format can parse all the texts."""
    parts = (texts.head(FIRST_TRIED), texts.slice(FIRST_TRIED))
    return not any(
        cast(part.to_frame().lazy(), {texts.name: format}).collect().to_series().has_nulls() for part in parts
    )


def _of_numbers(values: pl.Series, format: ColumnFormat) -> ColumnFormat:
    """The format of numbers: times, if they stand for some."""
    if time := time_formats.in_number(values.name, values):
        kind, options, metadata = time
        return replace(format, kind=kind, options=options, metadata=metadata)
    return _with_sentinel(values, format)


def _of_long(values: pl.Series) -> ColumnFormat:
    """The format of whole numbers beyond 64 bits: text where numbers would be the same."""
    is_exact = values.n_unique() == values.cast(pl.Float64).n_unique()
    return ColumnFormat("Float64") if is_exact else ColumnFormat("String", remark=number_formats.TOO_LONG)


def _of_two_digits(texts: pl.Series, formats: list[ColumnFormat]) -> ColumnFormat:
    """The first of the formats by which no year lies ahead, with the first of the hundred years that two digits mean."""
    years = [cast(texts.to_frame().lazy(), {texts.name: format}).collect().to_series().dt.year() for format in formats]
    chosen = next((i for i, each in enumerate(years) if not (each > date.today().year).any()), 0)
    format, pivot = formats[chosen], time_formats.pivot(texts.name, years[chosen])
    return replace(format, metadata=format.metadata | {"pivot": pivot})


def _with_sentinel(values: pl.Series, format: ColumnFormat) -> ColumnFormat:
    """The format, with a number that means a missing value: far from all others and seen more than once."""
    values = values.cast(pl.Float64)
    for sentinel in SENTINELS:
        rest = values.filter(values != sentinel)
        if (values == sentinel).sum() > 1 and len(rest) and float(rest.abs().max()) * 5 < abs(sentinel):  # type: ignore[arg-type]
            note = f"{sentinel} looks like a code for missing values"
            return replace(format, metadata=format.metadata | {"missing": [str(sentinel)]}).noted(note)
    return format


def _with_missing(format: ColumnFormat, words: list[str], dtype: pl.DataType) -> ColumnFormat:
    """The format, in which these mean a missing value too; numbers, such as NaN, go into the column's own metadata."""
    words = missing_words.with_both_infinities(words)
    format = format.noted(missing_words.note(words))
    if dtype == pl.String:
        return replace(format, missing=(*format.missing, *words))
    return replace(format, metadata=format.metadata | {"missing": [*format.metadata.get("missing", []), *words]})
