"""Starting the processes of workers, the first of them before this process imports what takes a second."""

import socket
import subprocess
import sys

Process = tuple[subprocess.Popen[bytes], socket.socket]
_prepared: list[Process] = []


def prepare() -> None:
    """Start a process that the next one who needs it gets."""
    _prepared.append(_start())


def start_process() -> Process:
    """A process that runs `worker`, and the socket to talk to it."""
    return _prepared.pop() if _prepared else _start()


def _start() -> Process:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            (sys.executable, "-m", f"{__package__}.worker", str(theirs.fileno())),
            stdin=subprocess.DEVNULL,
            stdout=2,  # what the user's code prints is not for who reads the service's stdout
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    return process, ours
