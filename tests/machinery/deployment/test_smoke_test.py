"""The smoke test of a deployed service: over HTTP, against the recorded scores."""

import json
from pathlib import Path

import pytest
from late_flights.factory import config, errors
from late_flights.factory.deployment import smoke_test
from late_flights.factory.evaluation import assessment
from late_flights.factory.registry import versions
from late_flights.factory.scoring import artifact
from late_flights.factory.serving import auth
from tests.factory import git_repository
from tests.factory.cli_runner import run

from machinery.serving.service_client import serving

EVALUATION = Path("reports/evaluation.json")


@pytest.fixture
def scores(committed):
    """What is recorded of the model, before it becomes a version."""
    return json.loads(EVALUATION.read_text(encoding="utf-8"))["scores"]


def record(scores):
    content = json.loads(EVALUATION.read_text(encoding="utf-8")) | {"scores": scores}
    EVALUATION.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))
    git_repository.commit()


def checked(patch, name="v1", **env):
    """What a check finds of the service of the first version, once it is one."""
    assert run("promote", "-m", "why").exit_code == 0
    [version] = versions.local()
    rows = Path("data/prepared/test.parquet").read_bytes()
    patch.setattr(smoke_test, "dvc", lambda *command: Path(command[-1]).write_bytes(rows))
    artifact.write_version(Path("model"), name, version.commit)
    with serving(**env) as client:
        return list(smoke_test.check_service(smoke_test.http_client(f"http://127.0.0.1:{client.port}/"), version))


def test_service_that_scores_as_recorded(scores, monkeypatch):
    ready, same = checked(monkeypatch)
    assert ready == "ready, serves v1"
    assert len(scores) == assessment.REFERENCE_SCORES and same.startswith("100 scores as recorded, ")


def test_one_score_that_differs(scores, monkeypatch):
    record([*scores[:50], scores[50] + 0.01, *scores[51:]])
    with pytest.raises(errors.FactoryError, match=r"^SCORES_DIFFER: .*by up to 0.01$"):
        checked(monkeypatch)


@pytest.mark.parametrize("problem", ["forecasting"])
def test_service_that_forecasts(trained):
    with serving() as client:
        request = smoke_test.http_client(f"http://127.0.0.1:{client.port}/")
        assert smoke_test.forecast_steps(request, config.load()) == 6
    with pytest.raises(errors.FactoryError, match=r"^SCORES_DIFFER: the response to /forecast"):
        smoke_test.forecast_steps(lambda path, body: b"{}", config.load())


@pytest.mark.usefixtures("scores")
def test_version_of_before_there_were_recorded_scores(monkeypatch):
    record(None)
    assert "100 scores as recorded" in checked(monkeypatch)[1]


@pytest.mark.usefixtures("scores")
def test_other_version(monkeypatch):
    with pytest.raises(errors.FactoryError, match=r"^WRONG_VERSION: it serves v9, not v1$"):
        checked(monkeypatch, "v9")


@pytest.mark.usefixtures("scores")
def test_nobody_answers(monkeypatch):
    monkeypatch.setattr(smoke_test, "TIMEOUT_SECONDS", 0.1)
    assert run("promote", "-m", "why").exit_code == 0
    with pytest.raises(errors.FactoryError, match=r"^NOT_READY: no response from http://127.0.0.1:9/health/ready"):
        list(smoke_test.check_service(smoke_test.http_client("http://127.0.0.1:9"), versions.local()[0]))


@pytest.mark.parametrize(
    "version, scores, code",
    [
        (b"<html>a page for every path</html>", b"", "WRONG_VERSION"),
        (b"[]", b"", "WRONG_VERSION"),
        (b'{"version": "v1"}', b"<html>", "SCORES_DIFFER"),
        (b'{"version": "v1"}', b"{}", "SCORES_DIFFER"),
    ],
)
@pytest.mark.usefixtures("committed")
def test_something_else_answers(monkeypatch, version, scores, code):
    assert run("promote", "-m", "why").exit_code == 0
    rows = Path("data/prepared/test.parquet").read_bytes()
    monkeypatch.setattr(smoke_test, "dvc", lambda *command: Path(command[-1]).write_bytes(rows))
    answers = {"/health/ready": b"", "/version": version, "/score": scores}
    with pytest.raises(errors.FactoryError, match=f"^{code}: "):
        list(smoke_test.check_service(lambda path, body: answers[path], versions.local()[0]))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.usefixtures("scores")
def test_key_that_the_service_asks_for(monkeypatch, tmp_path_factory, known):
    secret, line = auth.new_key("smoke")
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(f"{line}\n")
    if known:
        monkeypatch.setenv(smoke_test.KEY, secret)
        assert len(checked(monkeypatch, KEYS=keys)) == 2
    else:
        with pytest.raises(errors.FactoryError, match=r"^NOT_READY: http.*/version responded 401"):
            checked(monkeypatch, KEYS=keys)
