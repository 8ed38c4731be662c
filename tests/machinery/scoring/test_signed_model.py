"""A model away from Git is used only if one of the allowed signers signed it, where those are given."""

import shutil
import subprocess
from pathlib import Path

import pytest
from late_flights.factory import errors, manifest
from late_flights.factory.scoring import scorer, standalone
from late_flights.factory.serving import settings
from late_flights.factory.training.onnx import bundle
from late_flights.factory.workspace import signing
from tests.factory import toy
from tests.factory.cli_runner import run

from machinery import signing_key
from machinery.serving.service_client import GOOD, serving, wait_until
from machinery.serving.test_model_slot import LOADS, other_model, swap


@pytest.fixture
def zoe(trained, tmp_path_factory, monkeypatch):
    """The file of allowed signers, with Zoë, who has signed the model and whose key Git uses."""
    allowed = signing_key.use(monkeypatch, tmp_path_factory.mktemp("keys") / "zoe", "zoe@example.com")
    assert signing.sign_file(Path("model/manifest.json"))
    return allowed


@pytest.fixture
def mallory(zoe, tmp_path_factory, monkeypatch):
    """Whose key signs from now on, and is not allowed."""
    return signing_key.use(monkeypatch, tmp_path_factory.mktemp("keys") / "mallory", "mallory@example.com")


def resealed():
    """The same folder with another model, whose hashes all agree."""
    folder = other_model()
    swap(folder)
    return folder


def refusal(signers):
    with pytest.raises(errors.SignatureRefused) as refused:
        scorer.Scorer.load("model", signers)
    return refused.value.code


def test_signed_model_scores(zoe):
    table = toy.rows(5)
    assert scorer.Scorer.load("model", str(zoe)).score(table).equals(scorer.Scorer.load().score(table))


def test_resealed_model_is_refused(zoe):
    resealed()
    assert scorer.Scorer.load("model").manifest["threshold"] == 0.25  # as all hashes agree
    assert refusal(zoe) == "SIGNATURE_INVALID"
    Path("model/manifest.json.sig").unlink()
    assert refusal(zoe) == "UNSIGNED"


def test_model_signed_by_somebody_else_is_refused(zoe, mallory):
    signing.sign_file(Path("model/manifest.json"))
    assert refusal(zoe) == "SIGNER_UNKNOWN"
    assert scorer.Scorer.load("model", mallory)


@pytest.mark.parametrize("given", ["nobody", ""])
def test_file_of_signers_is_named_where_it_is_missing(zoe, given):
    with pytest.raises(errors.FactoryError, match=f"^{given or '.'}: no readable file of allowed signers"):
        scorer.Scorer.load("model", given)


@pytest.mark.parametrize("given", ["option", "variable"])
def test_scores_of_a_file_ask_for_the_signer(zoe, given, monkeypatch):
    toy.rows(5).write_parquet("rows.parquet")
    command = ["score", "rows.parquet", "scores.csv"]
    if given == "option":
        command += ["--signers", str(zoe)]
    else:
        monkeypatch.setenv("FACTORY_SIGNERS", str(zoe))
    assert run(*command).exit_code == 0
    if given == "variable":
        monkeypatch.setenv("FACTORY_SIGNERS", "")  # as one that is not resolved
        assert "no readable file of allowed signers" in run(*command).stderr
        monkeypatch.setenv("FACTORY_SIGNERS", str(zoe))
    resealed()
    result = run(*command)
    assert result.exit_code == 2 and "SIGNATURE_INVALID: model/manifest.json is not what was signed" in result.stderr


def test_service_keeps_to_models_that_are_signed(zoe):
    assert settings.load({"FACTORY_SIGNING_KEY": "of a pipeline"}) == settings.load({})
    with serving(SIGNERS=zoe) as client:
        before = client.post(GOOD).json()
        folder = resealed()
        wait_until(lambda: client.metric(LOADS % ("refused", "champion")) >= 1)
        assert client.post(GOOD).json() == before
        signing.sign_file(folder / "manifest.json")
        swap(folder)
        wait_until(lambda: client.post(GOOD).json()["model"] == "v2")


def test_standalone_scorer_asks_for_the_signer(zoe):
    bundle.export(Path("edge"))
    assert standalone.Scorer(Path("edge/model.onnx"), zoe).about["target"] == "answer"
    shutil.copy("model/model.onnx", "edge")
    with pytest.raises(ValueError, match=r"edge/model.onnx is not signed by any of those in"):
        standalone.Scorer(Path("edge/model.onnx"), zoe)


def test_others_can_verify_it_without_this_package(zoe):
    command = ("ssh-keygen", "-Y", "verify", "-f", str(zoe), "-I", "zoe@example.com", "-n", "file", "-s")
    content = Path("model/manifest.json").read_bytes()
    subprocess.run((*command, "model/manifest.json.sig"), input=content, capture_output=True, check=True)


def test_signature_of_an_earlier_content_does_not_stay(zoe, monkeypatch):
    monkeypatch.delenv(signing.KEY)
    assert not signing.sign_file(Path("model") / manifest.NAME)
    assert not Path("model/manifest.json.sig").exists()
