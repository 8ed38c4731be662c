"""The process of a worker: what it holds, and when it ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from late_flights.factory.serving import messages, process, responses, warm_model, worker

from machinery.serving.service_client import records, rows, serving, wait_until

ORPHAN = f"""
import sys
from {messages.__name__} import encode
from {process.__name__} import start_process
worker, channel = start_process()
channel.sendall(b"".join(encode({{"folder": sys.argv[1], "signers": None, "memory_mb": None}})))
print(worker.pid, flush=True)
input()
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc, and signals at the death of the parent")


def answer(channel, head):
    channel.sendall(b"".join(messages.encode(head)))
    return next(messages.read(channel.makefile("rb")))


def running(pid: int) -> bool:
    try:
        return "Z (zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_process_says_why_a_model_is_refused_and_ends_with_the_channel(tmp_path):
    started, channel = process.start_process()
    with channel:
        head, _ = answer(channel, {"folder": str(tmp_path), "signers": None, "memory_mb": None})
        assert "manifest.json is missing" in head["refused"]
    assert started.wait(20) == 0


@linux
def test_process_holds_nothing_of_the_service_and_is_the_first_to_go_where_memory_ends(tmp_path):
    secret = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(secret, True)
    started, channel = process.start_process()
    with channel:
        answer(channel, {"folder": "nowhere", "signers": None, "memory_mb": None})
        held = {file.name: str(file.readlink()) for file in Path(f"/proc/{started.pid}/fd").iterdir()}
        assert held["0"] == "/dev/null" and str(tmp_path) not in held.values()
        assert sum(name.startswith("socket:") for name in held.values()) == 1
        assert Path(f"/proc/{started.pid}/oom_score_adj").read_text().strip() == "1000"
    os.close(secret)
    started.wait(20)


@linux
def test_process_ends_with_the_service_whatever_ended_that(tmp_path):
    os.mkfifo(tmp_path / "manifest.json")  # at which it waits, and does not look at its channel
    command = [sys.executable, "-c", ORPHAN, str(tmp_path)]
    service = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    busy = int(service.stdout.readline())
    with (tmp_path / "manifest.json").open("wb"):  # returns when the worker reads
        service.kill()
        service.communicate()
        end = time.monotonic() + 10
        while running(busy):
            assert time.monotonic() < end
            time.sleep(0.01)


@linux
@pytest.mark.parametrize("most", [-1, 400_000_000])
def test_memory_is_limited_also_where_the_limit_cannot_be_raised(most):
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, ({most}, {most})); from {worker.__name__} import _limit_memory"
    hoard = "_limit_memory(300_000_000)\ntry: bytearray(500_000_000)\nexcept MemoryError: print('refused')"
    assert subprocess.check_output([sys.executable, "-c", f"{limits}; {hoard}"], text=True) == "refused\n"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_the_users_code_raises_ends_the_request_alone(trained, monkeypatch, error):
    def fail(model, rows):
        raise error

    with serving() as client, monkeypatch.context() as patch:
        wait_until(lambda: client.get("/health/ready").json()["workers"]["champion"] == {"ready": 2, "busy": 0, "restarting": 0})
        patch.setattr(warm_model.WarmModel, "score", fail)
        assert client.post(records(rows(20))).status == 500
        patch.undo()
        assert client.post(records(rows(20))).status == 200
        assert client.metric("factory_worker_restarts_total") == 0


def test_reason_of_a_failure_does_not_grow_with_the_rows(monkeypatch):
    def fail(*message):
        raise ValueError("a value " * 10**6)

    monkeypatch.setattr(responses.Request, "decode", fail)
    assert sum(map(len, worker._respond(None, []))) < 5_000
