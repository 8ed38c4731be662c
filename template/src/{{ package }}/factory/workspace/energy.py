"""The energy that the machine has used, as its processors measure it (RAPL), where this process may read that."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

METERS = Path("/sys/class/powercap")
ZONES = "package-", "dram"
"""What of a machine is counted: processors, and their memory; `psys` and `core` would count the same again."""
JOULES = 3_600_000  # in a kilowatt-hour
EVERY = 60  # seconds; a counter begins anew after some hundred kilojoules, which takes minutes


class Meter:
    """Sums up what each counter has counted since now, of the whole machine."""

    def __init__(self) -> None:
        self._last = dict(_read())
        self._microjoules = 0
        self._lock = threading.Lock()
        if self._last:
            threading.Thread(target=self._watch, daemon=True).start()

    def kwh(self) -> float | None:
        """Kilowatt-hours until now; None where no counter can be read."""
        self._count()
        return self._microjoules / 1e6 / JOULES if self._last else None

    def _watch(self) -> None:
        while True:
            time.sleep(EVERY)
            self._count()

    def _count(self) -> None:
        with self._lock:
            for zone, now in _read():
                used = now - self._last.get(zone, now)
                self._microjoules += used if used >= 0 else used + _range(zone)
                self._last[zone] = now


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
