"""Callers are identified by a key or a header, and the number of metrics stays limited."""

import hashlib
import json
import os
import re
from datetime import datetime

import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.serving import auth, rate_limit, settings
from tests.factory.cli_runner import run

from machinery.serving.service_client import ARROW, GOOD, arrow, rows, serving, wait_until

LINE = 'factory_requests_total{caller="%s",route="/score",status="%d"}'


def test_key_names_the_caller(trained, tmp_path):
    (billing, line), (web, other) = auth.new_key("billing"), auth.new_key("web")
    keys = tmp_path / "keys"
    keys.write_text(f"# who may ask\n{line}\n\n{other}\n")
    with serving(KEYS=keys) as client:
        assert client.post(GOOD, Authorization=f"Bearer {billing}").status == 200
        assert client.post(GOOD, X_API_Key=web, X_Caller="billing").status == 200
        assert client.metric(LINE % ("billing", 200)) == client.metric(LINE % ("web", 200)) == 1
        assert client.metric('factory_cpu_seconds_total{caller="web"}') > 0
        assert client.metric('factory_body_bytes_total{caller="web"}') == len(json.dumps(GOOD))
        for headers in ({}, {"X_API_Key": billing + "x"}, {"Authorization": billing}):
            assert client.post(GOOD, **headers).status == 401
        assert client.get("/version").status == client.get("/v2/models/x").status == 401
        assert client.get("/health/ready").status == client.get("/metrics").status == 200
        paths = client.get("/openapi.json").json()["paths"]
        assert paths["/score"]["post"]["security"] == [{"key": []}] and paths["/metrics"]["get"]["security"] == []
    assert billing not in keys.read_text()


def test_header_names_the_caller(trained):
    with serving(CALLER_HEADER="X-App") as client:
        for name in ("shop", 'a"b', "x" * 50, "é", *auth.RESERVED):
            client.post(GOOD, X_App=name)
        assert client.metric(LINE % ("shop", 200)) == 1
        assert client.metric(LINE % ("unnamed", 200)) == 3 + len(auth.RESERVED)


def test_many_names_share_one_series(trained):
    with serving(CALLERS=3) as client:
        for number in range(10):
            client.post(GOOD, X_Caller=f"app{number}")
        assert client.metric(LINE % ("app1", 200)) == 1
        assert client.metric(LINE % ("others", 200)) == 8


def test_refused_values_are_counted_by_columns_of_the_contract_alone(trained):
    with serving() as client:
        wrong = arrow(rows(3).with_columns(amount=pl.lit(-1.0))), arrow(rows(2).with_columns(gap=pl.lit(11, pl.Int16)))
        assert [client.post(body, ARROW).status for body in wrong] == [422, 422]
        assert client.post({**GOOD, "amount": -1.0}).problems().keys() == {"amount"}
        for number in range(3):
            assert client.post({**GOOD, f"made up {number}": 1}).status == 422
        counted = {
            column: client.metric(f'factory_refused_values_total{{column="{column}"}}') for column in ("amount", "gap", "")
        }
        assert counted == {"amount": 4, "gap": 2, "": 3}
        assert b"made up" not in client.get("/metrics").body


def callers(keys, text: str | None = None) -> auth.Callers:
    """Those of the file, with this text in it."""
    if text is not None:
        keys.write_text(text)
    return auth.Callers(settings.load({"FACTORY_KEYS": str(keys)}))


def name(callers: auth.Callers, key: str) -> str | None:
    caller = callers.find({b"x-api-key": key.encode()})
    return caller and caller.name


EXPIRED = [("web", "0", "2020-01-31"), ("shop", "1", "2020-01-31T12:00Z"), ("new", "2", "2999-01-31")]
HASH = "0123456789abcdef" * 4
WRONG_LINES = {
    "": "has no keys",
    "# nobody\n": "has no keys",
    "billing\n": "line 1: each line holds NAME SHA256",
    "billing key\n": "line 1: each line holds",
    f"a {HASH}\nb {HASH[1:]}\n": "line 2: each line holds",
    f"a {HASH.upper()}": "line 1: each line holds",
    f"a b {HASH}": "line 1: each line holds",
    f"a {HASH} until=2027-02-30": "line 1: each line holds",
    f"a {HASH} until=2027-01-31T12:00": "line 1: each line holds",  # where?
    f"a {HASH} until=9999-12-31": "line 1: each line holds",
    f"a {HASH} until=": "line 1: each line holds",
    f"a {HASH} rate=0": "line 1: each line holds",
    f"a {HASH} rate=1e-320": "line 1: each line holds",
    f"a {HASH} rate=nan": "line 1: each line holds",
    f"a {HASH} rate=": "line 1: each line holds",
    f"a {HASH} rate=1 rate=9": "line 1: each line holds",
    f"a {HASH} untill=2027-01-31": "line 1: each line holds",
    f"a {hashlib.sha256(b'').hexdigest()}": "line 1: this is the sha256 of an empty key",
    f"a {HASH}\n\nb {HASH}": "line 3: this key is in an earlier line, too",
    **{f"{name} {HASH}": f"line 1: {name}: the service itself uses this name" for name in auth.RESERVED},
}


@pytest.mark.parametrize("text", WRONG_LINES)
def test_wrong_keys_file_stops_the_start(tmp_path, text):
    with pytest.raises(errors.FactoryError, match=f"keys.*{WRONG_LINES[text]}") as stopped:
        callers(tmp_path / "keys", text)
    assert HASH not in str(stopped.value)


def test_unreadable_keys_file_stops_the_start(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(errors.FactoryError, match="cannot read the keys: "):
            callers(path)
    (tmp_path / "keys").write_bytes(b"\xff")
    with pytest.raises(errors.FactoryError, match="cannot read the keys: not UTF-8"):
        callers(tmp_path / "keys")


def test_key_expires(tmp_path, monkeypatch):
    lines = {text: auth.new_key("shop") for text in ("", " until=2027-01-31", " until=2027-02-01T01:00+02:00")}
    found = callers(tmp_path / "keys", "".join(f"{line}{text}\n" for text, (_, line) in lines.items()))
    for moment, valid in (
        ("2027-01-31T22:59:59", [True, True, True]),
        ("2027-01-31T23:00:00", [True, True, False]),
        ("2027-01-31T23:59:59", [True, True, False]),
        ("2027-02-01T00:00:00", [True, False, False]),
    ):
        now = datetime.fromisoformat(f"{moment}+00:00").timestamp()
        monkeypatch.setattr(auth.time, "time", lambda now=now: now)
        assert [name(found, key) == "shop" for key, _ in lines.values()] == valid, moment


def test_keys_are_read_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(auth, "SETTLED_SECONDS", 0)
    (old, old_line), (new, new_line) = auth.new_key("shop"), auth.new_key("shop")
    keys = tmp_path / "keys"
    found = callers(keys, old_line)
    for text, valid in ((f"{old_line}\n{new_line}\n", [True, True]), (f"{new_line}\n", [False, True])):
        keys.write_text(text)
        found.reload()
        assert [name(found, key) == "shop" for key in (old, new)] == valid
    for problem in ("", new_line[:50], f"{old_line} until=2027", None):
        keys.write_text(f"{new_line}\n")
        found.reload()
        caplog.clear()
        keys.unlink() if problem is None else keys.write_text(problem)
        found.reload()
        found.reload()
        assert name(found, new) == "shop" and name(found, old) is None
        [line] = [each.message for each in caplog.records if each.levelname == "ERROR"]
        assert str(keys) in line and "the previous keys stay in use" in line
    caplog.set_level("INFO", "uvicorn.error")
    keys.write_text(f"{new_line}\n")
    found.reload()
    found.reload()
    assert [each.message for each in caplog.records][1:] == [f"{keys}: is as before again"]
    keys.write_text(f"{old_line}\n")
    found.reload()
    assert name(found, old) == "shop" and name(found, new) is None


def test_keys_that_are_being_written_are_not_read(tmp_path, monkeypatch):
    (old, old_line), (new, new_line) = auth.new_key("old"), auth.new_key("new", days=1)
    keys = tmp_path / "keys"
    found = callers(keys, old_line)
    keys.write_text(new_line.partition(" until")[0])  # without what limits it
    monkeypatch.setattr(auth.time, "sleep", lambda seconds: keys.write_text(f"{new_line}\n"))
    found.reload()
    assert name(found, old) == "old" and name(found, new) is None
    found.reload()
    assert name(found, new) == "new"


def test_line_without_an_end_counts_once_nobody_goes_on_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(auth, "SETTLED_SECONDS", 0)
    (old, old_line), (new, new_line) = auth.new_key("old"), auth.new_key("new", rate=100)
    keys = tmp_path / "keys"
    found = callers(keys, old_line)
    keys.write_text(new_line.removesuffix("00"))
    found.reload()
    assert name(found, old) == "old" and name(found, new) is None
    os.utime(keys, times=(2**33, 2**33))  # by another clock
    monkeypatch.setattr(auth, "UNFINISHED_SECONDS", 0)
    found.reload()
    assert name(found, new) == "new"


def test_expired_keys_are_named(tmp_path, caplog):
    text = "".join(f"{name} {sha256 * 64} until={until}\n" for name, sha256, until in EXPIRED)
    callers(tmp_path / "keys", text)
    assert "keys have expired: shop, web" in caplog.text


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_keys_file_that_others_can_read_or_change(tmp_path, caplog, mode, warned):
    keys = tmp_path / "keys"
    keys.write_text(auth.new_key("shop")[1])
    keys.chmod(mode)
    callers(keys)
    assert ("other users of this machine can read or change it" in caplog.text) is warned


def test_replaced_keys_take_effect_and_fail_no_request(trained, tmp_path):
    keys, new = tmp_path / "keys", tmp_path / "new"
    (first, first_line), (second, second_line) = auth.new_key("shop"), auth.new_key("shop")
    keys.write_text(first_line)
    with serving(KEYS=keys) as client:
        assert client.post(GOOD, X_API_Key=second).status == 401
        new.write_text(f"{first_line}\n{second_line}\n")
        new.replace(keys)
        wait_until(lambda: client.post(GOOD, X_API_Key=second).status == 200)
        assert client.post(GOOD, X_API_Key=first).status == 200
        new.write_text(f"{second_line}\n")
        new.replace(keys)
        wait_until(lambda: client.post(GOOD, X_API_Key=first).status == 401)
        assert client.post(GOOD, X_API_Key=second).status == 200


def test_rate_of_a_caller(trained, tmp_path):
    (slow, line), (fast, other) = auth.new_key("slow", rate=0.01), auth.new_key("fast")
    keys = tmp_path / "keys"
    keys.write_text(f"{line}\n{other}\n")
    with serving(KEYS=keys, RATE=1000) as client:
        assert client.post(GOOD, X_API_Key=slow).status == 200
        rejected = client.post(GOOD, X_API_Key=slow)
        assert (rejected.status, rejected.headers["retry-after"]) == (429, "100")
        assert rejected.json()["error"] == "too many requests a second from this caller"
        assert {client.post(GOOD, X_API_Key=fast).status for _ in range(10)} == {200}
        assert client.get("/health/ready").status == 200


@pytest.mark.parametrize("rate", [10, 2.5, 1, 0.5])
def test_a_seconds_requests_at_once_and_as_many_each_second(monkeypatch, rate):
    now = 1000.0
    monkeypatch.setattr(rate_limit.time, "monotonic", lambda: now)
    limit, burst = rate_limit.RateLimit(), max(1, int(rate))
    assert [limit.wait("a", rate) == 0 for _ in range(burst + 1)] == [*[True] * burst, False]
    assert limit.wait("b", rate) == 0
    now += limit.wait("a", rate)
    assert limit.wait("a", rate) == 0 < limit.wait("a", rate)
    accepted = 0
    for _ in range(10_000):
        now += 0.01
        accepted += limit.wait("a", rate) == 0
    assert accepted == pytest.approx(100 * rate, abs=1)


def test_rate_that_is_raised(monkeypatch):
    monkeypatch.setattr(rate_limit.time, "monotonic", lambda: 1000.0)
    limit = rate_limit.RateLimit()
    assert limit.wait("a", 0.01) == 0 and limit.wait("a", 0.01) == pytest.approx(100)
    assert limit.wait("a", 10) == pytest.approx(0.1)


def test_command_makes_a_key(project):
    lines = []
    for options in ((), ("--days", "365", "--rate", "2.5")):
        result = run("key", "shop", *options)
        key = result.stderr.splitlines()[0].rpartition(" ")[2]
        lines.append(result.stdout)
        assert name(callers(project / "keys", "".join(lines)), key) == "shop"
    assert re.search(r" until=\d{4}-\d\d-\d\d rate=2.5\n$", lines[1])
    for wrong in (("--days", "0"), ("--rate", "1e-320"), ("--rate", "nan")):
        assert run("key", "shop", *wrong).exit_code == 2
    assert run("key", "a b").exit_code == 1 and "the service itself uses this name" in run("key", "shadow").stderr


def test_each_request_has_an_id_beside_that_of_its_client(client):
    responses = [client.post(GOOD, X_Request_ID=id).headers for id in ("abc-1", "abc-1", "a b")]
    assert len({headers["x-request-id"] for headers in responses} - {"abc-1"}) == 3
    assert [headers.get("x-client-request-id") for headers in responses] == ["abc-1", "abc-1", None]
    assert len(client.get("/health/live").headers["x-request-id"]) == 32
