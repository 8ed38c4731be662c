"""The ledger: every line a delivery, or an error that names the line."""

import pytest
from late_flights.factory.data import ledger
from tests.factory import toy
from tests.factory.cli_runner import refused, run

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.parametrize(
    "line",
    [
        "rows.csv",
        "rows.csv,2026-01-01,me",
        "rows.csv,2026-01-01,me,there,50,abc,more",
        "rows.csv,\xff".encode("latin-1"),
    ],
)
def test_broken_line_of_the_ledger_is_refused(line):
    toy.rows(50).write_csv("rows.csv")
    run("ingest", "rows.csv")
    ledger.LEDGER.write_bytes(ledger.LEDGER.read_bytes() + (line if isinstance(line, bytes) else line.encode()))
    assert "data/ledger.csv: " in refused("prepare") and "restore it from Git" in refused("prepare")


def test_blanks_quotes_and_commas_survive_the_ledger():
    source = 'a, "b" \\ Zoë\n李'
    toy.rows(50).write_csv("rows.csv")
    run("ingest", "rows.csv", "--source", source)
    ledger.append([])
    assert [entry.source for entry in ledger.entries()] == [source]
