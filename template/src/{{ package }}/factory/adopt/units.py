"""What people write around numbers: currencies, units, signs of negative numbers and marks of values beyond a limit."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace

CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
    "CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ "
    "GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL "
    "LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN "
    "PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD "
    "TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR "
    "ZMW ZWG ZWL"
)
CURRENCIES = frozenset(CODES.split())
"""The codes of ISO 4217."""
IN_LOWER_CASE = (
    "eur usd gbp jpy chf inr pln czk sek nok dkk cad aud cny brl try rub "
    "kr zł kč ft lei leu лв \u0440\u0443\u0431 \u0440 грн fr sfr rs rm rp s/ bs ksh tsh ush tk dhs дин ден 元 円 원 圓 圆 د.إ ر.س ج.م "
    "euro euros dollar dollars pound pounds franken francs rupees yen ct cent cents"
)
NAMES = frozenset(IN_LOWER_CASE.split())
"""Names and abbreviations of currencies, without a full stop at the end."""
ALIASES = {"€": "eur", "euro": "eur", "euros": "eur", "£": "gbp", "us$": "usd", "$": "usd", "¥": "jpy", "₹": "inr"}
ALIASES |= {"zł": "pln", "fr": "chf", "sfr": "chf", "kč": "czk", "\N{MICRO SIGN}": "μ"}
LETTERS = frozenset("RLQP")  # abbreviations of currencies, or the beginning of a code
MAGNITUDES = {
    3: "k thousand tsd tis tys mille mil 千",
    4: "万 萬 만",
    5: "lakh lakhs lac",
    6: "m mn mln mio million millions millionen mill 百万",
    7: "crore crores cr",
    8: "億 亿 억",
    9: "b bn bln billion billions mrd milliard milliarden",
    12: "t tn trn trillion trillions bio 兆",
}
EXPONENTS = {word: exponent for exponent, words in MAGNITUDES.items() for word in words.split()}
"""Of words for powers of ten, in lower case and without a full stop at the end, the exponent."""
CLEAR = frozenset({"k", "K", "M"} | {word for word in EXPONENTS if len(word) > 2})
"""Words that hardly mean a unit."""
SIGNS = set("%‰‱°\"'℃℉²³㎡㎥㎏㎝㎞㎜Ωμ\N{PRIME}\N{DOUBLE PRIME}\N{MICRO SIGN}\N{OHM SIGN}")  # that no code has
BASE = "m|g|s|A|K|mol|cd|Hz|N|Pa|J|W|V|F|lm|lx|Bq|Gy|Sv|l|L|t|b|B|bit|eV|bar|cal|Wh|Ah|VA"
OTHERS = (
    "in|inch|ft|yd|mi|mph|kph|kmh|kn|kts?|oz|lbs?|gal|ha|psi|mmHg|inHg|atm|hp|PS|rpm|px|dBA?|ppm|ppb|hrs?|h|min|mins|sec|secs|days?|"
    "wks?|yrs?|pcs?|Stk|Std|years?|months?|weeks?|hours?|minutes?|seconds?|Tage?|Jahre?|ans?|años?"
)
KNOWN = re.compile(rf"^(?:(?:da|[pnuµμmcdhkMGTP])?(?:{BASE})|{OTHERS})[23²³]?\.?(?:$|[/·*^ ])")
WORDS = 3
LONGEST = 20  # characters
DIGITS = r"(?:(?<=[^\W\d_])|(?<=\^)|(?<=\^-))\d(?!\d)|(?<=/)\d+"
HALF_DAYS = ("am", "pm", "a.m", "p.m")
LIMIT = re.compile("^(?:[<>]=?|[≤≥])")
PLURAL = re.compile("^(?:s|es|e|n|en|er)?$")
NEVER_DIFFERS = 3  # letters from which on upper and lower case are the same unit


@dataclass(frozen=True)
class Affix:
    """What stands around a number: its unit, whether before it or apart, marks of a limit and a minus, and a power of ten."""

    unit: str = ""
    before: bool = False
    apart: bool = False
    limit: str = ""
    negative: str = ""
    scale: str = ""

    @property
    def is_known(self) -> bool:
        return is_currency(self.unit) or bool(SIGNS & set(self.unit)) or bool(KNOWN.match(self.unit))


def affix(before: str, after: str) -> Affix | None:
    """What the text before and after a number means; None if neither is a unit or a mark."""
    limit = found.group() if (found := LIMIT.match(before)) else ""
    before, after, negative = before[len(limit) :].strip(), after.rstrip(), ""
    apart, after = after.startswith(" "), after.strip()
    if "(" in before and ")" in after:
        before, after, negative = before.replace("(", "", 1).strip(), after.replace(")", "", 1).strip(), "()"
    elif before.strip("+-") == before and (after.startswith("-") or after.endswith("-")):
        after, negative = after.strip("-").strip(), "-"
    else:
        before = before.lstrip("+-").strip() if before[:1] in "+-" else before.rstrip("+-").strip()
    if before and (is_currency(before) or before in LETTERS) and (not after or exponent(after)):
        return Affix(before, True, limit=limit, negative=negative, scale=after)
    is_unit = not before and (not after or _may_be_unit(after))
    return Affix(after, apart=apart, limit=limit, negative=negative) if is_unit else None


def exponent(word: str) -> int:
    """The power of ten that the word stands for; 0 if for none."""
    return EXPONENTS.get(word.rstrip(".").lower(), 0)


def scaled(affixes: Collection[Affix]) -> dict[Affix, Affix]:
    """Those with powers of ten in place of units, if they differ by those, as in 1.5M and 300k."""
    parts = {each: _magnitude(each.unit) for each in affixes}
    words = {word for word, _ in parts.values() if word}
    exponents = {exponent(word) for word, _ in parts.values()}
    is_money = all(is_currency(unit) for _, unit in parts.values())
    are_clear = is_money or len(exponents - {0}) > 1 or words <= CLEAR
    if (
        len(exponents) == 1
        or not are_clear
        or not all(word or not unit or is_currency(unit) for word, unit in parts.values())
    ):
        return {}
    return {each: replace(each, unit=unit, scale=word) for each, (word, unit) in parts.items() if word}


def _magnitude(unit: str) -> tuple[str, str]:
    """The power of ten that a unit begins with, and the rest of it, if that is nothing or a currency."""
    for word in sorted(EXPONENTS, key=len, reverse=True):
        rest = unit[len(word) :].lstrip(". ")
        if unit.lower().startswith(word) and (not rest or is_currency(rest)):
            return unit[: len(unit) - len(rest)].strip(), rest
    return "", unit


def is_sign(unit: str) -> bool:
    """Whether it is the sign of a currency, alone or with a country, such as US$."""
    return (
        any(unicodedata.category(each) == "Sc" for each in unit) and len(unit) <= LONGEST and not re.search(r"\d", unit)
    )


def is_currency(unit: str) -> bool:
    """Whether it is a sign, a code or an abbreviation of a currency."""
    name = unit.rstrip(".")
    if is_sign(unit):
        return True
    return name in CURRENCIES or name.lower() in NAMES


def are_one(units: Collection[str]) -> bool:
    """Whether the units are one, but for case, a full stop, a sign in place of a code, or the plural."""
    names = sorted({_name(unit) for unit in units if unit}, key=len)
    return all(PLURAL.match(name[len(names[0]) :]) and name.startswith(names[0]) for name in names) and (
        len(set(names)) < 2 or len(names[0]) > 1
    )


def _name(unit: str) -> str:
    name = unit.rstrip(".")
    name = ALIASES.get(name.lower(), name)
    return name.lower() if len(name) >= NEVER_DIFFERS or is_currency(name) or name.lower()[:1] not in "mp" else name


def _may_be_unit(text: str) -> bool:
    """Whether it is short, and begins with a letter or a sign; digits are powers or amounts, such as m2 and /100km."""
    letters = re.sub(DIGITS, "", text)
    is_short = len(text) <= LONGEST and len(text.split()) <= WORDS
    begins = text[0].isalpha() or text[0] in SIGNS or is_sign(text[0])
    is_plain = all(
        each.isalpha() or each in SIGNS or each in " /·*^.-" or unicodedata.category(each) in ("Sc", "Mn")
        for each in letters
    )
    return begins and is_plain and is_short and text.rstrip(".").lower() not in HALF_DAYS
