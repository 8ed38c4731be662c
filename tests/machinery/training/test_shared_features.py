"""Features of a package of another project: part of the model's code, and of what the stages depend on."""

import importlib
import json
import sys
from pathlib import Path

import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.scoring import scorer
from late_flights.factory.training import shared_features
from tests.factory.cli_runner import refused, run

STAGE = "stages:\n  train:\n    cmd: train\n    deps:\n      - ${{package}}/features.py\n{more}"
OWN = "  own:\n    cmd: none\n    deps:\n      - data/raw\n"


@pytest.fixture
def shared(trained, tmp_path, monkeypatch):
    """An installed package of features; the folder of its metadata."""
    site = tmp_path / "site"
    (site / "acme_features").mkdir(parents=True)
    (site / "acme_features/__init__.py").write_text("DOUBLE = 2\n")
    facts = site / "acme_features-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-features\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[factory.features]\nacme_features = acme_features\n")
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    yield facts
    sys.modules.pop("acme_features", None)


def from_file(facts, file):
    (facts / "direct_url.json").write_text(json.dumps({"url": Path(file).absolute().as_uri(), "archive_info": {}}))


def stages(*lines):
    Path("dvc.yaml").write_text(STAGE.format(more="".join(f"{line}\n" for line in lines)) + OWN, encoding="utf-8")


def test_package_that_nothing_imports_is_not_its_code(shared):
    stages()
    assert shared_features.code() == {}


@pytest.mark.parametrize(
    ("file", "lines", "remedy"),
    [
        ("my packages/acme_features-1.0-py3-none-any.whl", ["      - packages"], "add `- my packages` to their deps"),
        ("acme_features-1.0-py3-none-any.whl", [], "add `- acme_features-1.0-py3-none-any.whl` to their deps"),
        ("../elsewhere/acme_features-1.0-py3-none-any.whl", ["      - packages"], "copy its wheel to packages/"),
        (None, ["      - packages"], "state acme-features==1.0 in pyproject.toml, and add `- pyproject.toml: [project.dep"),
    ],
)
def test_stage_that_would_not_notice_another_version_is_refused(shared, file, lines, remedy):
    importlib.import_module("acme_features")
    stages(*lines)
    if file:
        from_file(shared, file)
    before = manifest.model_id()
    line = refused("train")
    assert "dvc.yaml: a new version of acme_features would not run train again: " in line and remedy in line
    assert manifest.model_id() == before


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("packages/acme_features-1.0-py3-none-any.whl", ["      - packages"]),
        ("packages/acme_features-1.0-py3-none-any.whl", ["      - packages/acme_features-1.0-py3-none-any.whl"]),
        (None, ["    params:", "      - data", "      - pyproject.toml: [project.dependencies]"]),
        (None, ["      - uv.lock"]),
    ],
)
def test_model_keeps_the_code_and_is_loaded_with_no_other(shared, file, lines):
    importlib.import_module("acme_features")
    stages(*lines)
    if file:
        from_file(shared, file)
    assert run("train").exit_code == 0
    source = shared.parent / "acme_features/__init__.py"
    code = manifest.read_manifest(Path("model"))["code"]
    assert code["acme_features/__init__.py"] == manifest.file_sha256(source) and "features.py" in code
    scorer.Scorer.load("model")
    source.write_text("DOUBLE = 3\n")
    with pytest.raises(errors.ArtifactError, match=r"acme_features is not as the model was trained with: run `uv sync`"):
        scorer.Scorer.load("model")
