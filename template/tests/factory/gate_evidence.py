"""Made-up evidence that passes every check of the gate; tests change one thing in it."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from .. import checks, data_checks, fairness
from .. import evidence as seen
from . import toy

ROWS = 600
GATE = {"margin": 0.05, "slice_margin": 0.2, "group_rows": 30, "selection_gap": 0.3, "error_gap": 0.3}
VALUE = {"true_positive": 2, "false_positive": -2, "false_negative": -2}
FLOOR = {"classification": 0.7, "multiclass": 1.0, "regression": 0.5}
RANDOM = np.random.default_rng(7)
SKILL = data_checks.SKILL
CHANCE = RANDOM.random(ROWS)
TARGET: dict[str, Any] = {
    "classification": (RANDOM.random(ROWS) < CHANCE) * 1.0,
    "regression": RANDOM.normal(10, 2, ROWS),
}
CHANCES = RANDOM.dirichlet(np.ones(3) / 2, ROWS)
TARGET["multiclass"] = (CHANCES.cumsum(axis=1) < RANDOM.random((ROWS, 1))).sum(axis=1) * 1.0
SCORE = {
    "classification": CHANCE,
    "multiclass": CHANCES,
    "regression": TARGET["regression"] + RANDOM.normal(0, 0.3, ROWS),
}
KIND = np.array(["red", *["green", "blue", "green", "blue"] * 2, "green"] * (ROWS // 10))
RED = KIND == "red"


def params(problem: str = "classification", **limits: Any) -> Any:
    value = {"value": VALUE} if problem == "classification" else {}
    return toy.params(problem, gate={"floor": FLOOR[problem]} | GATE | limits, **value)


def predictions(problem: str = "classification", **parts: Any) -> fairness.Predictions:
    classes, score = toy.CLASSES if problem == "multiclass" else None, parts.get("score", SCORE[problem].copy())
    decision = {"classification": CHANCE >= 0.4, "multiclass": score.argmax(-1), "regression": None}[problem]
    return replace(fairness.Predictions(score, decision, classes), **parts)


def part(problem: str = "classification", seed: int = 0) -> Any:
    """Rows that a model is trained or tested on, without any leak."""
    random = np.random.default_rng(seed)
    chosen = random.permutation(ROWS)
    inputs = pl.DataFrame({name: random.normal(size=ROWS) for name in ("amount", "weight")})
    rows = pl.DataFrame({"answer": TARGET[problem][chosen], "key": [f"k{i}" for i in range(ROWS)]})
    return seen.Part(rows, inputs)


def interval(width: float) -> dict[str, Any]:
    """Intervals of a regression that end so far from its scores."""
    return {"level": 0.9, "edges": [], "low": [-width], "high": [width]}


def grouped() -> Any:
    """Training rows of sixty people, which a model recognises by their weight."""
    person = np.repeat(np.arange(60), ROWS // 60)
    late, weight = RANDOM.random(60) < 0.5, RANDOM.normal(size=60)
    rows = pl.DataFrame({"answer": late[person], "name": [f"person {number}" for number in person]})
    return seen.Part(rows, pl.DataFrame({"weight": weight[person], "amount": RANDOM.normal(size=ROWS)}))


def passing(problem: str = "classification", **parts: Any) -> seen.Evidence:
    """Evidence of a challenger as good as the champion."""
    evidence = seen.Evidence(
        params=params(problem),
        test=pl.DataFrame({"kind": KIND, "gap": np.arange(ROWS) % 3}),
        target=TARGET[problem],
        challenger=predictions(problem),
        champion=predictions(problem),
        baseline=[1 / 3] * 3 if problem == "multiclass" else float(TARGET[problem].mean()),
        latency_ms=0.1,
        size_mb=1.0,
        parity=1e-7,
        tolerance=1e-5,
        contract_changed=False,
        validation={"metrics": {SKILL[problem]: {"value": 0.9, "low": -1.0, "high": 1.0}}},
        interval=interval(20.0) if problem == "regression" else None,
        train=part(problem),
        tested=part(problem, seed=1),
    )
    return replace(evidence, **parts)


def both(problem: str = "classification", **parts: Any) -> dict[str, fairness.Predictions]:
    """A challenger and a champion with the same predictions, other than the usual ones."""
    return {"challenger": predictions(problem, **parts), "champion": predictions(problem, **parts)}


def refusals(evidence: seen.Evidence) -> set[str]:
    return {check.code for check in checks.run_checks(evidence) if not check.passed}
