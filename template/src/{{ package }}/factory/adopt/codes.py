"""Columns of codes among which NA is one and no missing value: countries, continents and regions of sales."""

import re

COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
"""ISO 3166-1 alpha-2."""
REGIONS = "AF AMER AMERICAS AN ANZ APAC APJ AS CEE DACH EEA EMEA EU GLOBAL JAPAC LAC LATAM MEA MENA NA OC ROW SA UKI WW"
STATES = (
    "AB AK AL AR AZ BC CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MB MD ME MI MN MO MS MT NB NC ND NE NH NJ NL "
    "NM NS NT NU NV NY OH OK ON OR PA PE PR QC RI SC SD SK TN TX UT VA VT WA WI WV WY YT"
)
"""Of the United States and Canada, among which NA is none, though many of them are codes of countries."""
LISTS = (
    (REGIONS, re.compile(r"(?i)contin|kontin|region"), "North America"),
    (
        COUNTRIES,
        re.compile(
            r"(?i)country|cntry|ctry|nation|(^|[\W_])(cc|iso2?|land|pays|pa[ií]s|paese|kraj|stra[nň]a)($|[\W_])"
        ),
        "Namibia",
    ),
)
LEAST = 3  # other codes, where the column's name does not say what they are
MOSTLY = 0.9  # where it does: a table has codes of its own, such as UK and XK


def meaning_of_na(name: str, texts: set[str]) -> str | None:
    """What NA stands for among these texts; None where it may mean a missing value."""
    others = texts - {"NA"}
    for codes, names, meaning in LISTS:
        known = len(others & {*codes.split()})
        by_name = bool(names.search(name)) and known >= MOSTLY * max(1, len(others))
        if by_name or (LEAST <= len(others) == known and not others <= {*STATES.split()}):
            return meaning
    return None
