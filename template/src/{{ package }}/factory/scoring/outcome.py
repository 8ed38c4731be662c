"""What became of the rows of a run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import listed


@dataclass(frozen=True)
class Outcome:
    """How many rows were scored, and of those set aside how many have each reason."""

    rows: int
    rejected: int
    reasons: Counter[str]

    def lines(self, destination: str, rejects: str | None) -> Iterator[str]:
        """The same for people."""
        yield f"✓ {self.rows:,} rows scored: {destination}"
        if rejects and not self.rejected:
            yield f"✓ 0 rows rejected: nothing is written to {rejects}"
        elif rejects:
            counts = [f"{reason} {count:,}" for reason, count in self.reasons.most_common()]
            yield f"✓ {self.rejected:,} rows rejected: {rejects}{f': {listed(counts)}' if counts else ''}"
