"""Callers are identified by a key or a header, and the number of metrics stays limited."""

import json

import pytest
from late_flights.factory import errors
from late_flights.factory.serving import auth
from tests.factory.cli_runner import run

from machinery.serving.service_client import GOOD, serving

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
        for name in ("shop", 'a"b', "x" * 50, "é"):
            client.post(GOOD, X_App=name)
        assert client.metric(LINE % ("shop", 200)) == 1
        assert client.metric(LINE % ("unnamed", 200)) == 3


def test_many_names_share_one_series(trained):
    with serving(CALLERS=3) as client:
        for number in range(10):
            client.post(GOOD, X_Caller=f"app{number}")
        assert client.metric(LINE % ("app1", 200)) == 1
        assert client.metric(LINE % ("others", 200)) == 8


@pytest.mark.parametrize("text", ["", "billing\n", "billing key\n", "a b " + "0" * 64, "\xff", None])
def test_wrong_keys_file_stops_the_start(tmp_path, text):
    if text is not None:
        (tmp_path / "keys").write_bytes(text.encode("latin-1"))
    with pytest.raises(errors.FactoryError, match="keys"):
        auth.Callers(tmp_path / "keys", "X-Caller", 5)


def test_command_makes_a_key(project):
    result = run("key", "shop")
    key = result.stderr.splitlines()[0].rpartition(" ")[2]
    (project / "keys").write_text(result.stdout)
    assert auth.Callers(project / "keys", "", 5).name({b"x-api-key": key.encode()}) == "shop"
    assert run("key", "a b").exit_code == 1


def test_each_request_has_an_id_beside_that_of_its_client(client):
    responses = [client.post(GOOD, X_Request_ID=id).headers for id in ("abc-1", "abc-1", "a b")]
    assert len({headers["x-request-id"] for headers in responses} - {"abc-1"}) == 3
    assert [headers.get("x-client-request-id") for headers in responses] == ["abc-1", "abc-1", None]
    assert len(client.get("/health/live").headers["x-request-id"]) == 32
