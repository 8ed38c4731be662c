"""What people read is in plain English: none of the words over which readers stumbled, but for the uses named here.

The help of each command, and the reports of a trained project, are read in test_project.py.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from words import findings

ALLOWED = {
    ("errors.py", "not so"): "the message `not so: <invariant>`, which tests of older projects match",
    ("diff.py", "not so"): "the same message",
    ("changes.py", "spelling"): "a category that differs only by case or blanks",
    ("data.md", "spelling"): "the same",
    ("model_card.py", "unsaid"): "a key of reports/model-card.json, which programs may read",
    ("copier.yml", "disguise"): "a file of an older release",
    ("copier.yml", "spellings"): "the same",
}
"""A file, a word and the reason."""

CODE = ["template/src/{{ package }}", "hooks"]
TEXT = [".md", ".yaml", ".yml", ".toml", ".html", ".txt", ".svg", ""]


def strings(file: Path) -> Iterator[str]:
    """Messages, help and docstrings."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def check(file: Path, texts: Iterator[str] | list[str]) -> None:
    found = {word: instead for text in texts for word, instead in findings(text) if (file.name, word.lower()) not in ALLOWED}
    assert not found, f"{file}: write instead"


MODULES = sorted(file for folder in CODE for file in (ROOT / folder).rglob("*.py") if file.name != "_moved.py")


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_strings(file):
    check(file, strings(file))


@pytest.mark.parametrize(
    "file", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "copier.yml"], ids=lambda file: str(file.relative_to(ROOT))
)
def test_documents_of_the_template(file):
    check(file, [file.read_text("utf-8")])


@pytest.mark.parametrize("problem, ci", [("classification", "github"), ("regression", "gitlab"), ("forecasting", "azure")])
def test_documents_of_a_project(render, problem, ci):
    project = render(problem=problem, ci=ci)
    files = [file for file in project.rglob("*") if file.is_file() and file.suffix in TEXT]
    assert {"README.md", "recipes.md", "params.yaml", "Dockerfile", "report.html"} <= {file.name for file in files}
    for file in files:
        check(file, [file.read_text("utf-8")])
