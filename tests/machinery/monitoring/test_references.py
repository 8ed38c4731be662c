"""The reference of any version is found and verified, or said to be missing."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.monitoring import references
from late_flights.factory.paths import MODEL
from late_flights.factory.scoring import profile

from machinery.monitoring.watched import LAST, away, capture, codes, monitored, promote, publish


def test_a_model_of_an_older_release_has_no_reference(served, monkeypatch):
    monkeypatch.setattr(references, "dvc", away)
    profile_path = MODEL / profile.NAME
    facts = json.loads((MODEL / manifest.NAME).read_bytes())
    profile_path.unlink()
    del facts["sha256"], facts["files"]
    (MODEL / manifest.NAME).unlink()
    manifest.write_manifest(MODEL, facts)
    promote()
    capture(LAST, model="v2")
    Path(f"captures/{LAST}/120000.000000-v1.parquet").unlink()
    monitored_with = monitored(code=2)
    [state] = monitored_with["states"]
    assert state["code"] == "NO_REFERENCE" and state["text"].startswith("v2 was trained by a release that kept none")
    assert [window["reference"] for window in monitored_with["windows"] if window["model"] == "v2"] == [False]


def test_a_reference_that_cannot_be_fetched_leaves_what_was_judged(served, monkeypatch):
    whole = monitored()
    monkeypatch.setattr(references, "dvc", away)
    shutil.rmtree(MODEL)
    report = monitored(code=2)
    assert report["windows"] == whole["windows"]
    assert report["states"][0]["text"] == "v1 has no reference: neither DVC's cache nor its storage has it: no such bucket"


@pytest.mark.parametrize("model, reason", [("v9", "no version v9"), ("0123456789ab", "neither a version nor the model here")])
def test_a_model_that_is_not_known(served, model, reason):
    capture(LAST + timedelta(days=1), model=model)
    [state] = monitored("--until", f"{LAST + timedelta(days=1)}", code=2)["states"]
    assert state["code"] == "NO_REFERENCE" and reason in state["text"]


def test_the_reference_of_another_version_is_fetched_and_verified(served, monkeypatch):
    shutil.copytree(MODEL, "stored")
    fetched = []

    def dvc(*command):
        fetched.append(command[4])
        shutil.copy(Path("stored", Path(command[4]).name), command[-1])
        return ""

    monkeypatch.setattr(references, "dvc", dvc)
    facts = json.loads((MODEL / manifest.NAME).read_bytes())
    (MODEL / manifest.NAME).write_text(manifest.sealed({"other": 1, **{k: v for k, v in facts.items() if k != "sha256"}}))
    assert monitored()["states"] == [] and fetched == ["model/manifest.json", "model/profile.parquet"]
    assert monitored()["states"] == [] and len(fetched) == 2
    kept = next(references.KEPT.glob(f"*/{profile.NAME}"))
    kept.write_bytes(b"")
    assert monitored()["states"] == [] and len(fetched) == 4
    kept.write_bytes(b"")
    Path("stored", profile.NAME).write_bytes(b"")
    assert codes(monitored(code=2)) == ["NO_REFERENCE"]


def test_a_record_cannot_name_a_folder(served):
    Path("mine").mkdir()
    publish(str(Path("mine").resolve()))
    capture(LAST, model="v2")
    [state] = monitored(code=2)["states"]
    assert "its record names no model" in state["text"] and Path("mine").exists()
