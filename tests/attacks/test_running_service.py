"""The running service: rows, models, connections and settings that take it from others, or open it to them.

Against an earlier state each test must fail.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile_project import HostileProject
from served import ARROW, INFER, JSON, memory, swap, unread
from workshop import free_port, require, wait

SECONDS = 8  # of a request, fewer than any attack holds on for


@contextlib.contextmanager
def asking(project: HostileProject, body: object) -> Iterator[object]:
    """The status of a request that is sent meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(project.status, "POST", "/score", body)


def others_are_served(project: HostileProject) -> None:
    statuses = [
        project.status("GET", "/health/live"),
        project.status("POST", "/score", project.records[0]),
        project.status("POST", "/score", project.records[:40]),
        project.status("GET", "/health/ready"),
    ]
    assert statuses == [200] * 4


# Rows for which features or an estimator do not return


HOLDING = ["sleep", "regex", "integer", "native", "deadlock"]
DEADLY = ["abort", "segfault", "leave_at_once", "close_files"]


def holds_only_itself(project: HostileProject, act: str, height: int) -> None:
    project.warm_up()
    with asking(project, project.rows(act, height)) as asked:
        assert project.begun(act)
        others_are_served(project)
        assert not asked.done(), "the others waited for it"
        assert asked.result() == 503
    others_are_served(project)


@pytest.mark.parametrize("act", HOLDING)
def test_rows_that_hold_the_features(hostile, act):
    with hostile.serving(SECONDS=SECONDS):
        holds_only_itself(hostile, act, 40)


@pytest.mark.parametrize("act", DEADLY)
def test_rows_whose_features_end_the_process(hostile, act):
    with hostile.serving() as server:
        for _ in range(3):
            assert hostile.status("POST", "/score", hostile.rows(act)) in (500, 503)
            others_are_served(hostile)
        assert server.poll() is None


def test_row_that_holds_an_estimator_without_onnx(hostile):
    with hostile.serving("opaque", SECONDS=SECONDS):
        holds_only_itself(hostile, "regex", 1)


def test_row_whose_estimator_without_onnx_ends_the_process(hostile):
    with hostile.serving("opaque"):
        assert hostile.status("POST", "/score", hostile.rows("abort", 1)) in (500, 503)
        others_are_served(hostile)


def test_features_whose_memory_grows(hostile):
    with hostile.serving(SECONDS=SECONDS) as server:
        assert hostile.status("POST", "/score", hostile.rows("leak")) == 503
        assert wait(lambda: hostile.resident(server) < 900, 20), "the memory is not given back"
        others_are_served(hostile)


def test_processes_killed_all_at_once_and_again_and_again(hostile):
    with hostile.serving() as server:
        for turn in range(10):
            workers = hostile.processes(server)[1:]
            assert workers or turn, "features run in the process that listens"
            for worker in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            assert hostile.status("GET", "/health/live") == 200
            assert hostile.status("POST", "/score", hostile.records[0]) == 200, "what is compiled needs no other process"
        assert wait(lambda: hostile.status("POST", "/score", hostile.records[:40]) == 200, 60)
        assert hostile.written.count("\n") < 200


def test_model_that_is_slow_to_load(hostile, tmp_path):
    live = shutil.copytree(hostile.folder / "a", tmp_path / "live")
    with hostile.serving(str(live)):
        (hostile.marks / "hold up").touch()
        swap(hostile, "b", live)
        assert hostile.begun("held up")
        others_are_served(hostile)
        (hostile.marks / "hold up").unlink()
        taken = hostile.version("b")
        assert wait(lambda: json.loads(hostile.request("GET", "/version")[1])["version"] == taken, 60)


# Bodies that claim more than they hold


def test_million_rows_in_a_kilobyte(hostile):
    stream = hostile.read("null.arrow")
    assert len(stream) < 4_000
    with hostile.serving():
        assert hostile.status("POST", "/score", stream, ARROW) in (400, 413), "all rows were looked at"


def test_tensor_of_too_many_rows_is_refused_before_it_is_read(hostile):
    head, tail = hostile.large_tensor()
    with hostile.serving() as server:
        assert hostile.status("POST", INFER, head + tail, f"{JSON}|{len(head)}") == 413
        assert max(memory(pid, "VmHWM") for pid in hostile.processes(server)) < 400


# Connections


def test_half_sent_headers(hostile):
    with hostile.serving(), hostile.half_sent(1_200):
        others_are_served(hostile)


def test_half_sent_headers_where_few_files_may_be_open(hostile):
    require("prlimit")
    with hostile.serving("a", "prlimit", "--nofile=64"), hostile.half_sent(100):
        others_are_served(hostile)


def test_responses_that_nobody_reads(hostile):
    with hostile.serving() as server, contextlib.ExitStack() as stack:
        for _ in range(1_100):
            stack.enter_context(unread(hostile.port))
        assert hostile.status("GET", "/health/live") == 200
        assert wait(lambda: hostile.status("POST", "/score", hostile.records[:40]) == 200, 60)
        assert max(memory(pid, "VmHWM") for pid in hostile.processes(server)) < 400


def test_request_in_the_body_of_an_upgrade(hostile):
    smuggled = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n"
    with hostile.serving(), socket.create_connection(("127.0.0.1", hostile.port), 5) as connection:
        connection.sendall(head % len(smuggled))
        answer = connection.recv(65536)
        connection.sendall(smuggled)
        connection.settimeout(3)
        with contextlib.suppress(OSError):
            while part := connection.recv(65536):
                answer += part
    assert answer.count(b"HTTP/1.1 ") == 1, answer


# Callers


def test_caller_that_takes_all_places(hostile):
    hostile.allow("alice", "bob")
    body = hostile.read("rows.arrow")
    with hostile.serving(KEYS="keys"), ThreadPoolExecutor(80) as pool:
        storm = [pool.submit(hostile.status, "POST", "/score", body, ARROW, X_API_Key="alice") for _ in range(400)]
        assert wait(lambda: sum(each.done() for each in storm) > 20, 30)
        for _ in range(20):
            assert hostile.status("POST", "/score", hostile.records[0], X_API_Key="bob") == 200


def test_key_that_is_taken_away(hostile):
    hostile.allow("alice", "bob")
    with hostile.serving(KEYS="keys"):
        assert hostile.status("GET", "/version", X_API_Key="bob") == 200
        hostile.allow("alice")
        assert wait(lambda: hostile.status("GET", "/version", X_API_Key="bob") == 401, 10)
        (hostile.folder / "keys").write_text("ali", "utf-8")
        (hostile.folder / "keys").chmod(0)
        assert not wait(lambda: hostile.status("GET", "/version", X_API_Key="alice") != 200, 1)


def test_request_id_that_the_caller_chooses(hostile):
    with hostile.serving(), contextlib.closing(hostile.connect()) as connection:
        connection.request("POST", "/score", json.dumps(hostile.records[0]), {"Content-Type": JSON, "X-Request-ID": "mine"})
        assert connection.getresponse().headers["X-Request-ID"] != "mine"


def test_capture_that_others_on_the_machine_may_read(hostile, tmp_path):
    with hostile.serving("a", "sh", "-c", 'umask 0; exec "$@"', "sh", CAPTURE=tmp_path / "kept", CAPTURE_SECONDS=0.1):
        hostile.score(hostile.records[0])
        assert wait(lambda: [*tmp_path.glob("kept/*/*.parquet")], 10)
    assert not [path for path in tmp_path.glob("kept/**") if path.stat().st_mode & 0o077]


@pytest.mark.parametrize("when", ["while it runs", "before it starts", "before it first starts"])
def test_captures_when_the_clock_is_wrong(hostile, tmp_path, when):
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None) or pytest.skip("no faketime on this machine")
    clock, kept = tmp_path / "clock", tmp_path / "kept"
    faked = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1, "FAKETIME_DONT_FAKE_MONOTONIC": 1}
    command = ("env", *(f"{name}={value}" for name, value in faked.items()))
    clock.write_text("+0")

    def captured(count: int) -> bool:
        hostile.score(hostile.records[0])
        return wait(lambda: len([*kept.glob("*/*.parquet")]) == count, 10)

    with hostile.serving("a", *command, CAPTURE=kept, CAPTURE_SECONDS=0.1):
        assert captured(1)
        if when == "while it runs":
            clock.write_text("+400d")
            assert captured(2), "what was captured has gone"
    if when == "before it first starts":
        for file in kept.glob(".*"):
            file.unlink()
    clock.write_text("+400d")
    with hostile.serving("a", *command, CAPTURE=kept, CAPTURE_SECONDS=0.1):
        before = len([*kept.glob("*/*.parquet")])
        assert captured(before + 1) and captured(before + 2), "what was captured has gone"
    assert before == 1 + (when == "while it runs"), "what was captured has gone"


# Settings with which it must not start


EMPTY = hashlib.sha256().hexdigest()
OPEN = {
    "empty": {"FACTORY_KEYS": ""},
    "misspelt": {"FACTORY_KEY": "keys"},
    "of nothing": {"FACTORY_KEYS": "of nothing"},
    "of two": {"FACTORY_KEYS": "of two"},
    "endless": {"FACTORY_SECONDS": "1e308"},
    "blank": {"FACTORY_CALLER_HEADER": "X Caller"},
    "connections": {"FACTORY_CONNECTIONS": "1000000000"},
}


@pytest.mark.parametrize("settings", OPEN)
def test_setting_that_fails_open(hostile, settings):
    (hostile.folder / "of nothing").write_text(f"alice {EMPTY}\n", "utf-8")
    (hostile.folder / "of two").write_text(f"alice {'a' * 64}\nbob {'a' * 64}\n", "utf-8")
    does_not_start(hostile, **OPEN[settings])


def test_other_machines_without_keys(hostile):
    does_not_start(hostile, "--host", "0.0.0.0")


def does_not_start(project: HostileProject, *options: str, **env: str) -> None:
    """It ends with one line."""
    project.port = free_port()
    command = ("timeout", "60", "factory", "serve", "--model", "a", "--port", str(project.port), *options)
    server = project.start(*command, MARKS=str(project.marks), **env)
    try:
        assert wait(lambda: server.poll() is not None or project.ready(), 60)
        assert server.poll() == 1, "it serves"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        errors = server.communicate()[1].splitlines()
    assert len(errors) == 1 and errors[0].startswith("Error: "), errors
