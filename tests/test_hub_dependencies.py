"""What the hub finds against packages: OSV's records and API, withdrawn releases, and what it shows where nobody responds."""

import base64
import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "hooks"))

import origins  # noqa: F401 -- it makes the factory importable
from factory.errors import FactoryError
from findings import advisories, dependencies, osv, packages, withdrawn
from findings.index import JSON

CLOSED = "http://127.0.0.1:9"  # the port of discard, where nobody listens


def record(identifier: str = "GHSA-1", name: str = "jinja2", **affected) -> dict[str, object]:
    return {"id": identifier, "affected": [{"package": {"ecosystem": "PyPI", "name": name}, **affected}]}


def ranges(*events: dict[str, str]) -> dict[str, object]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


def found(content: object, *used: tuple[str, str]) -> list[advisories.Advisory]:
    records = [osv.Record.model_validate(each) for each in (content if isinstance(content, list) else [content])]
    return advisories.look_up(records, [*packages.users([("churn", dict(used))])])


@contextmanager
def server(answer: Callable[[str, str, bytes, dict[str, str]], tuple[int, object]]) -> Iterator[str]:
    """A server that responds with the status and JSON, or text, that the function gives."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            code, content = answer(self.command, self.path, body, dict(self.headers))
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(code)
            kind = "text/html" if isinstance(content, str) else JSON
            for name, value in {"Content-Type": kind, "Content-Length": str(len(text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        do_GET = do_POST = do_HEAD = respond

        def log_message(self, *args: object) -> None: ...

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


@pytest.mark.parametrize(
    "version, events, affected",
    [
        ("3.1.2", ({"introduced": "0"}, {"fixed": "3.1.4"}), True),
        ("3.1.4", ({"introduced": "0"}, {"fixed": "3.1.4"}), False),
        ("3.1.4rc1", ({"introduced": "0"}, {"fixed": "3.1.4"}), True),
        ("3.1.10", ({"introduced": "3.1.9"}, {"fixed": "3.1.11"}), True),  # not by letters
        ("2.0", ({"introduced": "3"}, {"fixed": "3.1.4"}), False),
        ("3.0", ({"introduced": "2"}, {"last_affected": "3.0"}), True),
        ("3.0.1", ({"introduced": "2"}, {"last_affected": "3.0"}), False),
        ("5.1", ({"introduced": "5"}, {"fixed": "5.2"}, {"introduced": "0"}, {"fixed": "4.1"}), True),  # in any order
        ("4.5", ({"introduced": "5"}, {"fixed": "5.2"}, {"introduced": "0"}, {"fixed": "4.1"}), False),
        ("1!1.0", ({"introduced": "2020"}, {"fixed": "1!2"}), True),
    ],
)
def test_a_range_of_releases_holds_as_osv_defines_it(version, events, affected):
    assert bool(found(record(**ranges(*events)), ("Jinja2", version))) == affected


def test_releases_are_listed_in_any_form_and_local_ones_count_as_their_public_one():
    listed = record(name="PyTorch_Lib", versions=["2.3.0"])
    assert found(listed, ("pytorch-lib", "2.3+cpu")) and not found(listed, ("pytorch-lib", "2.3.1"))


@pytest.mark.parametrize(
    "changes",
    [
        {"withdrawn": "2026-01-01T00:00:00Z"},
        {"affected": [{"package": {"ecosystem": "npm", "name": "jinja2"}, "versions": ["3"]}]},
    ],
)
def test_withdrawn_advisories_and_other_ecosystems_are_none_of_ours(changes):
    assert not found(record(versions=["3"]) | changes, ("jinja2", "3"))


def test_several_databases_have_one_vulnerability():
    same = [
        record("PYSEC-2024-1", versions=["3.1.2"]) | {"aliases": ["CVE-2024-34064"], "details": "long"},
        record("GHSA-h75v", **ranges({"introduced": "0"}, {"fixed": "3.1.4"}))
        | {"aliases": ["CVE-2024-34064"], "summary": "short"},
        record("GHSA-other", **ranges({"introduced": "3"}, {"fixed": "not a version"}, {"fixed": "3.2"})),
    ]
    one, other = found(same, ("jinja2", "3.1.2"))
    assert (one.ids, one.fixed) == (("CVE-2024-34064", "GHSA-h75v", "PYSEC-2024-1"), ("3.1.4",))
    assert (other.ids, other.fixed) == (("GHSA-other",), ("3.2",))


def test_records_are_read_from_osvs_archive_and_from_json(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"GHSA-{number}.json", json.dumps(record(f"GHSA-{number}", versions=["3"])))
    (tmp_path / "list.json").write_text(json.dumps([record("GHSA-0")]))
    (tmp_path / "one.json").write_text(json.dumps(record("GHSA-0")))
    assert [len(osv.read(tmp_path / name)) for name in ("all.zip", "list.json", "one.json")] == [3, 1, 1]


@pytest.mark.parametrize("content", ["", "[1]", "{}", "PK\x03\x04", '[{"id": 1}]', '{"id": "GHSA-1", "affected": "all"}'])
def test_a_file_of_anything_else_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "records").write_text(content)
    with pytest.raises(FactoryError, match=r"records: cannot be read as records of OSV.*") as error:
        osv.read(tmp_path / "records")
    assert "\n" not in str(error.value)


def test_the_api_is_asked_for_all_pages_in_batches(monkeypatch):
    monkeypatch.setattr(advisories, "BATCH", 2)
    asked = []

    def answer(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, object]:
        if method == "GET":
            return 200, record(path.rpartition("/")[2], **ranges({"introduced": "0"}, {"fixed": "9"})) | {"summary": "bad"}
        queries = json.loads(body)["queries"]
        asked.append(queries)
        later = [{"vulns": [{"id": "GHSA-2"}, {"id": "../../etc"}]} if each.get("page_token") else {} for each in queries]
        first = {"vulns": [{"id": "GHSA-1"}], "next_page_token": "more"}
        return 200, {
            "results": [
                first if each["package"]["name"] == "jinja2" and "page_token" not in each else other
                for each, other in zip(queries, later, strict=True)
            ]
        }

    used = packages.users([("churn", {"jinja2": "3", "numpy": "2.3.1+cpu", "polars": "1.0"})])
    with server(answer) as address:
        result = advisories.ask(address, [*used])
    assert [(each.package, each.ids, each.fixed) for each in result] == [
        (("jinja2", "3"), (each,), ("9",)) for each in ("GHSA-1", "GHSA-2")
    ]
    assert [len(queries) for queries in asked] == [2, 1, 1]
    assert asked[0][1] == {"package": {"ecosystem": "PyPI", "name": "numpy"}, "version": "2.3.1"}


@pytest.mark.parametrize(
    "response", [[], {}, {"results": []}, {"results": [{"vulns": 1}]}, {"results": [{"vulns": [{"id": 1}]}]}, "<html>"]
)
def test_another_response_than_the_apis_is_refused(response):
    with server(lambda *_: (200, response)) as address, pytest.raises(FactoryError):
        advisories.ask(address, [("jinja2", "3")])


FILES = {
    "gone": [("gone-1.0.tar.gz", "broken"), ("gone-1-py3-none-any.whl", True), ("gone-2.0.tar.gz", False)],
    "partly": [("partly-1.0.tar.gz", True), ("partly-1.0-py3-none-any.whl", False)],
    "fine": [("fine-1.0.tar.gz", False), ("fine-1.0.exe", True)],
}


def index(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, object]:
    name = path.strip("/").rpartition("/")[2]
    if headers.get("Authorization") not in (None, f"Basic {base64.b64encode(b'me:p@ss').decode()}"):
        return 401, {}
    if name == "bad":
        return 200, {"files": [], "project-status": {"status": "quarantined", "reason": "malware"}}
    if name not in FILES:
        return 404, "<html>not here</html>"
    return 200, {"files": [{"filename": file, "yanked": yanked} for file, yanked in FILES[name]]}


def test_releases_are_withdrawn_where_all_their_files_are_or_the_project_is():
    used = packages.users(
        [("churn", {"gone": "1.0", "partly": "1.0", "fine": "1", "bad": "3", "acme-own": "1"}), ("b", {"gone": "2.0"})]
    )
    with server(index) as address:
        result, elsewhere = withdrawn.ask(f"{address}/simple/", [*used])
    assert {each.package: each.reason for each in result} == {
        ("gone", "1.0"): "yanked: broken",
        ("bad", "3"): "quarantined: malware",
    }
    assert elsewhere == ["acme-own"]


PAGE = """<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0">{}</head><body>
<a href="../../packages/aa/gone-1.0.tar.gz#sha256=00" data-yanked="broken &amp; lost">gone-1.0.tar.gz</a>
<a href="https://files.example.com/gone-1.0-py3-none-any.whl?x=1" data-yanked>wheel</a>
<a href="gone-2.0.tar.gz" data-requires-python="&gt;=3">gone-2.0.tar.gz</a></body></html>"""
STOPPED = """<meta name="pypi:project-status" content="quarantined"><meta name="pypi:project-status-reason" content="malware">"""


@pytest.mark.parametrize(
    "marks, reasons", [("", {"1.0": "yanked: broken & lost"}), (STOPPED, dict.fromkeys(("1.0", "2.0"), "quarantined: malware"))]
)
def test_an_index_may_have_html_alone(marks, reasons):
    with server(lambda *_: (200, PAGE.format(marks))) as address:
        result, elsewhere = withdrawn.ask(address, [("gone", "1.0"), ("gone", "2.0")])
    assert {each.package[1]: each.reason for each in result} == reasons and not elsewhere


def test_an_index_gets_its_password_and_no_message_has_it():
    with server(index) as address:
        login = address.replace("//", "//me:p%40ss@")
        assert withdrawn.ask(login, [("gone", "1.0")])[0]
        with pytest.raises(FactoryError) as error:
            withdrawn.ask(address.replace("//", "//me:wrong@"), [("gone", "1.0")])
    assert "401" in str(error.value) and "wrong" not in str(error.value)


@pytest.mark.parametrize("response", ["<html><p>Log in</p></html>", {}, {"files": [1]}, {"files": [], "project-status": 1}])
def test_anything_else_than_a_page_of_an_index_is_refused(response):
    with server(lambda *_: (200, response)) as address, pytest.raises(FactoryError):
        withdrawn.ask(address, [("gone", "1.0")])


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, "https://pypi.org/simple"),
        ({"PIP_INDEX_URL": "https://pip.example.com/"}, "https://pip.example.com/"),
        ({"PIP_INDEX_URL": "https://pip.example.com/", "UV_DEFAULT_INDEX": "https://uv.example.com/"}, "https://uv.example.com/"),
    ],
)
def test_the_index_is_that_of_uv_or_pip(environment, expected):
    assert withdrawn.default(environment) == expected


@pytest.mark.parametrize(
    "name, version",
    [("../../etc", "1"), ("a/b", "1"), ("x?y", "1"), ("", "1"), ("numpy", "1 or 1"), ("numpy", "latest"), ("é", "1")],
)
def test_what_no_index_can_have_is_not_asked_for(name, version):
    assert not packages.users([("churn", {name: version})])


def test_a_project_uses_a_package_once_however_often_it_is_named():
    assert packages.users([("churn", {"Foo_Bar": "1.0", "foo-bar": "1.0"})]) == {("foo-bar", "1.0"): ["churn"]}


def test_who_does_not_respond_is_named_with_the_reason():
    used = SimpleNamespace(
        origin=SimpleNamespace(key="churn"), status=SimpleNamespace(dependencies=SimpleNamespace(packages={"gone": "1.0"}))
    )
    unknown = SimpleNamespace(origin=SimpleNamespace(key="other"), status=None)
    result = dependencies.check([used, unknown], CLOSED, CLOSED.replace("//", "//me:secret@"))
    assert set(result.not_asked) == {"vulnerabilities", "withdrawn releases"} and result.unknown == ("other",)
    assert all(
        "127.0.0.1:9 cannot be reached: ConnectionError" in why and "secret" not in why for why in result.not_asked.values()
    )
    with server(index) as address:
        result = dependencies.check(
            [used, unknown], "", address, [osv.Record.model_validate(record(name="gone", versions=["1.0"]))]
        )
    assert not result.not_asked
    assert [list(result.by_project(each)) for each in (result.advisories, result.withdrawn)] == [["churn"], ["churn"]]
