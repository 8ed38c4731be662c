"""What a new delivery has that the contract has not is named, and admitted by the proposed patch."""

from datetime import datetime

import polars as pl
import pytest
from tests.factory.cli_runner import run

from machinery.data import contract_file
from machinery.data.contract_file import SIZE, accepted, delivery, some  # noqa: F401

pytestmark = pytest.mark.usefixtures("accepted")


def large(table):
    return some("amount", pl.lit(512.5))(some("kind", pl.lit("blue"))(table))


def gaps(table):
    return table.with_columns(pl.col("gap").cast(pl.Float64) + 0.5)


CHANGES = {
    "above": (large, "amount: 3 of 100 rows above max 100, up to 512.5", "max=600"),
    "below": (some("gap", pl.lit(-11)), "gap: 3 of 100 rows below min -10, down to -11", "min=-15"),
    "later": (some("seen", pl.lit(datetime(2019, 5, 1))), "seen: 3 of 100 rows below min 2020-01-01 00:00:00", None),
    "longer": (
        some("key", pl.format("k{}", 1234567 + pl.int_range(pl.len()))),
        "key: 3 of 100 rows above max_length 5, up to 8",
        "max_length=10",
    ),
    "category": (some("kind", pl.lit("pink")), "kind: new value 'pink' in 3 of 100 rows", '"blue", "pink"]'),
    "own lines": (some(SIZE, pl.lit('"7"')), f"{SIZE}: new value '\"7\"' in 3 of 100", "    '\"7\"',  # of all"),
    "close": (
        some("kind", pl.lit("greeen")),
        "kind: new value 'greeen' in 3 of 100 rows (did you mean 'green'?)",
        '"greeen"',
    ),
    "nulls": (some("amount", None), "amount: 3 of 100 rows have no value", "dy.Float64(nullable=True, min=0"),
    "float": (gaps, "gap: not Int16, 90 of 100 rows", "gap = dy.Float64(nullable=True, min=-10, max=12)"),
    "wider": (some("gap", pl.lit(40_000)), "gap: not Int16, 3 of 100 rows, first in data row 1, e.g. 40000; Int32", "max=50000"),
    "new": (lambda table: table.with_columns(more=1), "more is new", '"more": "new in next.csv, not used yet"'),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("change, message, code", CHANGES.values(), ids=CHANGES)
def test_difference_is_named_and_admitted_by_the_change(monkeypatch, suffix, change, message, code):
    table, name = change(delivery()), f"next{suffix}"
    (table.write_csv if suffix == ".csv" else table.write_parquet)(name)
    assert message in contract_file.differences(name)[0]
    if code:
        contract_file.apply_diff(monkeypatch)
        assert code.replace(".csv", suffix) in contract_file.FILE.read_text("utf-8")
        assert contract_file.is_valid(name)
        assert run("ingest", name).exit_code == 0


def test_all_differences_are_named_and_admitted_at_once(monkeypatch):
    table = delivery()
    for change in (change for name, (change, _, code) in CHANGES.items() if code and name != "wider"):
        table = change(table)
    table.write_csv("next.csv")
    assert len(contract_file.differences("next.csv")) > 6
    contract_file.apply_diff(monkeypatch, "patch", "-p1", "-i", "change.diff")
    assert contract_file.is_valid("next.csv")


def test_formats_of_the_contract_are_understood(monkeypatch):
    rows = contract_file.ROWS.replace('metadata={"unit"', 'metadata={"decimal": ",", "unit"')
    contract_file.write(monkeypatch, contract_file.HEAD + rows + 'MISSING = ["n/a"]\n')
    table = large(delivery()).with_columns(pl.col("amount").cast(pl.String).str.replace(".", ",", literal=True))
    some("kind", pl.lit("n/a"), 1)(table).write_csv("next.csv")
    assert contract_file.differences("next.csv") == [
        "kind: 1 of 100 rows have no value, but the column is not nullable",
        "amount: 3 of 100 rows above max 100, up to 512.5",
    ]
    contract_file.apply_diff(monkeypatch)
    assert contract_file.is_valid("next.csv") and "dy.Enum(KINDS, nullable=True)" in contract_file.FILE.read_text("utf-8")


def test_unseen_categories_are_accepted_up_to_their_limit(monkeypatch, caplog):
    contract_file.write(
        monkeypatch,
        (contract_file.HEAD + contract_file.ROWS).replace(
            "dy.Enum(KINDS)", 'dy.Enum(KINDS, nullable=True, metadata={"unseen": "unknown"})'
        ),
    )
    some("kind", pl.lit("pink"))(delivery()).write_csv("few.csv")
    assert run("contract", "--diff", "few.csv").exit_code == 0
    assert run("ingest", "few.csv").exit_code == 0
    assert "few.csv: kind: 3 of 100 rows have unseen categories, 'pink' 3: taken as unknown" in caplog.text
    delivery().cast({"kind": pl.String}).with_columns(kind=pl.lit("greeen")).write_csv("many.csv")
    refusal = run("ingest", "many.csv")
    assert refusal.exit_code == 1 and "'greeen' 100 (did you mean 'green'?): above unseen_limit" in refusal.output
    assert "kind: new value 'greeen' in 100 of 100 rows (did you mean 'green'?)" in run("contract", "--diff", "many.csv").output
