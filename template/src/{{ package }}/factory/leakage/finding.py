"""A doubt about a table or a model, with the figures that cause it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["group", "order", "column", "joint", "value", "missing", "afterwards", "derived"]
"""What may leak: rows of one entity, neighbouring rows, one column, several columns together, one of a column's values,
which rows lack a value, a column known only after the event, and one that follows from such a column."""
ROW_ORDER = "row order"


@dataclass(frozen=True)
class Finding:
    """What was measured, the question that it raises, and what to do where the answer is not reassuring.

    `figure` is beyond `limit`; both are of the measure that `evidence` names.
    """

    kind: Kind
    columns: tuple[str, ...]
    figure: float
    limit: float
    evidence: str
    question: str
    remedy: str
    refuses: bool = True
    """Else it is a question only: the columns stay, and the gate passes."""

    @property
    def subject(self) -> str:
        """Its columns, by which a person can accept it in params.yaml."""
        return ", ".join(self.columns) or ROW_ORDER

    def __str__(self) -> str:
        return f"{self.subject}: {self.evidence}. {self.question} {self.remedy}"
