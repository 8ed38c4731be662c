"""What names or reaches one person: recognised by the values where they have a form, otherwise by the column's name.

A few patterns with their check digits, as a library for each country's numbers (python-stdnum) or of language models (presidio)
would be a dependency of every project for what is asked once, at adoption.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address

import polars as pl

from .dates import TEMPORAL
from .profile import Column
from .sensitive import words

MOSTLY = 0.9  # of the values have the form
LOOKED_AT, FEWEST = 300, 5  # distinct values
FULL_NAMES = 0.25  # of the values of a column have a common first name, a title or an initial
PERSON = re.compile(
    r"(?i)\b(james|john|robert|michael|william|david|richard|joseph|thomas|charles|christopher|daniel|matthew|"
    r"anthony|mark|donald|steven|paul|andrew|joshua|kenneth|kevin|brian|george|edward|ronald|timothy|"
    r"jason|jeffrey|ryan|jacob|gary|nicholas|eric|jonathan|stephen|larry|justin|scott|brandon|benjamin|"
    r"samuel|frank|gregory|raymond|alexander|patrick|jack|dennis|jerry|peter|henry|mary|patricia|"
    r"jennifer|linda|elizabeth|barbara|susan|jessica|sarah|karen|nancy|lisa|margaret|betty|sandra|ashley|"
    r"dorothy|kimberly|emily|donna|michelle|carol|amanda|melissa|deborah|stephanie|rebecca|laura|sharon|"
    r"cynthia|kathleen|amy|angela|anna|maria|jose|juan|luis|carlos|antonio|pedro|ana|carmen|jean|"
    r"pierre|jacques|philippe|michel|marie|claude|nicolas|francois|hans|klaus|wolfgang|jürgen|andreas|"
    r"stefan|ursula|monika|petra|sabine|katharina|giuseppe|giovanni|ivan|olga|ahmed|mohammed|muhammad|"
    r"ali|fatima|wei|priya|raj|kumar|mr|mrs|miss|ms|dr|prof|herr|frau|mme|mlle|sr|sra)\b"
)
"""Common first names, and titles."""
INITIAL = re.compile(r"[A-Z]\. ")


def _mod97(text: str) -> bool:
    """ISO 13616, of an IBAN."""
    compact = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", compact):
        return False
    return int("".join(str(int(sign, 36)) for sign in compact[4:] + compact[:4])) % 97 == 1


def _luhn(text: str) -> bool:
    """ISO 7812, of a card: its first digit says which kind of company issued it."""
    digits = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[2-6]\d{12,18}", digits):
        return False
    odd, even = digits[::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(sum(divmod(2 * int(digit), 10)) for digit in even)) % 10 == 0


def _is_ip(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _form(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text, re.IGNORECASE) is not None


FORMS: dict[str, Callable[[str], bool]] = {
    "e-mail address": _form(r"[^@\s]+@[^@\s]+\.[a-z]{2,}"),
    "IP address": _is_ip,
    "account number": _mod97,
    "card number": _luhn,
    "phone number": _form(r"\+\d[\d ()/.-]{6,20}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}( ?x\d+)?"),
    "national id": _form(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}|[A-CEGHJ-PR-TW-Z]{2} ?(\d{2} ?){3}[A-D]"),
    "postal address": _form(
        r"\d+[a-z]?,? .*\b(street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|way)\b.*"
        r"|.*(straße|strasse|str\.|weg|platz) ?\d+.*|\d+,? (rue|avenue|boulevard) .*"
    ),
}
"""By kind, whether a text has its form; national ids are those of the United States and the United Kingdom."""
INSIDE = {
    "first name or title": PERSON,
    "e-mail address": re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE),
    "phone number": re.compile(r"\+\d[\d ()/.-]{6,20}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"),
}
"""By kind, what it looks like inside a text."""
HAS_LETTERS, HAS_DIGITS = re.compile(r"[^\W\d_]"), re.compile(r"(\d\D*){5}")
NAMED = {
    "e-mail address": (r"e ?mail( address)?", HAS_LETTERS),
    "account number": (r"iban|(bank )?(account|acct) (number|no|nr|num)|konto ?(nummer|nr)", HAS_DIGITS),
    "card number": (r"(credit |debit )?card (number|no|nr|num)", HAS_DIGITS),
    "phone number": (r"((tele)?phone|mobile|cell|fax|telefon|handy)( number| no| nr| num)?", HAS_DIGITS),
    "national id": (
        r"ssn|social security( number| no)?|national id|passport( number| no| id)?|tax id|nino|nif|cpf",
        HAS_DIGITS,
    ),
    "postal address": (r"address|adresse|street|strasse|straße|address line( \d)?", HAS_LETTERS),
    "name": (
        r"(first|last|full|given|family|middle|maiden|sur|fore|nick|vor|nach) ?names?|prenom|apellidos?",
        HAS_LETTERS,
    ),
}
"""By kind, how names of its columns end, and what is in the values: a `mobile` may also be a count."""
BIRTH = r"(date of |birth ?|geburts)(birth|date|day|datum|tag)|dob|born"


def kind(column: Column) -> str | None:
    """What of one person the column holds, if it does."""
    name = " ".join(words(column.name))
    if column.kind in TEMPORAL:
        return "date of birth" if _ends(name, BIRTH) else None
    named = [(kind, values) for kind, (names, values) in NAMED.items() if _ends(name, names)]
    if column.kind != "String" and not named and not _has_numbers_of_cards(column):
        return None
    texts = column.sample.drop_nulls().cast(pl.String).unique(maintain_order=True).head(LOOKED_AT).to_list()
    if len(texts) < FEWEST:
        return None
    by_form = (kind for kind, has_form in FORMS.items() if sum(map(has_form, texts)) >= MOSTLY * len(texts))
    by_name = (kind for kind, values in named if sum(1 for text in texts if values.search(text)) >= MOSTLY * len(texts))
    return next(by_form, None) or next(by_name, None) or ("name" if _are_full_names(texts) else None)


def inside(column: Column) -> dict[str, float]:
    """By kind the share of the column's texts in which something of one person stands among other words."""
    texts = column.sample.drop_nulls().unique(maintain_order=True).head(LOOKED_AT).to_list()
    found = {kind: sum(bool(form.search(text)) for text in texts) for kind, form in INSIDE.items()}
    return {kind: count / len(texts) for kind, count in found.items() if count}


def _ends(name: str, pattern: str) -> bool:
    return re.search(rf"(^| )({pattern})$", name) is not None


def _has_numbers_of_cards(column: Column) -> bool:
    return column.kind == "Int64" and (column.low or 0) >= 10**12


def _are_full_names(texts: list[str]) -> bool:
    """Whether they are a few words each, often a sign of a person among them."""
    if sum(2 <= len(re.findall(r"[^\W\d_]+", text)) <= 7 for text in texts) < MOSTLY * len(texts):
        return False
    return sum(bool(PERSON.search(text) or INITIAL.match(text)) for text in texts) >= FULL_NAMES * len(texts)
