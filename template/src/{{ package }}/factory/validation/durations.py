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


def parse(texts: pl.Series, forms: list[str]) -> pl.Series:
    """The texts in seconds; null where they have none of the forms."""
    return pl.select(pl.coalesce(_seconds(texts, form) for form in forms)).to_series()


def _seconds(texts: pl.Series, form: str) -> pl.Series:
    parts = texts.to_frame("it").select(pl.col("it").str.extract_groups(f"^(?P<sign>[+-]?){FORMS[form]}$")).unnest("it")
    named = [unit for unit in UNITS if unit in parts.columns]
    counts = {unit: pl.col(unit).str.replace(",", ".").cast(pl.Float64, strict=False) for unit in named}
    seconds = pl.sum_horizontal(count * UNITS[unit][0] for unit, count in counts.items())
    is_known = pl.any_horizontal(pl.col(unit).is_not_null() for unit in named)
    is_negative = pl.col("sign") == "-"
    if form == CLOCK:  # Python's "-1 days +23:59:55" is five seconds before
        days = counts["d"].fill_null(0.0) * UNITS["d"][0]
        seconds = pl.when(is_negative & pl.col("h").str.starts_with("+")).then(2 * days - seconds).otherwise(seconds)
    signed = pl.when(is_negative).then(-seconds).otherwise(seconds)
    return parts.select(pl.when(is_known).then(signed)).to_series()
