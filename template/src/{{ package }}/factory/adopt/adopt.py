"""`factory adopt`: a table in the place of the sample, from its files to a model that is trained and judged."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from .. import PACKAGE, tables
from ..data import ledger
from ..errors import FactoryError
from ..paths import RAW, REPORTS
from ..training.estimator import make
from ..workspace import git, process
from . import defaults, render, setup, source, transaction
from .profile import profile
from .proposal import Proposal, UserChoices, propose
from .review import Propose, advice

README, PIPELINE = Path("README.md"), Path("dvc.yaml")
INVITATION = re.compile(r"^## Your own data\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
PARAMS = re.compile(r"^( *params: \[)(.*)\]$", re.MULTILINE)

Review = Callable[[Propose, UserChoices], Proposal]


def adopt(table: Path, choices: UserChoices, review: Review, *, force: bool = False) -> Iterator[str]:
    """Replace data, contract, features, parameters and tests, and run the pipeline; yields what was done.

    Raises FactoryError; nothing has changed then.
    """
    with transaction.exclusive():
        transaction.check_can_replace(force)
        files = source.files(table)
        rows = source.one_table(files)
        with tables.reading(table):
            columns = profile(rows)
            proposal = review(lambda changed: propose(columns, rows, changed), choices)
        _check_problem(proposal)
        features = [role.column for role in proposal.with_role("feature")]
        proposal = replace(proposal, parameters=defaults.parameters(features, proposal.target))
        with tempfile.TemporaryDirectory() as folder:
            drafts = Path(folder)
            render.write(proposal, defaults.BaselineResult(), drafts)
            if force and git.changes():
                git.commit_all(f"Before {table.name} is adopted")
            with transaction.replacing(transaction.REPLACED):
                yield from _replace(files, proposal, drafts)


def _check_problem(proposal: Proposal) -> None:
    """Refuse a problem for which the project's model.py makes no estimator."""
    problem = proposal.target.problem
    try:
        make(problem, proposal.parameters, pl.Schema())
    except (KeyError, TypeError, ValueError) as error:
        raise FactoryError(f"model.py makes no estimator for {problem}: give it one first ({error})") from error


def _replace(files: list[Path], proposal: Proposal, drafts: Path) -> Iterator[str]:
    target = proposal.target
    for path in (setup.ORIGIN, ledger.LEDGER):
        path.unlink(missing_ok=True)
    RAW.mkdir()
    for name, place in transaction.PLACES.items():
        shutil.copyfile(drafts / place / name, place / name)
    _update_pipeline(target.problem)
    _factory("ingest", *map(str, files))
    without = f", {target.column.missing:,} of them without {target.name}" if target.column.missing else ""
    yield f"✓ {target.column.rows:,} rows in {len(files)} deliver{'y' if len(files) == 1 else 'ies'}{without}"
    _run_pipeline()
    _factory("compare", may_fail=True)
    result = defaults.baseline_result()
    render.write(proposal, result, drafts)
    for name, place in transaction.PLACES.items():
        if place != transaction.SOURCE:
            shutil.copyfile(drafts / place / name, place / name)
    yield f"✓ contract, features, parameters and tests: {transaction.SOURCE}, params.yaml, tests"
    yield f"✓ {result.metric} {result.value:.4g}; knowing the target's mean alone, {result.baseline:.4g}"
    yield f"✓ {REPORTS}/report.html\n\nLook first at:"
    yield from (f"- {line}" for line in advice(proposal, result))
    yield "\nNext: read the files, then git add --all && git commit, uv run dvc push, uv run factory promote"


def _update_pipeline(problem: str) -> None:
    """Name the problem's parameters in dvc.yaml, and take the invitation to adopt out of the README."""
    pipeline = PARAMS.sub(lambda match: _params_line(match, problem), _text(PIPELINE))
    PIPELINE.write_text(pipeline, encoding="utf-8")
    if README.exists():
        README.write_text(INVITATION.sub("", _text(README)), encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _params_line(match: re.Match[str], problem: str) -> str:
    names = [name.strip() for name in match[2].split(",") if name.strip() != "value"]
    if problem == "classification" and {"model", "evaluation"} & set(names):
        names.append("value")
    return f"{match[1]}{', '.join(names)}]"


def _run_pipeline() -> None:
    """Run the pipeline. Raises FactoryError; the reason is on stderr."""
    try:
        process.show(sys.executable, "-m", f"{PACKAGE}.factory.workspace.repro", env=_environment())
    except FactoryError as error:
        raise FactoryError("the pipeline failed on this table, as it says above; all is as it was before") from error


def _environment() -> dict[str, str]:
    """That in which dvc.yaml finds `factory`, also where this one was called by its path."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _factory(*arguments: str, may_fail: bool = False) -> None:
    """The project's command in a process of its own, which reads the new contract. Raises FactoryError with its message."""
    try:
        process.run(str(Path(sys.executable).with_name("factory")), *arguments)
    except FactoryError as error:
        if not may_fail:
            raise FactoryError(str(error).rpartition(" failed: ")[2].removeprefix("Error: ")) from error
