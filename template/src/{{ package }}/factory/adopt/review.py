"""What the user should look at first, the gravest first."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import click
from tabulate import tabulate

from ..errors import FactoryError, listed
from .defaults import Outcome
from .profile import TEMPORAL, Column
from .proposal import PARTS, Asked, Proposal
from .roles import Choice
from .type_inference import NUMERIC

SURE = ("as you said", "numbers the rows", "always", "the same as", "identifies")


def advice(proposal: Proposal, outcome: Outcome) -> Iterator[str]:
    """What may be wrong, or is for a person to decide."""
    question = proposal.question
    if not outcome.better:
        yield f"the model is not clearly better than knowing nothing of {question.target.name}: more rows or other columns?"
    doubtful = [f"{c.name} ({c.why})" for c in proposal.having("out") if not c.why.startswith(SURE)]
    if doubtful:
        yield f"left out, and was that right? {listed(doubtful, 4)}"
    open_ = [
        f"{c.name} ({c.column.spelled.note})" for c in proposal.choices if c.role != "out" and c.column.spelled.note
    ]
    if open_:
        yield f"read as it seemed: {listed(open_, 4)}"
    if question.positive and question.positive != "true":
        yield f"true is {question.target.name} = {question.positive}, {question.counts[question.positive]:,} of {question.rows:,} rows"
    personal = [
        choice.name for choice in proposal.having("feature") if choice.sensitive or choice.why == "looks personal"
    ]
    if personal:
        yield f"may it decide by {', '.join(personal)}?"
    for limit in outcome.limits[1:]:
        yield f"gate.{limit['name']} is {limit['value']}: {limit['why']}"
    if question.positive:
        yield "what a right and a wrong decision are worth: `value` in params.yaml"


SHOWN = 60
KINDS = {"Int64": "whole number", "Float64": "number", "Bool": "yes or no", "String": "text"}
HELP = f"To change a part: COLUMN = {' | '.join(PARTS)}; Enter takes it all"


def table(proposal: Proposal) -> str:
    """What is proposed of each column, and why; of many columns the first."""
    rows = [_row(choice) for choice in proposal.choices[:SHOWN]]
    more = len(proposal.choices) - SHOWN
    text = tabulate(rows, ("column", "is", "part", "holds", "why"), disable_numparse=True)
    return f"{text}\n… and {more:,} more columns" if more > 0 else text


def take(propose: Callable[[Asked], Proposal], asked: Asked) -> Proposal:
    """The proposal as it is, shown."""
    proposal = propose(asked)
    click.echo(f"{table(proposal)}\n")
    return proposal


def settle(propose: Callable[[Asked], Proposal], asked: Asked) -> Proposal:
    """The proposal as the user wants it, asked at the prompt."""
    proposal = propose(asked)
    while True:
        click.echo(f"\n{table(proposal)}\n\n{HELP}")
        change = _answer()
        if not change:
            return proposal
        name, _, part = (word.strip() for word in change.rpartition("="))
        try:
            if part not in PARTS:
                raise FactoryError(f"{part!r} is none of {', '.join(PARTS)}")
            changed = replace(asked, roles=asked.roles | {name: part})
            proposal, asked = propose(changed), changed
        except FactoryError as error:
            click.echo(f"Not so: {error}")


def _answer() -> str:
    try:
        return str(click.prompt("", default="", show_default=False, prompt_suffix="> ")).strip()
    except click.Abort as error:
        raise FactoryError("nothing was changed; to take the proposal as it is, say --yes") from error


def _row(choice: Choice) -> tuple[str, ...]:
    part = "feature, sensitive" if choice.sensitive and choice.role == "feature" else choice.role
    return (choice.name[:40], _kind(choice.column), part, _holds(choice.column)[:60], choice.why[:70])


def _kind(column: Column) -> str:
    return "category" if column.values and column.kind == "String" else KINDS.get(column.kind, column.kind.lower())


def _holds(column: Column) -> str:
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
