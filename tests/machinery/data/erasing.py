"""What the tests of erasures share."""

from datetime import datetime
from pathlib import Path

import polars as pl
from tests.factory.cli_runner import run

KEPT = Path("data/prepared/captures")  # which Git ignores
CACHE = Path(".dvc/tmp/cache")  # which Git ignores as well
NOW = datetime(2026, 11, 29)


def erase(*arguments: str | Path, why: str = "asked for") -> str:
    result = run("erase", *arguments, "-m", why, "--yes")
    assert result.exit_code == 0, result.output
    return result.stdout


def capture(name: str, *rows: tuple[str, str, str | None]) -> Path:
    """A file of captures: each row an id, a request and the client's name for it."""
    ids, requests, named = zip(*rows, strict=True)
    table = pl.DataFrame({"key": ids, "amount": [0.1] * len(rows), "_request": requests, "_client_request": named, "_at": NOW})
    file = KEPT / "2026-11-29" / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    table.write_parquet(file)
    return file
