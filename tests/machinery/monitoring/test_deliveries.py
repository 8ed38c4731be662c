"""What the contract refuses of deliveries is an incident of each column, until one comes in."""

from datetime import date, timedelta
from itertools import count

import polars as pl
import pytest
from late_flights.factory.data import ledger, refused
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.monitoring import deliveries
from tests.factory import toy
from tests.factory.cli_runner import refused as refusal
from tests.factory.cli_runner import run

TODAY = date(2026, 6, 1)


@pytest.fixture(autouse=True)
def _one_day(monkeypatch):
    seconds = count(10)
    monkeypatch.setattr(ledger, "now", lambda: f"{TODAY}T12:00:{next(seconds)}.000000+00:00")


def open_ones(until: date) -> dict[str | None, str]:
    return {each.column: each.text for each in deliveries.incidents(until) if each.open}


def test_a_refused_delivery_is_an_incident_until_one_comes_in(project):
    rows = toy.rows(50)
    rows.with_columns(amount=pl.when(pl.col("gap") > 5, pl.col("kind") != "red").then(1000.0).otherwise("amount")).write_parquet(
        "may.parquet"
    )
    rows.drop("kind").write_parquet("june.parquet")
    for _ in range(2):
        assert "amount" in refusal("ingest", "may.parquet")
        refusal("ingest", "june.parquet")
    found = open_ones(TODAY)
    assert set(found) == {"amount", "kind"} and "of 50 rows of may.parquet" in found["amount"]
    assert found["kind"].startswith("kind: the contract refused 50 of 50 rows of june.parquet")
    assert [each.on for each in refused.read()] == [f"{TODAY}"] * 2
    assert not open_ones(TODAY - timedelta(days=1)) and not open_ones(TODAY + timedelta(days=7))

    rows.write_parquet("corrected.parquet")
    assert run("ingest", "corrected.parquet").exit_code == 0

    assert [(each.column, each.open) for each in deliveries.incidents(TODAY)] == [("amount", False), ("kind", False)]
    refusal("ingest", "june.parquet")
    assert set(open_ones(TODAY)) == {"kind"}
    refused.FILE.write_text("{")
    with pytest.raises(CannotEvaluate, match=r"DAMAGED: .dvc/tmp/refused.jsonl"):
        deliveries.incidents(TODAY)
    assert "kind" in refusal("ingest", "june.parquet")
