"""What people and bots do to files that the template brought, and beside them."""

from .edits import ANSWERS, OLD, Kind, change, command, contains, deleted, holds, lacks, lines, own, rewritten, says

PACKAGE = "src/late_flights"

HOOKS = ".pre-commit-config.yaml"
WORKFLOWS = ".github/workflows"
CODESPELL = "  - repo: https://github.com/codespell-project/codespell\n    rev: v2.4.1\n    hooks:\n      - id: codespell"
LOCAL = "      - id: notebooks\n        name: notebooks run\n        entry: echo\n        language: system\n        pass_filenames: false"


def ignored(name: str, new: str, **more) -> Kind:
    return lines(name, ".gitignore", new, **more)


LINES = [
    ignored("ignored at the end", "/secret/\n*.sqlite"),
    ignored("ignored at the top", "# Ours\n/scratch/\n", top=True),
    ignored("ignored in the middle", ".ruff_out/", after="^# Tools$"),
    ignored("ignored beside the template's editors", "*.swp", after=r"^\.vscode/$"),
    ignored("not ignored", "!/reports/keep.csv", after=r"^\*\.log$"),
    change(
        "an editor's folder kept in Git",
        ".gitignore",
        r"^\.vscode/\n",
        "",
        lambda project: not says(".gitignore", ".vscode/")(project),
        word=".vscode",
    ),
    lines("attributes at the end", ".gitattributes", "*.ipynb filter=nbstripout\n*.csv text"),
    lines("attributes at the top", ".gitattributes", "*.svg binary", top=True),
    lines("more that DVC leaves out", ".dvcignore", "/scratch"),
    lines("more in the image", ".dockerignore", "!assets", origins="flat now"),
]
PRE_COMMIT = [
    lines(
        "hooks of a repository", HOOKS, CODESPELL, kept=holds(HOOKS, ("repos.hooks.id", "codespell")), origins="0.2.0 flat now"
    ),
    lines(
        "a local hook after the first",
        HOOKS,
        LOCAL,
        after=r"^    hooks:$",
        kept=holds(HOOKS, ("repos.hooks.id", "notebooks")),
        origins="0.2.0 flat now",
    ),
    lines(
        "a hook before all",
        HOOKS,
        CODESPELL.replace("codespell", "typos"),
        after=r"^repos:$",
        kept=holds(HOOKS, ("repos.hooks.id", "typos")),
        origins="0.2.0 flat now",
    ),
    lines(
        "a default for all hooks",
        HOOKS,
        "default_stages: [pre-commit]\nfail_fast: true",
        top=True,
        kept=holds(HOOKS, ("fail_fast", "true")),
        origins="0.2.0 flat now",
    ),
    change(
        "a larger file allowed",
        HOOKS,
        r"--maxkb=\d+",
        "--maxkb=4096",
        contains(HOOKS, "4096"),
        word="large",
        origins="0.2.0 flat",
    ),
    change(
        "a larger file allowed",
        HOOKS,
        r"^( +)(entry: .*factory check.*)$",
        r"\1\2\n\1args: [--max-kb=4096]",
        contains(HOOKS, "4096"),
        word="large",
        origins="now",
    ),
    change(
        "mypy's hook removed",
        HOOKS,
        r"      - id: mypy\n(        .*\n)+",
        "",
        lacks(HOOKS, "id: mypy"),
        word="mypy",
        origins="0.2.0 flat",
    ),
    change(
        "another entry for the linter",
        HOOKS,
        r"ruff check --fix --force-exclude",
        "ruff check --force-exclude",
        lacks(HOOKS, "--fix"),
        word="ruff",
        origins="0.2.0 flat",
    ),
    own("hooks of its own", HOOKS, f"repos:\n{CODESPELL}\n", origins="0.1.0"),
]
GUIDES = [
    lines("rules for agents at the end", "AGENTS.md", "- Ask before you add a dependency.\n- Our tickets are in Linear."),
    lines("rules for agents at the top", "AGENTS.md", "Read docs/team.md first.\n", top=True),
    lines(
        "a rule for agents among the template's",
        "AGENTS.md",
        "- Our language is British English.",
        after="^- Every number is in",
        origins=OLD,
    ),
    change(
        "a rule for agents changed",
        "AGENTS.md",
        "`uv run pytest`",
        "`uv run pytest -n 4`",
        contains("AGENTS.md", "pytest -n 4"),
        origins=OLD,
    ),
    rewritten("rules for agents rewritten", "AGENTS.md", "# How we work\n\nSmall pull requests. Tests first.\n"),
    lines("more for Claude", "CLAUDE.md", "Use the staging bucket."),
    deleted("no file for Claude", "CLAUDE.md"),
    rewritten("README rewritten", "README.md", "# Late flights\n\nOur model for the operations desk.\n"),
    lines("a badge in README", "README.md", "[![build](https://ci.example.com/b.svg)](https://ci.example.com)\n", top=True),
    rewritten("README of Windows", "README.md", "# Late flights\r\n\r\nOurs.\r\n"),
    rewritten("another licence", "LICENSE", "Copyright 2026 Example GmbH. All rights reserved.\n"),
    deleted("no SECURITY.md", "SECURITY.md", origins="flat now"),
    lines("where to report holes", "SECURITY.md", "Call +49 30 1234.", origins="flat now"),
]
IMPORTS = "tests/__init__.py"
CODE_OF_ITS_OWN = [
    own(
        "a module of its own",
        f"{PACKAGE}/late_report.py",
        '"""Ours."""\n\n\ndef main() -> None:\n    """Print."""\n    print("ours")\n',
    ),
    own("a package of its own", f"{PACKAGE}/weather/__init__.py", '"""Stations."""\n'),
    own("a script", "scripts/backfill.py", "print('ours')\n"),
    own("a Makefile", "Makefile", "test:\n\tuv run pytest\n"),
    own("a test of its own", "tests/test_ours.py", "def test_ours():\n    assert 1 + 1 == 2\n"),
    own("data for its tests", "tests/data/small.json", "{}\n"),
    change(
        "its module among the imports of the tests",
        IMPORTS,
        r"^(from late_flights import contract, features, model)$",
        r"\1, __name__ as ours",
        contains(IMPORTS, "__name__ as ours"),
        origins="0.2.0 flat now",
    ),
    lines("a line below the imports of the tests", IMPORTS, "\nOURS = 1", origins="0.2.0 flat now"),
    lines("a fixture", "tests/conftest.py", "\n\n@pytest.fixture\ndef ours():\n    return 1", origins="0.2.0 flat now"),
    deleted("a test deleted", "tests/test_notebook.py", origins="0.2.0 flat now"),
    change(
        "a limit of the contract",
        f"{PACKAGE}/contract.py",
        r"max=6000",
        "max=9000",
        contains(f"{PACKAGE}/contract.py", "max=9000"),
    ),
    lines("a helper in the features", f"{PACKAGE}/features.py", '\n\ndef ours() -> int:\n    """Ours."""\n    return 1'),
    lines("a note in the model", f"{PACKAGE}/model.py", "# reviewed by the committee"),
    lines("what the package exports", f"{PACKAGE}/__init__.py", "# ours"),
    own("a notebook", "notebooks/churn.ipynb", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'),
    lines("a note in the template's notebook", "notebooks/explore.py", "# ours", origins="0.2.0 flat now"),
    own("a page", "docs/team.md", "# Who we are\n"),
    lines("more in a page", "docs/data.md", "\nOur source is the warehouse."),
    deleted("a page deleted", "docs/experiments.md"),
]
SEEDS = [
    change(
        "fewer leaves",
        "params.yaml",
        r"max_leaf_nodes: 15",
        "max_leaf_nodes: 12",
        holds("params.yaml", ("model.max_leaf_nodes", "12")),
    ),
    change("a larger test set", "params.yaml", r"test: 0\.2", "test: 0.25", holds("params.yaml", ("split.test", "0.25"))),
    change(
        "another worth of a hit",
        "params.yaml",
        r"true_positive: 2",
        "true_positive: 3",
        holds("params.yaml", ("value.true_positive", "3")),
    ),
    change(
        "a limit of the gate raised",
        "params.yaml",
        r"size_mb: \d+",
        "size_mb: 50",
        holds("params.yaml", ("gate.size_mb", "50")),
        origins="0.2.0 flat now",
    ),
    change(
        "a slower model allowed",
        "params.yaml",
        r"latency_ms: \d+",
        "latency_ms: 80",
        holds("params.yaml", ("gate.latency_ms", "80")),
        origins="0.2.0 flat now",
    ),
    change(
        "where a version is tried",
        "environments.yaml",
        r"^test: \{.*?\}",
        'test: {url: "https://test.example.com"}',
        holds("environments.yaml", ("test.url", "https://test.example.com")),
        origins="now",
    ),
    lines("a note in the parameters", "params.yaml", "# agreed with the desk on 2026-03-01", top=True),
    lines(
        "a stage of its own",
        "dvc.yaml",
        "  ours:\n    cmd: echo ours > ours.txt\n    outs:\n      - ours.txt",
        kept=holds("dvc.yaml", ("stages.ours.outs", "ours.txt")),
    ),
    lines(
        "a stage before all",
        "dvc.yaml",
        "  first:\n    cmd: echo first > first.txt\n    outs:\n      - first.txt",
        after="^stages:$",
        kept=holds("dvc.yaml", ("stages.first.outs", "first.txt")),
    ),
    change(
        "more that training depends on",
        "dvc.yaml",
        r"^( +)- \$\{package\}/model\.py$",
        r"\g<0>\n\1- ${package}/__init__.py",
        holds("dvc.yaml", ("stages.train.deps", "${package}/__init__.py")),
    ),
    change(
        "a wrapped command",
        "dvc.yaml",
        r"cmd: (exec )?factory evaluate",
        "cmd: nice factory evaluate",
        holds("dvc.yaml", ("stages.evaluate.cmd", "nice factory evaluate")),
    ),
]
HISTORY = [
    change(
        "the owner answered by hand",
        ANSWERS,
        r"^owner: .*",
        "owner: Ground Operations",
        holds(ANSWERS, ("owner", "Ground Operations")),
    ),
    change(
        "the description answered by hand",
        ANSWERS,
        r"^description: .*",
        "description: Who is late, and why",
        holds(ANSWERS, ("description", "Who is late, and why")),
    ),
    change("the licence answered by hand", ANSWERS, r"^license: .*", "license: MIT", holds(ANSWERS, ("license", "MIT"))),
    own("uv.lock", "uv.lock", 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'),
    own("dvc.lock", "dvc.lock", "schema: '2.0'\nstages: {}\n"),
    command(
        "versions of models",
        "model/v1",
        "git",
        "tag",
        "--annotate",
        "model/v1",
        "--message=v1",
        kept=lambda project: (project / ".git/refs/tags/model/v1").exists(),
        runs=False,
    ),
    own("a file that Git ignores", ".env", "TOKEN=x\n"),
    own("an example of it", ".env.example", "TOKEN=\n"),
    own("settings of an editor", ".editorconfig", "root = true\n"),
    own("the Python of pyenv", ".python-version", "3.11\n"),
    own("settings of ruff in a file", "ruff.toml", "line-length = 100\n", runs=False),
    own("a file in a folder with blanks", "notes/übersicht 1.md", "ours\n"),
]
KINDS = [*LINES, *PRE_COMMIT, *GUIDES, *CODE_OF_ITS_OWN, *SEEDS, *HISTORY]
