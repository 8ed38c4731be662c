"""What names of columns mean for their values: which are possible, and which never are below zero, zero, or in the future."""

import re
from collections.abc import Iterator

Ranges = tuple[tuple[float, float], ...]

MEANINGS: dict[str, Ranges] = {
    "age|alter|edad|idade|leeftijd|âge": ((0, 120),),
    "hour|hr": ((0, 23), (0, 24)),
    "minute|second": ((0, 59),),
    "weekday|dayofweek|dow": ((1, 7), (0, 6), (0, 7)),
    "day|dayofmonth|mday": ((1, 31),),
    "week": ((1, 53),),
    "month": ((1, 12),),
    "quarter": ((1, 4),),
    "percent|percentage|pct|perc": ((0, 1), (0, 100)),
    "rate|share|probability|prob|fraction|proportion": ((0, 1),),
    "humidity|humid": ((0, 1), (0, 100)),
    "latitude|lat": ((-90, 90),),
    "longitude|lon|lng|long": ((-180, 180),),
    "rating|stars": ((1, 5), (0, 5), (1, 10), (0, 10)),
}
"""Of words in a name, the ranges that they may stand for: the first that holds all values."""
FILLED = {"minute|second": 0.75, "day|dayofmonth|mday": 0.75, "hour|hr": 0.5, "week": 0.5}
"""The share of the range that the values reach where the word may also be a duration or a running number."""
SIGNED = {
    *("temperature", "temp", "celsius", "fahrenheit", "dewp", "dewpoint", "elevation", "altitude", "balance", "profit"),
    *("profits", "margin", "net", "change", "return", "growth", "delta", "diff", "difference", "gain", "anomaly"),
}
SIZES = {
    *("size", "area", "volume", "length", "width", "height", "depth", "weight", "mass", "bmi", "carat", "diameter"),
    *("größe", "groesse", "fläche", "flaeche", "länge", "laenge", "breite", "höhe", "hoehe", "tiefe", "gewicht"),
    *("taille", "surface", "longueur", "largeur", "hauteur", "poids", "tamaño", "ancho", "alto", "peso"),
}
"""Of things that exist: above zero."""
NEVER_BELOW_ZERO = SIZES | {
    *("price", "prices", "fee", "fare", "tip", "salary", "wage", "rent", "count", "number", "distance", "duration"),
    *("speed", "pressure", "precip", "precipitation", "rain", "snow"),
    *("quantity", "qty", "anzahl", "menge", "preis", "prix", "precio", "cantidad"),
}
"""Words in a name by which values may be below zero, or never are."""
AHEAD = {
    *("due", "deadline", "expiry", "expires", "expiration", "until", "valid", "end", "ends", "planned", "scheduled"),
    *("next", "forecast", "target", "maturity", "renewal", "fällig", "faellig", "ablauf", "bis", "ende", "échéance"),
}
"""Words in a name by which times may be in the future."""
YEARS = {"year", "yr", "jahr", "baujahr", "année", "annee", "año", "ano", "anno", "jaar"}
WORDS = re.compile(r"[^\W\d_]+")
BOUNDARIES = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words(name: str) -> list[str]:
    """The words of a name, in lower case, also of `CamelCase`."""
    return [word.lower() for word in WORDS.findall(BOUNDARIES.sub(" ", name))]


def meanings(name: str) -> Iterator[tuple[str, Ranges]]:
    """By the words that a name begins or ends with, the ranges that they may stand for."""
    found = words(name)
    ends = {"".join(found), *found[:1], *found[-1:]}
    yield from ((names, ranges) for names, ranges in MEANINGS.items() if ends.intersection(names.split("|")))
