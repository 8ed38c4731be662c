"""Words for missing values and several forms of one category: what is read of a table, and again of the next delivery."""

from datetime import date

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory.adopt import categories, contract_code, doubts, profile, proposal
from late_flights.factory.validation import missing_words, rules

ROWS = 60
PLACES = [
    "Bayern",
    "BAYERN",
    "bayern ",
    "Bay\u200bern",
    "\ufeffBayern\u00a0",
    "Thüringen",
    "Thu\u0308ringen",
    "New York",
    "New\u00a0York",
]


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setattr(contract, "NORMALIZED", True, raising=False)
    monkeypatch.setattr(contract, "MISSING", [], raising=False)


def column(values, name="it", dtype=None):
    """What is found in a column whose values come again and again."""
    values = pl.Series(name, (list(values) * ROWS)[:ROWS], dtype, strict=False)
    return profile.profile(values.to_frame().lazy())[name]


def read(found, values):
    """The values of the next delivery, by the line that the column gets in the contract."""
    code = contract_code.column_code(found, set())
    contract.MISSING = [*({*found.format.missing, "NA"} & {*missing_words.COMMON_MISSING})]
    names = {"dy": dy, "date": date, code.constant or "": code.categories}
    schema = type("Row", (dy.Schema,), {found.name: eval(code.code, names)})
    return rules.validate(pl.DataFrame({found.name: values}, strict=False), schema)[found.name].to_list()


WORDS = [
    *("inf", "-Infinity", "+INF", "∞", "1.#INF", "-1.#IND", "1.#QNAN", "NaN", "nan", "NaT", "NA_real_"),
    *("#DIV/0!", "#N/A", "#NULL!", "#REF!", "#VALUE!", "#NV", "#BEZUG!", "#WERT!", "#¡DIV/0!", "#VALEUR!", "####"),
    *("n.a.", "N.A.", "n. a.", "na", "n/a", "k.A.", "k. A.", "keine Angabe", "NONE", "None", "null", "(null)", r"\N"),
    *(".", "..", "-", "--", "—", "?", "***", ":", ".a", "s.d.", "n/d", "S/D", "sin datos", "non renseigné", "onbekend"),
    *("brak danych", "н/д", "нет данных", "未知", "不明", "결측", "not available", "Unknown", "MISSING", "undefined"),
]


@pytest.mark.parametrize("word", WORDS)
def test_unknown_among_numbers_and_times(word):
    for known in (["1", "-2", "3"], ["0.5", "2.25"], ["2024-01-31", "2023-02-01"], ["31.01.2024", "01.02.2023"]):
        found = column([*known, word])
        assert found.kind in ("Int64", "Float64", "Date") and found.missing == ROWS // (len(known) + 1)
        assert read(found, [known[0], word, known[1]])[1:2] == [None]


def test_word_beyond_the_sample(monkeypatch):
    monkeypatch.setattr(profile, "SAMPLE_ROWS", 10)
    values = [*map(str, range(ROWS - 1)), "k.A."]
    assert (column(values).kind, column(values).missing) == ("Int64", 1)


@pytest.mark.parametrize("word", ["n.a.", "none", "unknown", "k.A.", "-", "inf"])
def test_the_same_words_may_be_categories(word):
    found = column(["some", "much", word])
    assert found.missing == 0 and read(found, [word]) == [word]


@pytest.mark.parametrize("word", ["$-", "x", "5 kg", "0", "0.0", "1.2.3", "no", "+1", "A"])
def test_words_that_are_none(word):
    assert not missing_words.are_missing(pl.Series([word])).item()


def test_infinite_numbers_of_either_sign_and_kind():
    for found in (column(["1.5", "2", "inf"]), column([1.5, 2.0, float("inf")])):
        assert "infinite" in found.format.note and (found.low, found.high) == (1.5, 2)
        assert read(found, [1.5, float("inf"), float("-inf")]) == [1.5, None, None]
        assert read(found, ["1.5", "inf", "-Infinity"]) == [1.5, None, None]


CODES = {
    "countries": ("country", ["DE", "US", "FR"], "Namibia"),
    "a name that does not say so": ("x", ["DE", "SE", "FR"], "Namibia"),
    "with a code that ISO does not have": ("country_code", [*"DE US FR IT ES PL SE NO DK UK".split()], "Namibia"),
    "continents": ("continent", ["EU", "AS", "AF"], "North America"),
    "regions of sales": ("market", ["EMEA", "APAC", "LATAM"], "North America"),
}


@pytest.mark.parametrize("name, others, meaning", CODES.values(), ids=CODES)
def test_na_is_a_code_among_codes(name, others, meaning):
    found = column([*others, "NA"], name)
    assert "NA" in found.values and not found.missing and f"NA is read as {meaning}" in found.format.note
    assert read(found, ["NA", others[0]]) == ["NA", others[0]]


@pytest.mark.parametrize("others", [["DE", "CA", "AL", "IL"], ["red", "green", "blue"], ["DE", "red", "FR"], ["DE", "FR"]])
def test_na_is_missing_among_others(others):
    found = column([*others, "NA"])
    assert found.missing and "NA" not in found.values and read(found, ["NA"]) == [None]


def test_countries_without_namibia_keep_it_when_it_comes():
    found = column(["DE", "US", "FR"], "country")
    assert not found.format.note and found.format.metadata == {"not_missing": ["NA"]}


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_one_category_written_one_way(dtype):
    found = column([*PLACES, "Bayern"], dtype=dtype)
    assert found.values == ["Bayern", "New York", "Thüringen"] and found.missing == 0
    assert found.format.note == "'BAYERN' is read as 'Bayern', 'bayern' is read as 'Bayern'"
    assert found.format.remark == r"'Bay\u200bern' is read as 'Bayern'"
    again = ["Bayern"] * 5 + ["Thüringen"] * 2 + ["New York"] * 2
    assert read(found, PLACES) == again and read(found, ["bAYERN", "\u200bnew  york"]) == ["Bayern", "New York"]


def test_the_most_frequent_form_wins():
    assert column(["Red", "RED", "RED", "blue"]).values == ["RED", "blue"]
    assert column(["straße", "STRASSE", "straße"]).values == ["straße"]


def test_forms_beyond_the_sample(monkeypatch):
    monkeypatch.setattr(profile, "SAMPLE_ROWS", 10)
    assert column(["red", *["blue"] * 28, "RED"]).values == ["RED", "blue"]


def test_names_and_keys_keep_their_case():
    keys = [f"k{i}" for i in range(ROWS - 1)] + ["K1"]
    assert column(keys).unique and not column(keys).format.written and not column(keys).format.note


def test_case_that_the_table_does_not_mix_makes_a_difference_in_later_deliveries():
    found = column(["red", "blue", "green"])
    assert read(found, ["RED", " red", "r\u200bed"]) == [None, "red", "red"]


@pytest.mark.parametrize(
    "target, values, kind",
    [("two", ["Stay", "STAY", "churn", "Churn"], "Bool"), ("three", ["a1x", "A1X", "b", "c", "B"], "Enum")],
)
def test_classes_are_written_one_way(target, values, kind):
    table = pl.DataFrame({target: (values * ROWS)[:ROWS]}).lazy()
    columns = profile.profile(table)
    found = proposal.infer_problem(profile.values(table, columns), columns[target], None)
    assert len(found.counts) == len({value.lower() for value in values})
    code = contract_code.column_code(columns[target], set(), target=found)
    schema = type("Row", (dy.Schema,), {target: eval(code.code, {"dy": dy})})
    read = rules.validate(table.collect(), schema)[target]
    assert code.kind == kind and read.n_unique() == len(found.counts) and not read.has_nulls()


NEARLY = {
    "swapped": ("Bayren", "Bayern", True),
    "left out": ("Bayen", "Bayern", True),
    "added": ("Bayernn", "Bayern", True),
    "another": ("Beyern", "Bayern", True),
    "the first": ("Wayern", "Bayern", True),
    "two errors": ("Bayrren", "Bayern", False),
    "short": ("Iran", "Iraq", False),
    "numbered": ("room 1", "room 2", False),
    "other words": ("Slovakia", "Slovenia", False),
}


@pytest.mark.parametrize("rare, usual, asked", NEARLY.values(), ids=NEARLY)
def test_nearly_equal_categories_are_asked_for_and_kept_apart(rare, usual, asked):
    assert list(categories.nearly_equal({usual: 50, rare: 2})) == ([(rare, usual)] if asked else [])
    assert not list(categories.nearly_equal({usual: 50, rare: 20}))


def test_question_about_nearly_equal_categories():
    table = pl.DataFrame({"land": ["Bayern"] * 29 + ["Bayren"] + ["Hessen"] * 30, "y": range(ROWS)})
    columns = profile.profile(table.lazy())
    assert columns["land"].values == ["Bayern", "Bayren", "Hessen"]
    proposed = proposal.propose(columns, table.lazy(), proposal.UserChoices("y"))
    (question,) = [each for each in doubts.questions(proposed) if "Bayren" in each.doubt]
    assert question.columns == ("land",) and question.doubt == "land: 'Bayren' (1 row) looks like 'Bayern' (29 rows)"
