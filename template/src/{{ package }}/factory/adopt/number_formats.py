"""How people write numbers and durations: the formats of texts."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ..validation import durations, numbers
from . import units
from .units import Affix

CODE = r"^[+-]?0\d+$"  # leading zeros: a number would lose them
SEPARATORS = (
    (None, "."),
    (",", "."),
    (".", ","),
    (" ", "."),
    (None, ","),
    (" ", ","),
    ("'", "."),
    ("'", ","),
    ("_", "."),
)
"""What stands between thousands and before the fraction, the likeliest first."""
EXPONENT = r"([eE][+-]?\d+)?"
PLAIN = rf"^[+-]?(\d+\.?\d*|\.\d+){EXPONENT}$"
AROUND = r"^((?:\D*\pL\.)?\D*?)([.,]?\d(?:[\d.,' _]*\d)?[.,]?(?:[eE][+-]?\d+)?)((?:\D.*)?)$"
"""A text with one number: what stands before it, the number, and what stands after it."""
GROUPED = r"^\d{1,3}([.,]\d{3})+$"
WHOLE = r"^\d+$"
LONG = r"^[+-]?\d{16,}$"
TOO_LONG = "more digits than a number holds"
NEGATIVE = {"()": "negative in parentheses", "-": "negative with a minus at the end"}
MOST_AFFIXES = 50
SLIP, SLIPS = 0.02, 0.1  # the share of different texts up to which one is a slip of the pen, and all are
FIRST_TRIED = 100  # texts: most columns of text fail on them
SAYS_DURATION = re.compile(
    r"(?i)durat|dauer|durée|duree|duraci|elapsed|laufzeit|fahrzeit|runtime|run_time|(^|[\W_])(laps?|splits?|wait|delay|length)($|[\W_])|"
    r"time_(taken|spent|to)|_took$|tempo|uptime|downtime|hours|minutes"
)
NO_HOURS = r"^0?0:\d\d:\d\d"
SAYS_HOURS = re.compile(r"(?i)hour|stunden|heures|horas|work|arbeit|shift|uptime")


@dataclass(frozen=True)
class NumberFormat:
    """Metadata of a column, what is doubtful about the reading, what else there is to say, and whether it measures something."""

    metadata: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    remark: str = ""
    is_measure: bool = False


@dataclass(frozen=True)
class Written:
    """Texts taken apart: the bare numbers, and of each text what stands around it."""

    numbers: pl.Series
    affixes: list[Affix]

    @property
    def units(self) -> list[str]:
        """The units, the most frequent first; of those with none, an empty one at the end."""
        return _by_frequency([each.unit for each in self.affixes])


def are_codes(texts: pl.Series) -> bool:
    """Whether the texts are neither numbers nor times: some have leading zeros, or no digit."""
    return bool(texts.str.contains(CODE).any() or not texts.str.contains(r"\d").all())


def candidates(texts: pl.Series) -> Iterator[NumberFormat]:
    """The formats of numbers that the texts look like, the simplest first."""
    if texts.str.contains(PLAIN).all():
        yield NumberFormat()
    ascii = _in_ascii(texts)
    plain = ascii.str.replace(numbers.NO_CENTS, "$1")
    has_dashes = {"decimal": "."} if not plain.equals(ascii) else {}
    for metadata in _separators(plain):
        yield NumberFormat(has_dashes | metadata)
    written = _taken_apart(plain)
    if written is None or not units.are_one(written.units) or _may_be_codes(written) or not _are_usual(written):
        return
    around = _metadata(written)
    if not around:
        return
    for separators in _of_amounts(written):
        yield NumberFormat(around | separators, _doubt(written, texts), _remark(written), is_measure=True)


def candidates_of_durations(texts: pl.Series, *, by_name: bool) -> Iterator[NumberFormat]:
    """The forms of durations that the texts look like; `by_name` gives only those that its name speaks of, or under an hour."""
    plain = _in_ascii(texts)
    are_short = len(texts) > 1 and bool(plain.str.contains(NO_HOURS).all())
    if bool(SAYS_DURATION.search(texts.name) or are_short) is not by_name:
        return
    minutes = durations.HOURS if SAYS_HOURS.search(texts.name) else durations.MINUTES
    for forms in ([durations.PARTS], [durations.CLOCK], [durations.ISO], [durations.CLOCK, minutes]):
        if _are_durations(plain.head(FIRST_TRIED), forms) and _are_durations(plain, forms):
            note = "read as {}; could also be {}".format(*_either(minutes)) if minutes in forms else ""
            yield NumberFormat({"duration": forms}, note, "in seconds", is_measure=True)


def why_text(texts: pl.Series) -> str:
    """What keeps texts with units from being numbers: several units, or a few words; empty if it is neither."""
    plain = _in_ascii(texts).str.replace(numbers.NO_CENTS, "$1")
    is_number = plain.str.contains(r"\d")
    written = _taken_apart(plain.filter(is_number)) if 2 * is_number.sum() > len(texts) else None
    if written is None or not all(each.is_known or not each.unit for each in written.affixes):
        return ""
    if not is_number.all():
        few = (~is_number).sum() < SLIPS * len(texts) and any(written.units) and units.are_one(written.units)
        return f"numbers except {min(texts.filter(~is_number))[:30]!r}: fix it?" if few else ""
    if units.are_one(written.units):
        return ""
    return f"numbers in several units, such as {' and '.join(repr(unit) for unit in written.units[:2])}"


def are_too_long(texts: pl.Series) -> bool:
    """Whether a number would lose digits of the texts, as of identifiers."""
    plain = _in_ascii(texts.drop_nulls()).str.strip_chars()
    return any(int(float(text)) != int(text) for text in plain.filter(plain.str.contains(LONG)).unique())


def _are_durations(texts: pl.Series, forms: list[str]) -> bool:
    return not durations.parse(texts, forms).has_nulls()


def _in_ascii(texts: pl.Series) -> pl.Series:
    return texts.to_frame("it").select(numbers.in_ascii(pl.col("it"))).to_series()


def _separators(texts: pl.Series) -> Iterator[dict[str, str]]:
    """The metadata of thousands and decimals of bare numbers."""
    for thousands, decimal in SEPARATORS:
        if texts.str.contains(_pattern(thousands, decimal)).all():
            yield ({"thousands": thousands} if thousands else {}) | ({"decimal": decimal} if decimal != "." else {})


def _pattern(thousands: str | None, decimal: str) -> str:
    point = re.escape(decimal)
    if thousands is None:
        return rf"^[+-]?(\d+{point}?\d*|{point}\d+){EXPONENT}$"
    groups = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+"
    if thousands == ",":
        groups += r"|\d{1,2}(?:,\d{2})+,\d{3}"  # as in India
    small = r"\d{1,3}" if thousands in ",." else r"\d+"
    return rf"^[+-]?(?:{groups}|{small})({point}\d*)?{EXPONENT}$"


def _taken_apart(texts: pl.Series) -> Written | None:
    """The numbers and what stands around them; None if some text is something else."""
    if not texts.head(FIRST_TRIED).str.contains(AROUND).all():
        return None
    parts = texts.to_frame("it").select(pl.col("it").str.extract_groups(AROUND)).unnest("it")
    around = parts.select("1", "3").unique()
    if parts["2"].has_nulls() or around.height > MOST_AFFIXES:
        return None
    known = {(before, after): units.affix(before, after) for before, after in around.iter_rows()}
    if None in known.values():
        return None
    scaled = units.scaled([each for each in known.values() if each])
    affixes = [known[pair] for pair in zip(parts["1"], parts["3"], strict=True)]
    return Written(parts["2"], [scaled.get(each, each) for each in affixes])  # type: ignore[arg-type, misc]


def _may_be_codes(written: Written) -> bool:
    """Whether whole numbers have leading zeros, or a letter that need not be a unit, such as 7x and R5."""
    whole, affixes = written.numbers.str.contains(WHOLE), written.affixes
    are_vague = any(len(each.unit) == 1 and not each.apart and not each.is_known for each in affixes)
    are_letters = any(each.unit in units.LETTERS and each.before for each in affixes)
    return bool(
        written.numbers.str.contains(CODE).any() or (are_vague and whole.all()) or (are_letters and whole.any())
    )


def _are_usual(written: Written) -> bool:
    """Whether marks are what may be expected: limits of few, negative numbers of some, and units of more than a slip."""
    every, plain = written.affixes, [each for each in written.affixes if not each.limit]
    with_unit = [each for each in every if each.unit]
    is_slip = 0 < len(with_unit) < len(every) and (len(with_unit) < SLIP * len(every) or not with_unit[0].is_known)
    return len(plain) > 1 and 2 * len(plain) >= len(every) and any(not each.negative for each in plain) and not is_slip


def _metadata(written: Written) -> dict[str, Any]:
    limits = _by_frequency([each.limit for each in written.affixes if each.limit])
    found = {
        "unit": written.units if any(written.units) else [],
        "exponents": {
            word: units.exponent(word) for word in _by_frequency([each.scale for each in written.affixes if each.scale])
        },
        "negative": _by_frequency([each.negative for each in written.affixes if each.negative]),
        "below": [limit for limit in limits if limit[0] in "<≤"],
        "above": [limit for limit in limits if limit[0] in ">≥"],
    }
    return {name: marks for name, marks in found.items() if marks}


def _of_amounts(written: Written) -> list[dict[str, str]]:
    """The separators of the numbers, the likeliest first: of money with thousands, if they leave that open."""
    found, bare = [*_separators(written.numbers)], written.numbers
    if not any(map(units.is_currency, written.units)):
        return found
    is_grouped = (bare.str.contains(GROUPED) | bare.str.contains(WHOLE)).all()
    signs = "".join({*"".join(bare)} & {*".,"}) if is_grouped else ".,"  # three digits after the only sign are no cents
    return sorted(found, key=lambda separators: separators.get("thousands", "none") not in signs)


def _doubt(written: Written, texts: pl.Series) -> str:
    """What is doubtful about the reading; empty if nothing."""
    unit, limited = written.units[0], [text for text, each in zip(texts, written.affixes, strict=True) if each.limit]
    doubts = (
        [f"those without a unit are taken as {unit or written.units[1]}, too"]
        if "" in written.units and any(written.units)
        else []
    )
    doubts += [f"{min(limited)!r:.30} is read as the limit itself"] if limited else []
    return "; ".join(doubts)


def _remark(written: Written) -> str:
    unit = next(filter(None, written.units), "")
    marks = {each.negative for each in written.affixes}
    remarks = [f"in {unit}" if unit else "", *(text for mark, text in NEGATIVE.items() if mark in marks)]
    return ", ".join(filter(None, remarks))


def _either(minutes: str) -> tuple[str, str]:
    return (minutes, durations.HOURS if minutes == durations.MINUTES else durations.MINUTES)


def _by_frequency(texts: list[str]) -> list[str]:
    """The different texts, the most frequent first, and an empty one at the end."""
    counts = Counter(texts)
    return sorted(counts, key=lambda text: (text == "", -counts[text], text))
