"""A worker in a thread of the test process: it starts at once, and the toy stands in for the project there as well."""

import socket
import threading
from types import SimpleNamespace
from typing import Any

from late_flights.factory.serving import worker

NOBODY = 2**30  # a process that there cannot be


def start_process() -> tuple[Any, socket.socket]:
    """In place of that of `process`: when the service closes the socket, the thread ends with what it is doing."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=worker.serve, args=(theirs,), daemon=True).start()
    return SimpleNamespace(pid=NOBODY, wait=lambda: 0), ours
