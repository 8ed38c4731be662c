"""What reports have below the last row of a table: totals, averages and notes, which would be taken for rows."""

import re
from collections.abc import Callable

import polars as pl

from ..errors import FactoryError, listed

LAST = 5  # rows looked at
HEAD = 1000  # rows that the last ones are compared with first
LEAST = 5  # numbers other than zero that make a sum no coincidence
UNREAD = (pl.List, pl.Array, pl.Struct, pl.Binary, pl.Object, pl.Duration)
REMEDY = "take it out; if it is a row like others, move it away from the end"
TOTAL = (
    "total|totals|totale|totali|totales|totaux|totaal|totalt|totalsumme|grand total|sub-?total|sous-total|subtotaal|"
    "sum|sums|sum total|summe|gesamt|gesamtsumme|gesamtergebnis|gesamtwert|endsumme|zwischensumme|insgesamt|"
    "somme|total g[ée]n[ée]ral|ensemble|suma|suma total|suma końcowa|total general|somma|totale complessivo|"
    "totale generale|som|eindtotaal|summa|totalsumma|sammanlagt|i alt|hovedtotal|yhteensä|loppusumma|razem|łącznie|ogółem|"
    "celkem|celkový součet|spolu|összesen|végösszeg|soma|total geral|toplam|genel toplam|ukupno|skupaj|kokku|kopā|iš viso|"
    "итого|всего|итог|общий итог|сумма|разом|усього|всього|общо|укупно|σύνολο|γενικό σύνολο|"
    '合計|总计|總計|合计|小計|小计|総計|총계|합계|총합계|المجموع|الإجمالي|סה"כ|कुल|कुल योग|รวม|รวมทั้งหมด|tổng|tổng cộng|jumlah'
)
AVERAGE = (
    "average|avg|mean|mittelwert|durchschnitt|ø|moyenne|promedio|gemiddelde|medelvärde|keskiarvo|średnia|průměr|среднее"
)
WORD = re.compile(rf"\W*({TOTAL}|{AVERAGE})(\W*[\d(].*|\W+(?-i:[A-Z]{{3}}))?\W*", re.IGNORECASE)
NOTE = re.compile(r"\S+\s+\S.*", re.DOTALL)
SENTENCE = re.compile(
    r".*([:!*©]|\w{3}\.$|\d{4}|\S+(\s+\S+){3}).*", re.DOTALL
)  # rather than a name of two or three words


def check(rows: pl.LazyFrame, last: pl.DataFrame, name: object, place: Callable[[int], str]) -> None:
    """Refuse a table with something else among its `last` rows; `place` says where one is, counted from the end, the last being 1.

    Raises FactoryError. All rows are only read where the last ones look so.
    """
    known = [column for column, dtype in rows.collect_schema().items() if dtype.base_type() not in UNREAD]
    rows, last = rows.select(known), last.select(known)
    head = rows.head(HEAD + LAST).collect()
    head = head.head(min(HEAD, head.height - last.height))
    if len(known) < 2 or head.is_empty():
        return
    for number, values in enumerate(reversed(last.rows(named=True)), 1):
        filled = {
            column: text for column, value in values.items() if (text := "" if value is None else str(value).strip())
        }
        if _is_note(filled, head):
            raise FactoryError(f"{name}: {place(number)} is a note below the table: {REMEDY}")
        if _is_named_total(filled, rows, last.width):
            raise FactoryError(f"{name}: {place(number)} is a total or an average of the rows above: {REMEDY}")
        if number == 1 and (summed := _sums(filled, head, rows)):
            raise FactoryError(f"{name}: {place(1)} has the sums of the rows above, of {listed(summed, 3)}: {REMEDY}")


def _is_note(filled: dict[str, str], head: pl.DataFrame) -> bool:
    """Whether only the first column is filled, with a sentence or words where others have one, in a table of rows with more."""
    if head.width <= 2 or [*filled] != head.columns[:1] or not NOTE.fullmatch(text := filled[head.columns[0]]):
        return False
    if head.select(_text(head.columns[0]).str.contains(r"\s").any()).item() and not SENTENCE.fullmatch(text):
        return False
    return not head.select(pl.all_horizontal(_text(column) == "" for column in head.columns[1:]).any()).item()


def _is_named_total(filled: dict[str, str], rows: pl.LazyFrame, width: int) -> bool:
    """Whether a word for a total is in it, and nowhere else, and it has gaps or numbers that stand out."""
    for column in (column for column, text in filled.items() if WORD.fullmatch(text)):
        is_it = _text(column) == filled[column]
        numbers = [name for name in filled if _number(filled[name]) is not None]
        others = {name: _numeric(name).filter(~is_it) for name in numbers}
        facts = [
            pl.struct(sum=other.sum(), mean=other.mean(), min=other.min(), max=other.max(), count=other.count()).alias(
                f"{place}"
            )
            for place, other in enumerate(others.values())
        ]
        found = rows.select(is_it.sum().alias("times"), pl.len().alias("rows"), *facts).collect(engine="streaming")
        times, height, *figures = found.row(0)
        if times != 1 or height <= 2:
            continue
        known = [(filled[name], each) for name, each in zip(numbers, figures, strict=True) if each["count"]]
        if len(filled) < width or _stand_out(known):
            return True
    return False


def _stand_out(known: list[tuple[str, dict[str, float]]]) -> bool:
    """Whether one of the numbers is beyond all others, or each is their sum, or their mean; so it is without numbers."""
    if any(not others["min"] <= float(text) <= others["max"] for text, others in known):
        return True
    return any(all(_is_near(text, others[figure]) for text, others in known) for figure in ("sum", "mean"))


def _sums(filled: dict[str, str], head: pl.DataFrame, rows: pl.LazyFrame) -> list[str]:
    """The columns with numbers, if each has the sum of the others, and that can be no coincidence."""
    numbers = [name for name in filled if _number(filled[name]) is not None]
    if not numbers:
        return []
    most = 0
    for name in numbers:
        first = head.select(_numeric(name)).to_series().drop_nulls()
        if not _may_be_sum(float(filled[name]), first):
            return []
        most = max(most, int((first != 0).sum()))
    if most < LEAST:
        return []
    sums = rows.select(_numeric(name).sum() for name in numbers).collect(engine="streaming").row(0, named=True)
    return numbers if all(_is_near(filled[name], sums[name] - float(filled[name])) for name in numbers) else []


def _may_be_sum(value: float, first: pl.Series) -> bool:
    """Whether it may be the sum of all, by the first ones: of numbers of both signs it is greater than each."""
    if first.is_empty():
        return False
    return bool(value >= first.sum() * (1 - 1e-9) - 0.5 if (first >= 0).all() else abs(value) > first.abs().max())  # type: ignore[operator]


def _is_near(text: str, value: float) -> bool:
    """Whether the text is the number, as far as its digits go."""
    digits = len(text.partition(".")[2]) if "e" not in text.lower() else 0
    return abs(float(text) - value) <= 0.51 * 10.0**-digits + 1e-9 * abs(value)


def _number(text: str) -> float | None:
    try:
        return float(text) if text[-1:].isdecimal() else None
    except ValueError:
        return None


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.strip_chars().fill_null("")


def _numeric(column: str) -> pl.Expr:
    return _text(column).cast(pl.Float64, strict=False).fill_nan(None)
