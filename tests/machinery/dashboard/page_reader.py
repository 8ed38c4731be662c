"""Writes the dashboard of the current folder, and reads it."""

import json
from pathlib import Path

from late_flights.factory import config
from late_flights.factory.dashboard import dashboard
from tests.factory import git_repository

from machinery.evaluation.assessment_factory import Page


def params(**monitor):
    return config.Params.model_validate(
        {
            "problem": "classification",
            "data": {"target": "late"},
            "evaluation": {"metric": "roc_auc"},
            "gate": {"floor": 0.75},
            "monitor": monitor,
        }
    )


def written(**monitor):
    """The page."""
    dashboard.write(params(**monitor))
    return Path("reports/dashboard.html").read_text(encoding="utf-8")


def empty(**files):
    git_repository.start()
    Path("reports").mkdir()
    for name, content in files.items():
        Path("reports", f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def table(html, *headers):
    """The rows of the first table with these headers, text by header."""
    for head, *rows in Page(html).tables:
        if list(headers) == head[: len(headers)]:
            return [[" ".join(cell.split()) for cell in row] for row in rows]
    raise AssertionError(headers)


def text(html):
    return " ".join(" ".join(Page(html).text).split())
