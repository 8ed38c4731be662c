"""Captures are deleted when their time is over, whatever the clock shows."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from late_flights.factory.serving import retention
from late_flights.factory.serving.retention import SECONDS, STATE, Retention


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    up(monkeypatch, 5)
    return tmp_path


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set."""

    def set_to(year):
        fixed = type("Fixed", (datetime,), {"now": classmethod(lambda cls, zone: datetime(year, 11, 29, tzinfo=zone))})
        monkeypatch.setattr(retention, "datetime", fixed)

    return set_to


def up(monkeypatch, days, boot="first"):
    """The machine has been up for so long."""
    Path("uptime").write_text(f"{days * SECONDS} 0.0\n")
    Path("boot").write_text(f"{boot}\n")
    monkeypatch.setattr(retention, "UPTIME", Path("uptime"))
    monkeypatch.setattr(retention, "BOOT", Path("boot"))


def add(service, day):
    service.enforce()
    service.use(day)
    Path("kept", day).mkdir(parents=True, exist_ok=True)
    service.enforce()


def kept():
    return sorted(path.name for path in Path("kept").glob("2*"))


def test_a_day_goes_when_its_time_is_over(monkeypatch):
    service = Retention(Path("kept"), 30)
    add(service, "2026-11-01")
    up(monkeypatch, 6)
    add(service, "2026-11-02")
    up(monkeypatch, 34.9)
    service.enforce()
    assert kept() == ["2026-11-01", "2026-11-02"]
    up(monkeypatch, 35)
    service.enforce()
    assert kept() == ["2026-11-02"]


def test_a_clock_that_is_set_deletes_nothing(monkeypatch, clock):
    clock(2026)
    service = Retention(Path("kept"), 30)
    add(service, "2026-11-28")
    for year in (2027, 2020, 2026):
        clock(year)
        add(service, f"{year}-11-29")
        again = Retention(Path("kept"), 30)
        add(again, f"{year}-11-30")
    assert len(kept()) == 7
    up(monkeypatch, 35)
    service.enforce()
    assert kept() == []


def test_days_of_another_release_are_as_old_as_the_newest_shows(clock):
    clock(2027)
    for day in ("2026-10-28", "2026-10-30", "2026-11-28"):
        Path("kept", day).mkdir(parents=True)
    Retention(Path("kept"), 30).enforce()
    assert kept() == ["2026-10-30", "2026-11-28"], "which the clock alone would have deleted"


def test_time_between_two_runs_counts(monkeypatch):
    add(Retention(Path("kept"), 30), "2026-11-01")
    up(monkeypatch, 35)
    Retention(Path("kept"), 30).enforce()
    assert kept() == []


def test_time_while_the_machine_was_off_does_not(monkeypatch):
    add(Retention(Path("kept"), 30), "2026-11-01")
    up(monkeypatch, 300, boot="second")
    service = Retention(Path("kept"), 30)
    service.enforce()
    up(monkeypatch, 329.9, boot="second")
    service.enforce()
    assert kept() == ["2026-11-01"]
    up(monkeypatch, 330, boot="second")
    service.enforce()
    assert kept() == []


def test_time_of_two_services_counts_once(monkeypatch):
    services = [Retention(Path("kept"), 30) for _ in range(2)]
    add(services[0], "2026-11-01")
    for day in range(5, 35):
        up(monkeypatch, day)
        for boot, service in zip(("one", "other"), services, strict=True):
            Path("boot").write_text(boot)
            service.enforce()
    assert kept() == ["2026-11-01"]
    up(monkeypatch, 35.1)
    services[0].enforce()
    assert kept() == []


@pytest.mark.parametrize("text", ["", "[]", '{"progress": 1}', '{"boot": "first", "uptime": "x", "progress": 9e9, "used": {}}'])
def test_damaged_state_deletes_nothing(text):
    add(Retention(Path("kept"), 30), f"{datetime.now(UTC):%Y-%m-%d}")
    assert json.loads(Path("kept", STATE).read_text())["used"]
    Path("kept", STATE).write_text(text)
    Retention(Path("kept"), 30).enforce()
    assert len(kept()) == 1
