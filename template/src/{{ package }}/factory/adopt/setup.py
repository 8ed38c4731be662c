"""From a fresh copy to a working repository; each step is done once, so that the command can be repeated."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from .. import PACKAGE
from ..config import Params
from ..data import ledger, takeover
from ..errors import FactoryError, listed
from ..paths import RAW
from ..update import vendored
from ..workspace import git, hooks, migration, owners
from ..workspace.process import run

SAMPLE = "sample that came with the project"
ORIGIN = Path("data/sample.txt")
STAGES = f"import {PACKAGE}.factory.training.train, {PACKAGE}.factory.evaluation.evaluate"


def setup(params: Params, teams: Sequence[str] = ()) -> Iterator[str]:
    """Git repository, owners, sample data, hooks and first commit; yields a line for each step, with a "! " if it was left out.

    Raises FactoryError.
    """
    git.author()
    git.init()
    yield "Git repository"
    if git.commit() is None and (pointers := ledger.half_written()):
        from ..data import ingest

        with ingest.lock():
            ingest.recover(pointer.stem for pointer in pointers)
    yield from migration.migrate()
    if teams:
        yield _owners(teams)
    yield from takeover.take_over()
    with ThreadPoolExecutor() as background:
        installed = background.submit(hooks.install)
        if sample := _unrecorded_sample():
            yield _sample(params, sample, background)
        if git.commit() is None:
            yield _first_commit()
        yield installed.result()


def next_step() -> str:
    """What to do after it."""
    if new := [str(file) for file in owners.FILES.values() if git.changes(str(file))]:
        return f'git add {" ".join(new)} && git commit -m "Name the owners", and merge it to main'
    return "uv run dvc repro"


def _first_commit() -> str:
    """Also where Git is set to sign, and cannot: before it nothing else works."""
    message = "Start the project"
    try:
        git.commit_all(message)
    except FactoryError as error:
        git.commit_all(message, "--no-gpg-sign")
        return f"! the first commit is not signed, as {error}: fix that, then `git commit --amend --no-edit --gpg-sign`"
    return "first commit"


def _owners(teams: Sequence[str]) -> str:
    ci = vendored.answers().get("ci", "")
    if ci not in owners.FILES:
        paths = ";".join(owners.protected("azure"))
        return (
            "! Azure DevOps keeps owners as a branch policy: `az repos policy required-reviewer create --branch main --blocking true "
            f"--enabled true --message owners --repository-id ID --required-reviewer-ids {';'.join(teams)} --path-filter '{paths}'`"
        )
    new = owners.assign(ci, teams)
    if not new:
        return f"{owners.FILES[ci]}: each line has an owner already"
    people = [team for team in teams if ci == "github" and team.startswith("@") and "/" not in team]
    note = f" ({listed(people)}: one person; a team is @organisation/team)" if people else ""
    return f"{owners.FILES[ci]}: {len(new)} lines are owned by {' '.join(teams)}{note}"


def _unrecorded_sample() -> list[Path]:
    """The sample's files, also those that a setup which was killed has not recorded yet."""
    if ledger.LEDGER.exists() or ledger.ERASED.exists():
        return []
    recorded = {entry.file for entry in ledger.entries()}
    if recorded and git.commit():
        return []
    return [path for path in sorted(RAW.glob("*.parquet")) if path.name not in recorded]


def _sample(params: Params, files: Sequence[Path], background: Executor) -> str:
    # Python compiles what it imports first: meanwhile, what the first `dvc repro` would wait seconds for
    background.submit(run, sys.executable, "-c", STAGES)
    from ..data.ingest import ingest

    origin = ORIGIN.read_text(encoding="utf-8").strip() if ORIGIN.exists() else "unknown origin"
    entries = ingest(list(files), params, f"{origin}, {SAMPLE}")
    return f"{sum(int(entry.rows) for entry in entries):,} rows of sample data in {len(entries)} deliveries"
