"""What the user sees: the proposal, to accept or to change, and what to look at first in the result."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import click
from tabulate import tabulate

from ..errors import FactoryError, listed
from .dates import TEMPORAL
from .defaults import BaselineResult
from .profile import Column
from .proposal import BY_USER, ROLES, Proposal, UserChoices
from .roles import ColumnRole
from .type_inference import NUMERIC

SHOWN = 60
KIND_NAMES = {"Int64": "whole number", "Float64": "number", "Bool": "yes or no", "String": "text"}
HELP = f"To change a part: COLUMN = {' | '.join(ROLES)}; Enter takes it all"
CERTAIN = (BY_USER, "numbers the rows", "always", "the same as", "identifies")

Propose = Callable[[UserChoices], Proposal]


def accept(propose: Propose, choices: UserChoices) -> Proposal:
    """The proposal as it is, shown."""
    proposal = propose(choices)
    click.echo(f"{table(proposal)}\n")
    return proposal


def review(propose: Propose, choices: UserChoices) -> Proposal:
    """The proposal as the user wants it, asked at the prompt."""
    proposal = propose(choices)
    while True:
        click.echo(f"\n{table(proposal)}\n\n{HELP}")
        change = _prompt()
        if not change:
            return proposal
        name, _, role = (word.strip() for word in change.rpartition("="))
        try:
            if role not in ROLES:
                raise FactoryError(f"{role!r} is none of {', '.join(ROLES)}")
            changed = replace(choices, roles=choices.roles | {name: role})
            proposal, choices = propose(changed), changed
        except FactoryError as error:
            click.echo(f"Not so: {error}")


def table(proposal: Proposal) -> str:
    """What is proposed of each column, and why; of many columns the first."""
    rows = [_row(role) for role in proposal.roles[:SHOWN]]
    more = len(proposal.roles) - SHOWN
    text = tabulate(rows, ("column", "is", "part", "holds", "why"), disable_numparse=True)
    return f"{text}\n… and {more:,} more columns" if more > 0 else text


def advice(proposal: Proposal, result: BaselineResult) -> Iterator[str]:
    """What may be wrong, or is for a person to decide, the gravest first."""
    target = proposal.target
    if not result.better:
        yield f"the model is not clearly better than knowing nothing of {target.name}: more rows or other columns?"
    doubtful = [f"{r.name} ({r.why})" for r in proposal.with_role("out") if not r.why.startswith(CERTAIN)]
    if doubtful:
        yield f"left out, and was that right? {listed(doubtful, 4)}"
    ambiguous = [f"{r.name} ({r.column.format.note})" for r in proposal.used if r.column.format.note]
    if ambiguous:
        yield f"read as it seemed: {listed(ambiguous, 4)}"
    if target.positive and target.positive != "true":
        count = target.counts[target.positive]
        yield f"true is {target.name} = {target.positive}, {count:,} of {target.rows:,} rows"
    personal = [r.name for r in proposal.with_role("feature") if r.sensitive or r.why == "looks personal"]
    if personal:
        yield f"may it decide by {', '.join(personal)}?"
    for limit in result.limits[1:]:
        yield f"gate.{limit['name']} is {limit['value']}: {limit['why']}"
    if target.positive:
        yield "what a right and a wrong decision are worth: `value` in params.yaml"


def _prompt() -> str:
    try:
        return str(click.prompt("", default="", show_default=False, prompt_suffix="> ")).strip()
    except click.Abort as error:
        raise FactoryError("nothing was changed; to take the proposal as it is, say --yes") from error


def _row(role: ColumnRole) -> tuple[str, ...]:
    part = "feature, sensitive" if role.sensitive and role.role == "feature" else role.role
    return (role.name[:40], _kind(role.column), part, _contents(role.column)[:60], role.why[:70])


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
        parts.append(f"{100 * column.missing / column.rows:.2g} % unknown")
    return "; ".join(parts)
