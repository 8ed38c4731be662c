"""A small sample of the data for tests: the newest deliveries, fetched if they are missing."""

import os
from pathlib import Path

import polars as pl
import pytest

from .. import config, errors, ledger, paths, prepare, process
from .conftest import ROOT

ROWS = int(os.environ.get("FACTORY_TEST_ROWS") or 6000)


def sample(rows: int = ROWS) -> pl.DataFrame:
    """About so many labelled rows, evenly spread over the newest deliveries; for a forecast all of these.

    Skips the test where there is no data and none can be fetched, as in a pull request from a fork.
    """
    params, deliveries = config.load(ROOT / "params.yaml"), _deliveries(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        found = pl.concat(prepare.check(path, params) for path in deliveries)
    if params.forecast:  # series have to be whole
        return found
    return found.gather_every(max(1, found.height // rows))


def _deliveries(rows: int) -> list[Path]:
    chosen: list[Path] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for entry in reversed(ledger.entries()):
            if rows > 0:
                chosen.append(ROOT / entry.path)
                rows -= int(entry.rows)
        missing = [path.name for path in chosen if not path.exists()]
        if not chosen:
            pytest.skip("no delivery yet: `uv run factory setup`")
        try:
            if missing:
                process.dvc("pull", "--quiet", *(f"{paths.RAW}/{name}.dvc" for name in missing))
        except errors.FactoryError as error:
            pytest.skip(f"no data here, and none can be fetched: {error}")
    return chosen[::-1]
