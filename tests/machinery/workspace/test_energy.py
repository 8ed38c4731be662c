"""The energy of a run, from the counters of the processors."""

import threading
import time

import pytest
from late_flights.factory.workspace import energy, stage


def busy(folder, seconds):
    """Set for how long the processors of the machine were at work, half of that for users."""
    ticks = seconds * energy.TICKS // 2
    (folder / "stat").write_text(f"cpu  {ticks} 0 {ticks} 999 999 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")


@pytest.fixture
def counters(tmp_path, monkeypatch):
    """`counters(zone, name, microjoules)` sets a counter that begins anew after a million."""
    monkeypatch.setattr(energy, "METERS", tmp_path)
    monkeypatch.setattr(energy, "STATISTICS", tmp_path / "stat")
    spent = iter(range(0, 1_000_000, 5))
    monkeypatch.setattr(energy.time, "process_time", lambda: next(spent))
    busy(tmp_path, 0)

    def write(zone, name, microjoules):
        if not (tmp_path / zone).exists():
            (tmp_path / zone).mkdir()
            (tmp_path / zone / "name").write_text(f"{name}\n")
            (tmp_path / zone / "max_energy_range_uj").write_text("1000000\n")
        (tmp_path / "new").write_text(f"{microjoules}\n")
        (tmp_path / "new").replace(tmp_path / zone / "energy_uj")  # a meter may be reading it

    return write


def test_a_run_has_its_share_of_what_processors_and_memory_used(counters, tmp_path):
    zones = {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1", "intel-rapl:0:0": "core", "intel-rapl:0:1": "dram"}
    for zone, name in {**zones, "intel-rapl:2": "psys"}.items():
        counters(zone, name, 900_000)
    used = stage.measure()
    for zone, name in {**zones, "intel-rapl:2": "psys"}.items():
        counters(zone, name, 936_000)
    counters("intel-rapl:1", "package-1", 8_000)  # began anew
    busy(tmp_path, 10)  # of which this process had five
    assert used()["kwh"] == pytest.approx((0.036 + 0.108 + 0.036) / 3_600_000 / 2, abs=1e-9)


def test_a_counter_that_may_not_be_read_is_none(counters, tmp_path):
    busy(tmp_path, 10)
    assert "kwh" not in stage.measure()()
    counters("intel-rapl:0", "package-0", "")
    assert "kwh" not in stage.measure()()


def test_long_runs_are_read_in_between(counters, monkeypatch, tmp_path):
    monkeypatch.setattr(energy, "EVERY", 0.01)
    counters("intel-rapl:0", "package-0", 0)
    meter = energy.Meter()
    threads = threading.active_count()
    for microjoules in (600_000, 200_000, 800_000):
        counters("intel-rapl:0", "package-0", microjoules)
        meter._count()
    busy(tmp_path, 5)
    assert meter.kwh() == pytest.approx(1.8 / 3_600_000)
    assert eventually(lambda: threading.active_count() < threads)  # it no longer watches


def eventually(holds):
    return any(holds() or time.sleep(0.01) for _ in range(500))
