"""A question to the person who knows the table."""

from dataclasses import dataclass

SHOWN = 4  # columns by name


@dataclass(frozen=True)
class Question:
    """A doubt that the table raises and cannot settle, with the figures that cause it.

    `taken` is the cautious answer, which Enter and --yes take, and `otherwise` what to type instead; each with its effect.
    """

    columns: tuple[str, ...]
    evidence: str
    question: str
    taken: str
    otherwise: str

    @property
    def doubt(self) -> str:
        """The columns and the evidence, unless that begins with their names itself."""
        more = len(self.columns) - SHOWN
        subject = ", ".join(self.columns[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        return (
            f"{subject}: {self.evidence}"
            if subject and not self.evidence.startswith(self.columns[0])
            else self.evidence
        )


def to_type(columns: tuple[str, ...], role: str) -> str:
    """What gives these columns the role, or the first of many."""
    return f"{'e.g. ' * (len(columns) > SHOWN)}{', '.join(columns[:SHOWN])} = {role}"
