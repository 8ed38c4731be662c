"""SIGTERM and SIGHUP end a command as Ctrl-C does, where it then takes back what it has begun.

They become a SIGINT, which polars looks for while it works; Python alone would wait until it has finished.
It is sent until the main thread is seen standing still, as compiled code that calls Python may die of it; and again
where Python drops it, as in finalisers. Until it is raised, nothing that polars has ended early may pass for complete.
"""

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

OTHERS = [getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name)]
PAUSE = 0.02  # seconds between two looks
STANDSTILL = 3  # looks at one place
PATIENCE = 1  # seconds, after which it is interrupted where it is

_received: list[str] = []
_ends: list[socket.socket] = []
_looks: list[tuple[float, tuple[int, int]]] = []
_handled: list[BaseException | None] = []
"""The error that was being handled when the signal came."""


def expect() -> None:
    """Be ready from now on; the first signal interrupts, and none interrupts what then follows.

    To be called before polars is imported: otherwise it would not see a signal, and finish its work first.
    """
    if _ends or threading.current_thread() is not threading.main_thread():
        return
    _ends.extend(socket.socketpair())
    _ends[1].setblocking(False)
    signal.set_wakeup_fd(_ends[1].fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = partial(_dropped, sys.unraisablehook)
    for number in OTHERS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as by nohup
            signal.signal(number, _ignored)
    threading.Thread(target=_pass_on, daemon=True).start()


def ignore() -> None:
    """Let nothing interrupt from now on, as what was begun is being taken back."""
    if _ends and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _ignored)


def complete() -> None:
    """Let nothing interrupt from now on, as what was begun is complete. Raises KeyboardInterrupt if a signal came before."""
    check()
    ignore()


def check() -> None:
    """Raise KeyboardInterrupt if a signal has come, unless nothing is to interrupt the main thread any more."""
    in_main = threading.current_thread() is threading.main_thread()
    if _come() and not (in_main and signal.getsignal(signal.SIGINT) is _ignored):
        raise KeyboardInterrupt


def message(error: BaseException) -> str | None:
    """What has interrupted the command, and what that means, if it was ready; None where the error is about something else."""
    name = _come() or ("SIGINT" if isinstance(error, KeyboardInterrupt) else None)
    if not _ends or not name or isinstance(error, OSError):  # as where what it had begun cannot be taken back
        return None
    return f"interrupted by {name}; what was there is unchanged: run it again"


def _come() -> str | None:
    """The signal that came first, even if Python has not handled it yet."""
    with suppress(BlockingIOError):
        if _ends and not _received:
            return signal.Signals(_ends[0].recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)[0]).name
    return _received[0] if _received else None


def _ignored(*_: object) -> None:
    """A handler that changes nothing; unlike SIG_IGN, it is not passed on to children."""


def _interrupt(_: int, frame: FrameType | None) -> None:
    error = sys.exc_info()[1]
    if not _looks:
        _handled[:] = [error]
    _looks.append((time.monotonic(), (id(frame), frame.f_lasti if frame else 0)))
    still = len(_looks) >= STANDSTILL and len({place for _, place in _looks[-STANDSTILL:]}) == 1
    raised = _is_under_way(error)  # by polars
    follows = error is not None and error is not _handled[0]  # from a child that it has ended
    if raised or (not follows and (still or _looks[-1][0] - _looks[0][0] > PATIENCE)):
        ignore()
        if not raised:
            raise KeyboardInterrupt


def _is_under_way(error: BaseException | None) -> bool:
    """Whether it is what this error was raised in the cleanup of."""
    return error is not None and (isinstance(error, KeyboardInterrupt) or _is_under_way(error.__context__))


def _dropped(otherwise: Callable[..., object], unraisable: "sys.UnraisableHookArgs") -> None:
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _looks.clear()
        signal.signal(signal.SIGINT, _interrupt)
        signal.raise_signal(signal.SIGINT)
    else:
        otherwise(unraisable)


def _pass_on() -> None:
    main = threading.main_thread().ident or 0
    while number := _ends[0].recv(1, socket.MSG_PEEK):
        _received.append(signal.Signals(number[0]).name)
        _ends[0].recv(1)
        time.sleep(PAUSE)
        handler = signal.getsignal(signal.SIGINT)
        if handler is _interrupt or (number[0] in OTHERS and handler is not _ignored):  # that of Spark, which raises
            signal.siginterrupt(signal.SIGINT, True)  # polars has system calls go on, such as a wait for a child
            signal.pthread_kill(main, signal.SIGINT)  # to another thread, it would not end what the main one waits for
