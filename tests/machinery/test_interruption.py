"""Commands that are ended by a signal: one line, what they started ends first, and what was there is unchanged."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.factory.cli_runner import run

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

if __name__ == "__main__":
    main(["work"])
"""
BODIES = {
    "in Python": "begin(); time.sleep(60)",
    "in polars": "import polars as pl; begin(); pl.LazyFrame({'a': range(30_000)}).join(pl.LazyFrame({'b': range(30_000)}), "
    "how='cross').select(pl.col('a').sin().sum() + pl.col('b').cos().sum()).collect(engine='streaming')",
    "in a child": "process.run(sys.executable, '-c', open('child.py').read())",
    "in a child, after polars": "import polars; process.show(sys.executable, '-c', open('child.py').read())",
    "in a wait, after polars": "import polars, threading; begin(); threading.Event().wait()",
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


def begun(place: Path, code: str, stdin: int | None = None) -> subprocess.Popen:
    """A command of this code, in a session of its own, that has begun."""
    (place / "command.py").write_text(code)
    options = {"cwd": place, "stdin": stdin, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    process = subprocess.Popen([sys.executable, "command.py"], **options)
    end = time.monotonic() + 60
    while not (place / "begun").exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    return process


def ended(place: Path, code: str) -> subprocess.CompletedProcess:
    """A command of this code that has ended by itself."""
    return subprocess.run([sys.executable, "-c", code], cwd=place, stderr=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_signal_ends_the_command_in_one_line(tmp_path, body, name):
    (tmp_path / "child.py").write_text(CHILD)
    process = begun(tmp_path, command(body))
    process.send_signal(getattr(signal, name))
    if "child" in body:
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)  # of somebody impatient: what is being taken back is, all the same
    _, err = process.communicate(timeout=60)
    assert err == f"Error: work: interrupted by {name}; what was there is unchanged: run it again\n"
    assert process.returncode == 1
    assert (tmp_path / "undone").exists() == ("child" in body)


def test_ctrl_c_that_ends_a_child_lets_what_was_begun_be_taken_back(tmp_path):
    """It goes to all processes of a terminal: the child's end is an error before this process is interrupted."""
    undo = "time.sleep(0.3); open('undone', 'w')"
    body = f"begin()\n    try: process.run('sleep', '60')\n    except BaseException:\n        {undo}\n        raise"
    process = begun(tmp_path, command(body))
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[1].startswith("Error: work: interrupted by SIGINT; ")
    assert process.returncode == 1 and (tmp_path / "undone").exists()


def test_what_was_begun_and_cannot_be_taken_back_is_an_error_of_its_own(tmp_path):
    undo = "open('nowhere/a')"
    body = f"begin()\n    try: time.sleep(60)\n    except BaseException: {undo}"
    process = begun(tmp_path, command(body))
    process.terminate()
    assert process.communicate(timeout=60)[1] == "Error: nowhere/a: No such file or directory\n"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_nothing_interrupts_what_is_complete(tmp_path, name):
    """Nor between two folders that get their names one after the other."""
    between = f"signal.raise_signal(signal.{name}); time.sleep(0.3)"
    body = f"interruption.complete(); {between}; interruption.complete(); open('done', 'w')"
    done = ended(tmp_path, command(body))
    assert (done.returncode, done.stderr) == (0, "") and (tmp_path / "done").exists()


@pytest.mark.parametrize("fails", [False, True])
def test_adoption_that_is_complete_or_being_taken_back_is_not_interrupted(tmp_path, fails):
    (tmp_path / "params.yaml").write_text("old")
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    body = f"""
    import shutil
    from pathlib import Path
    from late_flights.factory.adopt import transaction

    remove, params = shutil.rmtree, Path("params.yaml")

    def slow(*args, **options):
        signal.raise_signal(signal.SIGTERM)
        time.sleep(0.3)
        remove(*args, **options)

    with transaction.replacing([params]):
        shutil.rmtree = slow
        params.write_text("new")
        if {fails}:
            raise ValueError
    """
    done = ended(tmp_path, command(body))
    assert ((tmp_path / "params.yaml").read_text(), done.returncode) == (("old", 1) if fails else ("new", 0)), done.stderr
    assert [*(tmp_path / ".dvc/tmp").iterdir()] == []


def test_processes_that_score_leave_ctrl_c_to_the_command_from_their_start_on(tmp_path):
    """It goes to them as well, and would have each print a traceback."""
    body = """
    from pathlib import Path
    from types import SimpleNamespace
    from late_flights.factory.scoring import workers
    from late_flights.factory.tables.sources import Source

    task = workers.Task(SimpleNamespace(manifest={}), workers.scores, False, 2, Path("nowhere"))
    begin()
    with task.each((workers.Piece(Source("a", "a"), None, 0, 1) for _ in range(4)), True) as results:
        for _, result in results:
            result()
    """
    process = begun(tmp_path, command(body))
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "Error: work: interrupted by SIGINT; what was there is unchanged: run it again\n"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_library_that_handles_ctrl_c_itself_is_interrupted(tmp_path, name):
    """As PySpark does."""
    code = f"signal.signal(signal.SIGINT, signal.default_int_handler); signal.raise_signal(signal.{name}); time.sleep(60)"
    done = ended(tmp_path, command(code))
    assert done.stderr == f"Error: work: interrupted by {name}; what was there is unchanged: run it again\n"


@pytest.mark.parametrize(
    "finalise", ["signal.raise_signal(signal.SIGINT)", "(signal.raise_signal(signal.SIGINT), time.sleep(0.5))"]
)
def test_interruption_is_not_lost_in_a_finaliser(tmp_path, finalise):
    """Python drops what is raised there, and goes on."""
    body = f"finalised = type('Finalised', (), {{'__del__': lambda _: {finalise}}}); finalised(); time.sleep(60)"
    done = ended(tmp_path, command(body))
    assert done.stderr == "Error: work: interrupted by SIGINT; what was there is unchanged: run it again\n"


def test_cleanup_that_meets_another_error_is_not_interrupted(tmp_path):
    """As after polars has raised: no look may take the cleanup for what is to be interrupted."""
    cleanup = "signal.raise_signal(signal.SIGINT); time.sleep(0.3); open('undone', 'w')"
    body = f"try: raise KeyboardInterrupt\n    finally:\n        try: open('none')\n        except OSError: {cleanup}"
    done = ended(tmp_path, command(body))
    assert (tmp_path / "undone").exists() and done.stderr.startswith("Error: work: interrupted by SIGINT; ")


def test_closed_terminal_leaves_a_command_of_nohup(tmp_path):
    body = "signal.raise_signal(signal.SIGHUP); time.sleep(0.3); open('done', 'w')"
    done = ended(tmp_path, command(body, "SIG_IGN"))
    assert done.returncode == 0 and (tmp_path / "done").exists()


@pytest.mark.parametrize("call", ["read(rows)", "ThreadPoolExecutor(1).submit(read, rows).result()"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_batches_that_polars_has_ended_early_are_not_taken_for_all(tmp_path, name, call):
    body = BATCHES.format(call=call)
    process = begun(tmp_path, command(body))
    time.sleep(0.1)
    process.send_signal(getattr(signal, name))
    assert process.communicate(timeout=60)[1].startswith(f"Error: work: interrupted by {name}; ")
    assert process.returncode == 1 and not (tmp_path / "read").exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_error_that_comes_of_an_interruption_is_called_so(tmp_path, name):
    """As it has ended what the error complains of."""
    body = f"signal.raise_signal(signal.{name}); raise ValueError('none left')"
    done = ended(tmp_path, command(body))
    assert done.stderr == f"Error: work: interrupted by {name}; what was there is unchanged: run it again\n"


def test_command_that_goes_on_after_an_error_is_interrupted(tmp_path):
    body = "try: open('none')\n    except OSError: begin(); time.sleep(60)"
    process = begun(tmp_path, command(body))
    process.terminate()
    assert process.communicate(timeout=40)[1].startswith("Error: work: interrupted by SIGTERM; ")


def test_question_is_interrupted(tmp_path):
    """After polars, which has a read of the terminal go on."""
    terminal, other = os.openpty()
    process = begun(tmp_path, command("import polars; begin(); input()"), other)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=40)[1].startswith("Error: work: interrupted by SIGINT; ")
    os.close(terminal)
    os.close(other)


def test_what_a_signal_has_ended_is_not_complete(tmp_path):
    """A child, whose end was taken for an answer."""
    body = "signal.raise_signal(signal.SIGTERM); interruption.complete(); open('done', 'w')"
    done = ended(tmp_path, command(body))
    assert done.stderr.startswith("Error: work: interrupted by SIGTERM; ") and not (tmp_path / "done").exists()


def test_busy_command_is_interrupted(tmp_path):
    """It stands still nowhere."""
    body = "begin()\n    while True: sum(str(number).count('1') for number in range(10))"
    process = begun(tmp_path, command(body))
    process.terminate()
    assert process.communicate(timeout=60)[1].startswith("Error: work: interrupted by SIGTERM; ")


def test_other_commands_end_at_once(tmp_path):
    process = begun(tmp_path, command("begin(); time.sleep(60)").replace("interruption.expect()", ""))
    process.terminate()
    assert process.communicate(timeout=60)[1] == "" and process.returncode == -signal.SIGTERM


def test_commands_in_a_test_leave_signals_to_pytest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    assert run("ingest", "nowhere.csv").exit_code == 1
    assert [signal.getsignal(number) for number in numbers] == before
