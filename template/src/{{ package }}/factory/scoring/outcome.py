"""What became of the rows of a run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import listed


@dataclass(frozen=True)
class Outcome:
    """How many rows were scored, and of those set aside how many have each reason.

    `highest` is of how many rows a table's decisions are true at most, and how many tables were written, where that is limited.
    """

    rows: int
    rejected: int
    reasons: Counter[str]
    highest: tuple[int, int] | None = None

    def lines(self, destination: str, rejects: str | None) -> Iterator[str]:
        """The same for people."""
        yield f"✓ {self.rows:,} rows scored: {destination}"
        if self.highest:
            rows, tables = self.highest
            which = "scores" if tables == 1 else f"scores of each of the {tables:,} tables"
            yield f"✓ decision is true for the {rows:,} highest {which}, or for all where there are fewer"
        if rejects and not self.rejected:
            yield f"✓ 0 rows rejected: nothing is written to {rejects}"
        elif rejects:
            counts = [f"{reason} {count:,}" for reason, count in self.reasons.most_common()]
            yield f"✓ {self.rejected:,} rows rejected: {rejects}{f': {listed(counts)}' if counts else ''}"
