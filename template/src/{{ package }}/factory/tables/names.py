"""The names in a table's header: each on one line and different from the others, and those of columns that only number rows."""

import logging
import re

import polars as pl

from ..errors import FactoryError, listed

INDEX = re.compile(r"(?i)(unnamed: ?\d+(_level_\d+)?|__index_level_\d+__|row[._ ]?names|\.\.\.\d+|_c0)(\.\d+)?")
"""What pandas, pyarrow, R, readr and Spark call the column with the numbers of the rows, or one without a name."""
NAMELESS = "Unnamed: {}"  # as pandas reads it
LINE_BREAK = re.compile(r"\s*[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]\s*")
LEAST_WITH_LAST = 3  # columns; of two, a last one without a name is rather nothing beside a title


def is_index(name: str) -> bool:
    """Whether tools give the name to a column with the numbers of the rows."""
    return bool(INDEX.fullmatch(name))


def of_header(header: list[str], table: object, *, quiet: bool = False) -> list[str]:
    """The names by which the columns are known: a line break is a blank, and a repeated name is numbered.

    Tools write no name for the numbers of the rows, which are first, and for the nothing behind a last delimiter.
    Raises FactoryError where another column has none.
    """
    if header and not any(map(str.strip, header)):
        raise FactoryError(f"{table}: column 1 has no name in the header")
    last = len(header) - 1 if len(header) >= LEAST_WITH_LAST else 0
    known: dict[str, int] = {}
    repeated: dict[str, str] = {}
    leading = True
    for place, title in enumerate(header):
        name = LINE_BREAK.sub(" ", title).strip() if LINE_BREAK.search(title) else title
        if not name.strip():
            if not leading and place != last:
                raise FactoryError(f"{table}: column {place + 1} has no name in the header")
            name = NAMELESS.format(place)
        else:
            leading = False
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


def renamed(rows: pl.LazyFrame, table: object) -> pl.LazyFrame:
    """The rows with these names for their columns. Raises FactoryError as `of_header` does."""
    before = rows.collect_schema().names()
    after = of_header(before, table)
    return rows if before == after else rows.rename(dict(zip(before, after, strict=True)))
