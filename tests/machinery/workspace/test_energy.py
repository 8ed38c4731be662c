"""The energy of a run, from the counters of the processors."""

import pytest
from late_flights.factory.workspace import energy, stage


@pytest.fixture
def counters(tmp_path, monkeypatch):
    """`counters(zone, name, microjoules)` sets a counter that begins anew after a million."""
    monkeypatch.setattr(energy, "METERS", tmp_path)

    def write(zone, name, microjoules):
        (tmp_path / zone).mkdir(exist_ok=True)
        for file, content in {"name": name, "energy_uj": microjoules, "max_energy_range_uj": 1_000_000}.items():
            (tmp_path / zone / file).write_text(f"{content}\n")

    return write


def test_processors_and_their_memory_are_summed_up(counters):
    zones = {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1", "intel-rapl:0:0": "core", "intel-rapl:0:1": "dram"}
    for zone, name in {**zones, "intel-rapl:2": "psys"}.items():
        counters(zone, name, 900_000)
    used = stage.measure()
    for zone, name in {**zones, "intel-rapl:2": "psys"}.items():
        counters(zone, name, 936_000)
    counters("intel-rapl:1", "package-1", 8_000)  # began anew
    assert used()["kwh"] == pytest.approx((0.036 + 0.108 + 0.036) / 3_600_000, abs=1e-9)


def test_a_counter_that_may_not_be_read_is_none(counters, tmp_path):
    assert "kwh" not in stage.measure()()
    counters("intel-rapl:0", "package-0", "")
    assert "kwh" not in stage.measure()()


def test_long_runs_are_read_in_between(counters, monkeypatch):
    monkeypatch.setattr(energy, "EVERY", 0.01)
    counters("intel-rapl:0", "package-0", 0)
    meter = energy.Meter()
    for microjoules in (600_000, 200_000, 800_000):
        counters("intel-rapl:0", "package-0", microjoules)
        meter._count()
    assert meter.kwh() == pytest.approx(1.8 / 3_600_000)
