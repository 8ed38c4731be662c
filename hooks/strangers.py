"""Git and the processes in which it talks to strangers: it asks nobody, runs nothing of theirs, and writes no more than it may."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

SETTINGS = {
    "core.alternateRefsCommand": "true",  # which lists none: they are of other projects
    "core.askPass": "",
    "core.bigFileThreshold": "1m",  # what is larger is never held in memory
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.logAllRefUpdates": "false",
    "credential.interactive": "false",
    "fetch.fsckObjects": "true",
    "fetch.unpackLimit": "1",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "init.templateDir": "",
    "maintenance.auto": "false",
}
SILENT = {
    "GCM_INTERACTIVE": "never",
    "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",  # whatever the user's own settings allow
    "GIT_ASKPASS": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",  # nor is there a terminal: each fetch is a session of its own
}
"""Nobody is there to be asked, and messages are recognised by their English words."""
LOCAL = {
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_WORK_TREE"),
}
"""Of whatever repository the hub is started in, as by a hook."""


def limited(size: int) -> tuple[str, ...]:
    """What to put before a command so that it writes no file of more bytes.

    Of the ways to limit a child process it is the one that is safe beside threads; POSIX counts blocks of 512 bytes.
    """
    return "sh", "-c", 'ulimit -f "$0"; exec "$@"', str(size // 512)


class Processes:
    """Those in which strangers answer, of whichever thread: `stop` ends them all, and those that are about to start."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._running: set[subprocess.Popen[bytes]] = set()

    @contextmanager
    def started(self, command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """The process of the command, in a session of its own, which ends with the block."""
        process = subprocess.Popen(command, start_new_session=True, **options)
        self._running.add(process)
        try:
            if self.stopped.is_set():
                _kill(process)
            yield process
        finally:
            _kill(process)
            self._running.discard(process)

    def stop(self) -> None:
        self.stopped.set()
        for process in [*self._running]:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process, with what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
