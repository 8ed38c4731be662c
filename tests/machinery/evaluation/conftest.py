"""Reports of made-up scores, without a project."""

from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.evaluation import worst
from late_flights.factory.metrics import bootstrap

from machinery.evaluation.assessment_factory import FEATURES


@pytest.fixture
def no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(worst, "features", lambda rows: pl.DataFrame(dict.fromkeys(FEATURES, [0.5] * rows.height)))
    monkeypatch.setattr(bootstrap, "RESAMPLES", 10)
