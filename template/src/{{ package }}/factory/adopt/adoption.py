"""A table of one's own in the place of the sample, or of what was there before."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ... import model as yours
from .. import PACKAGE, evaluate, git, ledger, setup, shell, swap, tables
from ..errors import FactoryError
from . import capacity, context, first, given, loss, project, sources
from .advice import advice
from .profile import profile
from .proposal import Asked, Proposal, propose

Settle = Callable[[Callable[[Asked], Proposal], Asked], Proposal]


def adopt(table: Path, asked: Asked, settle: Settle, *, force: bool = False) -> Iterator[str]:
    """Replace data, contract, features, parameters and tests, and run the pipeline; yields what was done.

    Raises FactoryError; nothing has changed then.
    """
    with swap.alone():
        loss.refuse(force)
        yield from _adopted(table, asked, settle, force)


def _adopted(table: Path, asked: Asked, settle: Settle, force: bool) -> Iterator[str]:
    files = given.files(table)
    rows = given.one_table(files)
    with tables.reading(table):
        columns = profile(rows)
        proposal = settle(lambda changed: propose(columns, rows, changed), asked)
    _refuse_unknown_problem(proposal)
    features = [choice.column for choice in proposal.having("feature")]
    proposal = replace(proposal, parameters=capacity.parameters(features, proposal.question))
    with tempfile.TemporaryDirectory() as place:
        drafts = Path(place)
        sources.write(proposal, context.Outcome(), drafts)
        if force and git.changes():
            git.commit_all(f"Before {table.name} is adopted")
        with swap.aside(loss.REPLACED):
            yield from _replaced(files, proposal, drafts)


def _refuse_unknown_problem(proposal: Proposal) -> None:
    problem, parameters = proposal.question.problem, context.of(proposal, context.Outcome())["model"]
    try:
        yours.model(problem, [], **parameters)
    except (KeyError, TypeError, ValueError) as error:
        raise FactoryError(f"model.py makes no estimator for {problem}: give it one first ({error})") from error


def _replaced(files: list[Path], proposal: Proposal, drafts: Path) -> Iterator[str]:
    question = proposal.question
    for path in (setup.ORIGIN, ledger.LEDGER):
        path.unlink(missing_ok=True)
    ledger.RAW.mkdir()
    for name, place in sources.PLACES.items():
        _take(drafts, place / name)
    project.settle(question.problem)
    _factory("ingest", *map(str, files))
    without = f", {question.target.missing:,} of them without {question.target.name}" if question.target.missing else ""
    yield f"✓ {question.target.rows:,} rows in {len(files)} deliver{'y' if len(files) == 1 else 'ies'}{without}"
    _train()
    _factory("compare", fails=True)
    outcome = first.outcome()
    sources.write(proposal, outcome, drafts)
    for name, place in sources.PLACES.items():
        if place != sources.SOURCE:
            _take(drafts, place / name)
    yield f"✓ contract, features, parameters and tests: {sources.SOURCE}, params.yaml, tests"
    yield f"✓ {outcome.metric} {outcome.value:.4g}; knowing the target's mean alone, {outcome.baseline:.4g}"
    yield f"✓ {evaluate.REPORTS}/report.html\n\nLook first at:"
    yield from (f"- {line}" for line in advice(proposal, outcome))
    yield "\nNext: read the files, then git add --all && git commit, uv run dvc push, uv run factory promote"


def _take(drafts: Path, path: Path) -> None:
    shutil.copyfile(drafts / path, path)


def _train() -> None:
    """Run the pipeline. Raises FactoryError; the reason is on stderr."""
    try:
        shell.show(sys.executable, "-m", f"{PACKAGE}.factory.repro", env=_with_commands())
    except FactoryError as error:
        raise FactoryError("the pipeline failed on this table, as it says above; all is as it was before") from error


def _with_commands() -> dict[str, str]:
    """The environment in which dvc.yaml finds `factory`, also where this one was called by its path."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _factory(*arguments: str, fails: bool = False) -> None:
    """The project's command in a process of its own, which reads the new contract. Raises FactoryError with what it says."""
    try:
        shell.run(str(Path(sys.executable).with_name("factory")), *arguments)
    except FactoryError as error:
        if not fails:
            raise FactoryError(str(error).rpartition(" failed: ")[2].removeprefix("Error: ")) from error
