"""The ledger of an older release: it serves until the setup or the next delivery, and is then taken over to the last line."""

from pathlib import Path

import pytest
from late_flights.factory.data import integrity, ledger, takeover
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run
from tests.factory.git_repository import git

from machinery.data.ledger_file import age, deliver, ledger_refusal

PIPELINE = "stages:\n  prepare:\n    deps:\n      - data/ledger.csv\n      - data/raw\n"


@pytest.fixture(autouse=True)
def older(committed):
    age()
    git_repository.commit()


def test_it_serves_as_before():
    before = ledger.entries()
    Path("dvc.yaml").write_text(PIPELINE)
    assert run("prepare").exit_code == 0
    deliver("new.csv", 900)  # which needs the line in dvc.yaml gone, first
    assert ledger.entries()[:2] == before and len(ledger.entries()) == 3
    assert ledger.LEDGER.exists() and integrity.problems() == [] and run("prepare").exit_code == 0


def test_no_line_is_lost_and_the_prepared_rows_stay_the_same():
    before, prepared = ledger.entries(), Path("data/prepared/manifest.json").read_bytes()
    assert takeover.take_over() == ["data/ledger.csv: each line is now in its delivery's pointer, data/raw/NAME.dvc"]
    assert ledger.entries() == before and not ledger.LEDGER.exists() and not ledger.ERASED.exists()
    assert all("md5: 000" in entry.pointer.read_text() and "  rows: 300" in entry.pointer.read_text() for entry in before)
    assert integrity.problems() == takeover.take_over() == []
    assert run("prepare").exit_code == 0 and Path("data/prepared/manifest.json").read_bytes() == prepared


def test_a_delivery_takes_it_over_unless_it_is_refused():
    before = ledger.entries()
    toy.rows(50).write_csv("again.csv")
    assert run("ingest", "again.csv").exit_code == 1 and ledger.LEDGER.exists()
    deliver("new.csv", 900)
    assert not ledger.LEDGER.exists() and ledger.entries()[:2] == before and len(ledger.entries()) == 3


def test_a_line_that_is_removed_with_the_takeover_is_missed_in_the_next():
    takeover.take_over()
    git_repository.commit()
    for path in ("data/raw/second.csv", "data/raw/second.csv.dvc"):
        Path(path).unlink()
    age()  # and the older form comes back
    assert "data/raw/second.csv.dvc: is gone, but in main" in ledger_refusal("prepare")


def test_what_an_adoption_had_replaced_is_recorded_as_erased():
    git("tag", "--annotate", "--message", "v1", "model/v1")
    for entry in ledger.entries():
        entry.path.unlink()
        entry.pointer.unlink()
    ledger.LEDGER.unlink()
    toy.rows(50, first=900).write_csv("data/raw/mine.csv")
    ledger.LEDGER.write_text(ledger.to_csv([], ledger.Entry))
    assert integrity.problems() == []
    done = takeover.take_over()
    assert done[1] == "data/erased.csv: first.parquet, second.csv: not in data/ledger.csv when it was taken over"
    assert integrity.problems() == [] and run("ingest", "data/raw/mine.csv").exit_code == 0


def test_a_line_without_a_pointer_is_named_and_nothing_is_taken_over():
    toy.rows(50, first=900).write_csv("new.csv")
    before = ledger.LEDGER.read_text()
    Path("data/raw/second.csv.dvc").unlink()
    assert "data/ledger.csv: second.csv has no pointer data/raw/second.csv.dvc" in ledger_refusal("ingest", "new.csv")
    assert ledger.LEDGER.read_text() == before
