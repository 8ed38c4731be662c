"""A model of texts: trained, verified, scored, explained and judged like any other."""

import json
import shutil
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import manifest, paths
from late_flights.factory.errors import ArtifactError
from late_flights.factory.evaluation import assessment, worst
from late_flights.factory.gate import compare
from late_flights.factory.metrics import bootstrap
from late_flights.factory.scoring import artifact, explain, scorer
from late_flights.factory.scoring import texts as encoders
from late_flights.factory.training import leakage, row_by_row, texts, train
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.conftest import play
from machinery.scoring.embedding import counts_of

NOTES = {True: ["engine stopped", "returned to the gate", "precautionary landing"], False: ["no damage", "found later", ""]}
MODULES = (assessment, compare, leakage, row_by_row, scorer, texts, train, worst)
TAGS = {True: "smoke;fire", False: "smoke;none"}


class Row(toy.Row):
    note = dy.String(nullable=True, max_length=1000)
    tags = dy.String(nullable=True)


class Labelled(Row):
    answer = dy.Bool()


def features(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("kind", "gap", "note", pl.col("tags").str.split(";"))


def rows(height: int, first: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(first)
    table = toy.rows(height, first=first)
    seen = [answer if random.random() < 0.9 else not answer for answer in table["answer"]]
    notes = [None if i % 20 == 0 else f"{random.choice(NOTES[each])} {first + i}" for i, each in enumerate(seen)]
    return table.with_columns(
        note=pl.Series(notes, dtype=pl.String),
        tags=pl.Series([None if i % 15 == 0 else TAGS[each] for i, each in enumerate(seen)]),
    ).select(Labelled.column_names())


@pytest.fixture(scope="module", autouse=True)
def with_texts(tmp_path_factory):
    """The toy with a text and a list among its features, after `train` and `evaluate`."""
    with pytest.MonkeyPatch.context() as patch:
        play(patch, tmp_path_factory.mktemp("texts"), "classification")
        patch.setattr(contract, "Row", Row)
        patch.setattr(contract, "LabelledRow", Labelled)
        patch.setattr(bootstrap, "RESAMPLES", 20)
        for module in MODULES:
            patch.setattr(module, "features", features)
        prepare(rows(400))
        for stage in ("train", "evaluate"):
            assert run(stage).exit_code == 0
        yield


def prepare(train: pl.DataFrame) -> None:
    shutil.rmtree(paths.PREPARED, ignore_errors=True)
    paths.PREPARED.mkdir(parents=True)
    for name, table in (("train", train), ("test", rows(150, 400))):
        table.write_parquet(paths.PREPARED / f"{name}.parquet")
    manifest.write_manifest(paths.PREPARED, {})


def test_texts_are_learned_from_and_scored_alike():
    figures = json.loads((paths.REPORTS / "evaluation.json").read_text())
    assert figures["metrics"]["roc_auc"]["value"] > 0.8
    assert {each["feature"] for each in figures["importance"]} == {"kind", "gap", "note", "tags"}
    model, table = scorer.Scorer.load(), rows(60, 1000).drop("answer")
    assert model.manifest["features"]["note"] == {"type": "String"} and model.manifest["features"]["tags"] == {"type": "List"}
    assert {"texts.npz", "model.onnx"} <= model.manifest["files"].keys() and "features.onnx" not in model.manifest["files"]
    together = model.score(table)
    assert together.equals(pl.concat(model.score(table[i]) for i in range(table.height)))
    strange = table.head(3).with_columns(note=pl.Series(["", None, "двигатель остановлен"]))
    assert model.score(strange)["score"].is_finite().all()


def test_onnx_scores_them_as_scikit_learn_does():
    assert compare._parity(rows(100, 1000), artifact.load().texts) <= 1e-3


def test_an_explanation_has_one_part_for_a_text():
    found = explain.explain(scorer.Scorer.load(), rows(5, 1000))
    assert found.features == ["kind", "gap", "note", "tags"] and found.contributions.shape == (5, 4)
    np.testing.assert_allclose(found.typical + found.contributions.sum(axis=1), found.score)
    assert np.abs(found.contributions[:, 2:]).max() > 0.01


def test_the_worst_predictions_show_no_text():
    page = (paths.REPORTS / "report.html").read_text(encoding="utf-8")
    assert not any(note in page for note in NOTES[True])


def test_training_again_gives_the_same_bytes():
    before = manifest.file_sha256(paths.MODEL / "manifest.json")
    assert run("train").exit_code == 0
    assert manifest.file_sha256(paths.MODEL / "manifest.json") == before


def test_changed_encoders_are_refused(tmp_path):
    folder = shutil.copytree(paths.MODEL, tmp_path / "model")
    (folder / encoders.NAME).write_bytes(encoders.to_bytes(encoders.NONE))
    with pytest.raises(ArtifactError, match=r"texts\.npz"):
        scorer.Scorer.load(folder)


def test_prebuilt_model_takes_the_place_of_the_learned_one(monkeypatch, tmp_path):
    monkeypatch.chdir(shutil.copytree(Path.cwd(), tmp_path / "project"))
    place = texts.PREBUILT / "note.onnx"
    place.parent.mkdir()
    place.write_bytes(counts_of(["engine", "stopped", "landing"]))
    Path("dvc.yaml").write_text("stages: {train: {deps: [data/prepared]}}", encoding="utf-8")
    assert refused("train") == (
        "dvc.yaml: a new data/texts/note.onnx would not train again: add `- data/texts` to the deps of the stage train"
    )
    Path("dvc.yaml").write_text("stages: {train: {deps: [data/prepared, data/texts]}}", encoding="utf-8")
    assert run("train").exit_code == 0
    place.unlink()
    table, model = rows(60, 1000).drop("answer"), scorer.Scorer.load()
    assert len(model.texts.by_name["note"].columns) == 3
    assert model.score(table).equals(pl.concat(model.score(table[i]) for i in range(table.height)))


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"no model", "not a model with one text as input"),
        (counts_of([f"w{i}" for i in range(3)])[:-9], "not a model with one text"),
    ],
)
def test_what_is_no_model_of_texts_is_refused(monkeypatch, tmp_path, content, reason):
    monkeypatch.setattr(texts, "PREBUILT", tmp_path)
    (tmp_path / "note.onnx").write_bytes(content)
    assert reason in refused("train")


def test_text_that_depends_on_other_rows_is_refused(monkeypatch):
    def shifted(rows: pl.DataFrame) -> pl.DataFrame:
        return features(rows).with_columns(pl.col("note").shift(1))

    for module in MODULES:
        monkeypatch.setattr(module, "features", shifted)
    assert "features.py: note: " in refused("train")


def test_text_that_holds_the_target_is_refused():
    prepare(rows(400).with_columns(note=pl.when("answer").then(pl.lit("it was so")).otherwise(pl.lit("never"))))
    assert "alone predicts answer (target leakage?)" in refused("train")
