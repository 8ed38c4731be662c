"""Columns of groups of people that a model must not treat unfairly, by their names or by their values."""

import re

from .profile import Column

PLAIN = re.compile(
    r"sex(es|e|o|ual\w*)?|gender|geschl\w*|(fe)?males?|wom[ae]n|transgender|lgbt\w*|ethn(ic\w*)?|racial|afam|"
    r"non(white|black|hisp\w*)|hisp\w*|latin[oax]s?|asians?|caucasians?|minorit(y|ies)|caste|relig\w*|muslims?|christians?|"
    r"jew(s|ish)|catholics?|hindus?|nationalit\w*|citizen\w*|staatsang\w*|foreign(er|ers|born)|immigra\w*|migrants?|refugees?|"
    r"nativity|mar(it(al|l)\w*|r)|(un)?married|divorced|widow\w*|familienstand|pregnan\w*|disab(led|ilit\w*)?|handicapped|veterans?"
)
"""Words that mean such a group wherever they are in a name."""
AGE = re.compile(r"ages?")
AMBIGUOUS = re.compile(rf"{AGE.pattern}|race|black|white|native|foreign|single|union")
COMPANIONS = re.compile(
    r"\d+|is|has|non|not|self|reported|of|in|the|at|years?|yrs?|group|grp|band|range|cat|category|class|code|cd|bin|bracket|flag|"
    r"ind|indicator|dummy|desc|description|label|value|ethnicity|country|americans?|applicants?|customers?|clients?|patients?|"
    r"persons?|people|employees?|drivers?|workers?|borrowers?|respondents?|subjects?|participants?|students?|users?|mothers?|"
    r"fathers?|parents?|heads?|owners?|insured|victims?|suspects?|defendants?|candidates?|members?|passengers?"
)
"""Words beside which an ambiguous one is about people: `age_group` and `driver_race`, unlike `house_age` and `race_time`."""
VALUES = re.compile(
    r"fe?male|wom[ae]n|hispanic\b.*|latin[oax]|caucasian|african[ -]?american|asian\b.*|married\b.*|divorced|widowed|"
    r"muslim|christian|jewish|hindu|white british|foreign(er)?|immigrant"
)
ONE_OF_TWO = re.compile(r"f|w|m|(not |non-?)?(black|white)")
MAX_TEXTS, MAX_NUMBERS = 50, 12


def words(name: str) -> list[str]:
    """The words of a column's name, in lower case, also of `CamelCase` and `sex1`."""
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", name)
    return [word for word in re.split(r"[\W_]+", parts.lower()) if word]


def is_about_people(name: str) -> bool:
    """Whether a column of that name says to which group of people somebody belongs."""
    found = words(name)
    if any(map(PLAIN.fullmatch, found)):
        return True
    rest = [word for word in found if not AMBIGUOUS.fullmatch(word)]
    return len(rest) < len(found) and all(map(COMPANIONS.fullmatch, rest))


def is_age(name: str) -> bool:
    """Whether a column of that name holds ages of people."""
    return is_about_people(name) and any(map(AGE.fullmatch, words(name)))


def is_sensitive(column: Column) -> bool:
    """Whether it has few groups of people. Ages in years are left alone: which of them matter depends on the law."""
    if column.kind == "String":
        few = 1 < len(column.values) <= MAX_TEXTS
    else:
        few = column.kind in ("Bool", "Int64", "Float64") and 1 < column.different <= MAX_NUMBERS
        few = few and not (is_age(column.name) and column.different > 2)
    return few and (is_about_people(column.name) or _are_people(column))


def _are_people(column: Column) -> bool:
    values = [text.lower() for text in column.values]
    pair = len(values) == 2 and all(map(ONE_OF_TWO.fullmatch, values))
    return pair or sum(1 for text in values if VALUES.fullmatch(text)) > 1
