"""The dialog: the proposal as a table, to accept or change, and what to review first in the result."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import click
from tabulate import tabulate

from ..errors import FactoryError, listed
from .dates import TEMPORAL
from .defaults import BaselineResult
from .profile import Column
from .proposal import ALIASES, ROLES, Proposal, UserChoices
from .roles import PERSONAL_DATA, ColumnRole
from .target import USER_CHOICE
from .type_inference import NUMERIC

MAX_SHOWN = 60  # columns
KIND_NAMES = {"Int64": "integer", "Float64": "number", "Bool": "yes/no", "String": "text"}
HELP = f"Enter accepts the proposal. To change a role: COLUMN = {' | '.join(ROLES)}"
CERTAIN = (USER_CHOICE, "row number", "always", "the same as", "identifies")

Propose = Callable[[UserChoices], Proposal]


def accept(propose: Propose, choices: UserChoices) -> Proposal:
    """The proposal, shown and accepted."""
    proposal = propose(choices)
    click.echo(f"{table(proposal)}\n")
    return proposal


def review(propose: Propose, choices: UserChoices) -> Proposal:
    """The proposal with the changes that the user makes at the prompt."""
    proposal = propose(choices)
    while True:
        click.echo(f"\n{table(proposal)}\n\n{HELP}")
        change = _prompt()
        if not change:
            return proposal
        name, _, role = (word.strip() for word in change.rpartition("="))
        try:
            role = ALIASES.get(role, role)
            if role not in ROLES:
                raise FactoryError(f"{role!r} is not one of {', '.join(ROLES)}; type COLUMN = ROLE")
            changed = replace(choices, roles=choices.roles | {name: role})
            proposal, choices = propose(changed), changed
        except FactoryError as error:
            click.echo(f"Invalid choice: {error}")


def table(proposal: Proposal) -> str:
    """The proposed role of each column, and the reason; at most the first columns."""
    rows = [_row(role) for role in proposal.roles[:MAX_SHOWN]]
    more = len(proposal.roles) - MAX_SHOWN
    text = tabulate(rows, ("column", "type", "role", "values", "reason"), disable_numparse=True)
    return f"{text}\n… and {more:,} more columns" if more > 0 else text


def advice(proposal: Proposal, result: BaselineResult) -> Iterator[str]:
    """What may be wrong or needs a decision, the most important first."""
    target = proposal.target
    if not result.better:
        yield "no significant improvement over the baseline: add rows or other columns"
    doubtful = [f"{r.name} ({r.why})" for r in proposal.with_role("excluded") if not r.why.startswith(CERTAIN)]
    if doubtful:
        yield f"excluded columns: {listed(doubtful, 4)}"
    ambiguous = [f"{r.name} ({r.column.format.note})" for r in proposal.used if r.column.format.note]
    if ambiguous:
        yield f"uncertain formats: {listed(ambiguous, 4)}"
    if target.positive and target.positive != "true":
        count = target.counts[target.positive]
        yield f"the positive class is {target.name} = {target.positive}, {count:,} of {target.rows:,} rows"
    personal = [r.name for r in proposal.with_role("feature") if r.sensitive or r.why == PERSONAL_DATA]
    if personal:
        yield f"should the model be allowed to use {', '.join(personal)}?"
    for limit in result.limits[1:]:
        yield f"gate.{limit['name']} is {limit['value']}: {limit['why']}"
    if target.positive:
        yield "the values of right and wrong decisions, `value` in params.yaml, are placeholders"


def _prompt() -> str:
    try:
        return str(click.prompt("", default="", show_default=False, prompt_suffix="> ")).strip()
    except click.Abort as error:
        raise FactoryError("nothing was changed; --yes accepts the proposal without a prompt") from error


def _row(role: ColumnRole) -> tuple[str, ...]:
    shown = "feature, sensitive" if role.sensitive and role.role == "feature" else role.role
    return (_cut(role.name, 40), _kind(role.column), shown, _cut(_contents(role.column), 60), _cut(role.why, 70))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _kind(column: Column) -> str:
    return "category" if column.values and column.kind == "String" else KIND_NAMES.get(column.kind, column.kind.lower())


def _contents(column: Column) -> str:
    parts = []
    if column.kind in (*NUMERIC, *TEMPORAL) and column.low is not None:
        low, high = (f"{end:.6g}" if isinstance(end, float) else str(end) for end in (column.low, column.high))
        parts.append(f"{low} to {high}")
    elif column.values:
        more = len(column.values) - 4
        parts.append(", ".join(column.values[:4]) + (f" and {more} more" if more > 0 else ""))
    if column.missing:
        parts.append(f"{100 * column.missing / column.rows:.3g}% missing")
    return "; ".join(parts)
