"""The model on disk: sealed, refused when a bit of it differs, and never run as code."""

import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import skops.io
from late_flights import model
from late_flights.factory import errors, manifest
from late_flights.factory.scoring import artifact
from late_flights.factory.training.onnx import estimators
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tests.factory import toy

MATRIX = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
FILES = ["manifest.json", "model.onnx", "model.skops"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    estimator = toy.model("classification", pl.Schema(), max_iter=5).fit(MATRIX, MATRIX[:, 0] > 0)
    estimators.save(tmp_path_factory.mktemp("saved") / "model", estimator, {"naïve": "é"}, MATRIX)
    return tmp_path_factory.getbasetemp() / "saved0" / "model"


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


def reseal(folder):
    (folder / "manifest.json").unlink()
    manifest.write_manifest(folder, {})


def refusal(folder):
    with pytest.raises(errors.ArtifactError) as error:
        artifact.load(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_model_and_facts_come_back(folder):
    assert sorted(path.name for path in folder.iterdir()) == FILES
    loaded = artifact.load(folder)
    assert loaded.manifest["naïve"] == "é" and loaded.manifest["onnx"]["rows"] == len(MATRIX)
    assert loaded.predict(MATRIX).shape == (len(MATRIX),)


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_is_refused(folder, name):
    whole = (folder / name).read_bytes()
    for position in np.random.default_rng(0).integers(0, 8 * len(whole), 200):
        content = bytearray(whole)
        content[position // 8] ^= 1 << position % 8
        (folder / name).write_bytes(content)
        assert f"{name} is damaged" in refusal(folder)


@pytest.mark.parametrize("name", FILES)
def test_missing_or_empty_file_is_refused(folder, name):
    (folder / name).write_bytes(b"")
    assert f"{name} is damaged" in refusal(folder)
    (folder / name).unlink()
    assert f"{name} is missing: run `uv run dvc pull` or `uv run dvc repro`" in refusal(folder)


@pytest.mark.parametrize("content", ["[]", "{}", "null", '{"sha256": 1, "files": []}', "[" * 100_000])
def test_manifest_of_another_kind_is_refused(folder, content):
    (folder / "manifest.json").write_text(content)
    assert "manifest.json is damaged" in refusal(folder)


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


def test_pickle_is_refused_and_not_run(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    (folder / "model.onnx").unlink()
    (folder / "model.skops").write_bytes(pickle.dumps(Bomb()))
    reseal(folder)
    assert "model.skops is not a skops file" in refusal(folder)
    assert not Path("exploded").exists()


def test_graph_that_onnxruntime_cannot_read_is_refused(folder):
    (folder / "model.onnx").write_bytes(b"not a graph")
    reseal(folder)
    assert refusal(folder).startswith(f"{folder / 'model.onnx'} was made with onnxruntime")


def test_pickle_beside_the_model_is_not_looked_at(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb()))
    reseal(folder)
    artifact.load(folder)
    assert not Path("exploded").exists()


def test_type_that_nobody_reviewed_is_refused(folder):
    (folder / "model.onnx").unlink()
    skops.io.dump(Bomb(), folder / "model.skops")
    reseal(folder)
    assert "model.skops would construct" in refusal(folder) and "Bomb" in refusal(folder)


def test_saving_a_type_that_nobody_reviewed_is_refused(tmp_path, monkeypatch):
    estimator = make_pipeline(FunctionTransformer(np.zeros_like), FunctionTransformer(np.ones_like), LogisticRegression())
    estimator.fit(MATRIX, MATRIX[:, 0] > 0)
    monkeypatch.setattr(model, "TRUSTED_TYPES", ["numpy.zeros_like"])
    with pytest.raises(errors.ArtifactError, match=r'review "numpy\.ones_like" and add them to TRUSTED_TYPES'):
        estimators.save(tmp_path / "one", estimator, {}, MATRIX)
    monkeypatch.setattr(model, "TRUSTED_TYPES", ["numpy.zeros_like", "numpy.ones_like"])
    estimators.save(tmp_path / "both", estimator, {}, MATRIX)


def test_model_without_a_converter_scores_from_skops(tmp_path):
    estimator = DummyClassifier().fit(MATRIX, MATRIX[:, 0] > 0)
    estimators.save(tmp_path / "model", estimator, {}, MATRIX)
    assert not (tmp_path / "model" / "model.onnx").exists()
    loaded = artifact.load(tmp_path / "model")
    assert loaded.manifest["onnx"]["largest_difference"] is None
    np.testing.assert_array_equal(loaded.predict(MATRIX), estimator.predict_proba(MATRIX)[:, 1])
    assert loaded.predict(MATRIX[:0]).shape == (0,)


def test_jobs_of_a_forest_change_no_digit():
    rows = np.random.default_rng(1).normal(size=(3000, 3)).astype(np.float32)
    forest = RandomForestClassifier(60, n_jobs=4, random_state=0).fit(MATRIX, MATRIX[:, 0] > 0)
    expected = RandomForestClassifier(60, random_state=0).fit(MATRIX, MATRIX[:, 0] > 0).predict_proba(rows)[:, 1]
    predict = artifact.predictor(make_pipeline(FunctionTransformer(), forest))
    assert all((predict(rows) == expected).all() for _ in range(5))


@pytest.mark.parametrize("wrong", [0.1, np.nan])
def test_onnx_that_says_something_else_is_not_kept(tmp_path, monkeypatch, wrong):
    monkeypatch.setattr(artifact, "onnx_predictor", lambda graph: lambda features: np.full(len(features), wrong))
    estimator = LogisticRegression().fit(MATRIX, MATRIX[:, 0] > 0)
    estimators.save(tmp_path / "model", estimator, {}, MATRIX)
    assert not (tmp_path / "model" / "model.onnx").exists()


def test_same_model_same_bytes(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        estimator = LogisticRegression().fit(MATRIX, MATRIX[:, 0] > 0)
        estimators.save(folder, estimator, {}, MATRIX)
    assert json.loads((folders[0] / "manifest.json").read_text())["files"].keys() == {"model.onnx", "model.skops"}
    for name in FILES:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_model_of_a_newer_factory(folder):
    facts = manifest.read_manifest(folder)
    (folder / "manifest.json").unlink()
    manifest.write_manifest(folder, facts | {"format": artifact.FORMAT + 1})
    assert "factory update" in refusal(folder)


def test_model_of_a_newer_skops(folder):
    with zipfile.ZipFile(folder / "model.skops") as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["schema.json"] = json.dumps(json.loads(members["schema.json"]) | {"protocol": 99}).encode()
    with zipfile.ZipFile(folder / "model.skops", "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    (folder / "model.onnx").unlink()
    (folder / "manifest.json").unlink()
    manifest.write_manifest(folder, {"versions": {"skops": "99.0"}})
    message = refusal(folder)
    assert "skops 99.0" in message and skops.__version__ in message


def test_scores_beside_the_model_are_to_the_bit_those_of_the_service(tmp_path):
    estimator = toy.model("classification", pl.Schema(), max_iter=5).fit(MATRIX, MATRIX[:, 0] > 0)
    estimators.save(tmp_path / "model", estimator, {}, MATRIX, None, lambda predict: {"scores": predict(MATRIX).tobytes()})
    assert (tmp_path / "model" / "scores").read_bytes() == artifact.load(tmp_path / "model").predict(MATRIX).tobytes()
