"""Fixtures: rows sampled from your contract, and your stages run on them, in folders of their own."""

from datetime import datetime
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from sklearn.base import BaseEstimator

from .. import artifact, bootstrap, config, contract, grid, manifest, observations, paths, scoring
from .cli_runner import run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def params() -> config.Params:
    """Your params.yaml."""
    return config.load(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def observed(params: config.Params) -> pl.DataFrame | None:
    """For a forecast, what your contract allows of two series, at each time of some seasons; unknown in the last horizon."""
    if params.forecast is None:
        return None
    of, observation = observations.settings(params), vars(contract)["Observation"]
    stamps = 2 * max(of.season, of.horizon) + 4 * (of.gap + of.horizon)
    start = getattr(observation.columns()[of.time], "min", None) or datetime(2020, 1, 1)
    sampled = pl.DataFrame(observation.sample(2 * stamps, generator=dy.random.Generator(0)))
    first = grid.numbered(sampled.head(1).with_columns(pl.lit(start, sampled.schema[of.time]).alias(of.time)), of)
    times = grid.times(first, of, first[grid.POSITION].item() + pl.int_range(stamps, eager=True)).to_frame()
    series = sampled.select(of.groups).unique(maintain_order=True).head(2)
    regular = series.join(times, how="cross") if of.groups else times
    known = pl.col(of.time) < times[-of.horizon, 0]
    return sampled.head(regular.height).with_columns(regular).with_columns(pl.when(known).then(of.target))


@pytest.fixture(scope="session")
def labelled(params: config.Params, observed: pl.DataFrame | None) -> pl.DataFrame:
    """Rows that your contract allows, each with its own id, and targets of more than one value."""
    if observed is not None:
        return pl.concat(observations.split(observed, params)).unique(maintain_order=True).sample(600, seed=0)
    sampled = pl.DataFrame(contract.LabelledRow.sample(600, generator=dy.random.Generator(0)))
    rows = sampled.unique(params.data.id, maintain_order=True)
    assert rows[params.data.target].n_unique() > 1
    return rows


@pytest.fixture(scope="session")
def rows(labelled: pl.DataFrame, params: config.Params) -> pl.DataFrame:
    """The same rows without their target."""
    return labelled.drop(params.data.target)


@pytest.fixture(scope="session")
def stages(labelled: pl.DataFrame, observed: pl.DataFrame | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which your stages have run on the sampled rows, where there is nothing to learn."""
    folder = tmp_path_factory.mktemp("stages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setattr(bootstrap, "RESAMPLES", 20)
        Path("params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
        paths.PREPARED.mkdir(parents=True)
        for name, rows in {"train": labelled, "test": labelled, "observations": observed}.items():
            if rows is not None:
                rows.write_parquet(paths.PREPARED / f"{name}.parquet")
        manifest.write_manifest(paths.PREPARED, {})
        for stage in ("train", "evaluate"):
            result = run(stage)
            assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def scorer(stages: Path) -> scoring.Scorer:
    """Your model as it is served."""
    return scoring.Scorer.load(stages / paths.MODEL)


@pytest.fixture(scope="session")
def estimator(stages: Path) -> BaseEstimator:
    """Your model as it was trained."""
    return artifact.load_skops(stages / paths.MODEL / "model.skops")
