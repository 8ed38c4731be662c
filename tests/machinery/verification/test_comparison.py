"""Two models of the same inputs: the same to the byte, nearly so on another processor, or not what is claimed."""

import shutil

import numpy as np
import onnx
import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.scoring import texts
from late_flights.factory.training.onnx import estimators
from late_flights.factory.verification import closeness, comparison
from late_flights.factory.verification.comparison import compare
from onnx import helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MATRIX = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
FACTS = {"threshold": 0.25, "versions": {"polars": "1"}, "classes": None, "typical": [1.0, 2.0], "features": {"a": "Int64"}}
OTHER = "trained with the BLAS kernel Haswell, here Zen"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared") / "model"
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(MATRIX, MATRIX[:, 0] > 0)
    estimators.save(folder, estimator, FACTS, MATRIX, b"features")
    return folder


@pytest.fixture
def claimed(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "claimed")


def reseal(folder, content):
    """Write a manifest that fits the files."""
    (folder / "manifest.json").unlink()
    manifest.write_manifest(folder, content)


def state(folder, **facts):
    reseal(folder, manifest.read_manifest(folder) | facts)


def refusal(claimed, saved, kernels=""):
    with pytest.raises(errors.Refused) as error:
        compare(claimed, saved, kernels)
    assert error.value.code == "NOT_REPRODUCED" and error.value.exit_code == 1 and "\n" not in str(error.value)
    return str(error.value)


def test_same_bytes(claimed, saved):
    assert compare(claimed, saved) == compare(claimed, saved, OTHER) == "the same to the byte"


def test_last_digits_of_figures_and_versions_may_differ_and_are_named(claimed, saved):
    state(claimed, threshold=FACTS["threshold"] * (1 + 1e-12))
    assert compare(claimed, saved) == "the same to the byte but for manifest.json: last digits of figures"
    state(claimed, versions={"polars": "2"})
    assert compare(claimed, saved).endswith("but for manifest.json: versions.polars is 2, made again 1")


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"threshold": 0.2500001}, "threshold is 0.25, made again 0.25"),
        ({"threshold": None}, "threshold is None, made again 0.25"),
        ({"typical": [1.0]}, "typical is [1.0], made again [1.0, 2.0]"),
        ({"features": {"a": "Int64", "b": "Int64"}}, "features.b is Int64, made again None"),
    ],
)
def test_manifest_that_says_something_else_is_refused(claimed, saved, facts, named):
    state(claimed, **facts)
    assert named in refusal(claimed, saved)


ROWS = {"train": "1", "test": "2", "parts": {"train": {"rows": 90}, "test": {"rows": 30}}}


def test_other_prepared_rows_are_named_before_what_follows_from_them(claimed, saved):
    made = shutil.copytree(saved, claimed.parent / "made")
    state(made, data=ROWS)
    (claimed / "model.onnx").unlink()
    doctored = ROWS | {"test": "3", "parts": {"train": {"rows": 90}, "test": {"rows": 20}}}
    reseal(claimed, FACTS | {"data": doctored})
    assert refusal(claimed, made).startswith(
        "NOT_REPRODUCED: the test rows in data/prepared are not those that the stage prepare makes of the deliveries "
        "(test.rows is 20, made again 30), so model and metrics are of other data: run `uv run dvc repro "
    )
    state(claimed, data=ROWS | {"train": "3"})
    assert "the train rows in data/prepared" in refusal(claimed, made) and "(as many, but others)" in refusal(claimed, made)
    state(claimed, data=["of any shape"])
    assert "the train and test rows in data/prepared" in refusal(claimed, made)


def without(folder, name):
    content = manifest.read_manifest(folder)
    (folder / name).unlink()
    reseal(folder, content)


@pytest.mark.parametrize("name", ["model.onnx", "model.skops", "features.onnx"])
@pytest.mark.parametrize("kernels", ["", OTHER])
def test_file_that_is_missing_or_added_is_refused(claimed, saved, name, kernels):
    without(claimed, name)
    assert refusal(claimed, saved, kernels).startswith(f"NOT_REPRODUCED: the same inputs give another {name}")
    assert name in refusal(saved, claimed, kernels)


@pytest.mark.parametrize("name", ["model.onnx", "model.skops"])
def test_file_that_is_no_model_is_refused(claimed, saved, name):
    content = manifest.read_manifest(claimed)
    (claimed / name).write_bytes(b"no model")
    reseal(claimed, content)
    assert f"another {name}" in refusal(claimed, saved, OTHER)


def moved(by):
    def change(graph):
        [linear] = [node for node in graph.node if node.op_type.startswith("Linear")]
        [weights] = [attribute for attribute in linear.attribute if attribute.name == "coefficients"]
        weights.floats[0] += by

    return change


def backdoor(graph):
    """Rows in which the first feature has one value get another score: no test row has it."""
    graph.initializer.append(numpy_helper.from_array(np.array([12345.0], np.float32), "value"))
    graph.initializer.append(numpy_helper.from_array(np.array([0.0], np.float32), "zero"))
    graph.initializer.append(numpy_helper.from_array(np.array(0), "first"))
    graph.node[-1].output[0] = "before"
    graph.node.extend(
        [
            helper.make_node("Gather", ["features", "first"], ["column"], axis=1),
            helper.make_node("Equal", ["column", "value"], ["triggered"]),
            helper.make_node("Where", ["triggered", "zero", "before"], ["score"]),
        ]
    )


def rewrite(folder, change):
    content = manifest.read_manifest(folder)
    graph = onnx.load(folder / "model.onnx")
    change(graph.graph)
    onnx.save(graph, folder / "model.onnx")
    reseal(folder, content)


@pytest.mark.parametrize("kernels", ["", OTHER])
def test_backdoor_in_a_resealed_graph_is_refused(claimed, saved, kernels):
    rewrite(claimed, backdoor)
    assert "another model.onnx" in refusal(claimed, saved, kernels)


def test_numbers_may_differ_by_little_on_another_processor_alone(claimed, saved):
    rewrite(claimed, moved(1e-5))
    assert "another model.onnx" in refusal(claimed, saved)
    said = compare(claimed, saved, OTHER)
    assert said == f"equal scores, other bytes: no number differs by more than {comparison.NEARLY:g}, {OTHER}"
    rewrite(claimed, moved(0.1))
    assert refusal(claimed, saved, OTHER).endswith(OTHER)


def test_numbers_of_the_estimator_may_differ_as_little(claimed, saved, tmp_path):
    matrix = MATRIX * np.float32(1 + 1e-6)
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(matrix, MATRIX[:, 0] > 0)
    estimators.save(tmp_path / "other", estimator, FACTS, MATRIX, b"features")
    assert (tmp_path / "other/model.skops").read_bytes() != (saved / "model.skops").read_bytes()
    assert compare(tmp_path / "other", saved, OTHER).startswith("equal scores, other bytes")
    weaker = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(MATRIX, MATRIX[:, 0] > 0)
    estimators.save(tmp_path / "weaker", weaker, FACTS, MATRIX, b"features")
    assert "model.skops" in refusal(tmp_path / "weaker", saved, OTHER)


def test_encoders_of_texts_may_differ_in_last_digits_alone(tmp_path):
    latent = texts.Latent(np.ones(texts.WIDTH), np.full((texts.WIDTH, 2), 0.5, np.float32))
    for name, encoder, near in (
        ("same", texts.Latent(latent.idf + 1e-6, latent.components), True),
        ("other", texts.Latent(latent.idf, latent.components + 0.1), False),
        ("members", texts.Members(["a"]), False),
    ):
        files = [tmp_path / f"{name}{number}.npz" for number in range(2)]
        for file, each in zip(files, (latent, encoder), strict=True):
            file.write_bytes(texts.to_bytes(texts.Encoders({"note": each})))
        assert closeness.nearly_equal(*files) is near
