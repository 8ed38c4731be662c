"""Writes the dashboard of the current folder, and reads it."""

from pathlib import Path

from late_flights.factory import config
from late_flights.factory.dashboard import dashboard
from tests.factory import git_repository

from machinery.evaluation.assessment_factory import Page


def params(problem="classification", metric="roc_auc", **monitor):
    return config.Params.model_validate(
        {
            "problem": problem,
            "data": {"target": "late"},
            "evaluation": {"metric": metric},
            "gate": {"floor": 0.75},
            "monitor": monitor,
        }
    )


def written(**settings):
    """The page."""
    dashboard.write(params(**settings))
    return Path("reports/dashboard.html").read_text(encoding="utf-8")


def empty():
    """Make the current folder a project of which nothing is known."""
    git_repository.start()
    Path("reports").mkdir()


def table(html, *headers):
    """The rows of the first table with these headers, text by header."""
    for head, *rows in Page(html).tables:
        if list(headers) == head[: len(headers)]:
            return [[" ".join(cell.split()) for cell in row] for row in rows]
    raise AssertionError(headers)


def text(html):
    return " ".join(" ".join(Page(html).text).split())
