"""How much the parts of a table differ, in the order of time or of the file: as much may another delivery."""

from dataclasses import dataclass
from math import ceil, floor
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..validation import expectations, unseen
from .proposal import Proposal

NUMBER, LEAST_ROWS = 10, 20  # of parts, and of rows in one
BEYOND, BEYOND_IN_TIME = 2.5, 4  # deviations of the parts' shares; a trend goes on as far as it has come
SORTED = 0.25  # of the variance is between the parts: the file is sorted by it, as no series of deliveries is
ALWAYS = 0.06  # deviations of a single value, which any share may change by

Interval = tuple[float, float]


@dataclass(frozen=True)
class Parts:
    """The number of the part that each row of the sample is in, and whether they are in the order of time."""

    numbers: NDArray[np.intp]
    in_time: bool

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        """Parts of the same size: by the columns of the time, or in the order of the rows."""
        samples = {role.name: role.column.sample for role in proposal.roles}
        rows = len(proposal.target.column.sample)
        numbers, places = np.empty(rows, np.intp), np.arange(rows)
        order = np.lexsort([places, *(samples[name].rank("dense").to_numpy() for name in reversed(proposal.time))])
        numbers[order] = places * max(1, min(NUMBER, rows // LEAST_ROWS)) // max(rows, 1)
        return cls(numbers, bool(proposal.time))

    def interval(self, truth: pl.Series) -> Interval:
        """Of a share: around that of the table, as wide as those of the parts differ beyond chance."""
        known = truth.is_not_null()
        true, parts = truth.filter(known).cast(pl.Float64).to_numpy(), self.numbers[known.to_numpy()]
        sizes, trues = np.bincount(parts), np.bincount(parts, true)
        share, shares = float(true.mean()), trues[sizes > 0] / sizes[sizes > 0]
        variance, more = share * (1 - share), len(shares) - 1
        chance = variance / len(true) * (more + (2 * more) ** 0.5)  # and what chance itself may vary by
        differ = np.average((shares - share) ** 2, weights=sizes[sizes > 0]) - chance
        if not self.in_time and differ > SORTED * variance:
            differ = 0.0
        beyond, own = BEYOND_IN_TIME if self.in_time else BEYOND, expectations.chance(share, len(true))
        drift = beyond * max(0.0, differ) ** 0.5 + max(own, ALWAYS * variance**0.5)
        return max(0.0, floor(100 * (share - drift)) / 100), min(1.0, ceil(100 * (share + drift)) / 100)

    def unseen_limit(self, texts: pl.Series) -> float:
        """Twice the share of the rows in the later half of the parts whose text no earlier part has, but not less than usual."""
        parts = pl.DataFrame({"text": texts, "part": self.numbers}).drop_nulls()
        is_new = pl.col("part") == pl.col("part").min().over("text")
        later = parts.with_columns(new=is_new).filter(pl.col("part") > int(self.numbers.max()) // 2)
        shares = later.group_by("part").agg(pl.col("new").mean())["new"]
        return min(1.0, max(unseen.LIMIT, ceil(40 * float(shares.max() or 0)) / 20))  # type: ignore[arg-type]
