"""The dialog: what is doubtful, the columns, and the user's changes; and what to look at first in the result."""

import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import click
from tabulate import tabulate

from ..errors import FactoryError
from ..evaluation.formatting import share
from . import doubts
from .dates import TEMPORAL
from .defaults import BaselineResult
from .profile import Column
from .proposal import ALIASES, ROLES, Proposal, UserChoices
from .questions import Question
from .roles import NUMBER_OF_ROW, ColumnRole
from .target import USER_CHOICE
from .type_inference import NUMERIC

WIDTH = 100  # of a terminal that does not say
MAX_COLUMNS, SHOWN_OF_MORE = 20, 12
MAX_LINES = 24  # of questions: with the columns they fit a screen
MAX_REPEATED = 4  # questions, when all is done
MAX_NAME, MAX_VALUES, MAX_CONTENTS = 32, 24, 48
KIND_NAMES = {"Int64": "integer", "Float64": "number", "Bool": "yes/no", "String": "text"}
HEADERS = ("column", "type", "role", "values", "reason")
HELP = f"""Enter accepts. To change a role: COLUMN = {" | ".join(ROLES)}
Also: COLUMN, COLUMN = ROLE; `all` shows every question and column; Ctrl-C changes nothing"""
CERTAIN = (USER_CHOICE, NUMBER_OF_ROW, "always", "the same as", "identifies")

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
    role = ALIASES.get(role, role)
    if not equals or role not in ROLES:
        raise FactoryError(f"{role!r} is not one of {', '.join(ROLES)}; type COLUMN = ROLE")
    return replace(choices, roles=choices.roles | dict.fromkeys(_columns(names, proposal), role))


def summary(proposal: Proposal, who: str, where: str) -> str:
    """What is doubtful, then the columns: of a wide table those that matter, and where the rest is."""
    asked = doubts.questions(proposal)
    if len(proposal.roles) <= MAX_COLUMNS:
        return _parts(proposal, _questions(asked, who, MAX_LINES), table(proposal.roles))
    names = _that_matter(proposal, asked)
    shown, rest = ([role for role in proposal.roles if (role.name in names) is wanted] for wanted in (True, False))
    count = {name: sum(role.role == name for role in rest) for name in dict.fromkeys(role.role for role in rest)}
    roles = ", ".join(f"{number:,} {name}{'s' * (name == 'feature' and number > 1)}" for name, number in count.items())
    more = f"{len(rest):,} more columns: {roles}; {where}"
    return _parts(proposal, _questions(asked, who, MAX_LINES), f"{table(shown)}\n{more}")


def everything(proposal: Proposal) -> str:
    """All questions and all columns."""
    return _parts(proposal, _questions(doubts.questions(proposal), "Enter"), table(proposal.roles))


def table(roles: list[ColumnRole]) -> str:
    """The role of each column, and the reason, as wide as the terminal."""
    rows = [_row(role) for role in roles]
    name, kind, role, values, reason = (max(map(len, cells)) for cells in zip(HEADERS, *rows, strict=True))
    free = max(_width() - name - kind - role - 2 * (len(HEADERS) - 1), MAX_VALUES)
    values = min(values, max(min(MAX_VALUES, free * 2 // 5), free - reason))
    cut = [(*row[:3], _cut(row[3], values), _cut(row[4], free - values)) for row in rows]
    return tabulate(cut, HEADERS, disable_numparse=True)


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
        yield "the values of right and wrong decisions, `value` in params.yaml, are placeholders"
    if result.strongest:
        name, share = result.strongest
        yield f"{name} matters most, with {share:.0%} of the importance: is it always known in advance?"


def bullets(head: str, lines: Iterable[str]) -> str:
    """A list under a line, as wide as the terminal."""
    wrapped = (textwrap.wrap(line, _width(), initial_indent="- ", subsequent_indent="  ") for line in lines)
    return "\n".join([head, *(part for parts in wrapped for part in parts)])


def contents_row(column: Column, *, hidden: bool) -> tuple[str, ...]:
    """Name, type, missing and different values of a column, and what they are."""
    values = "personal data" if hidden else _cut(_contents(column, missing=False), MAX_CONTENTS)
    missing = share(column.share_missing) if column.missing else ""
    return (_cut(column.name, MAX_NAME), kind_name(column), missing, f"{column.different:,}", values)


def _screen(proposal: Proposal) -> str:
    return f"{summary(proposal, 'Enter', '`all` shows them')}\n\n{HELP}"


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
    return f"{target.problem}: to predict {target.name} from {len(proposal.with_role('feature')):,} columns; {rows}"


def _questions(questions: list[Question], who: str, most: int | None = None) -> str:
    """The questions, numbered; at most so many lines."""
    if not questions:
        return "Nothing is doubtful about this table."
    lines = [f"{who} takes the cautious answer to {len(questions)} question{'s' * (len(questions) > 1)}:"]
    for number, question in enumerate(questions, start=1):
        text = _paragraphs(f"{number:>2}  ", question)
        if most is not None and number > 1 and len(lines) + len(text) > most:
            lines.append(f"    and {len(questions) - number + 1} more")
            break
        lines += text
    return "\n".join(lines)


def _paragraphs(number: str, question: Question) -> list[str]:
    answers = question.taken + (f"  (otherwise: {question.otherwise})" if question.otherwise else "")
    indent = " " * len(number)
    return [
        *textwrap.wrap(
            f"{question.doubt}. {question.question}", _width(), initial_indent=number, subsequent_indent=indent
        ),
        *textwrap.wrap(answers, _width(), initial_indent=f"{indent}→ ", subsequent_indent=f"{indent}  "),
    ]


def _that_matter(proposal: Proposal, asked: list[Question]) -> set[str]:
    """The columns to look at."""
    doubtful = {name for question in asked for name in question.columns}
    ranks: tuple[Callable[[ColumnRole], bool], ...] = (
        lambda role: role.role in ("target", "id", "time"),
        lambda role: role.why == USER_CHOICE,
        lambda role: role.name in doubtful,
        lambda role: role.sensitive,
        lambda role: role.role == "excluded" and not role.why.startswith(CERTAIN),
    )
    ranked = sorted(
        proposal.roles, key=lambda role: next((i for i, test in enumerate(ranks) if test(role)), len(ranks))
    )
    return {role.name for role in ranked[:SHOWN_OF_MORE]}


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


def _width() -> int:
    return max(shutil.get_terminal_size((WIDTH, 0)).columns, 60)


def _row(role: ColumnRole) -> tuple[str, ...]:
    shown = "sensitive" if role.sensitive and role.role == "feature" else role.role
    return (_cut(role.name, MAX_NAME), kind_name(role.column), shown, _contents(role.column), role.why)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def kind_name(column: Column) -> str:
    """The type in words."""
    return "category" if column.values and column.kind == "String" else KIND_NAMES.get(column.kind, column.kind.lower())


def _contents(column: Column, *, missing: bool = True) -> str:
    parts = []
    if column.kind in (*NUMERIC, *TEMPORAL) and column.low is not None:
        low, high = (f"{end:.6g}" if isinstance(end, float) else str(end) for end in (column.low, column.high))
        parts.append(f"{low} to {high}")
    elif column.values:
        more = len(column.values) - 4
        parts.append(", ".join(column.values[:4]) + (f" and {more} more" if more > 0 else ""))
    elif column.kind == "Bool" and (known := column.sample.count()):
        parts.append(f"{100 * column.sample.sum() / known:.3g}% yes")
    if missing and column.missing:
        parts.append(f"{100 * column.missing / column.rows:.3g}% missing")
    return "; ".join(parts)
