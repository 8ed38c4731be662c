"""Commands for the project as a whole."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import interruption
from ..errors import FactoryError, close
from .main import main
from .options import AS_JSON, DATE, FILE, Number

if TYPE_CHECKING:
    from ..readiness.score import Score


@main.command()
@click.option(
    "--owners", metavar="@TEAM", multiple=True, help="Who reviews changes of what decides on versions; may be repeated."
)
def setup(owners: tuple[str, ...]) -> None:
    """Set up a fresh copy: Git, sample data, hooks, first commit.

    May be run again at any time: what is done already is left alone.
    """
    from .. import config
    from ..adopt import setup
    from ..workspace import migration

    for step in setup.setup(config.load(), owners):
        click.echo(step if step.startswith("! ") else f"✓ {step}")
    for line in migration.remaining():
        click.echo(f"! {line}")
    click.echo(f"Next: {setup.next_step()}")


@main.command()
@click.option(
    "--environment",
    metavar="NAME",
    default="",
    help="Whose storage of environments.yaml to fetch from (default: the one that all share).",
)
@click.option(
    "--storage",
    metavar="URL",
    default="",
    help="Also push all to this new storage, or remote of DVC, in the old one's place.",
)
def restore(environment: str, storage: str) -> None:
    """Rebuild the project from its Git remote and its storage.

    In a fresh clone, on a machine that has nothing else: fetches tags, branches, and data and models of all versions; verifies
    each by its hash; checks out, installs the hooks, and audits. May be run again at any time. What the storage lacks is
    named by file and version.

    \b
    Example: git clone URL churn && cd churn && uv run factory restore
    """
    from .. import environments
    from ..verification import restore

    source = environments.find(environment) if environment else environments.shared()
    for step in restore.restore(source.storage, storage):
        click.echo(step if step.startswith("! ") else f"✓ {step}")
    click.echo("\n".join(f"Next: {step}" for step in restore.next_steps()))


@main.command()
@click.option("--template", metavar="URL", help="Where the template is now, if it has moved.")
@click.option("--release", metavar="X.Y.Z", help="Which release (default: the newest).")
@click.option("--data", metavar="KEY=VALUE", multiple=True, help="Change an answer that you gave the template.")
@click.option(
    "--add",
    "name",
    metavar="NAME",
    is_flag=False,
    flag_value="",
    help="Instead add this file of a fresh project, such as a page of docs/; without NAME, list those that you lack.",
)
@click.option(
    "--propose",
    "proposing",
    is_flag=True,
    help="Open a pull request with the update; a draft if somebody has to resolve something.",
)
def update(template: str | None, release: str | None, data: tuple[str, ...], name: str | None, proposing: bool) -> None:
    """Update the project to a newer release of the template.

    Exit code 0: clean; 1: failed, nothing was changed; 2: conflicts to resolve; 3: something else needs attention, such
    as a file that was kept though the template no longer has it.
    """
    from ..ci import propose
    from ..update import add, update

    if name is not None:
        click.echo("\n".join(add.add(name)))
        return
    result = update.update(template, release, update.parse_data(data))
    click.echo("\n".join(result.lines()))
    if proposing and not result.is_newest:
        click.echo(f"See {propose.propose_update(result)}")
    raise SystemExit(result.exit_code)


@main.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--skip", metavar="NAME", multiple=True, help="Leave out a check; may be given several times.")
@click.option("--max-kb", type=click.IntRange(1), default=1024, show_default=True, help="Size of the largest file.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Search for no secrets in these files.")
@click.option(
    "--accept", is_flag=True, help="Accept how the template's files differ from its release, in factory/PATCHES."
)
def check(files: tuple[Path, ...], skip: tuple[str, ...], max_kb: int, exclude: tuple[str, ...], accept: bool) -> None:
    """Check style, types, secrets, settings and the template's files.

    Style is fixed where it can be. Without FILES all files of the repository are checked, and what releases ask of your
    files is named until it is done.
    """
    from ..check import checks, run
    from ..update import changes, vendored

    paths = [Path(os.path.relpath(file)) for file in files]
    if accept:
        accepted = vendored.accept(paths or None)
        next_step = f"Next: git add {vendored.patches()}, and commit it with them"
        lines = (
            [*(f"✓ {path}: accepted" for path in accepted), next_step] if accepted else ["There is nothing to accept"]
        )
        return click.echo("\n".join(lines))
    failed = False
    for result in run.check(paths, checks.checks(max_kb, exclude), skip):
        failed |= not result.passed
        click.echo(result)
    if not files and (pending := changes.pending()):
        click.echo("\n".join(f"! {line}" for line in (*pending, changes.DECLINE)))
    raise SystemExit(failed)


@main.command()
def doctor() -> None:
    """Say what is missing of owners, signatures, storage, protections.

    Only looks. The platform is asked with the token in FACTORY_TOKEN. Exit code 1: something is missing that `doctor` in
    policy.yaml lists.
    """
    from ..check import doctor

    findings = list(doctor.diagnose())
    for finding in findings:
        mark = "✗" if finding.fails else "!"
        click.echo(
            "\n".join(f"{mark} {finding.name}: {problem}" for problem in finding.problems) or f"✓ {finding.name}"
        )
    raise SystemExit(any(finding.fails for finding in findings))


@main.command()
@click.option(
    "--push", "pushing", is_flag=True, help="Also put it on the branch factory/status, as pipelines do on main."
)
@AS_JSON
def status(pushing: bool, as_json: bool) -> None:
    """Sum up the project: model, gate, monitoring, cost, what to do.

    What cannot be found out has its reason. A hub of the organisation reads the branch factory/status of each project.
    """
    from ..status import branch, summary
    from ..status import status as state

    found = branch.push() if pushing else state.read()
    click.echo(branch.to_json(found).rstrip() if as_json else "\n".join(summary.lines(found)))


@main.command()
@click.option(
    "--month",
    type=click.DateTime(["%Y-%m"]),
    metavar="YYYY-MM",
    help="Whose serving to show (default: this one, so far).",
)
@AS_JSON
def cost(month: datetime | None, as_json: bool) -> None:
    """Show what runs, versions and serving cost, and the time left.

    Time, CPU, memory, energy and money of each run, by the prices under `monitor` in params.yaml; what a month of serving costs,
    if FACTORY_PROMETHEUS has an address; what the next improvement would cost, and be worth; and while the pipeline runs, how
    long it will still take.
    """
    from .. import config
    from ..status import bill

    found = bill.read(config.load(), month or datetime.now(UTC))
    click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False) if as_json else "\n".join(found.lines()))


@main.command()
@click.option("--min", "minimum", type=Number(), metavar="SCORE", help="Exit with code 1 below this score.")
@click.option("--questions", is_flag=True, help="Only list what is asked of people, with the state of each.")
@AS_JSON
def readiness(minimum: float | None, questions: bool, as_json: bool) -> None:
    """Score the project by the ML Test Score, with injected faults.

    Each fault is injected into a copy of the project, and counts if a test, a stage or the gate detects it. Takes
    minutes. Writes reports/readiness.json and a badge. What only people can know is asked of them: `--questions` lists it,
    and `factory answer` or docs/readiness.yaml holds what they found.
    """
    interruption.expect()
    from .. import config
    from ..readiness import ml_test_score, questionnaire, score

    if questions:
        click.echo(questionnaire.to_json() if as_json else questionnaire.listed())
        return
    click.echo("Each test takes up to some minutes, and gets 1 (automated), 0.5 (by hand) or 0 (not done)", err=True)
    done = _with_progress(score.assess(config.load(), ml_test_score.CRITERIA), len(ml_test_score.CRITERIA))
    scores = sorted(done, key=lambda each: ml_test_score.CRITERIA.index(each.criterion))
    interruption.complete()
    total = score.write(scores)
    click.echo(
        score.FILES[0].read_text(encoding="utf-8")
        if as_json
        else f"{score.table(scores)}\n{questionnaire.unanswered()}"
    )
    if minimum is not None and total < minimum:
        raise click.ClickException(f"the score is {total:g}, less than {minimum:g}")


@main.command()
@click.argument("question")
@click.option("-m", "--message", "found", required=True, metavar="FOUND", help="What was found.")
@click.option("--by", metavar="NAME", help="Whose answer it is (default: the author of commits here).")
@click.option("--not-met", is_flag=True, help="It is not as it should be.")
@click.option("--expires", type=DATE, help="Until when it holds (default: a year).")
def answer(question: str, found: str, by: str | None, not_met: bool, expires: datetime | None) -> None:
    """Answer a question of `factory readiness --questions`.

    The answer becomes an entry of docs/readiness.yaml, of today.

    \b
    Example: factory answer tuned -m "50 trials, none better" --expires 2027-06-30
    """
    from ..readiness import answers
    from ..workspace import git

    who = by or git.author().partition(" <")[0]
    added = answers.add(question, who, found, not not_met, expires.date() if expires else None)
    click.echo(f"✓ {answers.FILE}: {added.title}, {who}, until {added.until}")


def _with_progress(scores: "Iterator[Score]", number: int) -> "Iterator[Score]":
    """The scores, each shown when it is known: in a bar on a terminal, else in a line."""
    with click.progressbar(
        length=number, label="Injecting faults", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        for done, score in enumerate(scores, 1):
            bar.update(1)
            if not sys.stderr.isatty():
                click.echo(f"{done}/{number} {score.points:g} {score.criterion.title}", err=True)
            yield score


@main.command()
@click.argument("code", required=False)
def reason(code: str | None) -> None:
    """Explain a reason code: what it means, and what to do.

    Without a code, lists all of them.

    \b
    Example: factory reason LIMITS_WEAKENED
    """
    from .. import codes

    found = [codes.find(code)] if code else codes.known().values()
    if None in found:
        meant = close(code or "", codes.known(), 0.6)
        raise FactoryError(
            f"{code}: no such code{f', did you mean {meant}?' if meant else ''}: `factory reason` lists all"
        )
    for each in filter(None, found):
        click.echo(f"{each.code} ({each.area}): {each.meaning}" + (f"\nNext: {each.remedy}" if code else ""))
