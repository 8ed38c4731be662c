"""What the gate looks at, and what it says."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .config import Params
from .metrics import Vector

WARM_UP, CALLS = 20, 200


@dataclass(frozen=True)
class Decided:
    """A model's scores of the test rows and, for a classifier, its decisions; of `classes`, their codes."""

    score: Vector
    decision: Any = None
    classes: list[str] | None = None


@dataclass(frozen=True)
class Evidence:
    """What the checks look at: all on the same test rows."""

    params: Params
    test: pl.DataFrame
    target: Vector
    challenger: Decided
    champion: Decided | None
    baseline: float | list[float]
    latency_ms: float
    size_mb: float
    parity: float
    tolerance: float
    contract_changed: bool
    accepted: str | None = None

    @property
    def rival(self) -> Vector:
        """The champion's scores, or before there is one the trivial baseline's."""
        return self.champion.score if self.champion else np.full_like(self.challenger.score, self.baseline)


@dataclass(frozen=True)
class Check:
    """One verdict: `figure` against `limit`, with its 95 % interval where it has one."""

    code: str
    what: str
    figure: float | None
    limit: str
    passed: bool
    low: float | None = None
    high: float | None = None
    note: str = ""


def latency(call: Callable[[], object]) -> float:
    """Median milliseconds of a call."""
    spent = []
    for _ in range(WARM_UP + CALLS):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return float(np.median(spent[WARM_UP:]) * 1000)


def megabytes(folder: Path) -> float:
    """Size of the folder's files."""
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6
