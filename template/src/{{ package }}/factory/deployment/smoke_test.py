"""Smoke test of a deployed service: ready, of the right version, and with the recorded scores."""

import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import requests

from ... import contract
from .. import config
from ..errors import FactoryError
from ..evaluation.assessment import REFERENCE_SCORES
from ..forecasting.settings import Settings
from ..paths import PREPARED, REPORTS
from ..registry import champion
from ..registry.versions import Version
from ..serving import parsing
from ..workspace import git
from ..workspace.process import dvc

Request = Callable[[str, bytes], bytes]
KEY = "FACTORY_KEY"
TIMEOUT_SECONDS = 60
TOLERANCE = 1e-5  # of the scores' size: another processor adds up in another order
ARROW = "application/vnd.apache.arrow.stream"


def check_service(request: Request, version: Version) -> Iterator[str]:
    """Test the service as its callers use it; yields what passed. Raises FactoryError with a reason code.

    `request` takes a path and a body, which may be empty, and returns the response's body.
    """
    _wait_until_ready(request)
    yield f"ready, serves {_check_version(request, version)}"
    rows = _test_rows(version)
    difference = _largest_difference(request, version, rows)
    if not difference <= TOLERANCE:
        raise FactoryError(
            f"SCORES_DIFFER: scores differ from those recorded for {version.name} by up to {difference:.3g}"
        )
    yield f"{rows.height} scores as recorded, largest difference {difference:.1g}"
    if (params := config.load()).forecast:
        yield f"{forecast_steps(request, params)} steps forecast from a short history"


def http_client(url: str, headers: Mapping[str, str] | None = None) -> Request:
    """Requests from outside, as callers make them, by default with the key in FACTORY_KEY."""
    key = {"Authorization": f"Bearer {os.environ[KEY]}"} if os.environ.get(KEY) else {}
    sent = {**(key if headers is None else headers), "Content-Type": ARROW}

    def request(path: str, body: bytes) -> bytes:
        method, address = "POST" if body else "GET", f"{url.rstrip('/')}{path}"
        try:
            response = requests.request(method, address, data=body, headers=sent, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise FactoryError(f"NOT_READY: no response from {address}: {type(error).__name__}") from error
        if not response.ok:
            excerpt = " ".join(response.text.split())[:300]
            raise FactoryError(f"NOT_READY: {address} responded {response.status_code}: {excerpt}")
        return response.content

    return request


def reference_scores(version: Version, rows: pl.DataFrame) -> Any:
    """The scores of the first test rows, as recorded when the version was evaluated, else by its own code. Raises FactoryError."""
    evaluation = json.loads(git.show(version.facts["commit"], f"{REPORTS}/evaluation.json") or "{}")
    if evaluation.get("scores") is None:
        return champion.scores(version, rows)["score"].to_numpy()
    return np.array(evaluation["scores"][: rows.height])


def _wait_until_ready(request: Request) -> None:
    end = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            request("/health/ready", b"")
            return
        except FactoryError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _check_version(request: Request, version: Version) -> str:
    try:
        served = json.loads(request("/version", b""))["version"]
    except (ValueError, TypeError, KeyError) as error:
        raise FactoryError("WRONG_VERSION: the response of /version is not from a service of this project") from error
    if served != version.name:
        raise FactoryError(f"WRONG_VERSION: it serves {served}, not {version.name}")
    return str(served)


def _test_rows(version: Version) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "test.parquet")
        dvc("get", "--rev", version.facts["commit"], ".", f"{PREPARED}/test.parquet", "--out", str(path))
        return pl.read_parquet(path).head(REFERENCE_SCORES).select(contract.Row.column_names())


def forecast_steps(request: Request, params: config.Params) -> int:
    """How many steps the service forecasts from one made-up observation, by history() of features.py. Raises FactoryError."""
    settings = Settings.of(params.forecast, params.data.target)
    body = io.BytesIO()
    parsing.example_history({"forecast": asdict(settings), "target": settings.target}).write_ipc_stream(body)
    try:
        steps = pl.read_ipc_stream(request("/forecast", body.getvalue()))["score"].drop_nulls().len()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FactoryError("SCORES_DIFFER: the response to /forecast is not a table of forecasts") from error
    if steps != settings.horizon:
        raise FactoryError(f"SCORES_DIFFER: the service forecasts {steps} steps, not {settings.horizon}")
    return steps


def _largest_difference(request: Request, version: Version, rows: pl.DataFrame) -> float:
    body = io.BytesIO()
    rows.write_ipc_stream(body)
    reference = reference_scores(version, rows)
    try:
        scores = pl.read_ipc_stream(request("/score", body.getvalue()))["score"].to_numpy()
        return float((np.abs(scores - reference) / np.maximum(1, np.abs(reference))).max())
    except (pl.exceptions.PolarsError, OSError, ValueError, TypeError) as error:
        raise FactoryError(
            f"SCORES_DIFFER: the response does not have one score for each of {rows.height} rows"
        ) from error
