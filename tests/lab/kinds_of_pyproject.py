"""What people and bots do to pyproject.toml."""

import re

from .edits import (
    OLD,
    PYPROJECT,
    Kind,
    bounded,
    by_hand,
    change,
    command,
    contains,
    extended,
    holds,
    lacks,
    says,
    setting,
    table,
    uv_add,
)
from .reading import facts, text

ADDED = [
    uv_add("a dependency by uv add", "httpx>=0.28", "dependencies"),
    uv_add("the first of the alphabet by uv add", "anyio>=4.4", "dependencies"),
    uv_add("the last of the alphabet by uv add", "xxhash>=3.4", "dependencies"),
    uv_add("a dependency of training by uv add", "tqdm>=4.66", "group.train", "--group=train"),
    uv_add("a dependency of development by uv add --dev", "pytest-xdist>=3.8", "group.dev", "--dev"),
    uv_add("a stub for the checks by uv add", "types-python-dateutil>=2.9", "group.lint", "--group=lint", origins="flat now"),
    uv_add("a group of its own by uv add", "mkdocs>=1.6", "group.docs", "--group=docs"),
    uv_add("more for MLflow by uv add", "boto3>=1.40", "extra.mlflow", "--optional=mlflow"),
    uv_add("more for the service by uv add", "orjson>=3.10", "extra.serve", "--optional=serve"),
    uv_add("an extra of its own by uv add", "matplotlib>=3.10", "extra.plots", "--optional=plots"),
    by_hand("a dependency typed at the top", "python-dateutil>=2.9", "dependencies", "top"),
    by_hand("a dependency typed between the template's", "packaging>=24", "dependencies", "middle"),
    by_hand("a dependency typed at the end", "tenacity>=9", "dependencies", "end"),
    by_hand("a dependency with a marker", 'tzdata>=2025.1; sys_platform == "win32"', "dependencies", "middle"),
    by_hand("a dependency with an extra", "sqlalchemy[asyncio]>=2.0", "dependencies", "end"),
    by_hand("a dependency of training typed at the top", "joblib>=1.4", "group.train", "top"),
    by_hand("a dependency of training typed in the middle", "cloudpathlib>=0.20", "group.train", "middle"),
    by_hand("a dependency of development typed in the middle", "syrupy>=5", "group.dev", "middle"),
    by_hand("a dependency of development typed at the end", "ipdb>=0.13", "group.dev", "end"),
    by_hand("a dependency of the notebooks", "seaborn>=0.13", "group.notebook", "end", origins="now"),
    by_hand("a dependency of tuning", "cmaes>=0.11", "group.tune", "end", origins="now"),
    by_hand("more for MLflow typed", "psutil>=6", "extra.mlflow", "end"),
    by_hand("more for the service typed", "brotli>=1.1", "extra.serve", "end", origins="flat now"),
]


def _without(package: str) -> Kind:
    def kept(project):
        return not any(re.match(rf"{package}\b", value) for where, value in facts(project / PYPROJECT) if where == "group.dev")

    remove = ("uv", "remove", "--frozen", "--dev", package)
    return command(f"{package} removed by uv remove", PYPROJECT, *remove, kept=kept, word=package, origins=OLD, runs=False)


def _reindent(project) -> None:
    path = project / PYPROJECT
    path.write_text(re.sub(r"^  (?=[\"{])", "    ", text(path), flags=re.MULTILINE), "utf-8")


def _windows(project) -> None:
    path = project / PYPROJECT
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _not_mixed(project) -> bool:
    content = (project / PYPROJECT).read_bytes()
    return content.count(b"\r\n") in (0, content.count(b"\n"))


BOUNDS = [
    bounded("a raised lower bound", "polars", r'^  "polars>=[\d.]+"', '  "polars>=2.1.0"', ">=2.1.0", origins=OLD),
    bounded("a raised bound in the middle of a list", "onnx", r'^  "onnx>=[\d.]+"', '  "onnx>=1.22"', ">=1.22", origins=OLD),
    bounded("a raised bound of development", "pytest", r'^  "pytest>=[\d.]+"', '  "pytest>=9.1"', ">=9.1", origins=OLD),
    bounded("an upper bound", "scikit-learn", r'^  "scikit-learn>=[\d.]+"', '  "scikit-learn>=1.8,<2"', "<2", origins=OLD),
    bounded(
        "a version pinned with its reason",
        "numpy",
        r'^  "numpy>=[\d.]+",',
        '  "numpy>=2.1,!=2.3.0", # broken',
        "!=2.3.0",
        origins=OLD,
    ),
    bounded("a bot's bump of the linter", "ruff", r'^  "ruff>=[\d.]+"', '  "ruff>=0.16.0"', ">=0.16.0", origins=OLD),
    bounded("a bot's bump of the types", "mypy", r'^  "mypy>=[\d.]+"', '  "mypy>=2.3"', ">=2.3", origins=OLD),
    uv_add("a raised bound of the template's by uv add", "polars>=2.1.0", "dependencies", origins="now"),
    uv_add("a raised bound of training by uv add", "onnx>=1.22", "group.train", "--group=train", origins="now"),
    uv_add("a raised bound of development by uv add", "pytest>=9.1", "group.dev", "--dev", origins="now"),
    by_hand("an upper bound typed", "scikit-learn<2", "dependencies", "end", origins="now"),
    extended("a constraint of its own", "tool.uv", "constraint-dependencies", "urllib3>=2.2", origins="now"),
    setting("overridden dependencies", "tool.uv", "override-dependencies", '["certifi>=2024.2"]', "certifi>=2024.2"),
    _without("pytest-cov"),
]
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
KINDS = [*MORE, *ADDED, *BOUNDS, *UV, *PROJECT, *TOOLS, *LAYOUT]
