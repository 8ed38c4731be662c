"""Which model scores a request: the newest valid one or a challenger, and only one of them."""

import shutil
import threading
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.scoring import artifact
from late_flights.factory.serving import warm_model

from machinery.serving.service_client import GOOD, MODEL, records, rows, serving, tensors, wait_until
from machinery.serving.test_request_log import captured
from machinery.serving.test_slow_clients import SlowRequest

LOADS = 'factory_model_loads_total{outcome="%s",role="%s"}'


def other_model(source: str = "model") -> Path:
    """The same model with another fingerprint and a version."""
    target = shutil.copytree(source, Path("other"))
    facts = manifest.read_manifest(target)
    for name in ("manifest.json", "manifest.json.sig", artifact.VERSION_FILE):
        (target / name).unlink(missing_ok=True)
    manifest.write_manifest(target, {name: value for name, value in facts.items() if name != "files"} | {"threshold": 0.25})
    artifact.write_version(target, "v2", "abc")
    return target


def swap(target: Path) -> None:
    for path in target.iterdir():
        shutil.copy(path, "model")


def test_new_model_takes_the_place_of_the_old(trained):
    artifact.write_version(Path("model"), "v1", "abc")
    with serving() as client:
        assert client.post(GOOD).json()["model"] == "v1"
        swap(other_model())
        wait_until(lambda: client.post(GOOD).json()["model"] == "v2")
        assert client.get("/version").json()["threshold"] == 0.25
        assert client.metric('factory_model{commit="abc"') == 1 and b'model="v1"} 1' not in client.get("/metrics").body


@pytest.fixture
def failing(monkeypatch):
    """The workers of v2 fail."""
    score = warm_model.WarmModel.score
    fail = lambda model, rows: 1 / 0 if model.version == "v2" and len(rows) == 20 else score(model, rows)
    monkeypatch.setattr(warm_model.WarmModel, "score", fail)


def corrupt() -> None:
    Path("model/model.onnx").write_bytes(b"no model")


def missing() -> None:
    shutil.rmtree("model")


def unfit() -> None:
    facts = manifest.read_manifest(Path("model"))
    Path("model/manifest.json").unlink()
    manifest.write_manifest(Path("model"), {**facts, "features": {"amount": {"type": "String"}}})


@pytest.mark.parametrize("spoil", [corrupt, missing, unfit])
def test_bad_model_leaves_the_old_one_serving(trained, spoil):
    whole = shutil.copytree("model", "whole")
    with serving() as client:
        before = client.post(GOOD).json()
        spoil()
        wait_until(lambda: client.metric(LOADS % ("refused", "champion")) >= 1)
        assert client.post(GOOD).json() == before and client.get("/health/ready").status == 200
        shutil.rmtree("model", ignore_errors=True)
        shutil.copytree(other_model(whole), "model")
        wait_until(lambda: client.post(GOOD).json()["model"] == "v2")


def test_no_model_is_live_and_not_ready_until_there_is_one(trained):
    Path("model").rename("away")
    with serving(wait=False) as client:
        assert client.get("/health/live").status == 200
        for path in ("/health/ready", "/v2/health/ready", "/version"):
            assert client.get(path).status == 503
        response = client.post(GOOD)
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        Path("away").rename("model")
        wait_until(lambda: client.get("/health/ready").status == 200)


def test_version_of_another_model_is_not_believed(trained):
    artifact.write_version(Path("model"), "v1", "abc")
    shutil.copy(other_model() / "manifest.json", "model")
    assert artifact.read_version(Path("model"))["version"] == manifest.file_sha256(Path("model/manifest.json"))[:12]


def test_challenger_answers_its_share_of_callers_and_always_the_same(trained):
    artifact.write_version(Path("model"), "v1", "abc")
    other_model()
    with serving(CHALLENGER="other", SHARE=0.4, CAPTURE="kept") as client:
        wait_until(lambda: client.metric(LOADS % ("taken", "challenger")) == 1)
        names = [f"app{number}" for number in range(60)]
        first, second = ([client.post(GOOD, X_Caller=name).json()["model"] for name in names] for _ in range(2))
        assert first == second and 10 < first.count("v2") < 40
        sticky = {client.post(GOOD, X_Caller=name, X_Sticky_Key="same").json()["model"] for name in names}
        assert len(sticky) == 1
        assert client.get("/version").json()["challenger"]["version"] == "v2"
    log = captured()
    assert set(zip(log["_role"], log["_model"], strict=True)) == {("champion", "v1"), ("challenger", "v2")}


def test_shadow_is_captured_and_never_answers(trained):
    artifact.write_version(Path("model"), "v1", "abc")
    other_model()
    with serving(CHALLENGER="other", SHADOW=1, CAPTURE="kept") as client:
        wait_until(lambda: client.metric(LOADS % ("taken", "challenger")) == 1)
        assert {client.post(GOOD, X_Caller=str(n)).json()["model"] for n in range(9)} == {"v1"}
    log = captured()
    assert log.filter(_role="shadow")["_model"].to_list() == ["v2"] * 9
    assert log.filter(_role="shadow")["_score"].to_list() == log.filter(_role="champion")["_score"].to_list()


def test_shadow_that_fails_costs_no_row(trained, failing):
    other_model()
    with serving(CHALLENGER="other", SHADOW=1, CAPTURE="kept") as client:
        wait_until(lambda: client.metric(LOADS % ("taken", "challenger")) == 1)
        client.post(records(rows(20)))
    assert captured()["_role"].to_list() == ["champion"] * 20


def test_version_that_is_requested_answers(trained):
    artifact.write_version(Path("model"), "v1", "abc")
    other_model()
    body = {"inputs": tensors(rows(1))}
    with serving(CHALLENGER="other", SHARE=1) as client:
        wait_until(lambda: client.metric(LOADS % ("taken", "challenger")) == 1)
        for version in ("v1", "v2"):
            assert client.post(body, path=f"{MODEL}/versions/{version}/infer").json()["model_version"] == version
        assert client.post(body, path=f"{MODEL}/versions/v3/infer").status == 404


def test_version_that_has_gone_while_the_body_arrived_is_not_found(trained):
    artifact.write_version(Path("model"), "v1", "abc")
    with serving() as client:
        slow = SlowRequest(client, f"{MODEL}/versions/v1/infer", {"inputs": tensors(rows(20))})
        swap(other_model())
        wait_until(lambda: client.get("/version").json()["version"] == "v2")
        assert b"404 Not Found" in slow.finish()


def test_workers_are_listed_by_role(trained):
    with serving(CHALLENGER="model", SHARE=0.5) as client:
        wait_until(lambda: client.metric(LOADS % ("taken", "challenger")) == 1)
        assert client.get("/health/ready").json()["workers"].keys() == {"champion", "challenger"}


def test_champion_answers_where_the_challenger_fails(trained, failing):
    other_model()
    with serving(CHALLENGER="other", SHARE=1) as client:
        wait_until(lambda: client.metric(LOADS % ("taken", "challenger")) == 1)
        assert client.post(GOOD).json()["model"] == "v2"
        assert client.post(records(rows(20))).json()["model"] != "v2"
        assert client.metric("factory_challenger_failures_total") == 1
        assert client.post({**GOOD, "amount": -1}).status == 422


def test_champion_answers_in_time_where_the_challenger_hangs(trained, monkeypatch):
    other_model()
    hanging, score = threading.Event(), warm_model.WarmModel.score

    def hang(model, rows):
        if model.version == "v2" and len(rows) == 20:
            hanging.wait(20)
        return score(model, rows)

    monkeypatch.setattr(warm_model.WarmModel, "score", hang)
    with serving(CHALLENGER="other", SHARE=1, SECONDS=5) as client:
        wait_until(lambda: client.metric(LOADS % ("taken", "challenger")) == 1)
        answer = client.post(records(rows(20)))
        assert answer.status == 200 and answer.json()["model"] != "v2"
        wait_until(lambda: client.metric('factory_worker_restarts_total{reason="deadline",role="challenger"}') == 1)
        hanging.set()


def test_model_that_takes_long_to_load_keeps_nobody_waiting(trained, monkeypatch):
    artifact.write_version(Path("model"), "v1", "abc")
    loading, load = threading.Event(), warm_model.WarmModel.load.__func__

    def load_slowly(kind, folder, signers):
        model = load(kind, folder, signers)
        assert model.version == "v1" or loading.wait(20)
        return model

    monkeypatch.setattr(warm_model.WarmModel, "load", classmethod(load_slowly))
    with serving() as client:
        swap(other_model())
        for _ in range(20):
            assert client.post(records(rows(20))).json()["model"] == "v1" and client.get("/health/ready").status == 200
        loading.set()
        wait_until(lambda: client.post(GOOD).json()["model"] == "v2")
