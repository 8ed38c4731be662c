"""An assessment of made-up scores, the record of a run, and a reader of the page that shows them."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
from late_flights.factory import config
from late_flights.factory.evaluation import assessment, confusion, report, slices
from late_flights.factory.metrics import bootstrap, curves
from late_flights.factory.metrics.definitions import METRICS

ROWS = 300
EVIL = '<script>alert("1")</script>'
FEATURES = ["x", "y", "z", EVIL, *(f"f{i}" for i in range(200))]
CLASSES = [f"<class {i}>" for i in range(14)]
MAIN = {"classification": "average_precision", "multiclass": "log_loss", "regression": "mae"}


class Page(HTMLParser):
    """Fails where a tag is left open, and keeps what a browser would load or run."""

    VOID = frozenset({"meta", "link", "br", "path", "line", "polyline", "polygon", "circle", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.headings: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.ids: dict[str, dict[str, str | None]] = {}
        self.text: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        attributes = dict(attrs)
        if name := attributes.get("id"):
            self.ids[name] = attributes
        if tag == "svg":
            self.images.append(attributes)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            assert tag == "td" or attributes.get("scope") in ("col", "row")
        elif tag == "h2":
            self.headings.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            return
        self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data
        elif "h2" in self.open:
            self.headings[-1] += data

    def table(self, first: str) -> list[list[str]]:
        """The rows of the table whose first heading this is, its head included."""
        [found] = [rows for rows in self.tables if rows[0][:1] == [first]]
        return [[" ".join(cell.split()) for cell in row] for row in found]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def build_assessment(problem: str = "classification", columns: dict[str, Any] | None = None, **data: Any) -> Any:
    """An assessment of made-up scores on made-up rows."""
    target, score = target_and_score(problem)
    facts = manifest(problem)
    outcome = pl.Series(CLASSES, dtype=pl.Enum(CLASSES))[target.astype(int)] if problem == "multiclass" else target
    base = pl.DataFrame({"key": [f"k{i}" for i in range(ROWS)], "outcome": outcome, "group": ["a", "b", "c"] * 100})
    rows = base.with_columns(**{name: pl.Series(values) for name, values in (columns or {}).items()})
    params = config.Params.model_validate(
        {
            "problem": problem,
            "data": {"target": "outcome", "id": "key", "sensitive": ["group"], **data},
            "evaluation": {"metric": MAIN[problem], "worst_rows": 3},
            "value": {"true_positive": 2.0, "false_positive": -1.0} if problem == "classification" else None,
        }
    )
    utility = {"utility": curves.utility(target, score, params.value)} if params.value else {}
    return assessment.Assessment(
        params=params,
        manifest=facts,
        train=rows,
        test=rows,
        target=target,
        score=score,
        estimates=bootstrap.estimates(METRICS[problem], target, score, score.mean(axis=0)),
        train_figures={name: float(metric(target, score)) for name, metric in METRICS[problem].items()},
        interval=None if problem != "regression" else {"level": 0.9, "coverage": 0.88, "width": 3.0},
        confusion=confusion.confusion(target, score, facts),
        classification_report=None if problem == "regression" else confusion.classification_report(target, score, facts),
        slices=slices.slices(rows, target, score, facts["baseline"], params),
        importance=pl.DataFrame({"feature": ["x", "y", "z"], "loss": [0.2, 0.0, -0.01]}),
        forecast=None,
        curves=curves.CURVES[problem](target, score) | utility,
    )


def build_run(assessed: Any, **changes: Any) -> dict[str, Any]:
    """The record of the run that it comes from."""
    facts = assessed.manifest
    return {
        "finished": "2026-01-02T03:04:05+00:00",
        "commit": "c" * 40,
        "uncommitted": False,
        "model_id": "4" * 64,
        "estimator": facts["estimator"],
        "versions": {"python": "3.12", **facts["versions"]},
    } | changes


def render(assessed: Any, **changes: Any) -> str:
    """The page of the assessment, with changes of its run's record."""
    return report.render(assessed, build_run(assessed, **changes))


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
        "baseline": [1 / len(CLASSES)] * len(CLASSES) if problem == "multiclass" else 0.5,
        "data": {
            "train": "0" * 64,
            "rows": ROWS,
            "parts": {name: {"rows": ROWS, "from": "2020-01-01 00:00:00", "to": "2020-02-01"} for name in ("train", "test")},
            "deliveries": ["first.csv"],
        },
        "estimator": {"class": "sklearn.dummy.DummyClassifier", "parameters": {"strategy": "prior", "constant": None}},
        "validation": {
            "folds": 5,
            "rows": ROWS,
            "metrics": {name: {"value": 0.25, "low": 0.2, "high": 0.3} for name in METRICS[problem]},
        },
        "code": {"model.py": "1" * 64},
        "parameters": {"depth": 3, "nested": {"a": [1]}, "none": None},
        "versions": {"numpy": "2.4"},
        "onnx": {"rows": 10, "largest_difference": 3e-7, "tolerance": 1e-5},
        "files": {"model.onnx": "2" * 64, "model.skops": "3" * 64},
    }
