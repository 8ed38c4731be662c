"""The records of deliveries: each in its pointer, and an error that names the pointer where one is none."""

import json
from pathlib import Path

import pytest
from late_flights.factory.data import ledger
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.data.ledger_file import age, deliver, edit, ledger_refusal

pytestmark = pytest.mark.usefixtures("project")


def test_blanks_quotes_and_commas_survive():
    source = 'a, "b" \\ Zoë\n李: # c' + "d " * 200
    toy.rows(50).write_csv("rows.csv")
    run("ingest", "rows.csv", "--source", source)
    [entry] = ledger.entries()
    assert entry.source == source and entry.pointer == Path("data/raw/rows.csv.dvc")
    ledger.record(entry)
    assert ledger.entries() == [entry]
    age()
    assert ledger.entries() == [entry]


def test_a_record_is_beside_what_dvc_and_others_wrote():
    deliver("rows.csv", 0)
    [entry] = ledger.entries()
    entry.pointer.write_text("# mine\nouts:\n- md5: abc\n  size: 7\n  path: rows.csv\nmeta:\n  contact: Eve\n")
    ledger.record(entry)
    text = entry.pointer.read_text()
    assert text.startswith("# mine\nouts:\n- md5: abc\n  size: 7\n  path: rows.csv\nmeta:\n  contact: Eve\n  received: '")
    assert ledger.entries() == [entry]


def test_deliveries_are_in_the_order_of_their_times_and_of_one_command():
    for name, first in {"c.csv": 0, "a.csv": 50, "b.csv": 100}.items():
        toy.rows(50, first=first).write_csv(name)
    assert run("ingest", "c.csv", "a.csv").exit_code == run("ingest", "b.csv").exit_code == 0
    assert [entry.file for entry in ledger.entries()] == ["c.csv", "a.csv", "b.csv"]
    edit("b.csv", received="2020-01-01T00:00:00+00:00")
    assert [entry.file for entry in ledger.entries()] == ["b.csv", "c.csv", "a.csv"]


BROKEN = {
    "cut": ({"sha256": None}, "lacks sha256"),
    "rows that are no number": ({"rows": "fifty"}, "rows is 'fifty'"),
    "a time that is none": ({"received": 2026}, "received is 2026"),
}


@pytest.mark.parametrize("values, message", BROKEN.values(), ids=BROKEN)
def test_broken_record_is_named(values, message):
    deliver("rows.csv", 0)
    edit("rows.csv", **values)
    assert ledger_refusal("prepare") == f"LEDGER: data/raw/rows.csv.dvc: {message}: restore it from Git"


UNREADABLE = {
    "of another file": ("outs:\n- path: other.csv\n", "names other.csv"),
    "doubled": ("outs:\n- path: rows.csv\nmeta:\n  by: Eve\n  by: Zoë\n", ": by is in it twice: restore"),
    "cut": ("outs:\n- path: 'rows", "found unexpected end of stream"),
    "two outputs": ("outs:\n- path: rows.csv\n- path: other.csv\n", "too many values"),
    "empty": ("", "empty: `uv run factory ingest data/raw/rows.csv` if it is new, else restore it from Git"),
    "a list": ("- outs\n", ""),
}


@pytest.mark.parametrize("text, message", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_pointer_is_named(text, message):
    deliver("rows.csv", 0)
    Path("data/raw/rows.csv.dvc").write_text(text, encoding="utf-8")
    refusal = ledger_refusal("prepare")
    assert refusal.startswith("LEDGER: data/raw/rows.csv.dvc: ") and message in refusal


@pytest.mark.parametrize(
    "line",
    [
        "rows.csv",
        "rows.csv,2026-01-01,me",
        "rows.csv,2026-01-01,me,there,50,abc,more",
        "rows.csv,\xff".encode("latin-1"),
    ],
)
def test_broken_line_of_an_older_ledger_is_refused(line):
    deliver("rows.csv", 0)
    age()
    ledger.LEDGER.write_bytes(ledger.LEDGER.read_bytes() + (line if isinstance(line, bytes) else line.encode()))
    message = ledger_refusal("prepare")
    assert message.startswith("LEDGER: data/ledger.csv: line ") and message.endswith("restore it from Git")


def test_doubled_line_of_an_older_ledger_is_refused():
    deliver("rows.csv", 0)
    age()
    ledger.LEDGER.write_text(ledger.LEDGER.read_text() + ledger.LEDGER.read_text().splitlines(keepends=True)[1])
    assert ledger_refusal("prepare") == "LEDGER: data/ledger.csv: rows.csv is in it twice: restore it from Git"


def test_an_older_line_and_a_record_that_differ_are_refused():
    deliver("rows.csv", 0)
    table = ledger.to_csv(ledger.entries(), ledger.Entry)
    ledger.LEDGER.write_text(table.replace("zoe@", "eve@"))
    assert ledger_refusal("prepare").startswith("LEDGER: data/raw/rows.csv.dvc: is not the record in data/ledger.csv: ")


def test_the_table():
    assert run("ledger").output == "No delivery yet\n"
    deliver("rows.csv", 0)
    header, _, line = run("ledger").output.splitlines()
    assert header.split() == ledger.COLUMNS and line.startswith("rows.csv  20") and "Zoë 李 " in line and "<" not in line
    shown = json.loads(run("ledger", "--json").output)
    assert [ledger.Entry(**each) for each in shown["deliveries"]] == ledger.entries() and shown["erased"] == []
    toy.rows(50, first=50).write_csv("more.csv")
    assert run("ingest", "more.csv", "--source", f"operations, {'by mail ' * 20}").exit_code == 0
    assert max(map(len, run("ledger").output.splitlines())) < 120 and "operations, by mail" in run("ledger").output


def test_what_is_no_delivery_is_not_erased():
    deliver("rows.csv", 0)
    assert refused("ledger", "--erase", "rows.csv").startswith("WHY_MISSING: ")
    assert refused("ledger", "--erase", "other.csv", "-m", "law").startswith("other.csv: no delivery of that name")
    age()
    assert refused("ledger", "--erase", "rows.csv", "-m", "law") == "rows.csv is in data/ledger.csv: `uv run factory setup` first"
