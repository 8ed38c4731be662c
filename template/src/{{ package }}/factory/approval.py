"""Who may say yes: a model of high risk needs a full card and the approval of a second person."""

from pathlib import Path

from . import card, git, versions
from .errors import FactoryError


def check(model: str) -> None:
    """Refuse a model of high risk that lacks words in its card or an approval. Raises FactoryError.

    An approval counts if the last commit that entered it is by the person whom it names, and
    somebody else committed the model; `model` is the sha256 of its manifest.
    """
    said = card.load()
    if said.risk == "low":
        return
    if said.unsaid:
        raise FactoryError(f"CARD_INCOMPLETE: {card.SAID}: risk is high and still unsaid: {', '.join(said.unsaid)}")
    author = made_by()
    entered = next(iter(git.authors_of(model, str(card.SAID))), None)
    for approval in said.approvals:
        if approval.model == model and entered and entered != author and f"<{entered}>" in approval.by.lower():
            return
    raise FactoryError(
        f"NOT_APPROVED: risk is high: somebody other than {author} adds to the approvals in {card.SAID} and commits: "
        f"{{by: Name <address>, model: {model}}}"
    )


def made_by() -> str | None:
    """Address of the author of the commit that brought the model in."""
    lock = Path("dvc.lock")
    authors = git.authors_of(versions.model_in(lock.read_text(encoding="utf-8")), str(lock))
    return authors[-1] if authors else None
