"""What the tests of `factory monitor` share: captures of a model that is v1, and what it reports of them."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import manifest
from late_flights.factory.errors import FactoryError
from late_flights.factory.monitoring import monitor
from late_flights.factory.registry import versions
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run
from tests.factory.git_repository import RECORD

from machinery.monitoring.captured import table, write

DAY = date(2026, 10, 20)
LAST = DAY + timedelta(days=9)
ROWS = toy.rows(250).drop("answer")


def promote() -> None:
    publish(manifest.model_id())


def publish(model: str) -> None:
    versions.publish(git_repository.git("rev-parse", "HEAD"), RECORD | {"model": model}, "promoted", versions.local())


def away(*command):
    raise FactoryError("no such bucket")


def capture(day: date, rows: pl.DataFrame = ROWS, model: str = "v1", **columns) -> Path:
    return write(table(rows.with_columns(**columns).to_dict(), day, model), day, f"120000.000000-{model}")


def monitored(*arguments: str, code: int = 0) -> dict:
    result = run("monitor", *(arguments or ["--until", f"{LAST}"]))
    assert result.exit_code == code, result.output
    report: dict = json.loads(monitor.REPORT.read_bytes(), parse_constant=pytest.fail)
    return report


def codes(report: dict) -> list[str]:
    return [state["code"] for state in report["states"]]


def spans(report: dict) -> list[str]:
    return [window["from"][8:] + "-" + window["to"][8:] for window in report["windows"]]
