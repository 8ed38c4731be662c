"""What else of the project speaks of the problem or of the sample."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ... import model as yours
from .. import PACKAGE, tables
from ..data import ledger
from ..errors import FactoryError
from ..paths import RAW, REPORTS
from ..workspace import git, process
from . import defaults, render, setup, source, transaction
from .profile import profile
from .proposal import Asked, Proposal, propose
from .review import advice

README, PIPELINE = Path("README.md"), Path("dvc.yaml")
INVITATION = re.compile(r"^## Your own data\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
PARAMS = re.compile(r"^( *params: \[)(.*)\]$", re.MULTILINE)


def settle(problem: str) -> None:
    """The pipeline follows the parameters that there are; the README invites to adopt no more."""
    PIPELINE.write_text(PARAMS.sub(lambda found: _followed(found, problem), _text(PIPELINE)), encoding="utf-8")
    if README.exists():
        README.write_text(INVITATION.sub("", _text(README)), encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _followed(found: re.Match[str], problem: str) -> str:
    names = [name.strip() for name in found[2].split(",") if name.strip() != "value"]
    if problem == "classification" and {"model", "evaluation"} & set(names):
        names.append("value")
    return f"{found[1]}{', '.join(names)}]"


Settle = Callable[[Callable[[Asked], Proposal], Asked], Proposal]


def adopt(table: Path, asked: Asked, settle: Settle, *, force: bool = False) -> Iterator[str]:
    """Replace data, contract, features, parameters and tests, and run the pipeline; yields what was done.

    Raises FactoryError; nothing has changed then.
    """
    with transaction.alone():
        transaction.refuse(force)
        yield from _orphaned(table, asked, settle, force)


def _orphaned(table: Path, asked: Asked, settle: Settle, force: bool) -> Iterator[str]:
    files = source.files(table)
    rows = source.one_table(files)
    with tables.reading(table):
        columns = profile(rows)
        proposal = settle(lambda changed: propose(columns, rows, changed), asked)
    _refuse_unknown_problem(proposal)
    features = [choice.column for choice in proposal.having("feature")]
    proposal = replace(proposal, parameters=defaults.parameters(features, proposal.question))
    with tempfile.TemporaryDirectory() as place:
        drafts = Path(place)
        render.write(proposal, defaults.Outcome(), drafts)
        if force and git.changes():
            git.commit_all(f"Before {table.name} is adopted")
        with transaction.aside(transaction.REPLACED):
            yield from _replaced(files, proposal, drafts)


def _refuse_unknown_problem(proposal: Proposal) -> None:
    problem, parameters = proposal.question.problem, render.of(proposal, defaults.Outcome())["model"]
    try:
        yours.model(problem, [], **parameters)
    except (KeyError, TypeError, ValueError) as error:
        raise FactoryError(f"model.py makes no estimator for {problem}: give it one first ({error})") from error


def _replaced(files: list[Path], proposal: Proposal, drafts: Path) -> Iterator[str]:
    question = proposal.question
    for path in (setup.ORIGIN, ledger.LEDGER):
        path.unlink(missing_ok=True)
    RAW.mkdir()
    for name, place in transaction.PLACES.items():
        _take(drafts, place / name)
    settle(question.problem)
    _factory("ingest", *map(str, files))
    without = f", {question.target.missing:,} of them without {question.target.name}" if question.target.missing else ""
    yield f"✓ {question.target.rows:,} rows in {len(files)} deliver{'y' if len(files) == 1 else 'ies'}{without}"
    _train()
    _factory("compare", fails=True)
    outcome = defaults.outcome()
    render.write(proposal, outcome, drafts)
    for name, place in transaction.PLACES.items():
        if place != transaction.SOURCE:
            _take(drafts, place / name)
    yield f"✓ contract, features, parameters and tests: {transaction.SOURCE}, params.yaml, tests"
    yield f"✓ {outcome.metric} {outcome.value:.4g}; knowing the target's mean alone, {outcome.baseline:.4g}"
    yield f"✓ {REPORTS}/report.html\n\nLook first at:"
    yield from (f"- {line}" for line in advice(proposal, outcome))
    yield "\nNext: read the files, then git add --all && git commit, uv run dvc push, uv run factory promote"


def _take(drafts: Path, path: Path) -> None:
    shutil.copyfile(drafts / path, path)


def _train() -> None:
    """Run the pipeline. Raises FactoryError; the reason is on stderr."""
    try:
        process.show(sys.executable, "-m", f"{PACKAGE}.factory.workspace.repro", env=_with_commands())
    except FactoryError as error:
        raise FactoryError("the pipeline failed on this table, as it says above; all is as it was before") from error


def _with_commands() -> dict[str, str]:
    """The environment in which dvc.yaml finds `factory`, also where this one was called by its path."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _factory(*arguments: str, fails: bool = False) -> None:
    """The project's command in a process of its own, which reads the new contract. Raises FactoryError with what it says."""
    try:
        process.run(str(Path(sys.executable).with_name("factory")), *arguments)
    except FactoryError as error:
        if not fails:
            raise FactoryError(str(error).rpartition(" failed: ")[2].removeprefix("Error: ")) from error
