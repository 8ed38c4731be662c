"""What the user should look at first, the gravest first."""

from collections.abc import Iterator

from ..errors import listed
from .context import Outcome
from .proposal import Proposal

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
