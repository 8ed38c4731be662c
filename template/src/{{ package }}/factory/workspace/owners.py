"""Who must review a change of a file, as GitHub and GitLab read it from CODEOWNERS."""

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import FactoryError

FILES = {"github": Path(".github/CODEOWNERS"), "gitlab": Path(".gitlab/CODEOWNERS")}
PIPELINES = {"github": ["/.github/"], "gitlab": ["/.gitlab-ci.yml", "/.gitlab/"], "azure": ["/azure-pipelines/"]}
PROTECTED = (
    "/policy.yaml",
    "/allowed_signers",
    "/allowed_signers.asc",
    "/revoked_signers",
    "/params.yaml",
    "/docs/model-card.yaml",
    "/dvc.yaml",
    "/.dvc/config",
    "/data/raw/*.dvc",
    "/data/erased.csv",
    "/src/*/contract.py",
    "/src/*/features.py",
    "/src/*/model.py",
    "/src/*/factory/",
    "/pyproject.toml",
    "/uv.lock",
    "/Dockerfile",
    "/compose.yaml",
    "/compose.images.yaml",
    "/environments.yaml",
    "/deploy/",
    "/infra/",
    "/.pre-commit-config.yaml",
    "/.copier-answers.yml",
)
"""What decides which model becomes a version, and what runs."""
OWNER = re.compile(r"@{1,2}[\w./-]+|[^\s@]+@[^\s@]+\.\w+")


def protected(ci: str) -> tuple[str, ...]:
    """The patterns of files that need an owner where this platform hosts the project."""
    return (*PROTECTED, *PIPELINES[ci])


def unowned(ci: str) -> list[str]:
    """Those of them that have no owner."""
    owners = _owners(FILES[ci].read_text(encoding="utf-8") if FILES[ci].exists() else "")
    return [pattern for pattern in protected(ci) if not _owner(pattern, owners)]


def assign(ci: str, teams: Sequence[str]) -> list[str]:
    """Make the teams owners of what has none; the patterns that they now own. Raises FactoryError."""
    for team in teams:
        if not OWNER.fullmatch(team):
            raise FactoryError(f"--owners {team}: is not a team or person such as @your-organisation/your-team")
    new, file = unowned(ci), FILES[ci]
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    owned = [f"{line} {' '.join(teams)}" if line.strip() in new else line for line in lines]
    missing = [f"{pattern} {' '.join(teams)}" for pattern in new if pattern not in map(str.strip, lines)]
    if new:
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join([*owned, *missing, ""]), encoding="utf-8")
    return new


def _owners(text: str) -> list[tuple[str, list[str]]]:
    """Patterns and their owners, in the file's order; a section of GitLab's has owners for its lines without any."""
    found, section = [], []
    for line in (line.partition(" #")[0].strip() for line in text.splitlines()):
        if line.startswith(("[", "^[")):
            section = line.rpartition("]")[2].split()
        elif line and not line.startswith("#"):
            pattern, *names = line.split()
            found.append((f"/{pattern.lstrip('/')}", names or section))
    return found


def _owner(pattern: str, owners: list[tuple[str, list[str]]]) -> list[str]:
    """Who owns the files of the pattern: the last line that is for all of them counts."""
    fitting = [
        names for known, names in owners if known in ("/*", pattern) or (known[-1] == "/" and pattern.startswith(known))
    ]
    return fitting[-1] if fitting else []
