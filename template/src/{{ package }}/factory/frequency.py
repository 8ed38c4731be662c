"""How far apart observations are: as params.yaml states it, such as `1h`, and other ways to write it."""

import re
from difflib import get_close_matches

PATTERN = r"^[1-9]\d*(m|h|d|w|mo|q|y)$"
ALLOWED = "write a number and m, h, d, w, mo, q or y, such as 15m, 1h, 1d, 1w, 1mo, 1q or 1y"
WORDS = {
    "s": "s sec secs second seconds",
    "m": "m min mins minute minutes minutely",
    "h": "h hr hrs hour hours hourly",
    "d": "d day days daily",
    "w": "w wk wks week weeks weekly",
    "mo": "mo mon mth mths month months monthly",
    "q": "q qtr qtrs quarter quarters quarterly",
    "y": "y yr yrs year years yearly annual annually",
}
ALIASES = {"M": "mo", "MS": "mo", "ME": "mo", "T": "m", "QS": "q", "QE": "q", "A": "y", "YS": "y", "YE": "y"}
"""Those of pandas; M is also a month of ISO 8601."""
UNITS = {word: unit for unit, words in WORDS.items() for word in words.split()}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
NUMBERS = {"": "1", "a": "1", "an": "1", "one": "1", "two": "2", "half": "0.5", "half a": "0.5", "half an": "0.5"}
NUMBER = r"\d+(?:[.,]\d+)?|(?:half(?: an?)?|an?|one|two)\b"
PART = re.compile(rf"(?P<count>{NUMBER})?\s*(?P<word>[a-z]+)", re.IGNORECASE)
CLOCK = re.compile(r"(?:(\d+) days?,? )?(\d+):(\d\d)(?::(\d\d))?")


def checked(value: object) -> str:
    """The value, if it is one that params.yaml may have. Raises ValueError, which names what may be meant."""
    if isinstance(value, str) and re.fullmatch(PATTERN, value):
        return value
    meant = understood(value) if isinstance(value, str) else None
    question = f"; did you mean {meant}?" if meant else ""
    raise ValueError(f"{value!r} is not how far observations are apart: {ALLOWED}{question}")


def understood(text: str) -> str | None:
    """What is meant by another way to write it, such as `hourly`, `1 day`, `60min`, `1M` or `PT15M`; None where nobody can know."""
    plain = re.sub(r"^\s*(every|each|per|once)\b|(?<=[A-Za-z])-[A-Za-z]{3}$", "", text).strip()  # W-SUN of pandas
    if clock := CLOCK.fullmatch(plain):
        return _sum([(float(count or 0), unit) for count, unit in zip(clock.groups(), "dhms", strict=True)])
    if iso := re.fullmatch(r"P(\w*?)(?:T(\w+))?", plain):  # 8601: a month before T, a minute behind it
        plain = iso[1] + (iso[2] or "").lower()
    plain = re.sub(r"(?<=\w)-", " ", plain)
    parts = [(each["count"] or "", each["word"]) for each in PART.finditer(plain)]
    rest = PART.sub("", plain).strip(" ,.")
    units = [_unit(word) for _, word in parts]
    if rest or not parts or None in units:
        return None
    counts = (float(NUMBERS.get(count.lower(), count).replace(",", ".")) for count, _ in parts)
    return _sum([(count, unit) for count, unit in zip(counts, units, strict=True) if unit])


def _unit(word: str) -> str | None:
    if known := ALIASES.get(word) or UNITS.get(word.lower()):
        return known
    alike = [each for each in UNITS if each[0] == word[0].lower()]  # which biweekly and jour are not
    close = get_close_matches(word.lower(), alike, n=1, cutoff=0.8) if len(word) > len("day") else []
    return UNITS[close[0]] if close else None


def _sum(parts: list[tuple[float, str]]) -> str | None:
    """The parts together, as a whole number of the unit of the only one, or of the largest possible; None where there is none."""
    count, unit = parts[0]
    if len(parts) == 1 and unit != "s" and count.is_integer():
        return f"{count:.0f}{unit}" if count else None
    if not {unit for _, unit in parts} <= SECONDS.keys():
        return None
    seconds = sum(count * SECONDS[unit] for count, unit in parts)
    size, unit = next(((size, unit) for unit, size in reversed(SECONDS.items()) if seconds % size == 0), (0, ""))
    return f"{seconds / size:.0f}{unit}" if seconds and size > 1 else None
