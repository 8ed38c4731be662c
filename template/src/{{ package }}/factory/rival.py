"""Whom a challenger is compared with: the champion, if it answers the same question."""

import yaml

from . import git
from .config import Params
from .errors import Undecided
from .versions import Version


def of(params: Params, before: list[Version], accepted: str | None) -> tuple[Version | None, str]:
    """The champion, if it answers the same question, and the rival in words.

    Raises Undecided where it answers another, and nobody has accepted that.
    """
    if not before:
        return None, "the baseline, as no model has been promoted yet"
    holder = before[-1]
    told = yaml.safe_load(git.show(holder.facts["commit"], "params.yaml") or "{}")
    question = told.get("problem"), told.get("data", {}).get("target")
    if question in ((None, None), (params.problem, params.data.target)):
        return holder, f"the champion {holder.name}"
    if not accepted:
        raise Undecided(
            "OTHER_QUESTION",
            f"the champion {holder.name} tells {question[1]} by {question[0]}, not {params.data.target} by "
            f"{params.problem}: --accept-contract-change WHY compares with the baseline instead",
        )
    return None, f"the baseline, as {holder.name} tells {question[1]}"
