"""What is checked: by which tool, with which options, and in which files."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from identify import identify

from ..update import vendored

NO_SECRETS = (
    "uv.lock",
    "dvc.lock",
    "*.dvc",
    "data/erased.csv",
    "data/ledger.csv",
    "docs/model-card.yaml",
    "reports/*",
    "*/factory/MANIFEST",
)
"""Files of hashes and figures, which look like secrets."""

KEYS = Path(__file__).with_name("keys.py")
REVOKE = "remove it, and revoke it if it was ever pushed; for what is none see the end of the output, or --exclude"

SCHEMAS = {
    "workflows": (r"\.github/workflows/.*", "github-workflows"),
    "actions": (r"\.github/actions/.*/action\.ya?ml", "github-actions"),
    "dependabot": (r"\.github/dependabot\.yml", "dependabot"),
    "gitlab-pipelines": (r"\.gitlab(-ci|/.*)\.yml", "gitlab-ci", "--data-transform=gitlab-ci"),
    "azure-pipelines": (
        r"azure-pipelines/.*\.yaml",
        "azure-pipelines",
        "--data-transform=azure-pipelines",
        "--regex-variant=nonunicode",
    ),
    "renovate": (r"renovate\.json", "renovate"),
}
"""By check, its files and the schema that they must match."""


@dataclass(frozen=True)
class Result:
    """What a check found, in a line, and the tool's output."""

    name: str
    passed: bool
    summary: str = ""
    output: str = ""

    def __str__(self) -> str:
        line = ": ".join(filter(None, (f"{'✓' if self.passed else '✗'} {self.name}", self.summary)))
        return "\n".join(filter(None, (line, "" if self.passed else self.output)))


@dataclass(frozen=True)
class Check:
    """A tool of the project's environment, with its options."""

    name: str
    command: tuple[str, ...]
    concerns: Callable[[Path], bool]
    advice: str = ""
    fixes: bool = False
    whole: bool = False  # it finds its files itself

    def arguments(self, files: Collection[Path]) -> tuple[str, ...]:
        return self.command if self.whole else (*self.command, "--", *map(str, files))


def checks(max_kb: int, exclude: Collection[str]) -> list[Check]:
    """All checks, those that fix files first; `exclude` has patterns of files in which no secret is searched for."""
    code, types = _code("python", "pyi", "jupyter"), _code("python", "pyi")
    return [
        Check("ruff-check", ("ruff", "check", "--fix", "--force-exclude"), code, fixes=True),
        Check("ruff-format", ("ruff", "format", "--force-exclude"), code, fixes=True),
        Check("mypy", ("mypy",), types, whole=True),
        Check(
            "large-files",
            ("check-added-large-files", "--enforce-all", f"--maxkb={max_kb}"),
            lambda path: path != Path("uv.lock"),
            advice="keep it out of Git with `uv run dvc add FILE`, or raise --max-kb",
        ),
        Check(
            "secrets",
            ("detect-secrets-hook", "--no-verify"),
            _texts_beside(*NO_SECRETS, *exclude),
            advice=REVOKE,
        ),
        Check("keys", ("python", "-I", str(KEYS)), _texts_beside(*exclude), advice=REVOKE),
        Check("zizmor", ("zizmor", "--offline", "--quiet", ".github"), _named(r"\.github/.*\.ya?ml"), whole=True),
        *(
            Check(name, ("check-jsonschema", f"--builtin-schema=vendor.{schema}", *options), _named(files))
            for name, (files, schema, *options) in SCHEMAS.items()
        ),
    ]


def _code(*tags: str) -> Callable[[Path], bool]:
    """Whether it is code that the project's own rules are for."""
    tagged = _tagged(*tags)
    return lambda path: tagged(path) and not vendored.is_machinery(path)


def _texts_beside(*patterns: str) -> Callable[[Path], bool]:
    text = _tagged("text")
    return lambda path: text(path) and not any(fnmatch(path.as_posix(), pattern) for pattern in patterns)


def _tagged(*tags: str) -> Callable[[Path], bool]:
    return lambda path: not identify.tags_from_path(str(path)).isdisjoint(tags)


def _named(pattern: str) -> Callable[[Path], bool]:
    return lambda path: re.fullmatch(pattern, path.as_posix()) is not None
