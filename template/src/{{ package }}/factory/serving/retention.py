"""How long captures stay: a day's folder is deleted so long after the last file was added to it.

Time is counted by the machine's uptime, since its clock may be wrong, or set. Between two runs of the service it counts as
well, unless the machine was started anew, or is another one: then captures stay longer, never shorter.
"""

import json
import shutil
import tempfile
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

DAYS = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
SECONDS = 86_400  # of a day
STATE = ".retention.json"
DAMAGED = ValueError, KeyError, TypeError, AttributeError
UPTIME, BOOT = Path("/proc/uptime"), Path("/proc/sys/kernel/random/boot_id")


class Retention:
    """The days in a folder, and the progress in seconds at which each was last used; several services may share them."""

    def __init__(self, folder: Path, days: float) -> None:
        self._folder, self._seconds = folder, days * SECONDS
        self._progress, self._uptime = 0.0, _uptime()
        self._used: dict[str, float] = {}

    def use(self, day: str) -> None:
        """Note that a file is added to the day."""
        self._used[day] = self._progress

    def enforce(self) -> None:
        """Delete the days whose time is over."""
        self._advance()
        found = {path.name: path for path in self._folder.glob(DAYS) if _date(path.name)}
        new = _ages(found.keys(), found.keys() - self._used.keys())
        self._used = {name: self._used.get(name, self._progress - new.get(name, 0)) for name in found}
        for name, path in found.items():
            if self._progress - self._used[name] >= self._seconds:
                shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):  # on a full disk what was deleted above makes room for the next time
            self._save()

    def _advance(self) -> None:
        """Count the time since the last call, or since another service has counted."""
        uptime, boot = _uptime(), _boot()
        own = self._progress + uptime - self._uptime
        progress, used = own, {}
        with suppress(OSError, *DAMAGED):
            state: dict[str, Any] = json.loads((self._folder / STATE).read_bytes())
            gap = max(0.0, uptime - state["uptime"]) if boot and state["boot"] == boot else 0.0
            progress, used = state["progress"] + gap, {str(name): float(at) for name, at in state["used"].items()}
        self._progress, self._uptime = max(own, progress), uptime
        self._used |= {name: max(at, self._used.get(name, at)) for name, at in used.items()}

    def _save(self) -> None:
        state = {"boot": _boot(), "uptime": self._uptime, "progress": self._progress, "used": self._used}
        with tempfile.NamedTemporaryFile("w", dir=self._folder, prefix=STATE, delete=False) as file:
            temporary = Path(file.name)
            try:
                json.dump(state, file)
                file.close()
                temporary.replace(self._folder / STATE)
            except OSError:
                temporary.unlink()
                raise


def _ages(days: Any, new: Any) -> dict[str, float]:
    """Seconds since the end of each day that has not been seen before: by the newest day, or the clock if that is behind."""
    if not new:
        return {}
    today = min(datetime.now(UTC).date(), max(date.fromisoformat(day) for day in days))
    return {day: max(0, (today - date.fromisoformat(day)).days - 1) * SECONDS for day in new}


def _date(name: str) -> bool:
    with suppress(ValueError):
        return bool(date.fromisoformat(name))
    return False


def _uptime() -> float:
    with suppress(OSError, ValueError):
        return float(UPTIME.read_text().split()[0])
    return time.monotonic()


def _boot() -> str:
    """What distinguishes this start of this machine from others, if the system says."""
    with suppress(OSError):
        return BOOT.read_text().strip()
    return ""
