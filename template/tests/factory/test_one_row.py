"""One row alone is checked by a quicker way, which must refuse what many rows are refused for."""

import dataframely as dy
import polars as pl
import pytest

from .. import contracts, errors


class Sized(dy.Schema):
    words = dy.List(dy.String(), min_length=2, max_length=3)
    code = dy.Binary(nullable=True)


@pytest.mark.parametrize("words", [["a"], ["a", "b", "c", "d"]])
def test_length_of_a_list_holds_for_one_row_as_for_many(words):
    row = pl.DataFrame({"words": [words], "code": [b"x"]})
    for rows in (row, pl.concat([row, row])):
        with pytest.raises(errors.ContractViolation, match=r"words: m.._length"):
            contracts.conform(rows, Sized)
