"""Large tables are worked on some rows at a time, and nobody can tell from the results."""

import numpy as np
import pytest

from .. import config, errors, prepare, scoring, tables
from . import toy

pytestmark = pytest.mark.usefixtures("project")


def test_rows_are_checked_some_at_a_time_and_told_of_all_together(monkeypatch, tmp_path):
    monkeypatch.setattr(tables, "BATCH", 7)
    path = tmp_path / "rows.csv"
    toy.rows(400).write_csv(path)
    assert prepare.check(path, config.load()).equals(toy.rows(400))
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*text[:-1], *(line.replace(",", ",May", 1) for line in text[-3:])]).replace("May\n", "\n"))
    with pytest.raises(errors.ContractViolation, match=r"seen: not Datetime.*, 3 of 402 rows, e.g. May"):
        prepare.check(path, config.load())


def test_inputs_are_the_same_slice_by_slice(monkeypatch):
    whole = scoring.inputs(toy.rows(400))
    monkeypatch.setattr(scoring, "SLICE", 7)
    assert np.array_equal(scoring.inputs(toy.rows(400)), whole, equal_nan=True)
