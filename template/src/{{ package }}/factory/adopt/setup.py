"""From a fresh copy to a working repository; each step is done once, so that the command can be repeated."""

import sys
from collections.abc import Iterator
from pathlib import Path

from ..config import Params
from ..data import ledger
from ..data.ingest import ingest
from ..paths import RAW
from ..workspace import git, migration
from ..workspace.process import run

SAMPLE = "sample that came with the project"
ORIGIN = Path("data/sample.txt")


def setup(params: Params) -> Iterator[str]:
    """Git repository, sample data, hooks and first commit; yields a line for each step. Raises FactoryError."""
    git.author()
    git.init()
    yield "Git repository"
    yield from migration.migrate()
    if not ledger.LEDGER.exists():
        origin = ORIGIN.read_text(encoding="utf-8").strip() if ORIGIN.exists() else "unknown origin"
        entries = ingest(sorted(RAW.glob("*.parquet")), params, f"{origin}, {SAMPLE}")
        yield f"{sum(int(entry.rows) for entry in entries):,} rows of sample data in {len(entries)} deliveries"
    if git.commit() is None:
        git.commit_all("Start the project")
        yield "first commit"
    run(sys.executable, "-m", "pre_commit", "install")
    yield "pre-commit hooks"
