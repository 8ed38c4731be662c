"""How people write true and false in many languages."""

import unicodedata
from typing import Any

import polars as pl

PAIRS = (
    "true false, yes no, y n, t f, on off, ja nein, j n, wahr falsch, richtig falsch, oui non, o n, vrai faux, sí no, s n, "
    "verdadero falso, verdadeiro falso, sim não, vero falso, tak nie, t n, prawda fałsz, ano ne, a n, áno nie, pravda nepravda, "
    "да нет, истина ложь, так ні, ja nej, ja nei, sand falsk, sant falskt, sann usann, ja nee, waar onwaar, kyllä ei, k e, "
    "tosi epätosi, igen nem, i n, igaz hamis, evet hay\u0131r, e h, do\u011fru yanl\u0131\u015f, da nu, adevărat fals, da ne, "
    "да не, \u03bd\u03b1\u03b9 \u03cc\u03c7\u03b9, jah ei, jā nē, taip ne, po jo, bai ez, já nei, có không, ya tidak, oo hindi, "
    "ใช่ ไม่ใช่, हाँ नहीं, হ্যাঁ না, نعم لا, صحيح خطأ, بله خیر, כן לא, はい いいえ, 是 否, 对 错, 真 假, 真 偽, "
    "예 아니요, 예 아니오, 네 아니요, ✓ ✗, ✔ ✘, ✅ ❌, ☑ ☐"
)
"""The words for yes and for no."""
MOST_FORMS = 100  # of upper and lower case


def candidate(texts: pl.Series) -> dict[str, Any] | None:
    """The metadata of booleans if the texts are the words of a pair; None if they are not."""
    folded = {text: _folded(text) for text in texts} if len(texts) <= MOST_FORMS else {}
    for yes, no in BOOLEANS if len(set(folded.values())) == 2 else ():
        if {yes, no} == set(folded.values()):
            true, false = (sorted(text for text in folded if folded[text] == word) for word in (yes, no))
            return {} if (yes, no) == BOOLEANS[0] else {"true": true, "false": false}
    return None


def _folded(word: str) -> str:
    """The word in lower case and without accents."""
    letters = unicodedata.normalize("NFKD", word.strip().lower())
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")


BOOLEANS = tuple((_folded(yes), _folded(no)) for yes, no in (pair.split() for pair in PAIRS.split(", ")))
