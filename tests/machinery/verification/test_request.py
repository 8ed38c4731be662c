"""A captured request is answered again by the version that answered it, to the last bit."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory import manifest
from late_flights.factory.paths import MODEL
from late_flights.factory.registry import versions
from late_flights.factory.scoring import artifact
from late_flights.factory.validation import personal
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run
from tests.factory.git_repository import git

from machinery.serving.service_client import ARROW, arrow, records, rows, serving

KEPT = Path("data/prepared/captures")  # which Git ignores


def answered(*arguments):
    return run("reproduce", "one", f"--captures={KEPT}", *arguments)


@pytest.fixture
def captured(committed, problem):
    """Requests that v1 answered, each of its own shape."""
    versions.publish(git("rev-parse", "HEAD"), git_repository.RECORD | {"model": manifest.model_id()}, "promoted", [])
    artifact.write_version(MODEL, "v1", git("rev-parse", "HEAD"))
    table = rows(30, problem)
    with serving(CAPTURE=KEPT) as client:
        client.post(records(table[:1]), X_Request_ID="one", X_Caller="shop")
        client.post(records(table[1:3]), X_Request_ID="other")
        client.post(arrow(table[3:]), ARROW, X_Request_ID="table")
    return table


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_same_row_gets_the_same_score(captured):
    result = answered()
    assert result.exit_code == 0, result.output
    first, row, verdict, _, *lineage = result.stdout.splitlines()
    assert first.startswith("request 'one': 1 row, 20") and first.endswith(" UTC, by 'shop', answered by v1")
    key, amount = captured["key"][0], captured["amount"][0]
    assert f"key {key!r}, " in row and f"amount {amount}" in row and ": score " in row
    assert verdict == "✓ v1 gives the same again, to the last bit"
    assert any(line.startswith("version     v1, promoted ") for line in lineage)
    assert any(" deliveries by Zoë 李 <zoe@example.com>, sha256 " in line for line in lineage)


@pytest.mark.usefixtures("captured")
def test_each_row_of_a_request():
    assert run("reproduce", "other", f"--captures={KEPT}").stdout.startswith("request 'other': 2 rows, ")
    edit(lambda table: table.with_columns(_caller=pl.lit("\x1b[2J")))
    shown = run("reproduce", "table", f"--captures={KEPT}").stdout
    assert shown.startswith("request 'table': 27 rows, ") and r"by '\x1b[2J'" in shown and "\n  and 17 more\n" in shown


def edit(change):
    for file in KEPT.glob("*/*.parquet"):
        change(pl.read_parquet(file)).write_parquet(file)


@pytest.mark.usefixtures("captured")
def test_a_request_is_found_by_either_id():
    own = pl.read_parquet(KEPT / "*/*.parquet").filter(_client_request="one")["_request"].item()
    assert run("reproduce", own, f"--captures={KEPT}").stdout.startswith(f"request {own!r}: 1 row, ")
    assert answered().stdout.startswith("request 'one': 1 row, ")
    edit(lambda table: table.with_columns(_request="_client_request").drop("_client_request"))
    assert answered().stdout.startswith("request 'one': 1 row, "), "as captured by an older release"


@pytest.mark.usefixtures("captured")
@pytest.mark.parametrize(
    "change",
    [pl.col("_score").map_batches(lambda scores: np.nextafter(scores, 2)), ~pl.col("_decision")],
    ids=["a bit of the score", "decision"],
)
def test_other_answer_is_refused(change):
    edit(lambda table: table.with_columns(change))
    result = answered()
    assert result.exit_code == 1 and result.stderr.startswith("Error: NOT_REPRODUCED: v1 gives other values of ")


def with_hashed(name):
    edit(lambda table: table.with_columns(personal.hashed(name)))


@pytest.mark.usefixtures("captured")
def test_a_request_is_answered_again_where_its_id_was_hashed():
    with_hashed("key")
    result = answered()
    assert result.exit_code == 0 and "✓ v1 gives the same again, to the last bit" in result.stdout


@pytest.mark.usefixtures("captured")
def test_a_request_is_not_answered_again_where_a_feature_was_hashed():
    with_hashed("amount")
    result = answered()
    assert result.exit_code == 2 and "captured with hashes of amount: it cannot be answered again" in result.stderr


def missing_column(table):
    return table.drop("amount")


def without_scores(table):
    return table.drop("_score")


def other_model(table):
    return table.with_columns(_model=pl.lit("0123456789ab"))


def shadow(table):
    return table.with_columns(_role=pl.lit("shadow"))


@pytest.mark.usefixtures("captured")
@pytest.mark.parametrize(
    "change, message",
    [
        (missing_column, "CAPTURE: the request was captured without amount: it cannot be answered again"),
        (without_scores, f"CAPTURE: {KEPT}: "),
        (other_model, "CAPTURE: the request was answered by 0123456789ab, which is not a version here"),
        (shadow, f"CAPTURE: {KEPT} has no request one: "),
    ],
)
def test_what_cannot_be_answered_again(change, message):
    edit(change)
    result = answered()
    assert result.exit_code == 2 and result.stderr.startswith(f"Error: {message}")


@pytest.mark.usefixtures("captured")
def test_model_without_a_version_is_known_by_its_hash():
    edit(lambda table: table.with_columns(_model=pl.lit(manifest.model_id()[:12])))
    assert "answered by v1" in answered().stdout


@pytest.mark.usefixtures("captured")
def test_damaged_capture_is_named():
    Path(KEPT, "2030-01-01").mkdir()
    Path(KEPT, "2030-01-01/half.parquet").write_bytes(b"PAR1half")
    result = answered()
    assert result.exit_code == 2 and result.stderr.startswith(f"Error: CAPTURE: {KEPT}: ") and result.stderr.count("\n") == 1


@pytest.mark.usefixtures("committed")
def test_without_captures():
    result = run("reproduce", "one")
    assert result.exit_code == 2 and "--captures FOLDER is missing" in result.stderr
    assert answered().stderr.startswith(f"Error: CAPTURE: {KEPT} has no request one")
