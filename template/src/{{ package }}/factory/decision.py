"""The sections of params.yaml on decisions: what they are worth, and about how many rows they may be."""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from .sections import Section

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Value(Section):
    """What each outcome of a decision is worth, in any one unit: euros, minutes, points. The decision threshold is the one
    that earns most on rows that the model was not trained on. For classification only; without it, nothing is decided."""

    true_positive: float = 0
    """Worth of acting where it was right to act."""
    false_positive: float = 0
    """Worth of acting in vain: usually a cost, and so negative."""
    true_negative: float = 0
    """Worth of rightly not acting."""
    false_negative: float = 0
    """Worth of not acting where it was needed: usually a cost, and so negative."""


class Decision(Section):
    """How many rows of a list are acted on, such as the customers who are called: those with the highest scores. For
    classification only; without it, the threshold that earns most by `value` decides."""

    top_k: Count | None = None
    """How many rows that is."""
    budget: Positive | None = None
    """What may be spent, in place of `top_k`: as many rows as it pays for."""
    cost: Positive | None = None
    """What acting on one row costs, in the unit of `budget`."""
    of: Count
    """How many rows such a list usually has. The 100 highest of 200 scores are other rows than the 100 highest of 20,000: by
    this share the report and the gate measure the test rows, and the service, which sees single rows, decides."""

    by: str | None = None
    """A column of groups of which each has its share of the rows: of every group the same share is acted on, and each has its own
    threshold. Only where the organisation's policy allows it (`group_thresholds`), as groups are then treated by different
    rules; without it, one threshold holds for all."""

    @property
    def rows(self) -> int:
        """How many rows are acted on."""
        return self.top_k or int(Decimal(str(self.budget)) // Decimal(str(self.cost)))

    @property
    def facts(self) -> dict[str, Any]:
        """What a model's manifest holds of it."""
        return {"rows": self.rows, "of": self.of} | ({"by": self.by} if self.by else {})

    @property
    def share(self) -> float:
        """Which share of a list is acted on."""
        return self.rows / self.of

    @model_validator(mode="after")
    def check_rows(self) -> Self:
        """Refuse what does not give a number of rows, or more than there are."""
        if (self.top_k is None) == (self.budget is None) or (self.budget is None) != (self.cost is None):
            raise ValueError("state either top_k, or budget and cost")
        if self.rows == 0:
            raise ValueError(f"the budget {self.budget:g} does not pay for one row, which costs {self.cost:g}")
        if self.rows > self.of:
            raise ValueError(f"{self.rows} rows cannot be chosen of {self.of}: raise of, or choose fewer")
        return self
