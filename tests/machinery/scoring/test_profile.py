"""The profile of a model: the same after reading as written, counts that add up, nothing of a person."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory.scoring import profile

TABLE = pl.DataFrame(
    {
        "number": [None if row % 10 == 0 else float(row % 7) for row in range(1000)],
        "place": [None if row % 9 == 0 else "ab"[row % 2] for row in range(1000)],
        "note": [f"note {row}" for row in range(1000)],
        "empty": pl.Series([None] * 1000, dtype=pl.Float64),
    }
)


def of(table: pl.DataFrame = TABLE, times: pl.Series | None = None) -> profile.Profile:
    bins = profile.bins_of(table, table.columns)
    windows, counts, _ = profile.counted(table.lazy(), bins, times)
    return profile.Profile(bins, windows, ["test"] * len(windows), counts, np.linspace(-1, 1, len(windows)))


def test_file_is_read_as_it_was_written(tmp_path: Path):
    known = of()
    (tmp_path / profile.NAME).write_bytes(profile.to_bytes(known))
    read = profile.read(tmp_path)
    assert read is not None
    assert (read.bins, read.windows, read.parts) == (known.bins, known.windows, known.parts)
    assert all((read.counts[name] == cells).all() for name, cells in known.counts.items())
    assert read.residuals.tolist() == known.residuals.tolist()
    assert profile.to_bytes(read) == profile.to_bytes(known)


def test_older_model_has_none(tmp_path: Path):
    assert profile.read(tmp_path) is None


def test_counts_add_up_to_the_rows_and_those_without_a_value():
    known = of()
    assert {name: int(cells.sum()) for name, cells in known.counts.items()} == dict.fromkeys(TABLE.columns, 1000)
    missing = {name: int(cells[:, -1].sum()) for name, cells in known.counts.items()}
    assert missing == {name: TABLE[name].null_count() for name in TABLE.columns}


def test_unseen_value_is_in_a_cell_of_its_own():
    bins = profile.bins_of(TABLE, ["place"])
    counts = profile.count(pl.DataFrame({"place": ["a", "c", None, "d"]}), bins)
    assert counts["place"].tolist() == [[1, 0, 2, 1]]


def test_texts_are_not_kept():
    assert b"note 7" not in profile.to_bytes(of())


@pytest.mark.parametrize(("by_day", "windows"), [(1000, 20), (2500, 8), (150, 67), (30, 95)])
def test_days_are_merged_until_they_have_enough_rows(by_day, windows):
    times = pl.Series([datetime(2026, 1, 1) + timedelta(days=row // by_day) for row in range(20_000)])
    window, names = profile.windows_of(times, len(times))
    assert len(names) == windows and np.bincount(window).min() >= profile.WINDOW_ROWS
    assert names[0] == "2026-01-01"


@pytest.mark.parametrize(("rows", "windows"), [(3, 1), (20, 5), (120, 10), (1000, 10), (4200, 21), (1_000_000, 400)])
def test_rows_without_a_time_are_in_blocks(rows, windows):
    """Of few rows smaller ones, since it has to be known how much they vary."""
    window, names = profile.windows_of(None, rows)
    assert len(names) == windows == window[-1] + 1


def test_few_days_are_divided():
    times = pl.Series([datetime(2026, 1, 1 + row // 500) for row in range(1000)])
    assert len(profile.windows_of(times, 1000)[1]) == 10


def test_frequent_values_are_counted_and_the_others_together():
    often = [f"often {row % 30}" for row in range(900)]
    (bins,) = profile.bins_of(pl.DataFrame({"place": [*often, *(f"rare {row}" for row in range(100))]}), ["place"])
    assert bins.kind == "category" and set(bins.values) == set(often)


def test_a_column_may_be_called_like_polars_own():
    (bins,) = profile.bins_of(pl.DataFrame({"count": ["a", "b"] * 100}), ["count"])
    assert (bins.column, bins.kind, bins.values) == ("count", "category", ("a", "b"))


@pytest.mark.parametrize("known", [[1.0] * 100, [0.0] * 60 + [5.0] * 40, [float(row) for row in range(100)]])
def test_value_outside_of_the_known_range_is_in_a_cell_of_its_own(known):
    """Such as -999 for a missing one."""
    (bins,) = profile.bins_of(pl.DataFrame({"number": known}), ["number"])
    inside = profile.count(pl.DataFrame({"number": known}), [bins])["number"][0]
    assert inside[[0, -2, -1]].tolist() == [0, 0, 0] and inside.sum() == 100
    outside = profile.count(pl.DataFrame({"number": [-999.0, 999.0]}), [bins])["number"][0]
    assert outside[[0, -2]].tolist() == [1, 1] and outside.sum() == 2


@pytest.mark.parametrize("values", [[0.1, 0.3, 0.7], [-5.0], [0.0, 1e6], [row / 7 for row in range(40)]])
def test_last_digits_move_no_value_to_another_cell(values):
    """Scores of ONNX and of scikit-learn differ by up to 1e-5, and models of few trees have few distinct ones."""
    known = np.repeat(values, 50) * (1 + 1e-9 * np.arange(50 * len(values)))
    (bins,) = profile.bins_of(pl.DataFrame({"number": known}), ["number"])
    for change in (0, 1e-6, -1e-6):
        cells = profile.count(pl.DataFrame({"number": known * (1 + change)}), [bins])["number"]
        assert cells.tolist() == profile.count(pl.DataFrame({"number": known}), [bins])["number"].tolist()


def test_texts_are_counted_by_the_rarest_usual_word_that_they_have():
    texts = pl.DataFrame({"note": [f"Engine {i}" if i % 4 else f"engine stopped, {i}" for i in range(300)] + [None] * 20})
    [bins] = profile.bins_of(texts, ["note"], ["note"])
    assert (bins.kind, bins.values) == ("text", ("engine", "stopped"))
    assert profile.count(texts, [bins])["note"].tolist() == [[225, 75, 0, 20]]
    foreign = pl.DataFrame({"note": ["moteur arrêté", "двигатель", "", "ENGINE off"]})
    assert profile.count(foreign, [bins])["note"].tolist() == [[1, 0, 3, 0]]
    assert profile.bins_of(texts, ["note"]) == [profile.Bins("note", "text")]
    [names] = profile.bins_of(pl.DataFrame({"note": [f"name{i}" for i in range(300)]}), ["note"], ["note"])
    assert names == profile.Bins("note", "text")  # a word of one person is never kept
