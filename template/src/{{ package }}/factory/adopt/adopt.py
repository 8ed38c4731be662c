"""`factory adopt`: replaces the sample by a table of the user's, and trains and evaluates a first model on it."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from .. import PACKAGE, config, tables
from ..data import integrity, ledger
from ..errors import FactoryError, listed
from ..evaluation import cautions
from ..evaluation.profiling.implausible import implausible
from ..gate import compare
from ..gate.evidence import Check
from ..gate.result import sentence
from ..paths import DICTIONARY, RAW, REPORTS
from ..registry import tags
from ..training import model_code
from ..training.estimator import make
from ..workspace import git, process
from . import defaults, render, setup, source, transaction
from .choices import UserChoices
from .exploration import view
from .forecasts import PROBLEM
from .profile import profile
from .proposal import Proposal, propose
from .review import Propose, advice, bullets
from .target import baseline_of

README, PIPELINE = Path("README.md"), Path("dvc.yaml")
INVITATION = re.compile(r"^## Your own data\n.*?(?=^## )|^\| replace the sample [^\n]*\n", re.MULTILINE | re.DOTALL)
OF_CLASSIFICATION = ["value", "decision"]  # sections of params.yaml
DEPENDENCIES = {
    pair: re.compile(rf"(\n *- \S*/){re.escape(pair[0])}(?!\S|\1{re.escape(pair[1])})")
    for pair in (("contract.py", "features.py"), ("factory/data", "factory/forecasting"))
}
"""What stages of a forecast depend on beside others, as its rows come from history()."""
PARAMS = re.compile(r"^( *params: \[)(.*)\]$", re.MULTILINE)

Review = Callable[[Propose, UserChoices], Proposal]


def adopt(
    table: Path, choices: UserChoices, review: Review, *, force: bool = False, sheet: str | None = None
) -> Iterator[str]:
    """Replace data, contract, features, parameters and tests, and run the pipeline; yields a line for each step.

    Of a workbook it reads the `sheet`, without a name the only one that has rows. Raises FactoryError; then nothing has changed.
    """
    with transaction.exclusive():
        transaction.check_can_replace(force)
        before = source.states(table)
        with source.files(table, sheet) as files, tempfile.TemporaryDirectory() as folder:
            rows = source.one_table(files)
            with tables.reading(table):
                columns = profile(rows)
                doubtful = implausible(view(rows, columns))
                known = replace(choices, project=_problem())
                proposal = review(lambda changed: propose(columns, rows, changed, doubtful), known)
            proposal = replace(proposal, sheet=sheet or tables.sheet(files[0]))
            is_own = not model_code.is_generated(_text(model_code.PATH))
            if is_own:
                proposal = _with_own_model(proposal)
            drafts = Path(folder)
            render.write(proposal, defaults.BaselineResult(), drafts)
            if force and git.changes():
                git.commit_all(f"Before adopting {table.name}")
            with transaction.replacing(transaction.REPLACED):
                given: list[str | Path] = [*(["--sheet", sheet] if sheet else []), "--", table]
                yield from _replace(given, before, proposal, drafts, choose=not is_own)


def _problem() -> str | None:
    """That of the project so far; None where params.yaml is damaged."""
    with suppress(FactoryError):
        return config.load().problem
    return None


def _with_own_model(proposal: Proposal) -> Proposal:
    """The proposal with the parameters as they are: the author of model.py has chosen. Refuses a problem without an estimator."""
    problem, parameters = proposal.target.problem, config.load().model
    try:
        make(problem, parameters, pl.Schema())
    except (KeyError, TypeError, ValueError) as error:
        raise FactoryError(f"model.py returns no estimator for {problem}: add one first ({error})") from error
    return replace(proposal, parameters=parameters)


def _replace(
    table: list[str | Path], before: source.States, proposal: Proposal, drafts: Path, *, choose: bool
) -> Iterator[str]:
    """Put the drafts and the table, which `factory ingest` is given, in the place of what was there."""
    target = proposal.target
    for path in (setup.ORIGIN, ledger.LEDGER):
        path.unlink(missing_ok=True)
    RAW.mkdir()
    ledger.erase(list(integrity.lost([])), git.author(), "replaced by `factory adopt`")
    for name, place in transaction.PLACES.items():
        shutil.copyfile(drafts / place / name, place / name)
    _update_pipeline(target.problem)
    _factory("ingest", *map(str, table))
    source.check_unchanged(Path(table[-1]), before)
    deliveries = len(ledger.entries())
    without = f", {target.column.missing:,} of them without a value of {target.name}" if target.column.missing else ""
    yield f"✓ {target.column.rows:,} rows in {deliveries} deliver{'y' if deliveries == 1 else 'ies'}{without}"
    if choose:
        proposal = replace(proposal, parameters=_chosen_parameters())
    _run_pipeline()
    _judge()
    result = defaults.baseline_result()
    render.write(proposal, result, drafts)
    for name, place in transaction.PLACES.items():
        if place != transaction.SOURCE:
            shutil.copyfile(drafts / place / name, place / name)
    _factory("contract", "--dictionary")
    refusals = _judge()  # again, by the limits just written
    yield f"✓ contract, features, parameters and tests: {transaction.SOURCE}, params.yaml, tests"
    yield f"✓ what each column is: {DICTIONARY}"
    yield f"✓ {result.metric} {result.value:.4g}; the baseline, {baseline_of(target.problem)}, {result.baseline:.4g}"
    yield f"✓ {REPORTS}/report.html"
    yield bullets("\nLook at first:", [*advice(proposal, result), *cautions.of_last_evaluation()])
    yield _verdict(refusals)
    settle = "settle the refusals; uv run dvc repro; " if refusals else ""
    yield f"\nNext: review the files; {settle}git add --all && git commit; uv run dvc push; uv run factory promote -m 'why'"


def _chosen_parameters() -> dict[str, Any]:
    """Compare candidates on the rows to train on, and write the chosen one into model.py and params.yaml."""
    _run_pipeline("prepare")
    process.show(str(Path(sys.executable).with_name("factory")), "candidates", "--write")
    return config.load().model


def _judge() -> list[Check]:
    """The checks by which the gate refuses the model. Raises FactoryError where it cannot judge.

    To adopt a table is to accept what cannot be otherwise: until a model is promoted, other limits than those of the data
    before; afterwards a champion that predicts something else, in whose place the baseline is compared with.
    """
    try:
        _compare(
            *([] if tags.refs() else ["--accept-weaker-limits", "they were for other data, and no model was promoted"])
        )
    except FactoryError as error:
        if "OTHER_QUESTION" not in str(error):
            raise FactoryError(f"the gate failed, and nothing was changed: {error}") from error
        _compare("--accept-contract-change", "another target was adopted")
    checks = json.loads(compare.JSON.read_text(encoding="utf-8"))["checks"]
    return [check for check in (Check(**each) for each in checks) if not check.passed]


def _compare(*options: str) -> None:
    """Have the gate write its word on the model, which a refusal is and a failure is not. Raises FactoryError."""
    compare.delete_reports()
    try:
        _factory("compare", "--offline", *options)
    except FactoryError:
        if not compare.JSON.exists():
            raise


def _verdict(refusals: list[Check]) -> str:
    """What the gate says of the first model; a refusal is an answer."""
    if not refusals:
        return f"\n✓ The gate would pass this model: {compare.MARKDOWN}"
    figures: dict[tuple[str, str], list[str]] = {}
    for check in refusals:
        figure, _, step = sentence(check).partition(". Next: ")
        figures.setdefault((check.code, step), []).append(figure)
    reasons = (f"{code}: {listed(each, 3)}. Next: {step}" for (code, step), each in figures.items())
    return bullets(f"\n✗ The gate refuses this model, so it cannot be promoted yet: {compare.MARKDOWN}", reasons)


def _update_pipeline(problem: str) -> None:
    """Name the problem's parameters in dvc.yaml, and remove from the README how to replace the sample."""
    pipeline = PARAMS.sub(lambda match: _params_line(match, problem), _text(PIPELINE))
    if problem == PROBLEM:
        for (before, missing), found in DEPENDENCIES.items():
            pipeline = found.sub(rf"\1{before}\1{missing}", pipeline)
    PIPELINE.write_text(pipeline, encoding="utf-8")
    if README.exists():
        README.write_text(INVITATION.sub("", _text(README)), encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _params_line(match: re.Match[str], problem: str) -> str:
    names = [name.strip() for name in match[2].split(",") if name.strip() not in (*OF_CLASSIFICATION, "forecast")]
    if problem == PROBLEM:
        names.insert(names.index("data") + 1 if "data" in names else 0, "forecast")
    if problem == "classification" and {"model", "evaluation"} & set(names):
        names += OF_CLASSIFICATION
    return f"{match[1]}{', '.join(names)}]"


def _run_pipeline(*stages: str) -> None:
    """Run the pipeline, or these stages of it. Raises FactoryError; the reason is on stderr."""
    try:
        process.show(sys.executable, "-m", f"{PACKAGE}.factory.workspace.repro", *stages, env=_environment())
    except FactoryError as error:
        raise FactoryError("the pipeline failed on this table, see above; nothing was changed") from error


def _environment() -> dict[str, str]:
    """The environment in which dvc.yaml finds `factory`, even if this one was called by its path."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _factory(*arguments: str) -> None:
    """The project's command in a process of its own, which reads the new contract. Raises FactoryError with its message."""
    try:
        process.run(str(Path(sys.executable).with_name("factory")), *arguments)
    except FactoryError as error:
        raise FactoryError(str(error).rpartition(" failed: ")[2].removeprefix("Error: ")) from error
