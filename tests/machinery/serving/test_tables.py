"""Arrow and CSV tables that are damaged, malicious or violate the contract are rejected by column and row, without a value."""

import random
from datetime import datetime

import polars as pl
import pytest
from tests.factory.toy import KINDS

from machinery.serving.service_client import ARROW, CSV, arrow, csv, rows

MARK = "s3cr3t"
BIG = pl.concat([rows(40_000), rows(1).with_columns(pl.lit("blue", pl.Enum(KINDS)).alias("kind"), amount=pl.lit(1000.0))])
TABLES = {
    "rule": (rows(3).with_columns(amount=pl.lit(-1.0)), "amount", 0),
    "in another thread": (BIG, "amount", 40_000),
    "no category": (rows(3).with_columns(kind=pl.lit(MARK)), "kind", 0),
    "missing": (rows(3).drop("gap"), "gap", None),
    "unknown": (rows(3).with_columns(more=pl.lit(MARK)), "more", None),
    "null": (rows(3).with_columns(amount=pl.lit(None, pl.Float64)), "amount", 0),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", [ARROW, CSV])
def test_table_that_breaks_the_contract(client, name, kind):
    table, field, row = TABLES[name]
    response = client.post((arrow if kind == ARROW else csv)(table), kind)
    assert [(problem["field"], problem["row"]) for problem in response.json()["problems"]] == [(field, row)]
    assert response.status == 422 and MARK.encode() not in response.body


WRONG_TYPES = [
    rows(3).with_columns(amount=pl.lit(True)),
    rows(3).with_columns(seen=pl.lit(datetime(2021, 1, 1)).dt.replace_time_zone("UTC")),
    rows(3).with_columns(gap=pl.lit([1])),
]


@pytest.mark.parametrize("table", WRONG_TYPES)
def test_arrow_of_other_types(client, table):
    assert len(client.post(arrow(table), ARROW).problems()) == 1


@pytest.mark.parametrize("height", [1, 3])
@pytest.mark.parametrize(("moment", "status"), [(2**62, 200), (-(2**62), 422)])
def test_times_beyond_the_years_of_python(client, height, moment, status):
    """The toy's contract has an earliest day and no latest."""
    table = rows(height).with_columns(seen=pl.lit(moment).cast(pl.Datetime("us")))
    assert client.post(arrow(table), ARROW).status == status


DAMAGED = {
    "no arrow": (b"text", ARROW),
    "empty arrow": (b"", ARROW),
    "arrow cut": (arrow(rows(50))[:-700], ARROW),
    "arrow in lz4": (arrow(rows(500), compression="lz4"), ARROW),
    "arrow in zstd": (arrow(rows(500), compression="zstd"), ARROW),
    "arrow wide": (arrow(pl.DataFrame({f"c{number}": [1] for number in range(20_000)})), ARROW),
    "csv ragged": (b"key,seen,kind,amount,gap\nk1,2021-01-01\n", CSV),
    "csv twice": (b"key,key\nk1,k2\n", CSV),
    "csv not utf-8": (b"key,\xff\n1,2\n", CSV),
    "csv empty": (b"", CSV),
    "csv wide": (b"," * 200_000 + b"\n", CSV),
    "csv header of many lines": (b'"\n",' + b"a," * 500_000 + b"\n1\n", CSV),
    "csv cut": (csv(rows(2))[:-3], CSV),
}


@pytest.mark.parametrize(("body", "kind"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_table(client, body, kind):
    assert client.post(body, kind).status == 400


def test_damaged_arrow_never_fails(client):
    """Flipped bytes declare buffers, rows and columns that do not exist."""
    whole, chance = arrow(rows(20)), random.Random(0)
    statuses = set()
    for _ in range(150):
        body = bytearray(whole)
        for place in chance.choices(range(len(body)), k=3):
            body[place] = chance.randrange(256)
        statuses.add(client.post(bytes(body), ARROW).status)
    assert statuses <= {200, 400, 422} and 400 in statuses


def test_csv_of_another_system(client):
    body = b"\xef\xbb\xbf" + csv(rows(2)).replace(b"\n", b"\r\n")
    assert client.post(body, CSV).status == 200


def test_rows_without_values_are_no_rows(client):
    body = arrow(pl.DataFrame({name: pl.Series([None] * 1_000_000, dtype=pl.Null) for name in rows(1).columns}))
    assert len(body) < 2000 and client.post(body, ARROW).status == 400


def test_column_without_values_is_missing_values(client):
    table = rows(3).with_columns(gap=pl.Series([None] * 3, dtype=pl.Null))
    assert client.post(arrow(table), ARROW).status == 200
