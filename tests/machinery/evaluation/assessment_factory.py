"""An assessment of made-up scores, and a reader of the page that shows it."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
from late_flights.factory import config
from late_flights.factory.evaluation import assessment
from late_flights.factory.metrics import bootstrap, curves

ROWS = 300
CLASSES = [f"<class {i}>" for i in range(14)]
MAIN = {"classification": "average_precision", "multiclass": "log_loss", "regression": "mae"}


class Page(HTMLParser):
    """Fails where a tag is left open, and keeps what a browser would load or run."""

    VOID = frozenset({"meta", "link", "br", "path", "line", "rect"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def build_assessment(problem: str = "classification", columns: dict[str, Any] | None = None, **data: Any) -> Any:
    """An assessment of made-up scores on made-up rows."""
    target, score = target_and_score(problem)
    outcome = pl.Series(CLASSES, dtype=pl.Enum(CLASSES))[target.astype(int)] if problem == "multiclass" else target
    base = pl.DataFrame({"key": [f"k{i}" for i in range(ROWS)], "outcome": outcome, "group": ["a", "b", "c"] * 100})
    rows = base.with_columns(**{name: pl.Series(values) for name, values in (columns or {}).items()})
    params = config.Params.model_validate(
        {
            "problem": problem,
            "data": {"target": "outcome", "id": "key", "sensitive": ["group"], **data},
            "evaluation": {"metric": MAIN[problem]},
            "value": {"true_positive": 2.0, "false_positive": -1.0} if problem == "classification" else None,
        }
    )
    return assessment.Assessment(
        params=params,
        manifest=manifest(problem),
        train=rows,
        test=rows,
        target=target,
        score=score,
        estimates=bootstrap.estimates(problem, target, score, score.mean(axis=0)),
        confusion=assessment.confusion(target, score, manifest(problem)),
        slices=assessment.slices(rows, target, score, params),
        importance=pl.DataFrame({"feature": ["x", "y", "z"], "loss": [0.2, 0.0, -0.01]}),
        curves=curves.CURVES[problem](target, score),
    )


def target_and_score(problem: str) -> tuple[Any, Any]:
    """A target, and scores that know a little of it."""
    generator = np.random.default_rng(0)
    if problem == "multiclass":
        score = generator.dirichlet(np.ones(len(CLASSES)), ROWS)
        return (score.cumsum(axis=1) < generator.random((ROWS, 1))).sum(axis=1) * 1.0, score
    target: Any = generator.random(ROWS).round(2) if problem == "regression" else (generator.random(ROWS) < 0.4) * 1.0
    return target, np.clip(0.3 * target + 0.7 * generator.random(ROWS), 0.001, 0.999)


def manifest(problem: str) -> dict[str, Any]:
    return {
        "features": {"x": {"type": "Float64"}},
        "threshold": 0.5 if problem == "classification" else None,
        "classes": CLASSES if problem == "multiclass" else None,
        "data": {"train": "0" * 64, "rows": ROWS},
        "code": {"model.py": "1" * 64},
        "parameters": {"depth": 3, "nested": {"a": [1]}, "none": None},
        "versions": {"numpy": "2.4"},
        "onnx": {"rows": 10, "largest_difference": 3e-7, "tolerance": 1e-5},
        "files": {"model.onnx": "2" * 64, "model.skops": "3" * 64},
    }
