"""What no change of the contract should admit, or only a person can decide, is named and nothing is proposed."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.factory.cli_runner import refused, run

from machinery.data import contract_file
from machinery.data.contract_file import SIZE, accepted, delivery, some  # noqa: F401

pytestmark = pytest.mark.usefixtures("accepted")


def text(column, value):
    return lambda table: some(column, pl.lit(value))(table.cast({column: pl.String}))


DECIDE = {
    "rule": (
        lambda table: table.with_columns(kind=pl.lit("red"), amount=pl.lit(95.0)),
        "red_is_small, 100 of 100 rows",
    ),
    "invariant": (lambda table: table.with_columns(gap=pl.lit(None, pl.Int16)), "not so: gap is mostly known"),
    "pattern": (some("key", pl.lit("x")), "key: regex"),
    "NaN": (some("amount", float("nan")), "amount: NaN, 3 of 100 rows"),
    "unreadable": (text("seen", "2020-13-01"), "seen: not Datetime"),
    "unknown": (
        text("amount", "n/a"),
        "amount: not Float64, 3 of 100 rows, first in data row 1, e.g. n/a; if 'n/a' means unknown, name it in MISSING",
    ),
    "words for unknown": (
        lambda table: table.with_columns(amount=pl.Series(["#DIV/0!", "n.a.", "k.A.", "."] * 25)),
        "if '#DIV/0!' or '.' or 'k.A.' or 'n.a.' means unknown, name it in MISSING",
    ),
    "type": (
        lambda table: table.with_columns(amount=pl.lit("much")),
        "amount: not Float64, 100 of 100 rows, first in data row 1, e.g. much",
    ),
    "no target": (lambda table: table.drop("answer"), "answer is missing; params.yaml names it"),
    "empty target": (
        some("answer", None),
        "answer: 3 of 100 rows have no value, but the column is not nullable: every row needs one",
    ),
    "read by a rule": (lambda table: table.drop("amount"), "amount is missing; contract.py reads it: red_is_small"),
    "future": (
        some("seen", datetime.now().replace(microsecond=0) + timedelta(days=9)),
        "seen: in the future, 3 of 100",
    ),
    "renamed": (
        lambda table: table.rename({"amount": "amount_eur"}),
        "amount is missing, and amount_eur is new and looks like it: was it renamed? Rename it in the delivery, or in contract.py",
    ),
    "missing": (
        lambda table: table.drop(SIZE),
        f"{SIZE} is missing: add it to the delivery, or remove it from contract.py",
    ),
    "many categories": (
        lambda table: table.with_columns(kind=pl.col("key")),
        "100 new values: not the values of kind?",
    ),
}


@pytest.mark.parametrize("change, message", DECIDE.values(), ids=DECIDE)
def test_what_only_a_person_can_decide_is_named_and_changes_nothing(change, message):
    change(delivery()).write_csv("next.csv")
    before = contract_file.FILE.read_bytes()
    assert message in "\n".join(contract_file.differences("next.csv"))
    assert not Path("change.diff").read_text("utf-8") and contract_file.FILE.read_bytes() == before


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda column: column * 100, "the values are 100 times the earlier ones"),
        (lambda column: column * 1.609, "times the earlier ones"),
        (lambda column: column * 1.8 + 32, "times the earlier ones"),
        (lambda column: column + 5_000, "shifted by about 5,0"),
        (
            lambda column: pl.when(pl.int_range(pl.len()) < 50).then(column * 100).otherwise(column),
            "in these rows the values are 100",
        ),
        (
            lambda column: pl.when(pl.int_range(pl.len()) < 3).then(-999).otherwise(column).alias("amount"),
            'metadata={"missing": ["-999"]}',
        ),
    ],
)
def test_no_limit_is_proposed_that_admits_another_unit(change, message):
    delivery(400).with_columns(change(pl.col("amount"))).write_csv("next.csv")
    (line,) = [line for line in contract_file.differences("next.csv") if line.startswith("amount")]
    assert message in line and not Path("change.diff").read_text("utf-8")


def test_each_column_in_another_unit_is_named_and_others_are_admitted(monkeypatch):
    rows = contract_file.ROWS.replace(
        "gap = dy", "length = dy.Float64(min=0, max=9000)\n    width = dy.Float64(min=0, max=9000)\n    gap = dy"
    )
    contract_file.write(monkeypatch, contract_file.HEAD + rows)
    places = pl.Series([80 + 7 * (i * i % 401) for i in range(400)], dtype=pl.Float64)
    table = delivery(400).with_columns(length=places, width=places)
    table.write_parquet("data/raw/first.parquet")
    changed = table.with_columns(pl.col("amount") * 100, pl.col("length") * 3.6, pl.col("width") * 1.6093)
    some("gap", pl.lit(11))(changed).write_csv("next.csv")
    lines = {line.partition(":")[0]: line for line in contract_file.differences("next.csv")}
    assert "100 times" in lines["amount"] and "(m/s and km/h?)" in lines["length"]
    assert "width: within its limits, but the values are 1.609 times" in lines["width"]
    change = Path("change.diff").read_text("utf-8")
    assert "min=-10, max=15)" in change and not any(f"+    {name} = " in change for name in ("amount", "length", "width"))


NOTATIONS = {
    "12,5": "a comma as the decimal point",
    "1.234.567": "thousands apart",
    "12.5 %": "a unit behind",
    "€ 12": "a unit before",
}


@pytest.mark.parametrize("value, message", NOTATIONS.items(), ids=NOTATIONS)
def test_notation_of_numbers_is_named(value, message):
    delivery().with_columns(amount=pl.lit(value)).write_csv("next.csv")
    (line,) = contract_file.differences("next.csv")
    assert message in line and not Path("change.diff").read_text("utf-8")


SPELLINGS = {"case": "Red ", "blanks": "r ed", "width of letters": "\uff52ed", "invisible": "red\u200b"}


@pytest.mark.parametrize("value", SPELLINGS.values(), ids=SPELLINGS)
def test_other_spelling_of_a_category_is_not_added(value):
    some("kind", pl.lit(value))(delivery()).write_parquet("next.parquet")
    (line,) = contract_file.differences("next.parquet")
    assert f"{value.strip()!r} in 3 of 100 rows is another spelling of 'red'" in line
    assert not Path("change.diff").read_text("utf-8")


def test_new_category_is_added_in_its_most_frequent_spelling():
    kinds = pl.Series("kind", ["Pink", "Pink", "PINK", *["red"] * 97])
    delivery().with_columns(kinds, amount=1.0).write_csv("next.csv")
    new, spelling = contract_file.differences("next.csv")
    assert "new value 'Pink' in 2 of 100" in new and "'PINK' in 1 of 100 rows is another spelling of 'Pink'" in spelling
    assert '"blue", "Pink"]' in Path("change.diff").read_text("utf-8")


def test_files_that_name_a_lost_column_are_listed():
    Path("src/toy/features.py").write_text('def features(rows):\n    return rows.select("kind", "amount")\n', "utf-8")
    delivery().rename({"kind": "kind_of_it"}).drop(SIZE).write_csv("next.csv")
    renamed, missing = contract_file.differences("next.csv")
    assert renamed.endswith("or in contract.py, features.py, params.yaml") and missing.endswith("from contract.py")


def test_values_of_a_renamed_column_are_compared_all_the_same():
    some("amount", pl.lit(512.5))(delivery()).rename({"amount": "amount_eur"}).write_csv("next.csv")
    renamed, limit = contract_file.differences("next.csv")
    assert renamed.startswith("amount is missing, and amount_eur is new") and limit.startswith("amount: 3 of 100 rows above")


def test_file_that_keeps_the_contract(monkeypatch):
    delivery().write_csv("next.csv")
    result = run("contract", "--diff", "next.csv")
    assert (result.exit_code, result.output) == (0, "✓ next.csv satisfies the contract\n")


def test_refusal_says_where_to_look(monkeypatch):
    some("amount", -5.0)(delivery()).write_csv("it's new.csv")
    assert refused("ingest", "it's new.csv").endswith("; see `factory contract --diff 'it'\"'\"'s new.csv'`")


def test_no_name_in_a_delivery_is_taken_for_a_patch(monkeypatch):
    hostile = {"--- a/x.py": 1, "+++ b/x.py": 1, "@@ -0,0 +1 @@": 1, "+import this\n+": 1}
    delivery().with_columns(**{name: pl.lit(value) for name, value in hostile.items()}).write_parquet("next.parquet")
    assert len(contract_file.differences("next.parquet")) == 4
    contract_file.apply_diff(monkeypatch)
    assert not Path("x.py").exists() and contract_file.is_valid("next.parquet")


@pytest.mark.parametrize("value, is_proposed", [(101, True), (150, False)])
def test_limit_that_nearly_all_rows_break_is_kept_unless_they_are_near(value, is_proposed):
    table = delivery().with_columns(amount=pl.lit(value) + pl.int_range(pl.len()) / 100, kind=pl.lit("blue"))
    table.write_csv("next.csv")
    (line,) = contract_file.differences("next.csv")
    assert ("nearly all values are" in line) != is_proposed == bool(Path("change.diff").read_text("utf-8"))


CODES = {
    "alone": (some("gap", pl.lit(-999)), "gap", '["-999"]', ""),
    "beside others": (lambda t: t.with_columns(gap=pl.Series([-999, -999, -12, *[1] * 97])), "gap", '["-999"]', "min=-15"),
    "beyond the type": (some("gap", pl.lit(-99999)), "gap", '["-99999"]', ""),
    "date": (some("seen", pl.lit(datetime(1970, 1, 1))), "seen", '["1970-01-01"]', ""),
}


@pytest.mark.parametrize("change, column, code, admitted", CODES.values(), ids=CODES)
def test_code_for_missing_values_is_not_admitted(change, column, code, admitted):
    change(delivery()).write_csv("next.csv")
    (line,) = [line for line in contract_file.differences("next.csv") if line.startswith(column)]
    patch = Path("change.diff").read_text("utf-8")
    assert f'metadata={{"missing": {code}}}' in line and (admitted in patch if admitted else not patch)
