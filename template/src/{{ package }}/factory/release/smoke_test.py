"""A service that was just deployed: ready, of the right version, and with the scores that were recorded."""

import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import requests

from ... import contract
from ..errors import FactoryError
from ..evaluation import evaluate
from ..paths import PREPARED, REPORTS
from ..registry import champion
from ..registry.versions import Version
from ..training.onnx import estimators
from ..workspace import git
from ..workspace.process import dvc

Ask = Callable[[str, bytes], bytes]
KEY = "FACTORY_KEY"
SECONDS = 60
ARROW = "application/vnd.apache.arrow.stream"


def smoke(ask: Ask, version: Version) -> Iterator[str]:
    """Look at the service as its callers do; yields what was seen. Raises FactoryError with a reason code.

    `ask` is given a path and a body, which may be empty, and gives the body of the answer.
    """
    _wait(ask)
    try:
        told = json.loads(ask("/version", b""))["version"]
    except (ValueError, TypeError, KeyError) as error:
        raise FactoryError("WRONG_VERSION: what answers /version is no service of this project") from error
    if told != version.name:
        raise FactoryError(f"WRONG_VERSION: it serves {told}, not {version.name}")
    yield f"ready, and serves {told}"
    rows = _rows(version)
    body = io.BytesIO()
    rows.write_ipc_stream(body)
    wanted = recorded(version, rows)
    try:
        scores = pl.read_ipc_stream(ask("/score", body.getvalue()))["score"].to_numpy()
        apart = float(np.abs(scores - wanted).max())
    except (pl.exceptions.PolarsError, OSError, ValueError, TypeError) as error:
        raise FactoryError(f"SCORES_DIFFER: its answer is not one score for each of {rows.height} rows") from error
    if not apart <= estimators.TOLERANCE:
        raise FactoryError(f"SCORES_DIFFER: it is up to {apart:.3g} away from the scores of {version.name}")
    yield f"{rows.height} scores are as recorded, to {apart:.1g}"


def over_http(url: str) -> Ask:
    """Asks from here, as callers from outside do, with the key that FACTORY_KEY holds."""
    key = {"Authorization": f"Bearer {os.environ[KEY]}"} if os.environ.get(KEY) else {}

    def ask(path: str, body: bytes) -> bytes:
        method, address = "POST" if body else "GET", f"{url.rstrip('/')}{path}"
        try:
            headers = {**key, "Content-Type": ARROW}
            answer = requests.request(method, address, data=body, headers=headers, timeout=SECONDS)
        except requests.RequestException as error:
            raise FactoryError(f"NOT_READY: {address} does not answer: {type(error).__name__}") from error
        if not answer.ok:
            said = " ".join(answer.text.split())[:300]
            raise FactoryError(f"NOT_READY: {address} answers {answer.status_code}: {said}")
        return answer.content

    return ask


def recorded(version: Version, rows: pl.DataFrame) -> Any:
    """The scores of the first test rows when the version was evaluated, or else by its own code. Raises FactoryError."""
    kept = json.loads(git.show(version.facts["commit"], f"{REPORTS}/evaluation.json") or "{}").get("scores")
    if kept is None:
        return champion.scores(version.facts["commit"], rows)["score"].to_numpy()
    return np.array(kept[: rows.height])


def _rows(version: Version) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "test.parquet")
        dvc("get", "--rev", version.facts["commit"], ".", f"{PREPARED}/test.parquet", "--out", str(path))
        return pl.read_parquet(path).head(evaluate.RECORDED).select(contract.Row.column_names())


def _wait(ask: Ask) -> None:
    """Until it is ready."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            ask("/health/ready", b"")
            return
        except FactoryError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
