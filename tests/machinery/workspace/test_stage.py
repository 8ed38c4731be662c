"""A stage publishes all or nothing, alone, and not after its parent has died."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from late_flights.factory.workspace import stage

OUT = Path("out/result.txt")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(content, *outputs):
    with stage.stage("work", list(outputs or [OUT])) as staging:
        for output in outputs or [OUT]:
            (staging / output.name).write_text(content)


def test_outputs_take_their_places():
    write("first", OUT, Path("other.txt"))
    write("second", OUT, Path("other.txt"))
    assert OUT.read_text() == Path("other.txt").read_text() == "second"
    assert sorted(path.name for path in Path().iterdir()) == [".dvc", "other.txt", "out"]
    assert [path.name for path in OUT.parent.iterdir()] == ["result.txt"]


def test_folder_is_replaced_as_a_whole():
    for name in ("old", "new"):
        with stage.stage("work", [Path("out")]) as staging:
            (staging / "out").mkdir()
            (staging / "out" / name).touch()
    assert [path.name for path in Path("out").iterdir()] == ["new"]


def test_failure_leaves_what_was_there():
    write("first")
    with pytest.raises(OSError), stage.stage("work", [OUT]) as staging:
        (staging / OUT.name).write_text("half")
        raise OSError(28, "No space left on device")
    assert OUT.read_text() == "first"
    assert [path.name for path in OUT.parent.iterdir()] == ["result.txt"]


def test_what_a_killed_run_left_is_cleared():
    left = OUT.parent / ".work.tmp" / OUT.name
    left.parent.mkdir(parents=True)
    left.write_text("half")
    with stage.stage("work", [OUT]) as staging:
        assert not list(staging.iterdir())
        (staging / OUT.name).write_text("whole")
    assert OUT.read_text() == "whole"


def test_second_run_waits_for_the_first():
    second = threading.Thread(target=write, args=["second"])
    with stage.stage("work", [OUT]) as staging:
        second.start()
        time.sleep(0.1)
        (staging / OUT.name).write_text("first")
        assert second.is_alive()
    second.join()
    assert OUT.read_text() == "second"


def test_orphan_publishes_nothing(monkeypatch):
    write("first")
    with stage.stage("work", [OUT]) as staging:
        (staging / OUT.name).write_text("orphaned")
        monkeypatch.setattr(os, "_exit", lambda code: None)
        monkeypatch.setattr(os, "getppid", lambda: 1)
    assert OUT.read_text() == "first"


def test_orphan_dies():
    """The pipe closes when the last process that holds it, the orphan, has ended."""
    child = f"from {stage.__name__} import stage\nfrom pathlib import Path\nimport time\n"
    child += "with stage('work', [Path('out')]):\n    Path('started').touch()\n    time.sleep(60)\n"
    parent = (
        "import pathlib, subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', sys.argv[1]])\n"
        "while not pathlib.Path('started').exists(): time.sleep(0.02)\n"
    )
    subprocess.run([sys.executable, "-c", parent, child], stdout=subprocess.PIPE, timeout=30, check=True)
    assert not [*Path().glob(".*.tmp")]
