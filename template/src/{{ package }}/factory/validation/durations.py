"""Durations from the texts of a table, as seconds."""

import polars as pl

UNITS = {
    "w": (604_800, "w|wks?|weeks?|Wochen?|semaines?|semanas?|settiman[ae]|tygodni?e?"),
    "d": (86_400, "d|days?|Tagen?|Tage?|jours?|j|d[ií]as?|giorn[oi]|dni|dzień|dagar|dagen|dage?"),
    "h": (3600, "h|hrs?|hours?|Std|Stdn?|Stunden?|heures?|horas?|or[ae]|godz|uur|tim|timmar|timer?|t"),
    "m": (60, "m|mn|mins?|minutes?|Minuten?|minutos?|minut[oi]|minut|minuter"),
    "s": (1, "s|secs?|seconds?|Sek|Sekunden?|secondes?|segundos?|second[oi]|sek|sekund|seconden"),
    "ms": (0.001, "ms|msecs?|milliseconds?|Millisekunden?"),
}
"""Of each unit the seconds, and the words for it."""
NUMBER = r"\d+(?:[.,]\d+)?"
PARTS, CLOCK, MINUTES, HOURS, ISO = "2h 30m", "h:mm:ss", "m:ss", "h:mm", "ISO 8601"
_AND = r"[\s,]*(?:(?:and|und|et|y|e|i)\s+)?"
_WORDS = {unit: rf"(?:(?P<{unit}>{NUMBER})\s*(?i:{words})\.?{_AND})?" for unit, (_, words) in UNITS.items()}
FORMS = {
    PARTS: "".join(_WORDS.values()),
    CLOCK: rf"{_WORDS['d']}(?P<h>\+?\d+):(?P<m>[0-5]?\d):(?P<s>[0-5]?\d(?:[.,]\d+)?)",
    MINUTES: r"(?P<m>\d+):(?P<s>[0-5]\d(?:[.,]\d+)?)",
    HOURS: r"(?P<h>\d+):(?P<m>[0-5]\d)",
    ISO: rf"P(?:(?P<w>{NUMBER})W)?(?:(?P<d>{NUMBER})D)?(?:T(?:(?P<h>{NUMBER})H)?(?:(?P<m>{NUMBER})M)?(?:(?P<s>{NUMBER})S)?)?",
}
"""The forms by their names in metadata, and what the texts look like, after a sign."""


def parse(text: pl.Expr, forms: list[str]) -> pl.Expr:
    """The texts in seconds; null where they have none of the forms."""
    return pl.coalesce(_seconds(text, form) for form in forms)


def _seconds(text: pl.Expr, form: str) -> pl.Expr:
    parts = text.str.extract_groups(f"^(?P<sign>[+-]?){FORMS[form]}$")
    named = [unit for unit in UNITS if f"<{unit}>" in FORMS[form]]
    counts = [parts.struct.field(unit).str.replace(",", ".").cast(pl.Float64, strict=False) for unit in named]
    seconds = pl.sum_horizontal(count * UNITS[unit][0] for unit, count in zip(named, counts, strict=True))
    is_known = pl.any_horizontal(count.is_not_null() for count in counts)
    sign = parts.struct.field("sign")
    if form == CLOCK:  # Python's "-1 days +23:59:55" is five seconds before
        days = parts.struct.field("d").cast(pl.Float64, strict=False).fill_null(0.0) * UNITS["d"][0]
        is_whole = parts.struct.field("h").str.starts_with("+")
        seconds = pl.when((sign == "-") & is_whole).then(2 * days - seconds).otherwise(seconds)
    return pl.when(is_known).then(pl.when(sign == "-").then(-seconds).otherwise(seconds))
