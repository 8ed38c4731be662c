"""Numbers and booleans from the texts of a table, by what a column's metadata says of how they are written.

`thousands` stands between thousands (one text or several), `decimal` before the fraction. `unit` lists what stands before or
after a number, such as "€" or "kg", with "" where it may be absent; `negative` what marks a negative one beside a minus in
front: "()" and "-" after it. `below` and `above` list marks such as "<" of values beyond a limit, which are read as the limit;
`exponents` has the powers of ten that words stand for, such as {"k": 3}. `duration` names the forms of durations, which are
read as seconds. `true` and `false` are the texts of a boolean.

Minus signs, blanks, apostrophes and digits that Unicode has several of are read as the one of ASCII.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import product
from typing import Any

import dataframely as dy
import polars as pl

from . import durations, texts

BOOLEANS = {"true": True, "false": False}
AFFIXES = frozenset({"above", "below", "exponents", "negative", "unit"})
FORMATS = AFFIXES | {"thousands", "decimal", "duration"}
"""The metadata by which a text is more than a plain number."""
SAME = {
    "-": "\N{MINUS SIGN}\N{EN DASH}\N{FULLWIDTH HYPHEN-MINUS}\N{SMALL HYPHEN-MINUS}\N{HYPHEN}\N{NON-BREAKING HYPHEN}",
    "'": "\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}\N{FULLWIDTH APOSTROPHE}",
    " ": "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}" + "".join(map(chr, range(0x2000, 0x200B))),
    ".": "\N{ARABIC DECIMAL SEPARATOR}",
    ",": "\N{ARABIC THOUSANDS SEPARATOR}\N{ARABIC COMMA}",
    "": "\N{ZERO WIDTH SPACE}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER MARK}\N{WORD JOINER}\ufeff",
}
ZEROS = (0x660, 0x6F0, 0x966)  # Arabic-Indic, extended, and Devanagari
FULL_WIDTH = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
ASCII = (
    FULL_WIDTH
    | {other: one for one, others in SAME.items() for other in others}
    | {chr(zero + digit): str(digit) for zero, digit in product(ZEROS, range(10))}
)
"""Characters by those that are read in their place."""
NO_CENTS = r"[.,]-+(\D*)$"  # as in 12.-
LONGEST = 100  # characters
_Marks = tuple[Any, ...]


def parse(text: pl.Expr, column: dy.Column) -> pl.Expr:
    """The texts as numbers of the column's type; null where they are none."""
    if declared(column):  # in steps, since polars would take each text apart several times
        return text.map_batches(partial(_parse, column), return_dtype=column.dtype, is_elementwise=True)
    return _cast(in_ascii(text), column)


def declared(column: dy.Column) -> dict[str, Any]:
    """The metadata by which a text is more than a plain number; a unit that is a single text only describes the column."""
    metadata = column.metadata or {}
    is_described = {name for name in AFFIXES if isinstance(metadata.get(name), str)}
    return {name: value for name, value in metadata.items() if name in FORMATS - is_described}


def parse_boolean(value: pl.Expr, column: dy.Column) -> pl.Expr:
    """The values, which are texts or codes, as true or false; null where they are neither."""
    metadata = column.metadata or {}
    own = {text: truth for truth in (True, False) for text in metadata.get(str(truth).lower(), ())}
    text = value.cast(pl.String) if own else value.cast(pl.String).str.to_lowercase()
    if texts.is_in_any_case(column):
        text, own = texts.in_any_case(text), {texts.lower(word): truth for word, truth in own.items()}
    words = own or BOOLEANS
    true = pl.Series([word for word, truth in words.items() if truth], dtype=pl.String)
    return pl.when(text.is_in(list(words))).then(
        text.is_in(true.implode())
    )  # polars would evaluate replace for all rows


def read(value: Any, column: dy.Column) -> Any:
    """One text as a number of the column's type; None where it is none."""
    return _read(value.strip(), column) if isinstance(value, str) and len(value) <= LONGEST else None


def describe(column: dy.Column) -> str:
    """In words, how the column's numbers may be written."""
    return ", ".join(f"{name} {value!r}" for name, value in declared(column).items())


def in_ascii(text: pl.Expr) -> pl.Expr:
    """The texts with one character each for minus, blank, apostrophe and digits."""
    return text.str.replace_many(list(ASCII), list(ASCII.values()))


def _parse(column: dy.Column, texts: pl.Series) -> pl.Series:
    metadata, text = declared(column), pl.col("text")
    rows = texts.alias("text").to_frame().select(in_ascii(text).str.replace(NO_CENTS, "$1"))
    if forms := metadata.get("duration"):
        return durations.parse(rows["text"], forms).cast(column.dtype, strict=False)
    number = _plain(text, metadata.get("thousands", ""), metadata.get("decimal", "."))
    if not AFFIXES & metadata.keys():
        return rows.select(_cast(number, column)).to_series()
    affixes = _affixes(*(_marks(metadata.get(name)) for name in sorted(AFFIXES)))
    parts = rows.select(text.str.extract_groups(affixes.pattern)).unnest("text")
    around = pl.concat_str(*(pl.col(place).str.replace_all(" ", "") for place in ("1", "3")), separator=AROUND)
    known = parts.select(text=pl.when(around.is_in(list(affixes.known))).then("2"), around=around)
    if powers := {power for _, power in affixes.known.values() if power}:
        number = pl.concat_str(number, pl.coalesce(*(_if(affixes, power) for power in powers), pl.lit("")))
    read = _cast(number, column)
    negative = [marks for marks, (sign, _) in affixes.known.items() if sign < 0]
    return known.select(pl.when(pl.col("around").is_in(negative)).then(-read).otherwise(read)).to_series()


def _if(affixes: "_Affixes", power: int) -> pl.Expr:
    marks = [marks for marks, (_, each) in affixes.known.items() if each == power]
    return pl.when(pl.col("around").is_in(marks)).then(pl.lit(f"e{power}"))


def _cast(text: pl.Expr, column: dy.Column) -> pl.Expr:
    text = text.str.replace(r"\.0+$", "") if column.dtype.is_integer() else text
    return text.cast(column.dtype, strict=False)


@lru_cache(maxsize=4096)
def _read(value: str, column: dy.Column) -> Any:
    return pl.DataFrame({"it": [value]}).select(parse(pl.col("it"), column)).item()


def _plain(text: pl.Expr, thousands: str | list[str], decimal: str) -> pl.Expr:
    """Numbers as Python writes them; null where a separator is elsewhere than between thousands or before a fraction."""
    marks = [ASCII.get(mark, mark) for mark in ([thousands] if isinstance(thousands, str) else thousands) if mark]
    text = text.str.replace_many(marks, marks[:1]) if len(marks) > 1 else text
    for mark in marks[:1]:  # elsewhere than between thousands it may be a decimal point
        escaped = pl.escape_regex(mark)
        groups = rf"(\d{{1,3}}({escaped}\d{{3}})+|\d{{1,2}}({escaped}\d{{2}})+{escaped}\d{{3}})"
        grouped = rf"^[+-]?{groups}({pl.escape_regex(decimal)}|[eE]|$)"
        is_grouped = text.str.contains(grouped) | ~text.str.contains(mark, literal=True)
        text = pl.when(is_grouped).then(text.str.replace_all(mark, "", literal=True))
    if decimal != ".":
        text = pl.when(~text.str.contains(".", literal=True)).then(text.str.replace(decimal, ".", literal=True))
    return text


AROUND = "\n"  # stands for the number


class _Affixes:
    """What may stand around a number: a pattern that takes it apart, and of each combination the sign and the power of ten."""

    def __init__(self, above: _Marks, below: _Marks, exponents: _Marks, negative: _Marks, units: _Marks) -> None:
        powers, limits = {"": 0} | dict(exponents), ("", *above, *below)
        marks = ["+", "-", "(", ")", *filter(None, (*units, *limits, *powers))]
        token = "|".join(pl.escape_regex(mark) for mark in sorted(marks, key=len, reverse=True))
        self.pattern = rf"^((?:{token}|\s)*)(.*?)((?:{token}|\s)*)$"
        signs = [around for unit in units or ("",) for around in _signs(unit.replace(" ", ""), negative)]
        self.known = {
            f"{limit}{around.replace(AROUND, AROUND + word.replace(' ', ''))}": (sign, power)
            for (around, sign), limit, (word, power) in product(signs, limits, powers.items())
        }


def _signs(unit: str, negative: _Marks) -> Iterator[tuple[str, int]]:
    """What may stand around a number with the unit, and the sign that it means."""
    for mark, sign in (("", 1), ("+", 1), ("-", -1)):
        yield from (
            (around, sign) for around in (f"{mark}{unit}{AROUND}", f"{unit}{mark}{AROUND}", f"{mark}{AROUND}{unit}")
        )
    if "()" in negative:
        yield from (
            (each, -1) for each in (f"({unit}{AROUND})", f"{unit}({AROUND})", f"({AROUND}){unit}", f"({AROUND}{unit})")
        )
    if "-" in negative:
        yield from ((each, -1) for each in (f"{AROUND}-{unit}", f"{AROUND}{unit}-", f"{unit}{AROUND}-"))


def _marks(marks: Any) -> _Marks:
    return tuple(marks.items() if isinstance(marks, dict) else marks or ())


_affixes = lru_cache(_Affixes)
