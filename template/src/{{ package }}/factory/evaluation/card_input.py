"""What only people know about the model, from docs/model-card.yaml: for the card, and for the approval of a promotion."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from ..sections import Section, parse, read
from ..workspace import git

INPUT = Path("docs/model-card.yaml")
REQUIRED_FIELDS = ("owner", "intended_use", "out_of_scope", "limits", "ethical_considerations")


class Approval(Section):
    """Who approved which model: `by` as Git has it, `model` the sha256 of its manifest."""

    by: str
    model: str


class ModelCardInput(Section):
    """What only people know about the model; None where nobody has written it yet."""

    risk: Literal["low", "high"] = "low"
    owner: str | None = None
    license: str | None = None
    purpose: str | None = None
    data_class: str | None = None
    retention: str | None = None
    intended_use: str | None = None
    out_of_scope: str | None = None
    limits: str | None = None
    ethical_considerations: str | None = None
    approvals: list[Approval] = Field(default_factory=list)

    @property
    def missing_fields(self) -> list[str]:
        """Fields that a high-risk model needs and that are still empty."""
        return [name for name in REQUIRED_FIELDS if not (getattr(self, name) or "").strip()]

    @property
    def tags(self) -> dict[str, str | None]:
        """What a policy may ask for, and a version's record keeps; the risk only where it is stated."""
        stated = self.risk if "risk" in self.model_fields_set else None
        return {"purpose": self.purpose, "data_class": self.data_class, "risk": stated, "retention": self.retention}


def at(commit: str) -> ModelCardInput:
    """The card's input in the commit, empty if it has none. Raises FactoryError naming each invalid key."""
    text, place = git.show(commit, str(INPUT)) or "", f"{INPUT} of commit {commit[:8]}"
    return parse(text, place, lambda content: ModelCardInput.model_validate(content or {}))


def load(path: Path = INPUT) -> ModelCardInput:
    """The card's input, empty if the file is missing. Raises FactoryError naming each invalid key."""
    try:
        return read(path, lambda content: ModelCardInput.model_validate(content or {}))
    except FileNotFoundError:
        return ModelCardInput()
