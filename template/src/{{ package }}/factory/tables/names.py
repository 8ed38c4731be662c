"""The names in a table's header: each on one line and different from the others, and those of columns that only number rows."""

import logging
import re

import polars as pl

from ..errors import FactoryError, listed

INDEX = re.compile(r"(?i)(unnamed: ?0(_level_\d+)?|__index_level_\d+__|row[._ ]?names|\.\.\.1|_c0)(\.\d+)?")
"""What pandas, pyarrow, R, readr and Spark call the column with the numbers of the rows, or a first one without a name."""
NAMELESS = "Unnamed: {}"  # as pandas reads it
LINE_BREAK = re.compile(r"\s*[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]\s*")
NO_NAME = "{}: column {} has no name in the header"
LEAST_WITH_LAST = 3  # columns; of two, a last one without a name is rather nothing beside a title
MEASURED = r"^[-+\d\s.,:/TZ]*$"  # numbers and times, which row names are not
LEAST_DIFFERENT, LEAST_RISING = (
    0.5,
    0.75,
)  # shares of the rows: of a sample with replacement, and of tables put together


def is_index(name: str) -> bool:
    """Whether tools give the name to a column with the numbers of the rows."""
    return bool(INDEX.fullmatch(name))


def of_header(header: list[str], table: object, *, quiet: bool = False) -> list[str]:
    """The names by which the columns are known: a line break is a blank, and a repeated name is numbered.

    Tools write no name for the numbers of the rows, which are first, and for the nothing behind a last delimiter:
    `without_nothing` looks at their values. Raises FactoryError where another column has none.
    """
    if header and not any(map(str.strip, header)):
        raise FactoryError(NO_NAME.format(table, 1))
    last = len(header) - 1 if len(header) >= LEAST_WITH_LAST else 0
    known: dict[str, int] = {}
    repeated: dict[str, str] = {}
    for place, title in enumerate(header):
        name = LINE_BREAK.sub(" ", title).strip() if LINE_BREAK.search(title) else title
        if not name.strip():
            if place not in (0, last):
                raise FactoryError(NO_NAME.format(table, place + 1))
            name = NAMELESS.format(place)
        first = name
        while name in known:
            known[first] += 1
            name = f"{first}.{known[first]}"
            repeated[first] = name
        known[name] = 0
    if repeated and not quiet:
        message = "%s: several columns have the same name; the last of them is read as %s"
        logging.getLogger(__name__).warning(message, table, listed([*repeated.values()], 3))
    return [*known]


def without_nothing(rows: pl.LazyFrame, header: list[str], table: object, *, checked: bool = False) -> pl.LazyFrame:
    """The rows, named by `of_header`, without the nothing behind a last delimiter.

    Raises FactoryError where a column without a name has other values than numbers or names of the rows.
    """
    last = len(header) - 1
    for place in (place for place in (0, last) if not header[place].strip() and not checked):
        values = rows.select(pl.nth(place).cast(pl.String).str.strip_chars().fill_null("").alias("value"))
        has_values = values.select((pl.col("value") != "").any()).collect(engine="streaming").item()
        if has_values and (place or not _is_index(values.collect(engine="streaming").to_series())):
            raise FactoryError(NO_NAME.format(table, place + 1))
    return rows if not last or header[last].strip() else rows.drop(NAMELESS.format(last))


def count_rows(numbers: pl.Series) -> bool:
    """Whether whole numbers may be those of rows, which were chosen, sorted or put together: mostly others, or rising."""
    different, rising = numbers.n_unique(), (numbers.cast(pl.Float64).diff() > 0).sum()
    return different >= LEAST_DIFFERENT * len(numbers) or rising >= LEAST_RISING * len(numbers)


def _is_index(values: pl.Series) -> bool:
    """Whether the texts number or name the rows."""
    if (values == "").any():
        return False
    if not values.str.contains(r"^\d+$").all():
        return values.is_unique().all() and not values.str.contains(MEASURED).any()
    return count_rows(values)


def renamed(rows: pl.LazyFrame, table: object, *, checked: bool = False) -> pl.LazyFrame:
    """The rows with these names for their columns. Raises FactoryError as `of_header` and `without_nothing` do."""
    before = rows.collect_schema().names()
    after = of_header(before, table)
    if before == after:
        return rows
    return without_nothing(rows.rename(dict(zip(before, after, strict=True))), before, table, checked=checked)
