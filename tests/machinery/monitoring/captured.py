"""Captures for the tests of monitoring, as services write them."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

DAY = date(2026, 11, 20)
NOON = datetime.combine(DAY, time(12), UTC)


def table(
    columns: dict[str, Any], at: datetime | date = DAY, model: str = "v1", role: str = "champion", size: int = 10
) -> pl.DataFrame:
    """Captured rows, by default one after another from noon on, in requests of some rows each; columns may replace any."""
    rows = pl.DataFrame(columns)
    start = at if isinstance(at, datetime) else datetime.combine(at, time(12), UTC)
    request = np.arange(rows.height) // size
    known = {
        "_at": [start + timedelta(seconds=int(number)) for number in request],
        "_request": [f"{model}-{role}-{start:%d%H%M%S}-{number}" for number in request],
        "_client_request": pl.repeat(None, rows.height, dtype=pl.String, eager=True),
        "_caller": ["shop"] * rows.height,
        "_role": [role] * rows.height,
        "_model": [model] * rows.height,
        "_row": (np.arange(rows.height) % size).astype(np.uint32),
        "_score": np.linspace(0, 1, rows.height),
        "_decision": pl.repeat(None, rows.height, dtype=pl.Boolean, eager=True),
    }
    return rows.hstack(pl.DataFrame({name: values for name, values in known.items() if name not in columns}).get_columns())


def write(rows: pl.DataFrame, folder: date | str = DAY, name: str = "120000.000000-1", place: str = "captures") -> Path:
    """The rows in a file of captures."""
    path = Path(place, str(folder), f"{name}.parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)
    return path
