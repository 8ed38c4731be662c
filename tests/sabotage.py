"""What features and an estimator may do wrong, by the number of seats of a row: a module that tests put into a project's package.

`act` names in the folder MARKS what has begun, so that a test need not guess when.
"""

import ctypes
import os
import re
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

MARKS = Path(os.environ.get("MARKS", "."))  # read before features change the environment
HOARD: list[bytes] = []
LOCK = threading.Lock()
LONG = 15


def sleep() -> None:
    time.sleep(LONG)


def regex() -> None:
    re.match(r"(a+)+$", "a" * 28 + "b")  # keeps the interpreter's lock


def integer() -> None:
    sys.set_int_max_str_digits(0)
    str(7**1_100_000)  # keeps it, too


def native() -> None:
    ctypes.PyDLL(None).sleep(LONG)  # as an extension does that never lets go of it


def deadlock() -> None:
    LOCK.acquire()
    LOCK.acquire()


def leak() -> None:
    while len(HOARD) < 75:
        HOARD.append(b"x" * 20_000_000)
        time.sleep(0.02)
    time.sleep(LONG)


def abort() -> None:
    os.abort()


def segfault() -> None:
    ctypes.string_at(0)


def leave() -> None:
    sys.exit()


def leave_at_once() -> None:
    os._exit(0)


def close_files() -> None:
    os.closerange(3, 1000)
    time.sleep(LONG)


def fail() -> None:
    raise RuntimeError("of the features")


def interrupt() -> None:
    raise KeyboardInterrupt


def recurse() -> None:
    recurse()


def exhaust() -> None:
    bytearray(10**14)


def flood() -> None:
    for _ in range(10_000):
        print("x" * 1000)  # nobody reads what it prints


def surroundings() -> None:
    os.chdir("/")
    os.environ.clear()
    sys.stdout.close()


ACTS = [
    sleep,
    regex,
    integer,
    native,
    deadlock,
    leak,
    abort,
    segfault,
    leave,
    leave_at_once,
    close_files,
    fail,
    interrupt,
    recurse,
    exhaust,
    flood,
    surroundings,
]
SEATS = {act.__name__: 801 + number for number, act in enumerate(ACTS)}


def act(seats: Iterable[float | None]) -> None:
    """Do what the numbers ask for; without rows, as when a model is loaded, hold it up where a file asks for that."""
    given = set(seats)
    for name in [name for name, number in SEATS.items() if number in given]:
        (MARKS / name).touch()
        globals()[name]()
    while not given and (MARKS / "hold up").exists():
        (MARKS / "held up").touch()
        native()
