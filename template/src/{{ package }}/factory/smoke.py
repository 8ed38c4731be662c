"""A service that was just deployed: ready, of the right version, and with the scores that were recorded."""

import io
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import requests

from .. import contract
from . import artifact, champion, evaluate, git, prepare
from .errors import FactoryError
from .shell import dvc
from .versions import Version

KEY = "FACTORY_KEY"
SECONDS = 60
ARROW = "application/vnd.apache.arrow.stream"


def smoke(url: str, version: Version) -> Iterator[str]:
    """Look at the service as its callers do; yields what was seen. Raises FactoryError with a reason code."""
    _wait(f"{url}/health/ready")
    told = _ask("GET", f"{url}/version").json()["version"]
    if told != version.name:
        raise FactoryError(f"WRONG_VERSION: {url} serves {told}, not {version.name}")
    yield f"{url} is ready and serves {told}"
    rows = _rows(version)
    scores = _scores(url, rows)
    apart = float(np.abs(scores - recorded(version, rows)).max())
    if not apart <= artifact.TOLERANCE:
        raise FactoryError(f"SCORES_DIFFER: {url} is up to {apart:.3g} away from the scores of {version.name}")
    yield f"{rows.height} scores are as recorded, to {apart:.1g}"


def recorded(version: Version, rows: pl.DataFrame) -> Any:
    """The scores of the first test rows when the version was evaluated, or else by its own code. Raises FactoryError."""
    kept = json.loads(git.show(version.facts["commit"], f"{evaluate.REPORTS}/evaluation.json") or "{}").get("scores")
    if kept is None:
        return champion.scores(version.facts["commit"], rows)["score"].to_numpy()
    return np.array(kept[: rows.height])


def _rows(version: Version) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "test.parquet")
        dvc("get", "--rev", version.facts["commit"], ".", f"{prepare.PREPARED}/test.parquet", "--out", str(path))
        return pl.read_parquet(path).head(evaluate.RECORDED).select(contract.Row.column_names())


def _scores(url: str, rows: pl.DataFrame) -> Any:
    body = io.BytesIO()
    rows.write_ipc_stream(body)
    answer = _ask("POST", f"{url}/score", data=body.getvalue(), headers={"Content-Type": ARROW})
    return pl.read_ipc_stream(answer.content)["score"].to_numpy()


def _wait(address: str) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            _ask("GET", address)
            return
        except FactoryError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _ask(method: str, address: str, headers: dict[str, str] | None = None, **how: Any) -> requests.Response:
    key = {"Authorization": f"Bearer {os.environ[KEY]}"} if os.environ.get(KEY) else {}
    try:
        answer = requests.request(method, address, headers=key | (headers or {}), timeout=SECONDS, **how)
    except requests.RequestException as error:
        raise FactoryError(f"NOT_READY: {address} does not answer: {type(error).__name__}") from error
    if not answer.ok:
        raise FactoryError(f"NOT_READY: {address} answers {answer.status_code}: {' '.join(answer.text.split())[:300]}")
    return answer
