"""Training: the same rows and parameters give the same bytes."""

import os
import subprocess
import sys

import pytest
from late_flights.factory.training import skops_schema, train
from tests.factory import toy
from threadpoolctl import threadpool_limits


@pytest.mark.usefixtures("project")
def test_threads_do_not_change_the_bytes():
    rows = toy.rows(12_000)  # enough for scikit-learn to work in parallel
    models = set()
    for threads in (1, 2):
        with threadpool_limits(threads):
            models.add(skops_schema.to_skops(train.fit(rows, toy.params())))
    assert len(models) == 1


SAVED_IN_A_STAGE = """
import sys
from pathlib import Path
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from late_flights.factory.scoring import artifact
from late_flights.factory.training import skops_schema
estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
Path("model.skops").write_bytes(skops_schema.to_skops(estimator))
artifact.load_skops(Path("model.skops"))
print("sklearn.neural_network" in sys.modules)
"""


def test_stage_imports_no_estimator_that_it_does_not_use_for_the_same_bytes(tmp_path):
    imported, saved = [], []
    for stage in ({}, {"DVC_STAGE": "train"}):
        command = [sys.executable, "-c", SAVED_IN_A_STAGE]
        imported.append(subprocess.run(command, cwd=tmp_path, env=os.environ | stage, capture_output=True, check=True).stdout)
        saved.append((tmp_path / "model.skops").read_bytes())
    assert imported == [b"True\n", b"False\n"]
    assert saved[0] == saved[1]
