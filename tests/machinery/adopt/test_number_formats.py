"""How people write numbers, durations and booleans: what is read as one, and what is left alone."""

import polars as pl
import pytest
from late_flights.factory.adopt import contract_code, profile
from late_flights.factory.adopt.units import CURRENCIES
from late_flights.factory.validation import rules

from machinery.adopt.adopt_table import propose


def column(values, name="it", rows=60):
    """The facts about a column whose values come again and again."""
    table = pl.DataFrame({name: (list(values) * rows)[: max(rows, len(values))]}, strict=False)
    return profile.profile(table.lazy())[name]


def read_again(found, values):
    """Values of a later delivery, by the line that is written into contract.py."""
    code = contract_code.column_code(found, set(), is_key=found.kind == "String")
    contract = type(
        "Row",
        (rules.dy.Schema,),
        {
            "it": getattr(rules.dy, code.kind)(
                nullable=True, **code.column.format.options, metadata=code.arguments.get("metadata")
            )
        },
    )
    return rules.validate(pl.DataFrame({"it": values}), contract)["it"].to_list()


SEPARATED = {"thousands": ".", "decimal": ","}
NUMBERS = [
    (["$1,234.56", "$19.90"], {"unit": ["$"], "thousands": ","}, 1234.56),
    (["-$1,234.56", "$-5.00"], {"unit": ["$"], "thousands": ","}, -1234.56),
    (["1234,56 €", "12,00 €"], {"unit": ["€"], "decimal": ","}, 1234.56),
    (["1.234 €", "2.500 €"], {"unit": ["€"]} | SEPARATED, 1234),
    (["€ 1.234,56", "€ -5,00"], {"unit": ["€"]} | SEPARATED, 1234.56),
    (["R$ 1.234,56", "R$ 5,00"], {"unit": ["R$"]} | SEPARATED, 1234.56),
    (["1.234,56 zł", "5,00 zł"], {"unit": ["zł"]} | SEPARATED, 1234.56),
    (["₹1,23,456", "₹500"], {"unit": ["₹"], "thousands": ","}, 123456),
    (["1 234,50 ₽", "7,00 ₽"], {"unit": ["₽"], "thousands": " ", "decimal": ","}, 1234.5),
    (["CHF 1'234.50", "CHF 12.-"], {"unit": ["CHF"], "thousands": "'"}, 1234.5),
    (["Fr. 3.\u2013", "Fr. 12.50"], {"unit": ["Fr."], "thousands": ","}, 3),
    (["12.5%", "7%"], {"unit": ["%"]}, 12.5),
    (["12,5 %", "3 %"], {"unit": ["%"]} | SEPARATED, 12.5),
    (["($1,234.56)", "$5.00"], {"unit": ["$"], "negative": ["()"], "thousands": ","}, -1234.56),
    (["(1,234)", "5", "12"], {"negative": ["()"], "thousands": ","}, -1234),
    (["1.234,56-", "12,00"], {"negative": ["-"]} | SEPARATED, -1234.56),
    (["\N{MINUS SIGN}5", "3"], {}, -5),
    (["\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH DIGIT FIVE}", "3"], {}, -5),
    (["1'234.50", "99.00"], {"thousands": "'"}, 1234.5),
    (["1\N{RIGHT SINGLE QUOTATION MARK}234\N{RIGHT SINGLE QUOTATION MARK}567", "5"], {"thousands": "'"}, 1234567),
    *(([f"15{blank}000,50", "3,20"], {"thousands": " ", "decimal": ","}, 15000.5) for blank in " \xa0\u202f\u2009"),
    (["15\xa0000.50", "7.00"], {"thousands": " "}, 15000.5),
    (["1,23,456", "1,00,00,000.50"], {"thousands": ","}, 123456),
    (["\u0661\u066c\u0662\u0663\u0664\u066b\u0665", "\u0662"], {"thousands": ","}, 1234.5),
    (["1,5E+03", "2,0E-01"], SEPARATED, 1500),
    (["12,-", "15,50"], SEPARATED, 12),
    (["12 kg", "13.5 kg"], {"unit": ["kg"]}, 12),
    (["1 000 kg", "900 kg"], {"unit": ["kg"], "thousands": " "}, 1000),
    ([f"{weight}kg" for weight in range(60, 120)], {"unit": ["kg"]}, 60),
    (["5 m²", "12 m²"], {"unit": ["m²"]}, 5),
    (["8 l/100km", "7,5 l/100km"], {"unit": ["l/100km"]} | SEPARATED, 8),
    (["70 °F", "65.5 °F"], {"unit": ["°F"]}, 70),
    (["3 Stück", "7 Stück"], {"unit": ["Stück"]}, 3),
    ([f"{power}W" for power in range(60, 120)], {"unit": ["W"]}, 60),
    (["€110.5M", "€300K"], {"unit": ["€"], "exponents": {"M": 6, "K": 3}, "thousands": ","}, 110.5e6),
    (["1.2k", "300", "2.5M"], {"exponents": {"k": 3, "M": 6}}, 1200),
    (["1,5 Mio. €", "2 Mrd. €", "300 €"], {"unit": ["€"], "exponents": {"Mio.": 6, "Mrd.": 9}} | SEPARATED, 1.5e6),
    (["1,5 Mio. €", "2 Mio. €"], {"unit": ["Mio. €"]} | SEPARATED, 1.5),
    (["5 m", "7"], {"unit": ["m", ""]}, 5),
    (["R 1 234,50", "R 5,00"], {"unit": ["R"], "thousands": " ", "decimal": ","}, 1234.5),
    (["2 years", "5 years", "1 year"], {"unit": ["years", "year"]}, 2),
    (["<0.5", "1.2", "3.4"], {"below": ["<"]}, 0.5),
    (["≤ 0,5 mg/l", "1,2 mg/l", "3,4 mg/l"], {"unit": ["mg/l"], "below": ["≤"]} | SEPARATED, 0.5),
    ([">100", "20", "30"], {"above": [">"]}, 100),
]


@pytest.mark.parametrize("texts, metadata, first", NUMBERS, ids=[texts[0] for texts, *_ in NUMBERS])
def test_numbers_and_what_is_around_them(texts, metadata, first):
    found = column(texts)
    assert found.kind in ("Int64", "Float64") and not found.missing
    assert (found.format.metadata, found.sample[0]) == (metadata, first)
    assert read_again(found, texts[:1]) == [first]


def test_every_currency_before_and_after():
    before = {code: [f"{code} 1,234.50", f"{code}3.00"] * 20 for code in CURRENCIES}
    after = {f"{code} after": [f"1,234.50 {code}", f"3.00{code}"] * 20 for code in CURRENCIES}
    found = profile.profile(pl.DataFrame(before | after).lazy())
    assert {(each.low, each.high) for each in found.values()} == {(3, 1234.5)}
    assert all(each.format.metadata == {"unit": [name[:3]], "thousands": ","} for name, each in found.items())


TEXTS = [
    ["Q1", "Q2", "Q3", "Q4"],
    ["A1", "A2"],
    ["AB 12", "AB 13"],
    ["<=50K", ">50K"],
    ["10-20", "20-30"],
    ["1st", "2nd", "3rd"],
    ["5'11", "6'2"],
    ["120/80", "130/85"],
    ["1.2.3", "1.2.4"],
    ["10 AM", "11 PM"],
    ["< 1 year", "1 year", "2 years", "10+ years"],
    ["007 kg", "12 kg"],
    ["1,2345.0 €", "5,0 €"],
    [f"S{seat}" for seat in range(60)],
    ["12x", "13x"],
    ["R1", "R2"],
    ["$ 5", "$ 6", "free"],
]


@pytest.mark.parametrize("texts", TEXTS, ids=[texts[0] for texts in TEXTS])
def test_no_numbers(texts):
    found = column(texts)
    assert (found.kind, found.format.metadata, found.sample[0]) == ("String", {}, texts[0])


@pytest.mark.parametrize("texts", [["100 USD", "50 EUR"], ["€5", "$6"], ["5 kg", "600 g"], ["3 MW", "5 mW"]])
def test_several_units_are_named(texts):
    found = column(texts)
    assert found.kind == "String" and found.format.note.startswith("numbers in several units, such as '")


def test_one_unit_written_in_several_ways():
    assert column(["5 €", "6 EUR", "7 eur"]).high == 7
    assert column(["5 kg", "6 Kg", "7 kg."]).format.metadata == {"unit": ["Kg", "kg", "kg."]}


def test_what_is_doubtful_and_what_is_not():
    assert column(["12.5%", "7%", "3"]).format.note == "those without a unit are taken as %, too"
    assert column(["<0.5", "1.2", "3.4"]).format.note == "'<0.5' is read as the limit itself"
    dollars = column(["($5)", "$7"]).format
    assert (dollars.note, dollars.remark) == ("", "in $, negative in parentheses")


def test_a_number_without_its_unit_is_refused_unless_there_were_some():
    with pytest.raises(rules.ContractViolation):
        read_again(column(["12.5%", "7%"]), ["3"])
    assert read_again(column(["12.5%", "7%", "4"]), ["3", "17.3%"]) == [3, 17.3]


def test_a_few_words_among_numbers_with_units_are_named():
    found = column([*(f"$ {price}.00" for price in range(40)), "$ -"])
    assert (found.kind, found.format.note) == ("String", "numbers except '$ -': fix it?")


DURATIONS = [
    (["00:03:25", "00:04:10"], "it", ["h:mm:ss"], 205),
    (["1:02:03", "30:10:00"], "it", ["h:mm:ss"], 3723),
    (["1:02:03", "2:10:00"], "duration", ["h:mm:ss"], 3723),
    (["3 days 04:00:00", "0 days 00:00:01.5"], "it", ["h:mm:ss"], 273600),
    (["-1 days +23:59:55", "1 day, 0:00:01"], "it", ["h:mm:ss"], -5),
    (["PT1H2M", "P1DT0.5S"], "it", ["ISO 8601"], 3720),
    (["2h 30m", "45m", "1h"], "it", ["2h 30m"], 9000),
    (["2 Std. 30 Min.", "45 Minuten"], "it", ["2h 30m"], 9000),
    (["1 heure et 5 minutes", "2 heures"], "it", ["2h 30m"], 3900),
    (["75:30", "12:05"], "it", ["h:mm:ss", "m:ss"], 4530),
    (["38:30", "40:00"], "work_hours", ["h:mm:ss", "h:mm"], 138600),
]


@pytest.mark.parametrize("texts, name, forms, first", DURATIONS, ids=[texts[0] for texts, *_ in DURATIONS])
def test_durations_are_seconds(texts, name, forms, first):
    found = column(texts, name)
    assert (found.kind, found.format.metadata, found.sample[0]) == ("Float64", {"duration": forms}, first)
    assert found.format.remark == "in seconds" and read_again(found, texts[:1]) == [first]


def test_times_of_day_are_no_durations():
    assert column(["01:02:03", "02:04:05"], "departure").kind == column(["10:30", "09:15"], "departure").kind == "Time"


@pytest.mark.parametrize(
    "yes, no",
    [
        ("oui", "non"),
        ("Ja", "Nein"),
        ("WAHR", "FALSCH"),
        ("Sí", "No"),
        ("si\u0301", "no"),
        ("да", "нет"),
        ("是", "否"),
        ("はい", "いいえ"),
        ("Evet", "Hay\u0131r"),
        ("sim", "não"),
        ("tak", "nie"),
        ("✓", "✗"),
    ],
)
def test_booleans_of_many_languages(yes, no):
    found = column([yes, no])
    assert (found.kind, found.sample[0], found.sample[1]) == ("Bool", True, False)


def test_more_digits_than_a_number_holds_are_text():
    beyond = [str(10**19 + 7 * i) for i in range(60)]
    within = [str(10**18 + 7 * i) for i in range(60)]
    for texts in (beyond, within):
        found = column(texts)
        assert (found.kind, found.different, found.sample.to_list()) == ("String", 60, texts)
    assert column([str(1_700_000_000 * 10**9 + i * 3600 * 10**9) for i in range(60)], "created_at").kind == "Datetime"


def table(**columns):
    return pl.DataFrame({"label": [i % 3 == 0 for i in range(200)], **columns})


def role(frame, name, **choices):
    return next(role for role in propose(frame, "label", **choices).roles if role.name == name)


def test_a_price_is_never_the_id():
    prices = [f"${1000 + 7 * i:,}.{i % 100:02}" for i in range(200)]
    assert role(table(price=prices), "price").role == "feature"
    mixed = [f"{'€$'[i % 2]}{1000 + i}" for i in range(200)]
    price = role(table(price=mixed, kind=["a", "b"] * 100), "price")
    assert (price.role, price.why) == ("excluded", "text: numbers in several units, such as '$' and '€'")


def test_long_numbers_identify_rows_or_are_left_out():
    long = [10**18 + 7 * i for i in range(200)]
    texts = table(account=list(map(str, long)), size=[float(i % 7) for i in range(200)])
    assert role(texts, "account").role == "id" and role(texts, "account", id="account").role == "id"
    numbers = role(table(hash=long, size=[float(i % 7) for i in range(200)]), "hash")
    assert (numbers.role, numbers.why) == ("excluded", "more digits than a number holds: an identifier?")


def test_unsigned_numbers_beyond_all_others_are_text_and_read_again():
    numbers = pl.Series("it", [2**64 - 1 - i for i in range(60)], dtype=pl.UInt64)
    found = profile.profile(numbers.to_frame().lazy())["it"]
    assert (found.kind, found.different, found.sample[0]) == ("String", 60, str(2**64 - 1))
    assert read_again(found, numbers) == [str(number) for number in numbers]


def test_a_table_whose_only_feature_gives_the_target_away_is_adopted_and_its_gate_refuses():
    frame = table(account=[str(10**19 + i) for i in range(200)]).with_columns(pl.col("label").cast(pl.Int64).alias("twin") * 5)
    proposal = propose(frame, "label")
    assert [role.name for role in proposal.with_role("feature")] == ["twin"]
    assert any(finding.refuses and finding.columns == ("twin",) for finding in proposal.findings)
