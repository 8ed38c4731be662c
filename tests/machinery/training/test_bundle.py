"""The exported model scores as `Scorer` does, without polars, scikit-learn or this package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory import config, errors, manifest
from late_flights.factory.data import prepare
from late_flights.factory.scoring import artifact, scorer, standalone
from late_flights.factory.training.onnx import bundle
from tests.factory import toy
from tests.factory.cli_runner import refused, run

pytestmark = pytest.mark.usefixtures("trained")
SCRIPT = """
import json, sys
sys.modules.update(dict.fromkeys(["polars", "sklearn", "skops", "dataframely", "onnx", "scipy"]))
from scorer import Scorer
print(json.dumps(Scorer().score(json.load(sys.stdin)).tolist()))
"""


def rows() -> pl.DataFrame:
    return prepare.read("test").drop(config.load().data.target)


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_scores_are_those_of_the_scorer():
    assert run("export", "edge").exit_code == 0
    expected = scorer.Scorer.load("model").predict_with_ids(rows())[1]
    assert np.array_equal(standalone.Scorer(Path("edge/model.onnx")).score(rows().to_dicts()), expected)


def test_loader_needs_numpy_and_onnxruntime_alone():
    bundle.export(Path("edge"))
    assert sorted(file.name for file in Path("edge").iterdir()) == ["model.onnx", "scorer.py"]
    few = [row | {"seen": row["seen"].isoformat()} for row in rows().head(5).to_dicts()]
    command = [sys.executable, "-c", SCRIPT]
    process = subprocess.run(command, cwd="edge", input=json.dumps(few), capture_output=True, text=True, check=True)
    assert json.loads(process.stdout) == scorer.Scorer.load("model").score(rows().head(5))["score"].to_list()


def test_file_says_what_it_is():
    bundle.export(Path("edge"))
    about, facts = standalone.Scorer(Path("edge/model.onnx")).about, manifest.read_manifest(Path("model"))
    assert about["threshold"] == facts["threshold"] and about["target"] == "answer"
    assert about["files"] == facts["files"]


def test_row_that_breaks_a_rule_is_refused():
    bundle.export(Path("edge"))
    wrong = rows().head(3).with_columns(kind=pl.lit("red"), amount=pl.Series([1.0, 95.0, 2.0])).to_dicts()
    with pytest.raises(ValueError, match="row 1: violates a rule"):
        standalone.Scorer(Path("edge/model.onnx")).score(wrong)


def test_unknown_category_is_refused():
    bundle.export(Path("edge"))
    with pytest.raises(ValueError, match="violet"):
        standalone.Scorer(Path("edge/model.onnx")).score([rows().row(0, named=True) | {"kind": "violet"}])


def test_what_is_there_is_not_overwritten():
    Path("edge").mkdir()
    assert refused("export", "edge") == "edge exists already: choose a new folder"


def without(name: str) -> None:
    facts = manifest.read_manifest(Path("model"))
    del facts["files"]
    for file in (name, "manifest.json"):
        (Path("model") / file).unlink()
    manifest.write_manifest(Path("model"), facts)


def test_model_without_onnx_is_named():
    without("model.onnx")
    assert refused("export", "edge").startswith("model: no model.onnx: ")
    assert not Path("edge").exists()


def test_expression_without_a_counterpart_is_named(monkeypatch):
    without("features.onnx")
    monkeypatch.setattr(bundle, "features", lambda rows: toy.features(rows).with_columns(pl.col("amount").exp()))
    assert refused("export", "edge").startswith("features.py: no ONNX equivalent of 'exp'")


def test_damaged_model_is_not_exported():
    (Path("model") / "model.onnx").write_bytes(b"")
    with pytest.raises(errors.ArtifactError, match="is damaged"):
        bundle.export(Path("edge"))


@pytest.mark.parametrize("script", ["from scorer import Scorer; Scorer()", f"from {artifact.__name__} import load; load()"])
def test_onnxruntime_reports_to_nobody(tmp_path_factory, script):
    """What it would send, it gathers below the home directory."""
    bundle.export(Path("edge"))
    home = tmp_path_factory.mktemp("home")
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", script], env=env | {"HOME": str(home), "PYTHONPATH": "edge"}, check=True)
    assert not list(home.iterdir())
