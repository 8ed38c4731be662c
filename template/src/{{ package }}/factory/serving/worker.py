"""A worker: a process that loads a model, then scores one request at a time, so that ending it harms no other request.

All that users write runs here: features, rules, estimators. The service starts it, and talks to it through a socket.
"""

import ctypes
import gc
import resource
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import FactoryError
from . import messages
from .messages import Bytes, Message

PR_SET_PDEATHSIG = 1
MAX_REASON = 4_000  # characters of a traceback, which may repeat the rows


def serve(channel: socket.socket) -> None:
    """Load the model that the first message names, and answer the others, until the service closes the channel."""
    # what takes most of the time, before the model is named; what it raises, it raises again when the model is loaded
    with suppress(BaseException):
        from . import warm_model  # noqa: F401
    model: Any = None
    with channel, channel.makefile("rb") as source, suppress(ConnectionError):
        for message in messages.read(source):
            if model is None:
                model, answer = _load(**message[0])
                gc.freeze()  # what is imported: to look through it takes as long as many requests
                gc.enable()
            else:
                answer = _respond(model, message)
            for piece in answer:
                channel.sendall(piece)


def _load(folder: str, signers: str | None, memory_mb: float | None) -> tuple[Any, list[Bytes]]:
    """The model, and what the service needs to know of it, or why it is refused."""
    try:
        if memory_mb:
            _limit_memory(int(memory_mb * 1e6))
        from .warm_model import WarmModel  # imports what the user wrote, which may fail

        model = WarmModel.load(Path(folder), Path(signers) if signers else None)
        return model, messages.encode(model.facts())
    except BaseException as error:  # noqa: BLE001  whatever is wrong with a model, the service decides what follows
        reason = str(error) if isinstance(error, FactoryError) else f"{type(error).__name__}: {error}"
        return None, messages.encode({"refused": " ".join(reason.split())})


def _respond(model: Any, message: Message) -> list[Bytes]:
    from .responses import Request, respond

    try:
        request = Request.decode(*message)
        return respond(model, request, time.process_time).encode(request)
    except BaseException as error:  # noqa: BLE001  also SystemExit and polars' panics: one request must not end the worker
        out_of_memory = isinstance(error, MemoryError)
        return messages.encode({"failed": traceback.format_exc()[-MAX_REASON:], "out_of_memory": out_of_memory})


def _limit_memory(size: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (size if most == resource.RLIM_INFINITY else min(size, most), most))


def _end_with_service() -> None:
    """On Linux, even while a request is being scored; elsewhere, when the channel is found closed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        with suppress(OSError):  # where memory runs out, the worker is to go rather than the service
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")


if __name__ == "__main__":
    gc.disable()  # until all is imported
    _end_with_service()
    serve(socket.socket(fileno=int(sys.argv[1])))
