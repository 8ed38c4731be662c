"""A table that is damaged, or breaks the contract, is refused by name and row, without a value."""

from datetime import datetime

import polars as pl
import pytest
from tests.factory.toy import KINDS

from machinery.serving.service_client import ARROW, CSV, arrow, csv, rows

MARK = "s3cr3t"


BIG = pl.concat([rows(40_000), rows(1).with_columns(pl.lit("blue", pl.Enum(KINDS)).alias("kind"), amount=pl.lit(1000.0))])
TABLES = {
    "rule": (rows(3).with_columns(amount=pl.lit(-1.0)), "amount", 0),
    "far behind": (BIG, "amount", 40_000),
    "no category": (rows(3).with_columns(kind=pl.lit(MARK)), "kind", 0),
    "missing": (rows(3).drop("gap"), "gap", None),
    "unknown": (rows(3).with_columns(more=pl.lit(MARK)), "more", None),
    "null": (rows(3).with_columns(amount=pl.lit(None, pl.Float64)), "amount", 0),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", [ARROW, CSV])
def test_table_that_breaks_the_contract(unharmed, name, kind):
    table, field, row = TABLES[name]
    answer = unharmed.post((arrow if kind == ARROW else csv)(table), kind)
    assert [(problem["field"], problem["row"]) for problem in answer.json()["problems"]] == [(field, row)]
    assert answer.status == 422 and MARK.encode() not in answer.body


WRONG_TYPES = [
    rows(3).with_columns(amount=pl.lit(True)),
    rows(3).with_columns(seen=pl.lit(datetime(2021, 1, 1)).dt.replace_time_zone("UTC")),
    rows(3).with_columns(gap=pl.lit([1])),
]


@pytest.mark.parametrize("table", WRONG_TYPES)
def test_arrow_of_other_types(unharmed, table):
    assert len(unharmed.post(arrow(table), ARROW).problems()) == 1


DAMAGED = {
    "no arrow": (b"text", ARROW),
    "empty arrow": (b"", ARROW),
    "arrow cut": (arrow(rows(50))[:-700], ARROW),
    "csv ragged": (b"key,seen,kind,amount,gap\nk1,2021-01-01\n", CSV),
    "csv twice": (b"key,key\nk1,k2\n", CSV),
    "csv not utf-8": (b"key,\xff\n1,2\n", CSV),
    "csv empty": (b"", CSV),
    "csv wide": (b"," * 200_000 + b"\n", CSV),
    "csv cut": (csv(rows(2))[:-3], CSV),
}


@pytest.mark.parametrize(("body", "kind"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_table(unharmed, body, kind):
    assert unharmed.post(body, kind).status == 400


def test_csv_of_another_system(unharmed):
    body = b"\xef\xbb\xbf" + csv(rows(2)).replace(b"\n", b"\r\n")
    assert unharmed.post(body, CSV).status == 200
