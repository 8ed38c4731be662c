"""What the gate's checks look at, and what each of them finds."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import polars as pl

from ..config import ACCEPTABLE, Params
from ..metrics.bootstrap import Ids
from ..metrics.definitions import Vector, ids_of, trivial_scores
from ..metrics.fairness import Predictions
from ..tables.chunks import Rows, collect, height

RUNS, MIN_RUN, MAX_RUN = 20, 100, 2_500  # of neighbouring rows
MAX_CELLS = 4_000_000  # wide tables have fewer rows


@dataclass(frozen=True)
class Part:
    """Rows of the training or of the test, and the features that the model sees of them; which share of all rows they are.

    They are in the order of delivery: where not all, runs of neighbouring rows.
    """

    rows: pl.DataFrame
    features: pl.DataFrame
    share: float = 1.0


@dataclass(frozen=True)
class Evidence:
    """What the checks look at: all on the same test rows.

    `validation` and `interval` are what the model's manifest holds of them; `train` and `tested` are what of training and test rows is
    searched for leaks and copies.
    """

    params: Params
    test: pl.DataFrame
    target: Vector
    challenger: Predictions
    champion: Predictions | None
    baseline: float | list[float]
    latency_ms: float
    size_mb: float
    parity: float | None
    tolerance: float
    contract_changed: bool
    accepted: str | None = None
    validation: dict[str, Any] | None = None
    interval: dict[str, Any] | None = None
    train: Part | None = None
    tested: Part | None = None

    @property
    def ids(self) -> Ids:
        """Which rows share an id, so that whole ids are resampled."""
        return ids_of(self.test, self.params)

    @property
    def reference(self) -> Vector:
        """The champion's scores, or before there is one the trivial baseline's."""
        return self.champion.score if self.champion else self.trivial

    @property
    def trivial(self) -> Vector:
        """The trivial baseline's scores."""
        return np.full_like(self.challenger.score, trivial_scores(self.test, self.params, self.baseline))

    @property
    def reference_name(self) -> str:
        """Whose scores the reference is."""
        return "champion" if self.champion else "baseline"


@dataclass(frozen=True)
class Check:
    """The result of one check: `figure` against `limit`, with its 95% interval where it has one.

    Where there is nothing to compare it is not `judged`, and does not block. `unit` is "share" where
    1 is 100%. `subject` names what it is about, such as columns, where a code has several checks.
    """

    code: str
    what: str
    figure: float | None
    limit: str
    passed: bool
    low: float | None = None
    high: float | None = None
    note: str = ""
    unit: str = ""
    judged: bool = True
    subject: str = ""

    @property
    def key(self) -> str:
        """The key under `gate.accepted` in params.yaml by which a person accepts it."""
        return f"{self.code} {self.subject}".strip()


def part(rows: Rows, features: Callable[[pl.DataFrame], pl.DataFrame]) -> Part:
    """The rows, or if they are many runs of neighbours from all of the table, with their features."""
    size, some = height(rows), rows.lazy()
    run = max(MIN_RUN, min(MAX_RUN, MAX_CELLS // (RUNS * len(some.collect_schema()))))
    if size > run * RUNS:
        some = pl.concat([some.slice(start * (size - run) // (RUNS - 1), run) for start in range(RUNS)])
    table = collect(some)
    return Part(table, features(table), table.height / size)


def accept(checks: Iterable[Check], accepted: Mapping[str, str]) -> Iterator[Check]:
    """The checks, of which those pass that a person has accepted; and a line for each key that matches none of them."""
    keys = []
    for check in checks:
        keys += [check.key] if check.code in ACCEPTABLE else []
        reason = accepted.get(check.key)
        if reason and not check.passed:
            check = replace(check, passed=True, note="; ".join(filter(None, (f"accepted: {reason}", check.note))))
        yield check
    for key in sorted(accepted.keys() - keys):
        hint = "".join(f", did you mean {close}?" for close in get_close_matches(key, keys, n=1))
        note = f"matches none of the checks{hint or ': remove it'}"
        yield Check("ACCEPTED", key, None, "", True, note=note, judged=False)
