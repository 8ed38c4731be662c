"""Which project it is: name, address, card, contract, data."""

import tomllib
from datetime import date
from pathlib import Path

from .. import PACKAGE, manifest
from ..data import ledger
from ..errors import CannotEvaluate
from ..evaluation import card_input
from ..evaluation.card_input import ModelCardInput
from ..workspace import commits, git
from .parts import MANY, Card, Contract, Delivery
from .reasons import Reasons, long, short


def about() -> tuple[str, str]:
    """Name and description, from pyproject.toml if it has them."""
    path = Path("pyproject.toml")
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        return short(project["name"]), long(project.get("description", ""))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return short(PACKAGE), ""


def address() -> str:
    """Where the remote is. Raises CannotEvaluate."""
    found = git.remote_address()
    if not found:
        raise CannotEvaluate("NO_REMOTE", "there is no Git remote: `git remote add origin URL`")
    return long(found)


def commit() -> str:
    """The commit that is checked out. Raises CannotEvaluate."""
    found = git.commit()
    if not found:
        raise CannotEvaluate("NO_COMMIT", "nothing is committed yet")
    return found


def card(reasons: Reasons) -> tuple[str, Card]:
    """Owner, and what the model card states beside."""
    stated = reasons.of("card", card_input.load) or ModelCardInput()
    why = reasons.unknown.pop("card", f"NOT_STATED: {card_input.INPUT} does not state it")
    tags = {name: (text or "").strip() or None for name, text in stated.tags.items()}
    for name in (name for name, text in tags.items() if not text):
        reasons.unknown[f"card.{name}"] = why
    shown = {name: short(text) if name in ("risk", "data_class") else long(text) for name, text in tags.items() if text}
    return long((stated.owner or "").strip()), Card.model_validate(dict.fromkeys(tags) | shown)


def contract(reasons: Reasons) -> Contract | None:
    """The contract, and when it was changed last."""
    path = Path("src", PACKAGE, "contract.py")
    sha256 = reasons.of("contract", lambda: manifest.sha256(path.read_bytes()))
    return Contract(changed=reasons.of("contract.changed", lambda: _changed(path)), sha256=sha256) if sha256 else None


def deliveries(reasons: Reasons) -> list[Delivery]:
    """The newest deliveries of data."""
    entries = reasons.listed("data", ledger.entries, MANY)
    if not all(entry.sha256 for entry in entries):
        reasons.add("data.sha256", "NOT_RECORDED", "an older release added the delivery")
    if not all(entry.received for entry in entries):
        reasons.add("data.received", "NOT_RECORDED", "an older release added the delivery")
    return reasons.each("data", _delivery, entries)


def _delivery(entry: ledger.Entry) -> Delivery:
    received = date.fromisoformat(entry.received[:10]) if entry.received else None
    return Delivery(name=short(entry.file), sha256=entry.sha256 or None, rows=int(entry.rows or 0), received=received)


def _changed(path: Path) -> date:
    if git.is_shallow():
        raise CannotEvaluate("SHALLOW", "the history is cut off: `git fetch --unshallow`")
    day = commits.last_changed(str(path))
    if day is None:
        raise CannotEvaluate("NO_COMMIT", f"{path} is not committed yet")
    return date.fromisoformat(day[:10])
