"""What people and bots do to the rest of pyproject.toml: its tables and its layout."""

import re

from .edits import (
    OLD,
    PYPROJECT,
    Kind,
    change,
    contains,
    extended,
    holds,
    lacks,
    says,
    setting,
    table,
)
from .reading import facts, text

UV = [
    setting("its own exclude-newer", "tool.uv", "exclude-newer", '"2026-11-25T00:00:00Z"'),
    change(
        "exclude-newer removed",
        PYPROJECT,
        r"^exclude-newer = .*\n",
        "",
        lambda project: all(where != "tool.uv.exclude-newer" for where, _ in facts(project / PYPROJECT)),
        word="exclude-newer",
    ),
    setting("the least version of uv", "tool.uv", "required-version", '">=0.9"'),
    table(
        "an index of its own",
        "[tool.uv.index]",
        'name = "corp"\nurl = "https://pypi.example.com/simple"\nexplicit = true',
        ("tool.uv.index.name", "corp"),
    ),
    table(
        "an index at the top of uv's tables",
        "[tool.uv.index]",
        'name = "mirror"\nurl = "https://mirror.example.com/simple"\nexplicit = true',
        ("tool.uv.index.name", "mirror"),
        before="tool.uv",
    ),
    change(
        "a second package in the wheel",
        PYPROJECT,
        r'^packages = \["src/late_flights"\]',
        'packages = ["src/late_flights", "src/late_reports"]',
        says(PYPROJECT, 'packages = ["src/late_flights", "src/late_reports"]'),
        origins=OLD,
        word="late_reports",
    ),
    extended("a file kept out of the wheel", "tool.uv.build-backend", "wheel-exclude", "secret_notes.md", origins="now"),
]
PROJECT = [
    setting("its own version", "project", "version", '"1.4.0"'),
    setting("its own description", "project", "description", '"Late arrivals, for the operations desk"'),
    setting("a newer Python", "project", "requires-python", '">=3.11,<3.14"'),
    Kind(
        "authors",
        PYPROJECT,
        setting("", "project", "authors", '[{ name = "Ada Example", email = "ada@example.com" }]').edit,
        holds(PYPROJECT, ("project.authors.name", "Ada Example")),
        word="authors",
    ),
    setting("keywords", "project", "keywords", '["flights", "delay"]', "flights"),
    table(
        "links",
        "project.urls",
        'Homepage = "https://example.com/late"',
        ("project.urls.Homepage", "https://example.com/late"),
        before="project.scripts",
    ),
    setting("a command of its own", "project.scripts", "late-report", '"late_flights.late_report:main"'),
    table(
        "an entry point",
        'project.entry-points."late.plugins"',
        'own = "late_flights.features"',
        ("project.entry-points.late.plugins.own", "late_flights.features"),
        before="dependency-groups",
    ),
]
TOOLS = [
    setting("a shorter line", "tool.ruff", "line-length", "100"),
    setting("a target of ruff", "tool.ruff", "target-version", '"py311"'),
    extended("more rules of ruff", "tool.ruff.lint", "extend-select", "N"),
    setting("rules of ruff ignored", "tool.ruff.lint", "ignore", '["RUF001"]', "RUF001"),
    setting("rules of ruff ignored in a folder", "tool.ruff.lint.per-file-ignores", '"notebooks/**"', '["B018"]', "B018"),
    extended("a folder that ruff leaves out", "tool.ruff", "extend-exclude", "vendor"),
    table(
        "ruff's format",
        "tool.ruff.format",
        "docstring-code-format = true",
        ("tool.ruff.format.docstring-code-format", "True"),
        before="tool.ruff.lint",
    ),
    setting("strictness of mypy", "tool.mypy", "strict", "false", "False"),
    setting("warnings of mypy", "tool.mypy", "warn_unreachable", "true", "True"),
    extended("a folder that mypy leaves out", "tool.mypy", "exclude", "^vendor/"),
    change(
        "a library without types among the template's",
        PYPROJECT,
        r'^(module = \["mlflow\.\*",)',
        r'\1 "lightgbm.*",',
        holds(PYPROJECT, ("tool.mypy.overrides.module", "lightgbm.*")),
        word="lightgbm",
    ),
    table(
        "a library without types at the end",
        "[tool.mypy.overrides]",
        'module = ["shap.*"]\nignore_missing_imports = true',
        ("tool.mypy.overrides.module", "shap.*"),
    ),
    table(
        "overrides of mypy in the middle",
        "[tool.mypy.overrides]",
        'module = ["late_flights.legacy"]\nignore_errors = true',
        ("tool.mypy.overrides.module", "late_flights.legacy"),
        before="tool.pytest",
    ),
    extended("options of pytest", "tool.pytest", "addopts", "-ra"),
    extended("a folder of tests", "tool.pytest", "testpaths", "notebooks", runs=False),
    setting("markers of pytest", "tool.pytest", "markers", '["slow: takes minutes"]', "slow: takes minutes"),
    extended("an omission of coverage", "tool.coverage.run", "omit", "src/late_flights/legacy.py"),
    setting("branches of coverage", "tool.coverage.run", "branch", "true", "True"),
    table("a limit of coverage", "tool.coverage.report", "fail_under = 60", ("tool.coverage.report.fail_under", "60")),
    table(
        "its own table at the end",
        "tool.commitizen",
        'name = "cz_conventional_commits"',
        ("tool.commitizen.name", "cz_conventional_commits"),
    ),
    table("its own table at the top", "tool.taplo", 'lint = "on"', ("tool.taplo.lint", "on"), top=True),
    table(
        "its own table in the middle",
        "tool.bumpversion",
        'current_version = "1.4.0"',
        ("tool.bumpversion.current_version", "1.4.0"),
        before="tool.mypy",
    ),
    table(
        "its own table before the groups",
        "tool.deptry",
        'known_first_party = ["late_flights"]',
        ("tool.deptry.known_first_party", "late_flights"),
        before="project.scripts",
    ),
]


def _reindent(project) -> None:
    path = project / PYPROJECT
    path.write_text(re.sub(r"^  (?=[\"{])", "    ", text(path), flags=re.MULTILINE), "utf-8")


def _windows(project) -> None:
    path = project / PYPROJECT
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _not_mixed(project) -> bool:
    content = (project / PYPROJECT).read_bytes()
    return content.count(b"\r\n") in (0, content.count(b"\n"))


LAYOUT = [
    Kind(
        "lists laid out anew, four spaces",
        PYPROJECT,
        _reindent,
        contains(PYPROJECT, '\n    "'),
        word="layout",
        origins=OLD,
    ),
    Kind("line endings of Windows", PYPROJECT, _windows, _not_mixed, word="line endings"),
    change(
        "a comment beside a dependency",
        PYPROJECT,
        r'^(  "numpy>=[\d.]+",)$',
        r"\1 # asked for by the platform team",
        contains(PYPROJECT, "# asked for by the platform team"),
        word="numpy",
        origins=OLD,
    ),
]
MORE = [
    table(
        "a source of a package",
        "tool.uv.sources",
        'late-lib = { git = "https://example.com/late-lib" }',
        ("tool.uv.sources.late-lib.git", "https://example.com/late-lib"),
    ),
    setting("its own default groups", "tool.uv", "default-groups", '["train", "dev"]', "train"),
    table("settings of the template declined", "tool.factory", 'declined = ["notebook"]', ("tool.factory.declined", "notebook")),
    change(
        "a version of Git's tags",
        PYPROJECT,
        r'^requires = \["hatchling"\]',
        'requires = ["hatchling", "hatch-vcs"]',
        holds(PYPROJECT, ("build-system.requires", "hatch-vcs")),
        word="build",
        origins=OLD,
        runs=False,
    ),
    change(
        "a table of coverage removed",
        PYPROJECT,
        r"^\[tool\.coverage\.run\]\nsource = .*\n",
        "",
        lambda project: ("tool.coverage.run.source", "src") not in facts(project / PYPROJECT),
        word="coverage",
        origins=OLD,
    ),
    change(
        "a marker removed",
        PYPROJECT,
        r"^# The lines above are yours.*\n# The lines below.*\n",
        "",
        lacks(PYPROJECT, "The lines below are the template's"),
        word="comment",
        origins=OLD,
    ),
    change(
        "a dependency commented out",
        PYPROJECT,
        r'^  ("mlflow-skinny.*",)$',
        r"  # \1",
        lacks(PYPROJECT, '\n  "mlflow'),
        word="mlflow",
        origins=OLD,
    ),
    change("single quotes", PYPROJECT, r'^  "click>=8\.3"', "  'click>=8.3'", contains(PYPROJECT, "click>=8.3"), word="click"),
    change(
        "all of a list in one line",
        PYPROJECT,
        r'^mlflow = \[\s*"(mlflow-skinny[^"]*)",?\s*\]',
        r'mlflow = ["\1", "sqlalchemy>=2.0"]',
        holds(PYPROJECT, ("extra.mlflow", "sqlalchemy>=2.0")),
        word="sqlalchemy",
    ),
    change(
        "two versions of one package by Python",
        PYPROJECT,
        r'^  "numpy>=[\d.]+",',
        "  \"numpy>=2.1; python_version < '3.13'\",\n  \"numpy>=2.2; python_version >= '3.13'\",",
        lambda project: any("numpy>=2.2" in value for _, value in facts(project / PYPROJECT)),
        word="numpy",
        origins=OLD,
    ),
    change(
        "a group renamed",
        PYPROJECT,
        r"^notebook = ",
        "notebooks = ",
        lambda project: any(where == "group.notebooks" for where, _ in facts(project / PYPROJECT)),
        word="notebook",
        origins="now",
    ),
]
KINDS = [*MORE, *UV, *PROJECT, *TOOLS, *LAYOUT]
