"""`factory serve` with clients by others, and under model swaps, overload, slow clients, signals and a full disk."""

import contextlib
import json
import os
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from served import ARROW, CSV, ENDED, INFER, JSON, ServedProject, request, statuses, swap, two_models, unread
from workshop import fill, free_port, run, serving, small_disk, tool, wait

pytestmark = pytest.mark.slow
SWAPS = int(os.environ.get("SERVICE_SWAPS", "20"))
REQUESTS = int(os.environ.get("SERVICE_REQUESTS", "20000"))


@pytest.fixture(scope="module")
def project(template, tmp_path_factory) -> ServedProject:
    return two_models(template, tmp_path_factory.mktemp("service"))


# One score, however it is requested


FORMATS = """
import io, json, struct, sys
from http.client import HTTPConnection
from pathlib import Path
import numpy as np
import polars as pl
sys.path.insert(0, "exported")
import scorer

sample = json.loads(Path("rows.json").read_text("utf-8"))
records, expected = sample["records"], np.array(sample["scores"]["a"])
connection = HTTPConnection("127.0.0.1", int(sys.argv[1]))

def post(path, body, kind="application/json", **headers):
    connection.request("POST", path, body, {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}})
    response = connection.getresponse()
    content = response.read()
    assert response.status == 200, content
    return content, response.headers

def same(what, scores):
    assert np.array_equal(np.asarray(scores, np.float64), expected), what
    print(what, len(expected))

same("factory score", pl.read_parquet("scores.parquet")["score"])
same("csv of factory score", pl.read_csv("scores.csv")["score"])
scores = json.loads(post("/score", json.dumps(records))[0])["scores"]
same("JSON", [row["score"] for row in scores])
assert [row["id"] for row in scores] == [record["flight"] for record in records]
assert [row["decision"] for row in scores] == pl.read_parquet("scores.parquet")["decision"].to_list()
singly = [json.loads(post("/score", json.dumps(record))[0])["scores"][0]["score"] for record in records[:300]]
assert singly == expected[:300].tolist()
arrow = pl.read_ipc_stream(post("/score", Path("rows.arrow").read_bytes(), "application/vnd.apache.arrow.stream")[0])
same("Arrow", arrow["score"])
assert arrow.equals(pl.read_parquet("scores.parquet"))
same("CSV", pl.read_csv(post("/score", Path("rows.csv").read_bytes(), "text/csv")[0])["score"])

inputs = [
    {"name": n, "shape": [len(records)], "datatype": d, "data": [record[n] for record in records]}
    for n, d in ((t["name"], t["datatype"]) for t in json.loads(sys.argv[2])["inputs"])
]
response = json.loads(post("/v2/models/served/infer", json.dumps({"inputs": inputs}))[0])
same("V2 JSON", response["outputs"][0]["data"])
tail = b""
for tensor in inputs:
    values = tensor.pop("data")
    if tensor["datatype"] == "BYTES":
        raw = b"".join(struct.pack("<I", len(value)) + value.encode() for value in values)
    else:
        tensor["datatype"] = "FP64"
        raw = np.array([np.nan if value is None else value for value in values], np.float64).tobytes()
    tensor["parameters"] = {"binary_data_size": len(raw)}
    tail += raw
head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
length = "Inference-Header-Content-Length"
content, headers = post("/v2/models/served/infer", head + tail, "application/octet-stream", **{length: str(len(head))})
end = int(headers[length])
size = json.loads(content[:end])["outputs"][0]["parameters"]["binary_data_size"]
same("V2 binary", np.frombuffer(content[end : end + size], np.float64))
same("exported", scorer.Scorer().score(records))
"""


def test_the_same_score_to_the_last_bit(project):
    for file in ("scores.parquet", "scores.csv"):
        project.done("factory", "score", "--model", "a", "rows.parquet", file)
    project.done("factory", "export", "exported", "--model", "a")
    with project.serving():
        tensors = project.request("GET", "/v2/models/served")[1].decode()
        output = project.done("python", "-c", FORMATS, str(project.port), tensors)
    assert len(output.splitlines()) == 8 and f"exported {len(project.records)}" in output


# Clients by others


TRITON = """
import json, sys
import numpy as np
import tritonclient.http as triton
from tritonclient.utils import np_to_triton_dtype

sample = json.load(open("rows.json"))
records, expected = sample["records"][:500], sample["scores"]["a"][:500]
client = triton.InferenceServerClient("127.0.0.1:" + sys.argv[1])
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("served") and not client.is_model_ready("other")
assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
described = client.get_model_metadata("served")
assert [output["name"] for output in described["outputs"]] == ["score", "decision"]
nullable = {name for name in records[0] if any(record[name] is None for record in records)}
assert len(nullable) > 2

def tensor(column, values, binary):
    text = column["datatype"] == "BYTES"
    array = np.array([np.nan if value is None else value for value in values], dtype=object if text else None)
    tensor = triton.InferInput(column["name"], [len(values)], np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor

def scores(binary, left_out=()):
    columns = [column for column in described["inputs"] if column["name"] not in left_out]
    inputs = [tensor(column, [record[column["name"]] for record in records], binary) for column in columns]
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("score", "decision")]
    result = client.infer("served", inputs, outputs=outputs, request_id="mine")
    assert result.get_response()["id"] == "mine" and result.as_numpy("decision").dtype == bool
    return result.as_numpy("score").tolist()

for binary in (True, False):
    assert scores(binary) == expected
    without = scores(binary, nullable)
    assert without != expected
    for record in records:
        record |= dict.fromkeys(nullable)
    assert scores(binary) == without
    records = json.load(open("rows.json"))["records"][:500]
by_default = [tensor(column, [record[column["name"]] for record in records], True) for column in described["inputs"]]
assert client.infer("served", by_default).as_numpy("score").tolist() == expected
"""


def test_triton_client(project, tmp_path):
    python = tool(tmp_path, "python", "tritonclient[http]", "numpy")
    with project.serving():
        run(project.folder, str(python), "-c", TRITON, str(project.port))


GENERATED = """
import json, sys
from client import Client
from client.api.score import score_score_post as score
from client.models import ErrorResponse, Record, Scores

sample = json.load(open(sys.argv[2]))
records = [Record.from_dict(record) for record in sample["records"][:500]]
client = Client(base_url="http://127.0.0.1:" + sys.argv[1], raise_on_unexpected_status=True)
response = score.sync(client=client, body=records)
assert isinstance(response, Scores) and [each.score for each in response.scores] == sample["scores"]["a"][:500]
assert score.sync(client=client, body=records[0]).scores[0].score == sample["scores"]["a"][0]
records[0].distance = 1
refused = score.sync(client=client, body=records)
assert isinstance(refused, ErrorResponse) and [(each.row, each.field) for each in refused.problems] == [(0, "distance")]
"""


def test_client_generated_from_the_document(project, tmp_path):
    generator = tool(tmp_path, "openapi-python-client", "openapi-python-client")
    with project.serving():
        document = f"http://127.0.0.1:{project.port}/openapi.json"
        run(tmp_path, str(generator), "generate", "--url", document, "--meta", "none", "--output-path", "client")
        rows = str(project.folder / "rows.json")
        run(tmp_path, str(generator.with_name("python")), "-c", GENERATED, str(project.port), rows)


# Rows may violate a rule, and tables be damaged, in ways that no schema describes
ALLOWED = """
parameters = {{ "path.name" = "served", "path.version" = "{version}" }}
[[operations]]
include-path-regex = "^/score$|/infer$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 413, 422]
"""


def test_schemathesis_finds_nothing(project, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(ALLOWED.format(version=project.version("a")))
    with project.serving():
        document = f"http://127.0.0.1:{project.port}/openapi.json"
        st = str(tool(tmp_path, "st", "schemathesis>=4"))
        output = run(tmp_path, st, "run", document, "--seed", "1", "--max-examples", "40")
    assert "14 passed" in output and "nresolvable" not in output


# Another model, under load


@pytest.mark.nightly
def test_swaps_under_load(project, tmp_path):
    live = shutil.copytree(project.folder / "a", tmp_path / "live")
    scores = {project.version(name): project.expected["scores"][name] for name in "ab"}
    end = []

    def send(turn: int) -> int:
        sent = 0
        with contextlib.closing(HTTPConnection("127.0.0.1", project.port, timeout=30)) as connection:
            while not end:
                row, height = (sent * 7 + turn) % 1000, (1, 200)[turn % 2]
                records = project.records[row : row + height]
                connection.request("POST", "/score", json.dumps(records), {"Content-Type": JSON})
                response = connection.getresponse()
                content = json.loads(response.read())
                assert response.status == 200, content
                assert [each["score"] for each in content["scores"]] == scores[content["model"]][row : row + height]
                sent += 1
        return sent

    with project.serving(str(live)), ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(send, turn) for turn in range(4)]
        try:
            for turn in range(SWAPS):
                model = "ba"[turn % 2]
                swap(project, model, live)
                version = project.version(model)
                assert wait(lambda: json.loads(project.request("GET", "/version")[1])["version"] == version, 20)  # noqa: B023
        finally:
            end.append(True)
        assert min(each.result() for each in senders) > 10
        assert project.metric('factory_model_loads_total{outcome="taken"') > SWAPS


# Overload and shutdown


def test_overload_is_shed(project):
    body, expected = project.records[:300], project.expected["scores"]["a"][:300]  # so many that a thread scores them
    with project.serving(CONCURRENCY=2):

        def answered() -> bool:
            """Whether a request is scored, as it should be, and not shed."""
            status, content = project.request("POST", "/score", body)
            assert status in (200, 503), content
            assert status == 503 or [each["score"] for each in json.loads(content)["scores"]] == expected
            return status == 200

        storm = project.hammer(connections=40, seconds=6, messages=[request("/score", JSON, body)])
        while storm.poll() is None:
            answered() or time.sleep(0.02)
        assert statuses(storm).keys() == {"200", "503"}
        assert wait(lambda: all(answered() for _ in range(20)), 20)
        assert project.metric("factory_in_flight") == 0


def half_sent(port: int, text: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 20)
    connection.sendall(text)
    return connection


def ended(connection: socket.socket) -> bool:
    connection.settimeout(10)
    with contextlib.suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return True


def test_slow_clients_do_not_hold_it(project):
    with project.serving(HEADER_SECONDS=3, SECONDS=4, CONCURRENCY=4) as server:
        body = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{"
        project.score(project.records[0])
        files = project.metric("process_open_fds")
        slow = [half_sent(project.port, text) for text in (b"", b"GET /vers", body) for _ in range(20)]
        slow += [unread(project.port) for _ in range(5)]
        assert project.metric("process_open_fds") > files + 40
        for record in project.records[:50]:
            project.score(record)
        assert server.poll() is None
        assert wait(lambda: project.metric("process_open_fds") <= files, 20), "connections are held"
        assert all(ended(connection) for connection in slow)
        flood = half_sent(project.port, b"GET /version HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                flood.sendall(b"X-Many: more\r\n" * 100)
        assert project.metric("process_resident_memory_bytes") < 1e9


def test_sigterm_drops_nothing(project):
    messages = [request("/score", JSON, project.records[:height]) for height in (1, 1, 300)]
    with project.serving(DRAIN=3) as server:
        hammer = project.hammer(connections=8, messages=messages)
        assert wait(lambda: project.metric("factory_requests_total") > 50, 60)
        server.send_signal(signal.SIGTERM)
        assert wait(lambda: project.request("GET", "/health/ready")[0] == 503, 3)
        counts = statuses(hammer)
        assert server.wait(20) in ENDED
    assert set(counts) == {"200"} and counts["200"] > 50


# The capture of requests

READ = "import sys, polars as pl; print(sum(pl.read_parquet(file).height for file in sys.argv[1:]))"


def test_killed_service_leaves_whole_files(project, tmp_path):
    messages = [request("/score", JSON, project.records[:20])]
    for pause in (0, 0.03, 0.07):
        with project.serving(CAPTURE=tmp_path / "kept", CAPTURE_ROWS=200, CAPTURE_SECONDS=0.1) as server:
            hammer = project.hammer(connections=2, messages=messages)
            assert wait(lambda: project.metric("factory_captured_rows_total") > 400, 30)
            time.sleep(pause)
            os.killpg(server.pid, signal.SIGKILL)
            hammer.communicate(timeout=20)
    files = [str(file) for file in tmp_path.glob("kept/*/*.parquet")]
    assert len(files) > 3 and int(project.done("python", "-c", READ, *files)) > 3 * 400


def test_full_disk_stops_the_capture_alone(project, tmp_path):
    with (
        small_disk(tmp_path / "disk", "2m") as disk,
        project.serving(CAPTURE=disk / "kept", CAPTURE_SECONDS=0.6),  # time to fill the disk before it writes again
    ):
        project.score(project.records[:100])
        assert wait(lambda: project.metric("factory_captured_rows_total") == 100, 10)
        fill(disk, 0)
        for record in project.records[:50]:
            project.score(record)
        assert wait(lambda: project.metric('factory_capture_lost_rows_total{reason="disk"') == 50, 10)
        (disk / "filler").unlink()
        project.score(project.records[:100])
        assert wait(lambda: project.metric("factory_captured_rows_total") == 200, 10)
        files = list(disk.glob("kept/*/*"))
        assert {file.suffix for file in files} == {".parquet"}
        assert project.done("python", "-c", READ, *map(str, files)).strip() == "200"


def test_memory_does_not_grow(project):
    records, table = project.records[:100], (project.folder / "few.arrow").read_bytes()
    lines = (project.folder / "rows.csv").read_bytes().splitlines(keepends=True)
    tensors = [
        {"name": name, "shape": [1], "datatype": kind, "data": [records[0][name]]}
        for name, kind in ((name, "BYTES" if isinstance(value, str) else "FP64") for name, value in records[0].items())
    ]
    infer = json.dumps({"inputs": tensors, "parameters": {"binary_data_output": True}}).encode()
    bodies = [
        *[("/score", JSON, record) for record in records[:9]],
        *[("/score", JSON, {**records[0], "distance": value}) for value in (None, "far", 10**5, {})],
        *[("/score", JSON, body) for body in (b"", b"{", b"[" * 10_000, b'{"a":1,"a":2}', records[:20], [])],
        *[("/score", CSV, body) for body in (b"".join(lines[:20]), b"".join(lines[:2])[:-9], b"a,b\n1,2\n", b"\xff")],
        *[("/score", ARROW, body) for body in (table, table[: len(table) // 2], b"\xff" * 100)],
        *[("/score", kind, records[0]) for kind in ("text/plain", "application/octet-stream")],
        *[(INFER, kind, infer) for kind in (JSON, f"{JSON}|{len(infer)}", f"{JSON}|3")],
        *[(path, JSON, {}) for path in (INFER, "/nowhere", "/version", "/v2/models/other/infer")],
    ]
    messages = [request(*body) for body in bodies]
    with project.serving():
        statuses(project.hammer(connections=8, requests=REQUESTS // 4, messages=messages))
        for _ in range(3):  # a single figure may hold what is freed a moment later
            before = project.metric("process_resident_memory_bytes")
            counts = statuses(project.hammer(connections=8, requests=REQUESTS, messages=messages))
            grown = project.metric("process_resident_memory_bytes") - before
            if grown < 30e6:
                break
    assert set(counts) == {"200", "400", "404", "405", "415", "422"}
    assert grown < 30e6, f"{grown / 1e6:.0f} MB"


# Traces

COLLECTOR = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        content = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[2], "a") as file:
            for span in (span for group in content.resource_spans for scope in group.scope_spans for span in scope.spans):
                status = [each.value.int_value for each in span.attributes if each.key == "http.response.status_code"]
                print(json.dumps([span.name, span.trace_id.hex(), span.parent_span_id.hex(), *status]), file=file)
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[1])), Collector).serve_forever()
"""
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_requests_are_spans_of_their_callers_traces(project, tmp_path):
    with project.serving(otlp=f"http://127.0.0.1:{free_port()}"):
        project.score(project.records[0])
    assert "fastapi[opentelemetry]" in project.log
    project.done("uv", "sync", "--quiet", "--extra", "otel")
    port, spans = free_port(), tmp_path / "spans"
    collector = f"http://127.0.0.1:{port}"
    with serving(port, project.bin / "python", "-c", COLLECTOR, port, spans, folder=tmp_path):
        with project.serving(otlp=collector):
            traced = {"Content-Type": JSON, "traceparent": f"00-{TRACE}-{SPAN}-01"}
            with contextlib.closing(HTTPConnection("127.0.0.1", project.port, timeout=30)) as connection:
                connection.request("POST", "/score", json.dumps(project.records[0]), traced)
                assert connection.getresponse().status == 200
            assert project.request("POST", "/score", {})[0] == 422
            assert project.request("GET", "/metrics")[0] == 200
        first, second = (json.loads(line) for line in spans.read_text().splitlines())
    assert first == ["POST /score", TRACE, SPAN, 200]
    assert second[0] == "POST /score" and second[1] != TRACE and second[2:] == ["", 422]
    with project.serving(otlp=collector):  # a collector that has gone costs nothing
        project.score(project.records[0])
