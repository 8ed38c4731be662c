"""Large tables are worked on chunk by chunk, and the results are the same."""

import numpy as np
import polars as pl
import pytest
from late_flights.factory import config, errors
from late_flights.factory.data import prepare, split
from late_flights.factory.scoring import scorer
from late_flights.factory.tables import chunks
from tests.factory import toy

pytestmark = pytest.mark.usefixtures("project")


def test_rows_are_checked_chunk_by_chunk_and_reported_together(monkeypatch, tmp_path):
    monkeypatch.setattr(chunks, "CHUNK", 7)
    path = tmp_path / "rows.csv"
    toy.rows(400).write_csv(path)
    assert prepare.check(path, config.load()).equals(toy.rows(400))
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*text[:-1], *(line.replace(",", ",May", 1) for line in text[-3:])]).replace("May\n", "\n"))
    with pytest.raises(errors.ContractViolation, match=r"seen: not Datetime.*, 3 of 402 rows, first in data row 400, e.g. May"):
        prepare.check(path, config.load())


def test_inputs_are_the_same_chunk_by_chunk(monkeypatch):
    whole = scorer.feature_matrix(toy.rows(400))
    monkeypatch.setattr(chunks, "CHUNK", 7)
    monkeypatch.setattr(scorer, "CHUNK", 7)
    assert np.array_equal(scorer.feature_matrix(toy.rows(400)), whole, equal_nan=True)
    assert np.array_equal(scorer.feature_matrix(toy.rows(400).lazy()), whole, equal_nan=True)


def test_some_rows_of_a_file_are_the_same_each_time(tmp_path):
    toy.rows(400).write_parquet(tmp_path / "rows.parquet")
    some = [chunks.sample(pl.scan_parquet(tmp_path / "rows.parquet"), 30) for _ in range(2)]
    assert some[0].equals(some[1]) and some[0].height == 30
    assert some[0].join(toy.rows(400), on="key").height == 30


@pytest.mark.parametrize("sections", [{}, {"data": {"target": "answer", "id": "key"}}, {"data": {"target": "answer"}}])
def test_rows_in_a_file_are_split_as_they_are_in_memory(tmp_path, sections):
    rows, params = toy.rows(400), toy.params(**sections)
    rows.write_parquet(tmp_path / "rows.parquet")
    lazy = split.split(pl.scan_parquet(tmp_path / "rows.parquet"), params)
    for part, expected in zip(lazy, split.split(rows, params), strict=True):
        assert part.collect().equals(expected)
