"""Requests and scores are captured, outside of requests."""

import hashlib
import json
import os
import stat
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import errors
from late_flights.factory.scoring.scorer import Scorer
from late_flights.factory.serving import messages, metrics, refusals, request_log, responses, retention, settings
from tests.factory import toy

from machinery.serving.service_client import ARROW, GOOD, arrow, records, rows, serving, wait_until


def captured(folder: str = "kept") -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in sorted(Path(folder).glob("*/*.parquet"))])


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_everything_asked_is_kept(trained, problem):
    table = rows(40, problem)
    with serving(CAPTURE="kept") as client:
        client.post(records(table[:1]), X_Request_ID="one", X_Caller="shop")
        client.post(records(table[1:20]), X_Request_ID="many")
        client.post(arrow(table[20:]), ARROW, X_Request_ID="table")
        version = client.get("/version").json()["version"]
    log = captured().sort(pl.col("key").str.slice(1).cast(int))
    assert log.select(table.columns).equals(table)
    expected = Scorer.load().score(table)
    assert log["_score"].to_list() == expected["score"].to_list()
    assert log["_decision"].to_list() == (expected["decision"].to_list() if "decision" in expected.columns else [None] * 40)
    assert log["_client_request"].to_list() == ["one"] + ["many"] * 19 + ["table"] * 20
    assert log["_request"].n_unique() == 3 and log["_request"].str.len_chars().unique().to_list() == [32]
    assert log["_caller"].to_list() == ["shop"] + ["unnamed"] * 39
    assert log["_model"].unique().to_list() == [version] and log["_role"].unique().to_list() == ["champion"]


def test_columns_are_left_out_or_hashed(trained):
    with serving(CAPTURE="kept", CAPTURE_WITHOUT="amount, gap", CAPTURE_HASHED="key") as client:
        client.post(GOOD, path="/score?explain=true")
    log = captured()
    assert not {"amount", "gap"} & set(log.columns) and log["_explanation"].item() is None
    assert log["key"].item() == hashlib.sha256(GOOD["key"].encode()).hexdigest()


def test_personal_data_is_hashed(trained, monkeypatch):
    monkeypatch.setattr(contract.Row.columns()["key"], "metadata", {"pii": "account number"})
    with serving(CAPTURE="kept") as client:
        client.post(GOOD)
    log = captured()
    assert log["key"].item() == hashlib.sha256(GOOD["key"].encode()).hexdigest() and log["amount"].item() == GOOD["amount"]


def test_unknown_column_stops_the_start(trained):
    with (
        pytest.raises(errors.FactoryError, match="amuont: not a column of the contract"),
        serving(CAPTURE="kept", CAPTURE_WITHOUT="amuont"),
    ):
        pass


def test_files_are_rotated_by_size_and_time(trained):
    with serving(CAPTURE="kept", CAPTURE_ROWS=3) as client:
        for _ in range(7):
            client.post(GOOD)
        wait_until(lambda: client.metric("factory_captured_rows_total") == 6)
    assert captured().height == 7
    with serving(CAPTURE="soon", CAPTURE_SECONDS=0.1) as client:
        client.post(GOOD)
        wait_until(lambda: client.metric("factory_captured_rows_total") == 1)


def mode(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_hosts_that_share_a_folder_do_not_replace_each_others_files(tmp_path, monkeypatch):
    """Containers all have the same process id, and two may write in the same microsecond."""
    names = []
    monkeypatch.setattr(request_log, "datetime", SimpleNamespace(now=lambda zone: datetime(2026, 11, 29, tzinfo=zone)))
    for host in ("model-1", "model-2"):
        monkeypatch.setattr(request_log, "HOST", host)
        log = request_log.RequestLog(settings.Settings(), tmp_path, metrics.Telemetry(), lambda rows: None)
        names.append(log._new_file(".parquet").name)
        log.close()
    assert len({*names}) == 2


def test_only_the_services_user_reads_the_files(trained):
    before = os.umask(0)
    try:
        open_file = Path("kept/2999-01-01/x.parquet")
        open_file.parent.mkdir(parents=True)
        open_file.touch(0o666)
        with serving(CAPTURE="kept") as client:
            client.post(GOOD)
    finally:
        os.umask(before)
    assert {mode(path) for path in Path("kept").rglob("*") if path.is_file()} == {0o600}
    assert {mode(path) for path in (Path("kept"), *Path("kept").glob("*-*-*"))} == {0o700}
    Path("kept").chmod(0o755)
    Path("kept/notes").touch(0o644)
    with serving(CAPTURE="kept"):
        pass
    assert mode("kept") == 0o755 and mode("kept/notes") == 0o644, "a folder for other files as well stays open"


def test_old_days_are_deleted_without_a_request_and_nothing_else(trained):
    for name in ("2020-01-01", "2026-13-01", "notes", "2999-01-01"):
        Path("kept", name).mkdir(parents=True)
        Path("kept", name, "x.parquet").touch()
    with serving(CAPTURE="kept", CAPTURE_DAYS=2, CAPTURE_SECONDS=0.05):
        wait_until(lambda: not Path("kept/2020-01-01").exists())
    assert {path.name for path in Path("kept").glob("[!.]*")} == {"2026-13-01", "notes", "2999-01-01"}


def test_full_disk_stops_the_capture_and_not_the_scoring(trained, monkeypatch):
    def full(table: pl.DataFrame, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    lost = 'factory_capture_lost_rows_total{reason="disk"}'
    with serving(CAPTURE="kept", CAPTURE_SECONDS=0.05) as client:
        with monkeypatch.context() as patch:
            patch.setattr(pl.DataFrame, "write_parquet", full)
            assert client.post(GOOD).status == 200
            wait_until(lambda: client.metric(lost) == 1)
            assert client.post(GOOD).status == 200
            wait_until(lambda: client.metric(lost) == 2)
        assert Path("kept").is_dir() and not list(Path("kept").rglob("*.tmp"))
        client.post(GOOD)
        wait_until(lambda: client.metric("factory_captured_rows_total") == 1)
    assert captured().height == 1


def test_place_that_cannot_be_written_stops_the_start(trained):
    Path("kept").write_text("a file")
    with pytest.raises(errors.FactoryError, match="kept: "), serving(CAPTURE="kept"):
        pass


def test_capture_that_lags_behind_is_counted_and_waited_for_by_nobody(trained, monkeypatch):
    held = threading.Event()
    monkeypatch.setattr(pl.DataFrame, "write_parquet", lambda table, path: held.wait(20))
    with serving(CAPTURE="kept", CAPTURE_ROWS=1) as client:
        for _ in range(request_log.MAX_QUEUED_FILES + 5):
            assert client.post(GOOD).status == 200
        assert client.metric('factory_capture_lost_rows_total{reason="behind"}') > 0
        held.set()


def test_capture_that_lags_behind_does_not_fill_the_memory(trained, monkeypatch):
    held = threading.Event()
    monkeypatch.setattr(pl.DataFrame, "write_parquet", lambda table, path: held.wait(20))
    monkeypatch.setattr(request_log, "MAX_QUEUED_BYTES", 1000)
    with serving(CAPTURE="kept") as client:
        assert client.post(GOOD).status == client.post(GOOD).status == 200
        assert client.metric('factory_capture_lost_rows_total{reason="behind"}') == 1
        held.set()
        wait_until(lambda: client.metric("factory_captured_rows_total") == 1)


def from_worker(request: responses.Request, rows: responses.Rows, scores: np.ndarray) -> responses.Captured:
    """What the service keeps of a request that a worker scored."""
    reply = responses.Reply(200, b"x" * 10_000, captured=responses.Captured(rows, scores))
    message = b"".join(map(bytes, reply.encode(request)))
    at, _ = messages.PREFIX.unpack(message[: messages.PREFIX.size])
    return responses.Reply.decode(*messages.decode(memoryview(message)[messages.PREFIX.size :], at)).captured


def test_what_workers_scored_becomes_few_tables(project):
    class Model:
        version, manifest = "v1", {"threshold": None}

    table = rows(4000).with_columns(gap=pl.lit(None, pl.Int16))
    model, batch, start = Model(), [], 0
    for number, height in enumerate([1, 2, 100] * 30):
        part = table[start : start + height]
        start += height
        body = json.dumps(records(part)).encode()
        format, own = [(responses.JSON, part.rows()), (responses.ARROW, part)][number % 2]
        scores = part["amount"].to_numpy()
        captured = from_worker(responses.Request(format, [body], 200), own, scores)
        assert len(captured.rows) < 10_000 and captured.scores.base.nbytes == scores.nbytes, "nothing else is kept"
        batch.append(request_log.ScoredRequest(0, f"{number}", "shop", "champion", model, height, *captured))
    shadowed: list[int] = []
    log = request_log.to_table(batch, lambda rows: shadowed.append(rows.height))
    assert len(shadowed) <= 3 and sum(shadowed) == log.height == start
    assert log.sort(pl.col("key").str.slice(1).cast(int)).select(table.columns).equals(table[:start])
    assert log["_score"].equals(log["amount"].alias("_score")) and log["_request"].n_unique() == 90
    assert log.group_by("_request").len().sort(pl.col("_request").cast(int))["len"].to_list() == [1, 2, 100] * 30


def test_capture_outlives_a_retention_that_fails(trained, monkeypatch):
    monkeypatch.setattr(retention.Retention, "enforce", lambda self: 1 // 0)
    with serving(CAPTURE="kept", CAPTURE_SECONDS=0.05) as client:
        client.post(GOOD)
        wait_until(lambda: client.metric("factory_captured_rows_total") == 1)


def test_capture_is_off_unless_it_has_a_place():
    assert settings.load({}).capture is settings.load({"FACTORY_CAPTURE": ""}).capture is None


def test_refused_rows_are_counted_by_column_without_values(trained):
    with serving(CAPTURE="kept", CAPTURE_SECONDS=0.1) as client:
        client.post(GOOD | {"amount": 200, "gap": 99})
        version = client.get("/version").json()["version"]
        wait_until(lambda: list(Path("kept").glob("*/*.refused.json")))
        client.post(GOOD | {"nonsense": 1, "amount": 500})
    counts = Counter()
    for file in Path("kept").glob("*/*.refused.json"):
        [found] = json.loads(file.read_text())
        assert (found.pop("model"), found.pop("role")) == (version, "champion") and mode(file) == 0o600
        counts.update(found.pop("columns"))
        assert not found
    assert set(counts) == {"amount", "gap", "others"} and not list(Path("kept").glob("*/*.tmp"))


def test_refusals_that_cannot_be_written_wait(tmp_path):
    counted = refusals.Refusals()
    counted.add("v1", "champion", {"amount": 2})
    with pytest.raises(OSError):
        counted.write(tmp_path / "gone/a.refused.json")
    counted.add("v1", "champion", {"amount": 1, "": 1})
    counted.write(tmp_path / "a.refused.json")
    columns = {"amount": 3, "others": 1}
    assert json.loads((tmp_path / "a.refused.json").read_text()) == [{"model": "v1", "role": "champion", "columns": columns}]
    assert not counted and len(list(tmp_path.iterdir())) == 1
