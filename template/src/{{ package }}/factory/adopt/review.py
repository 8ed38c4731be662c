"""The dialog: what is doubtful, the columns, and the user's changes; and what to look at first in the result."""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import click

from ..config import NUMBERS
from ..errors import FactoryError
from . import column_list, doubts
from .choices import ALIASES, ROLES, UserChoices
from .column_list import cut, width
from .defaults import BaselineResult
from .proposal import Proposal
from .questions import Question

MAX_LINES = 24  # of questions: with the columns they fit a screen
MAX_REPEATED = 4  # questions, when all is done
HELP = f"""Enter accepts. To change a role: COLUMN = {" | ".join(ROLES[:-2])}
For a forecast: COLUMN = {" | ".join(ROLES[-2:])}; problem = forecasting; horizon = STEPS; season = STEPS
Also: COLUMN, COLUMN = ROLE; `all` shows every question and column; Ctrl-C changes nothing"""

PROBLEMS = ("classification", "multiclass", *NUMBERS)
SETTINGS = {"problem": 0, "horizon": 1000, "season": 100_000}
"""What else can be answered at the prompt, and the largest number."""

Propose = Callable[[UserChoices], Proposal]


def accept(propose: Propose, choices: UserChoices) -> Proposal:
    """The proposal, shown and accepted."""
    proposal = propose(choices)
    click.echo(f"{summary(proposal, '--yes', 'contract.py has all')}\n")
    return proposal


def review(propose: Propose, choices: UserChoices) -> Proposal:
    """The proposal with the changes that the user makes at the prompt."""
    proposal = propose(choices)
    click.echo(f"\n{_screen(proposal)}")
    while change := _prompt():
        if change == "all":
            click.echo(f"\n{everything(proposal)}\n\n{HELP}")
            continue
        try:
            changed = with_answer(choices, change, proposal)
            proposal, choices = propose(changed), changed
        except FactoryError as error:
            click.echo(f"Invalid choice: {error}")
            continue
        click.echo(f"\n{_screen(proposal)}")
    return proposal


def with_answer(choices: UserChoices, answer: str, proposal: Proposal | None = None) -> UserChoices:
    """The choices with an answer of the form COLUMN, COLUMN = ROLE. Raises FactoryError."""
    names, equals, role = (word.strip() for word in answer.rpartition("="))
    if names in SETTINGS and not (proposal and names in {each.name for each in proposal.roles} and role in ROLES):
        return _with_setting(choices, names, role)
    role = ALIASES.get(role, role)
    if not equals or role not in ROLES:
        raise FactoryError(f"{role!r} is not one of {', '.join(ROLES)}; type COLUMN = ROLE")
    return replace(choices, roles=choices.roles | dict.fromkeys(_columns(names, proposal), role))


def _with_setting(choices: UserChoices, name: str, value: str) -> UserChoices:
    """The choices with another problem, or number of steps. Raises FactoryError."""
    if name == "problem":
        if value not in PROBLEMS:
            raise FactoryError(f"{value!r} is not one of {', '.join(PROBLEMS)}; type problem = PROBLEM")
        return replace(choices, problem=value)
    if not (value.isdecimal() and 0 < int(value) <= SETTINGS[name]):
        raise FactoryError(f"{value!r} is not a number of steps from 1 to {SETTINGS[name]:,}; type {name} = STEPS")
    steps = int(value)
    return replace(choices, horizon=steps) if name == "horizon" else replace(choices, season=steps)


def summary(proposal: Proposal, who: str, where: str) -> str:
    """What is doubtful, then the columns, the doubtful ones first; of a wide table the others by name, and where the rest is."""
    asked = doubts.questions(proposal)
    return _parts(proposal, _questions(asked, who, MAX_LINES), column_list.summary(proposal.roles, asked, where))


def everything(proposal: Proposal) -> str:
    """All questions and all columns."""
    asked = doubts.questions(proposal)
    return _parts(proposal, _questions(asked, "Enter"), column_list.table(proposal.roles, asked))


def advice(proposal: Proposal, result: BaselineResult) -> Iterator[str]:
    """What to look at first: what may be wrong or needs a decision, the most important first."""
    if not result.better:
        yield "no significant improvement over the baseline: add rows or other columns"
    questions = doubts.questions(proposal)
    yield from (f"{each.doubt}. {each.question} → {each.taken}" for each in questions[:MAX_REPEATED])
    if (more := len(questions) - MAX_REPEATED) > 0:
        yield f"{more} more question{'s' * (more > 1)}, answered before the columns above"
    for limit in result.limits[1:]:
        yield f"gate.{limit['name']} is {limit['value']}: {limit['why']}"
    if proposal.target.positive:
        yield "the values of right and wrong decisions, `value` in params.yaml, are placeholders; `decision` has how many rows may be acted on"
    of_row = {role.name for role in proposal.used} if proposal.target.is_forecast else {*(result.strongest or ())}
    if result.strongest and result.strongest[0] in of_row:  # not computed from the past of a series
        name, share = result.strongest
        yield f"{name} matters most, with {share:.0%} of the importance: is it always known in advance?"


def bullets(head: str, lines: Iterable[str]) -> str:
    """A list under a line, as wide as the terminal."""
    wrapped = (textwrap.wrap(line, width(), initial_indent="- ", subsequent_indent="  ") for line in lines)
    return "\n".join([head, *(part for parts in wrapped for part in parts)])


def _screen(proposal: Proposal) -> str:
    return f"{summary(proposal, 'Enter', '`all` shows each')}\n\n{HELP}"


def _parts(proposal: Proposal, questions: str, columns: str) -> str:
    keys = [f"LEAKAGE {finding.subject}" for finding in doubts.contested(proposal)]
    reasons = [
        f'! The gate refuses this until params.yaml has a reason: gate.accepted: {{"{key}": "why"}}' for key in keys
    ]
    return "\n\n".join(filter(None, [_target(proposal), questions, "\n".join(reasons), columns]))


def _target(proposal: Proposal) -> str:
    target = proposal.target
    rows = f"{target.rows:,} rows"
    if target.positive:
        rows = f"{target.counts[target.positive]:,} of {rows} are {target.positive}"
    elif target.counts:
        name, count = min(target.counts.items(), key=lambda each: each[1])
        rows = f"{len(target.counts)} classes in {rows}, the smallest is {name} with {count:,}"
    if proposal.forecast and target.is_forecast:
        found = proposal.forecast
        named = f" of each {found.series.name}" if found.series.groups else ""
        return f"{target.problem}: to predict {target.name}{named}, {found.steps} ahead, by {found.series.time}; {rows}"
    return f"{target.problem}: to predict {target.name} from {len(proposal.with_role('feature')):,} columns; {rows}"


def _questions(questions: list[Question], who: str, most: int | None = None) -> str:
    """The questions, numbered; those beyond so many lines in one line each."""
    if not questions:
        return "Nothing is doubtful about this table."
    lines = [f"{who} takes the cautious answer to {len(questions)} question{'s' * (len(questions) > 1)}:"]
    for number, question in enumerate(questions, start=1):
        text = _paragraphs(f"{number:>2}  ", question)
        is_cut = most is not None and number > 1 and len(lines) + len(text) > most
        lines += [cut(f"{number:>2}  {question.doubt}", width())] if is_cut else text
    return "\n".join(lines)


def _paragraphs(number: str, question: Question) -> list[str]:
    answers = question.taken + (f"  (otherwise: {question.otherwise})" if question.otherwise else "")
    indent = " " * len(number)
    return [
        *textwrap.wrap(
            f"{question.doubt}. {question.question}", width(), initial_indent=number, subsequent_indent=indent
        ),
        *textwrap.wrap(answers, width(), initial_indent=f"{indent}→ ", subsequent_indent=f"{indent}  "),
    ]


def _columns(names: str, proposal: Proposal | None) -> list[str]:
    """The columns that are named: one, or several with commas between them."""
    if proposal is None or any(role.name == names for role in proposal.roles):
        return [names]
    return [name.strip() for name in names.split(",")]


def _prompt() -> str:
    try:
        return str(click.prompt("", default="", show_default=False, prompt_suffix="> ")).strip()
    except click.Abort as error:
        click.echo()  # which Ctrl-C leaves out
        raise FactoryError("nothing was changed; --yes accepts the proposal without a prompt") from error
