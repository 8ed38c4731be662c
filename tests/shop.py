"""A client of the service: a day of requests, whose outcomes it learns of, captured as on the day that is wanted.

Run in a project's environment: `python shop.py PORT ROWS INCOMING CAPTURES DAY OUTCOMES`.
"""

import sys
import time
import urllib.request
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from gate import contract

SIZE = 120  # rows of a request


def main(port: str, rows: Path, incoming: Path, captures: Path, day: date, outcomes: Path) -> None:
    table = pl.read_parquet(rows)
    for part in table.select(contract.Row.column_names()).iter_slices(SIZE):
        headers = {"Content-Type": "application/json", "X-Caller": "shop"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/score", part.write_json().encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200
    end = time.monotonic() + 60
    while captured(incoming) < table.height:
        assert time.monotonic() < end, "not captured"
        time.sleep(0.1)
    (captures / f"{day}").mkdir(parents=True, exist_ok=True)
    for file in incoming.glob("*/*.parquet"):
        past = datetime.now(UTC).date() - day
        pl.read_parquet(file).with_columns(pl.col("_at") - past).write_parquet(captures / f"{day}" / file.name)
        file.unlink()
    outcomes.parent.mkdir(parents=True, exist_ok=True)
    table.select("flight", "late").write_csv(outcomes)


def captured(incoming: Path) -> int:
    return sum(pl.read_parquet(file, columns=["_at"]).height for file in incoming.glob("*/*.parquet"))


if __name__ == "__main__":
    port, rows, incoming, captures, day, outcomes = sys.argv[1:]
    main(port, Path(rows), Path(incoming), Path(captures), date.fromisoformat(day), Path(outcomes))
