"""How people write times: the formats of texts, and numbers that stand for times."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from itertools import product
from typing import Any

import dataframely as dy
import polars as pl

from ..validation import times

NAMED_DAYS = (
    *(f"%d{sep}%b{sep}%Y" for sep in ("-", " ", "/", ".", "")),
    *("%b %d %Y", "%b %d, %Y", "%b. %d, %Y", "%d. %b %Y", "%Y-%b-%d", "%Y %b %d"),
    *("%d %B %Y", "%d-%B-%Y", "%d. %B %Y", "%d %B, %Y", "%B %d %Y", "%B %d, %Y", "%Y %B %d"),
    *("%d-%b-%y", "%d %b %y", "%d/%b/%y", "%d%b%y", "%b %d, %y"),
)
DAYS = (
    *("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%d %m %Y", "%Y %m %d"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%y/%m/%d", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d"),
    *NAMED_DAYS,
    "%G-W%V-%u",
)
MONTHS = (
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%YM%m", "%Y-M%m"),
    *(f"%{name}{sep}%{year}" for name, year in product("bB", "Yy") for sep in ("-", " ", "/", ", ", ".", "")),
    *(f"%Y{sep}%{name}" for name, sep in product("bB", ("-", " ", "/", ""))),
    *("%YQ%q", "%Y-Q%q", "%Y Q%q", "%Y/Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "%G-W%V", "%GW%V", "%G W%V"),
)
RARE = "%y/", "%y-"
"""What formats begin with that are not worth a question beside others."""
WEEKDAYS = ("", "%a, ", "%a ", "%A, ", "%A ")
HALF_DAYS = ("%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p")
DAY_CLOCKS = ("%H:%M:%S%.f", "%H:%M:%S,%3f", "%H:%M")
CLOCKS = tuple(f"{sep}{clock}" for sep in (" ", "T", ", ", ":") for clock in (*DAY_CLOCKS, *HALF_DAYS))
OTHERS = (*(f"{weekday}%b %d %H:%M:%S %Y" for weekday in ("", "%a ")), "%Y%m%dT%H%M%S")
OTHERS_UTC = (*(f"%a %b %d %H:%M:%S {zone} %Y" for zone in ("%z", "UTC")), "%Y%m%dT%H%M%S%#z")
ISO_DAY = r"^\d{4}-\d{1,2}-\d{1,2}"
ISO = {"Date": f"{ISO_DAY}$", "Datetime": f"{ISO_DAY}([T ]|$)", "Time": r"^\d{1,2}:\d{1,2}:\d{1,2}"}
"""What texts look like that need no format."""
UTC = {"time_zone": "UTC"}

PATTERNS = {
    **dict.fromkeys("dmHIMSV", r"\d{1,2}"),
    "Y": r"\d{4}",
    "G": r"\d{4}",
    "y": r"\d{2}",
    "q": "[1-4]",
    "b": "[A-Za-z]{3}",
    "B": "(?:[A-Za-z]{4,9}|[Mm]ay|MAY)",
    "u": "[1-7]",
    "a": "[A-Za-z]{3}",
    "A": "[A-Za-z]{6,9}",
    "p": r"[AaPp]\.?[Mm]\.?",
    ".f": r"(?:\.\d+)?",
    "3f": r"\d{3}",
    "z": r"[+-]\d{4}",
    "#z": r"\s*(?:[Zz]|UTC|utc|GMT|gmt|[+-]\d{2}(?::?\d{2})?)",
}
"""What the texts of each directive look like."""
DIRECTIVE = re.compile(r"%(\.f|3f|#z|[A-Za-z])")

FIRST_YEAR, LAST_YEAR = 1800, 2100
DIGITS = {6: ("Date", "%Y%m"), 8: ("Date", "%Y%m%d"), 12: ("Datetime", "%Y%m%d%H%M"), 14: ("Datetime", "%Y%m%d%H%M%S")}
"""Type and format of whole numbers, by the number of their digits."""
MANY = 13
"""Distinct numbers that would hardly all be dates by chance; a series of codes has more than there are months."""
EPOCHS = {"epoch": 1, "epoch ms": 10**3, "epoch us": 10**6, "epoch ns": 10**9}
EPOCH = 631_152_000, 4_102_444_800  # the years 1990 to 2100, in seconds since 1970
SERIALS = 32_874, 73_051  # the same years in spreadsheets
HOUR = 3600  # seconds
OPEN_END = 99991231
WORDS = "date|datum|fecha|datetime|timestamp|ts|dt|day|tag|month|monat|period|when"
SAYS_DATE = re.compile(rf"(?i)(^|[\W_])({WORDS})($|[\W_])|(date|datum|stamp|[\W_]at|[\W_]on)$")
EVENTS = "epoch|unix|utc|created|updated|modified|posted|published|received|started|ended|expires|login"
SAYS_TIME = re.compile(rf"{SAYS_DATE.pattern}|(^|[\W_])({EVENTS})|time($|[\W_])")
BIRTH = re.compile(r"(?i)birth|born|dob|geb(urt|$|[\W_])|naiss")
NEAR = 10  # years that a plan may lie ahead


def candidates(texts: pl.Series) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Types, their options and metadata that the texts look like, the simplest first."""
    if _are_seasons(texts):
        return
    first = str(texts[0])
    is_iso = {kind: texts.str.contains(pattern).all() for kind, pattern in ISO.items()}
    clocks = CLOCKS if ":" in first else ()
    zoned = [f"{clock}%#z" for clock in clocks]
    for kind, options, formats in (
        ("Date", {}, _formats(first, (*DAYS, *MONTHS), ("",))),
        ("Datetime", {}, (*_formats(first, ("%Y-%m-%d", *DAYS), clocks), *OTHERS)),
        ("Datetime", UTC, (*_formats(first, ("%Y-%m-%d", *DAYS), zoned), *OTHERS_UTC)),
        ("Time", {}, ("%H:%M", *HALF_DAYS)),
    ):
        if is_iso[kind]:
            yield kind, options, {}
        for format in formats:
            if shape(format).match(first) and texts.str.contains(shape(format).pattern).all():
                yield kind, options, {"format": format}


def in_number(name: str, numbers: pl.Series) -> tuple[str, dict[str, Any], dict[str, str]] | None:
    """Type, options and metadata of numbers that stand for times, by their name or their pattern; None if they do not."""
    known = numbers.drop_nulls().unique()
    if len(known) < 2:
        return None
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    is_whole = known.dtype.is_integer() or bool((known == known.round()).all())
    says_time, low, high = bool(SAYS_TIME.search(words)), float(known.min()), float(known.max())  # type: ignore[arg-type]
    digits = DIGITS.get(len(f"{low:.0f}")) if is_whole and len(f"{low:.0f}") == len(f"{high:.0f}") else None
    if digits and (says_time or len(known) >= MANY) and _are_digits(known, *digits):
        return digits[0], {}, {"format": digits[1]}
    for format, unit in EPOCHS.items():
        if EPOCH[0] * unit <= low and high <= EPOCH[1] * unit:
            on_the_hour = is_whole and len(known) >= MANY and bool((known.cast(pl.Int64) % (HOUR * unit) == 0).all())
            return ("Datetime", UTC, {"format": format}) if says_time or on_the_hour else None
    if SAYS_DATE.search(words) and SERIALS[0] <= low and high <= SERIALS[1]:
        return "Date" if is_whole else "Datetime", {}, {"format": "excel"}
    return None


def pivot(name: str, years: pl.Series) -> int:
    """The first of the hundred years that years of two digits mean: no birth, and nothing far ahead, is in the future."""
    this = date.today().year
    return this - 99 if years.max() > (this if BIRTH.search(name) else this + NEAR) else 1970  # type: ignore[operator]


def _are_seasons(texts: pl.Series) -> bool:
    """Whether each is a year with the next one, such as 2009/10, and no month."""
    years = texts.to_frame("it").select(pl.col("it").str.extract_groups(r"^\d\d(?<first>\d\d)[/-](?<next>\d\d)$"))
    first, following = (pl.col("it").struct.field(name).cast(pl.Int64) for name in ("first", "next"))
    return bool(years.select((following == (first + 1) % 100).fill_null(False).all()).item())


@cache
def shape(format: str) -> re.Pattern[str]:
    """What texts of the format look like; years have four digits unless it says two."""
    return re.compile(f"^{_pattern(format)}$")


def _formats(first: str, days: tuple[str, ...], clocks: Sequence[str]) -> Iterator[str]:
    """The formats made of these that a text may have."""
    for weekday, clock in product(WEEKDAYS if first[:1].isalpha() else ("",), clocks):
        parts = re.match(f"^{_pattern(weekday)}(.+?){_pattern(clock)}$", first)
        if parts:
            yield from (f"{weekday}{day}{clock}" for day in days if shape(day).match(parts[1]))


@cache
def _pattern(format: str) -> str:
    parts = DIRECTIVE.split(format)  # literals and directives in turn
    pattern = "".join(PATTERNS[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return pattern.replace(r"\ ", " +")


def _are_digits(numbers: pl.Series, kind: str, format: str) -> bool:
    """Whether all are times in sensible years, apart from the end of time."""
    column = getattr(dy, kind)(metadata={"format": format})
    time = times.parse(pl.col(numbers.name), numbers.dtype, column)
    years = numbers.filter(numbers != OPEN_END).to_frame().select(time.dt.year()).to_series()
    return bool(years.is_between(FIRST_YEAR, LAST_YEAR).fill_null(False).all())
