"""Metrics and documentation: for all, behind a key, or on a port of their own; the page needs nothing from elsewhere."""

import re
import socket
from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.serving import auth, server, settings

from machinery.serving.service_client import GOOD, Client, serving

PATHS = ["/metrics", "/docs", "/docs/swagger-ui.css", "/openapi.json"]


def statuses(client, paths=PATHS, **headers):
    return {client.request("GET", path, headers=headers).status for path in paths}


@pytest.mark.parametrize("admin", ["open", "key"])
def test_with_keys(trained, tmp_path, admin):
    key, line = auth.new_key("shop")
    (tmp_path / "keys").write_text(line)
    with serving(KEYS=tmp_path / "keys", ADMIN=admin) as client:
        assert statuses(client) == {200 if admin == "open" else 401}
        document = client.request("GET", "/openapi.json", headers={"X-API-Key": key}).json()
        assert document["paths"]["/metrics"]["get"]["security"] == ([] if admin == "open" else [{"key": []}])
        assert statuses(client, **{"X-API-Key": key}) == {200} and statuses(client, ["/health/live", "/"]) == {200}


def test_on_a_port_of_their_own(trained):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving(ADMIN=port) as client:
        admin = Client(port, client.service)
        assert statuses(client) == {404} and statuses(admin) == {200}
        assert client.post(GOOD).status == 200 and admin.post(GOOD).status == 404
        assert statuses(client, ["/health/ready"]) == statuses(admin, ["/health/ready"]) == {200}
        with pytest.raises(errors.FactoryError, match=rf"^FACTORY_ADMIN: cannot listen on port {port}: "):
            server.create_server(settings.load({"FACTORY_ADMIN": str(port)}), Path("model"), "127.0.0.1", 0).run()


def test_port_of_the_service_itself(trained):
    with pytest.raises(errors.FactoryError, match=r"^FACTORY_ADMIN: 8123 is the port of the service itself: [^\n]*$"):
        server.create_server(settings.load({"FACTORY_ADMIN": "8123"}), Path("model"), "127.0.0.1", 8123)


def test_limits_are_documented(client):
    responses = client.get("/openapi.json").json()["paths"]["/score"]["post"]["responses"]
    assert "a second" in responses["429"]["description"] and "workers are busy" in responses["503"]["description"]


def test_page_needs_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert "://" not in page.body.decode().replace("window.location.origin", "")
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.body.decode()):
        assert client.get(f"/{name}").headers["content-type"].startswith(("text/", "image/")), name
    assert client.get("/docs/nothing").status == 404
