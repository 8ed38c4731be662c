"""Commands that are ended by a signal: one line, what they started ends first, and what was there is unchanged."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PYTHON = [sys.executable, "-c"]
COMMAND = """
import os, signal, sys, time
from late_flights.factory import interruption
from late_flights.factory.cli import main
from late_flights.factory.workspace import process

def begin():
    open("begun", "w")

signal.signal(signal.SIGHUP, signal.{hangup})

@main.command()
def work():
    interruption.expect()
    {body}

main(["work"])
"""
BODIES = {
    "in Python": "begin(); time.sleep(60)",
    "in polars": "import polars as pl; begin(); pl.LazyFrame({'a': range(30_000)}).join(pl.LazyFrame({'b': range(30_000)}), "
    "how='cross').select(pl.col('a').sin().sum() + pl.col('b').cos().sum()).collect(engine='streaming')",
    "in a child": "process.run(sys.executable, '-c', open('child.py').read())",
}
BATCHES = """
    from concurrent.futures import ThreadPoolExecutor
    import polars as pl
    from late_flights.factory.tables.chunks import iter_chunks

    numbers = pl.LazyFrame({{"a": range(30_000)}})
    rows = numbers.join(numbers, how="cross").select(pl.col("a").sin().sum() + pl.col("a_right").cos().sum())

    def read(rows):
        begin()
        list(iter_chunks(rows))
        open("read", "w")
        {then}

    {call}
"""
CHILD = """
import os, signal, sys, time

def undo(*_):
    time.sleep(0.5)
    open("undone", "w")
    sys.exit(1)

signal.signal(signal.SIGTERM, undo)
os.close(os.open("begun", os.O_CREAT))
time.sleep(60)
"""


def command(body: str, hangup: str = "SIG_DFL") -> str:
    return COMMAND.format(body=body, hangup=hangup)


def begun(place: Path, process: subprocess.Popen) -> None:
    while not (place / "begun").exists():
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_signal_ends_the_command_in_one_line(tmp_path, body, name):
    (tmp_path / "child.py").write_text(CHILD)
    code = command(body)
    process = subprocess.Popen([*PYTHON, code], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    begun(tmp_path, process)
    process.send_signal(getattr(signal, name))
    if "process.run" in body:
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)  # of somebody impatient: what is being taken back is, all the same
    _, err = process.communicate(timeout=60)
    assert err == f"Error: work: interrupted by {name}; what was there is unchanged: run it again\n"
    assert process.returncode == 1
    assert (tmp_path / "undone").exists() == ("process.run" in body)


@pytest.mark.parametrize(
    "finalise", ["signal.raise_signal(signal.SIGINT)", "(signal.raise_signal(signal.SIGINT), time.sleep(0.5))"]
)
def test_interruption_is_not_lost_in_a_finaliser(tmp_path, finalise):
    """Python drops what is raised there, and goes on."""
    body = f"finalised = type('Finalised', (), {{'__del__': lambda _: {finalise}}}); finalised(); time.sleep(60)"
    done = subprocess.run([*PYTHON, command(body)], cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.stderr == "Error: work: interrupted by SIGINT; what was there is unchanged: run it again\n"


def test_cleanup_that_meets_another_error_is_not_interrupted(tmp_path):
    """As after polars has raised: no look may take the cleanup for what is to be interrupted."""
    cleanup = "signal.raise_signal(signal.SIGINT); time.sleep(0.3); open('undone', 'w')"
    body = f"try: raise KeyboardInterrupt\n    finally:\n        try: open('none')\n        except OSError: {cleanup}"
    done = subprocess.run([*PYTHON, command(body)], cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (tmp_path / "undone").exists() and done.stderr.startswith("Error: work: interrupted by SIGINT; ")


def test_closed_terminal_leaves_a_command_of_nohup(tmp_path):
    body = "signal.raise_signal(signal.SIGHUP); time.sleep(0.3); open('done', 'w')"
    done = subprocess.run([*PYTHON, command(body, "SIG_IGN")], cwd=tmp_path, timeout=60)
    assert done.returncode == 0 and (tmp_path / "done").exists()


@pytest.mark.parametrize("then", ["pass", "raise ValueError('no rows')"])
@pytest.mark.parametrize("call", ["read(rows)", "ThreadPoolExecutor(1).submit(read, rows).result()"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_batches_that_polars_has_ended_early_are_not_taken_for_all(tmp_path, name, call, then):
    body = BATCHES.format(call=call, then=then)
    process = subprocess.Popen([*PYTHON, command(body)], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    begun(tmp_path, process)
    time.sleep(0.1)
    process.send_signal(getattr(signal, name))
    assert process.communicate(timeout=60)[1].startswith(f"Error: work: interrupted by {name}; ")
    assert process.returncode == 1 and not (tmp_path / "read").exists()


def test_error_that_comes_of_an_interruption_is_called_so(tmp_path):
    """As it has ended what the error complains of."""
    body = "signal.raise_signal(signal.SIGINT); raise ValueError('none left')"
    done = subprocess.run([*PYTHON, command(body)], cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.stderr == "Error: work: interrupted by SIGINT; what was there is unchanged: run it again\n"


def test_busy_command_is_interrupted(tmp_path):
    """It stands still nowhere."""
    body = "begin()\n    while True: sum(str(number).count('1') for number in range(10))"
    process = subprocess.Popen([*PYTHON, command(body)], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    begun(tmp_path, process)
    process.terminate()
    assert process.communicate(timeout=60)[1].startswith("Error: work: interrupted by SIGTERM; ")


def test_other_commands_end_at_once(tmp_path):
    code = command("begin(); time.sleep(60)").replace("interruption.expect()", "")
    process = subprocess.Popen([*PYTHON, code], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    begun(tmp_path, process)
    process.terminate()
    assert process.communicate(timeout=60)[1] == "" and process.returncode == -signal.SIGTERM
