"""Days in the service of the copy's model: what was captured, and what has become known of it."""

from contextlib import chdir
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import polars as pl

from ... import contract
from ..config import Monitor, Params
from ..monitoring import intake
from ..monitoring.limits import TOGETHER
from ..paths import MODEL, PREPARED
from ..scoring import predictions
from ..scoring.scorer import Scorer
from ..validation import personal

CAPTURES = Path("served")  # the project may have captures of its own
OUTCOMES = Path(Monitor().outcomes)
DAYS, ROWS = TOGETHER + 1, 250  # enough rows for windows of one day


def serve(copy: Path, params: Params) -> None:
    """Write captures of the days until yesterday, of rows drawn from the test, and take in their outcomes."""
    drawn = pl.read_parquet(copy / PREPARED / "test.parquet").sample(DAYS * ROWS, with_replacement=True, seed=0)
    served = _as_captured(drawn, Scorer.load(copy / MODEL))
    for (day,), rows in served.group_by("_request", maintain_order=True):
        folder = copy / CAPTURES / f"{day}"
        folder.mkdir(parents=True)
        rows.drop(params.data.target, *personal.columns(contract.Row)).write_parquet(folder / "served.parquet")
    with chdir(copy):
        file = Path("outcomes.parquet")
        served.select(params.data.target, "_request", "_row").write_parquet(file)
        intake.receive([file], params.model_copy(update={"monitor": Monitor()}))


def _as_captured(rows: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """The rows as those of one request a day, the last of them yesterday."""
    scores = predictions.to_columns(scorer.predict_with_ids(rows)[1], scorer.manifest, rows)
    first = datetime.combine(datetime.now(UTC).date() - timedelta(days=DAYS), time(12), UTC)
    number = pl.int_range(pl.len())
    return rows.with_columns(
        *(score.alias(f"_{score.name}") for score in scores),
        _at=(pl.lit(first) + pl.duration(days=number // ROWS)).dt.cast_time_unit("us"),
        _row=(number % ROWS).cast(pl.UInt32),
        _caller=pl.lit("sandbox"),
        _role=pl.lit("champion"),
        _model=pl.lit("v1"),
    ).with_columns(_request=pl.col("_at").dt.date().cast(pl.String))
