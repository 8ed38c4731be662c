"""The energy that a run has used: of what the machine's processors measure (RAPL), its share of their time."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

METERS, STATISTICS = Path("/sys/class/powercap"), Path("/proc/stat")
ZONES = "package-", "dram"
"""What of a machine is counted: processors, and their memory; `psys` and `core` would count the same again."""
JOULES = 3_600_000  # in a kilowatt-hour
TICKS = 100  # in a second, as Linux shows them on every machine
EVERY = 60  # seconds; a counter begins anew after some hundred kilojoules, which takes minutes


class Meter:
    """Sums up what each counter has counted from now until it is asked."""

    def __init__(self) -> None:
        self._last, self._busy, self._own = dict(_read()), _busy(), time.process_time()
        self._microjoules = 0
        self._lock, self._ended = threading.Lock(), threading.Event()
        if self._last:
            threading.Thread(target=self._watch, daemon=True).start()

    def kwh(self) -> float | None:
        """Kilowatt-hours of this process, once, until now; None where no counter can be read."""
        self._ended.set()
        self._count()
        busy = _busy() - self._busy
        if not self._last or busy <= 0:
            return None
        share = min(1.0, (time.process_time() - self._own) / busy)
        return share * self._microjoules / 1e6 / JOULES

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            self._count()

    def _count(self) -> None:
        with self._lock:
            for zone, now in _read():
                used = now - self._last.get(zone, now)
                self._microjoules += used if used >= 0 else used + _range(zone)
                self._last[zone] = now


def _busy() -> float:
    """Seconds in which the machine's processors were at work, since it began."""
    try:
        user, nice, system, _, _, *others = map(int, STATISTICS.read_text().split(maxsplit=9)[1:9])
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + sum(others[:3])) / TICKS


def _read() -> Iterator[tuple[Path, int]]:
    for zone in sorted(METERS.glob("intel-rapl:*")):
        try:
            if (zone / "name").read_text().startswith(ZONES):
                yield zone, int((zone / "energy_uj").read_text())
        except (OSError, ValueError):  # only root may read it on most machines
            continue


def _range(zone: Path) -> int:
    """What the counter counts to before it begins anew."""
    try:
        return int((zone / "max_energy_range_uj").read_text())
    except (OSError, ValueError):
        return 0
