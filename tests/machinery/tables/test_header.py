"""Which row of a sheet is its header, and when that is not certain."""

import pytest
from late_flights.factory.tables import header

ROWS = [["1", "x", "2"], ["3", "y", "4"]]
NAMES = ["a", "b", "c"]
TITLE = ["Report 2024", None, None]
BLANK = [None, None, None]
GRIDS = {
    "at the top": ([NAMES, *ROWS], (1, NAMES)),
    "of numbers": ([["2019", "2020", "2021"], *ROWS], (1, ["2019", "2020", "2021"])),
    "below blank rows": ([BLANK, BLANK, NAMES, *ROWS], (3, NAMES)),
    "below a title": ([TITLE, NAMES, *ROWS], (2, NAMES)),
    "below titles and a blank row": ([TITLE, ["by", None, None], BLANK, NAMES, ["x", "y", "z"]], (4, NAMES)),
    "with years below a blank row": ([TITLE, BLANK, ["a", "2019", "2020"], *ROWS], (3, ["a", "2019", "2020"])),
    "with the index of pandas": ([["", "b", "c"], *ROWS], (1, ["", "b", "c"])),
    "with that below a title": ([TITLE, BLANK, [" ", "b", "c"], *ROWS], (3, ["", "b", "c"])),
    "nothing": ([BLANK], (1, [])),
}
UNCERTAIN = {
    "a name is missing": [["a", "b", None], *ROWS],
    "a name is missing and all is text": [["a", None], ["x", "y"], ["u", "v"]],
    "titles as long as the header": [["a", "b", None], BLANK, NAMES, *ROWS],
    "two names are the same": [TITLE, ["a", "b", "a"], *ROWS],
}
A, B, C = range(3)
MERGED = {
    "group": ([["size", None, "c"], ["min", "max", None]], [(0, 0, A, B), (0, 1, C, C)], ["size min", "size max", "c"]),
    "without those below": ([["size", None, "c"], ["min", "max", "kg"]], [(0, 0, A, B)], ["size min", "size max", "c kg"]),
    "below a merged title": (
        [TITLE, ["size", None, "c"], ["min", "max", None]],
        [(0, 0, A, C), (1, 1, A, B), (1, 2, C, C)],
        ["size min", "size max", "c"],
    ),
    "title only": ([TITLE, NAMES], [(0, 0, A, C)], NAMES),
    "three rows": (
        [["all", None, "c"], ["size", None, None], ["min", "max", None]],
        [(0, 0, A, B), (1, 1, A, B), (0, 2, C, C)],
        ["all size min", "all size max", "c"],
    ),
}


@pytest.mark.parametrize("rows, found", GRIDS.values(), ids=GRIDS)
def test_header_is_found(rows, found):
    assert header.find(rows) == found


@pytest.mark.parametrize("rows", UNCERTAIN.values(), ids=UNCERTAIN)
def test_row_of_values_is_not_taken_for_the_header(rows):
    first, names = header.find(rows)
    assert first == 1 and names == [cell or "" for cell in rows[0]]


@pytest.mark.parametrize("rows, merged, names", MERGED.values(), ids=MERGED)
def test_names_of_merged_cells_are_joined(rows, merged, names):
    assert header.find([*rows, *ROWS], merged) == (len(rows), names)
