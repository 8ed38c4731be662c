"""An endpoint of Azure ML, by an `az` that stands in for Azure: nothing here has run there."""

import contextlib
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from late_flights.factory import errors
from late_flights.factory.deployment import azureml, deploy, smoke_test
from late_flights.factory.environments import Environment
from late_flights.factory.release import model_folder, serve
from tests.factory.cli_runner import run

from machinery.deployment.environment_files import IMAGE, write_environments
from machinery.deployment.fake_az import FILES, PLACE, FakeAz, write_files

OLD, NEW, THIRD = (f"registry.example.com/churn@sha256:{digit * 64}" for digit in "123")


def serving(endpoint, image, traffic=100):
    endpoint.up(image)
    endpoint.keep(image, traffic)


def fails(monkeypatch):
    def check(request, version):
        raise errors.FactoryError("SCORES_DIFFER: by 0.1")

    monkeypatch.setattr(smoke_test, "check_service", check)


def test_first_deployment(az, endpoint, unversioned, monkeypatch):
    monkeypatch.setattr(model_folder, "write", lambda version, folder: shutil.copytree(azureml.FOLDER, folder))
    assert endpoint.running() is None
    serving(endpoint, OLD)
    [deployment] = az.endpoint["deployments"].values()
    assert deployment["name"] == "v1-11111111" and deployment["instance_count"] == 2
    assert az.endpoint["traffic"] == {"v1-11111111": 100} and endpoint.running() == OLD
    assert deployment["tags"] == {
        "version": "v1",
        "commit": unversioned.commit,
        "data": unversioned.facts["data"],
        "model": unversioned.facts["model"],
        "image": OLD,
    }
    assert deployment["environment"]["image"] == OLD
    model = az.state["model"]["churn:v1"]
    assert model["tags"]["model"] == unversioned.facts["model"] and model["files"] == sorted(FILES)
    assert all(call[-3:] == ["--output", "json", "--only-show-errors"] for call in az.calls)


def test_new_deployment_gets_nothing_until_it_is_kept(az, endpoint):
    serving(endpoint, OLD)
    endpoint.up(NEW)
    assert az.endpoint["traffic"] == {"v1-11111111": 100} and endpoint.running() == OLD
    endpoint.keep(NEW, 100)
    assert az.endpoint["traffic"] == {"v1-11111111": 0, "v1-22222222": 100} and endpoint.running() == NEW


def test_previous_deployment_stays_for_a_rollback_and_older_ones_go(az, endpoint):
    for image in (OLD, NEW, THIRD):
        serving(endpoint, image)
    assert [*az.endpoint["deployments"]] == ["v1-22222222", "v1-33333333"]
    created = len([call for call in az.calls if call[1:3] == ["online-deployment", "create"]])
    serving(endpoint, NEW)
    assert endpoint.running() == NEW
    assert created == len([call for call in az.calls if call[1:3] == ["online-deployment", "create"]])


def test_deployments_of_others_stay(az, endpoint):
    serving(endpoint, OLD)
    state = az.state
    state["endpoints"]["churn-prod"]["deployments"]["theirs"] = {"name": "theirs", "provisioning_state": "Succeeded"}
    az.state = state
    serving(endpoint, NEW)
    serving(endpoint, THIRD)
    assert "theirs" in az.endpoint["deployments"]


def test_traffic_by_percent(az, endpoint):
    serving(endpoint, OLD)
    serving(endpoint, NEW, 10)
    assert az.endpoint["traffic"] == {"v1-11111111": 90, "v1-22222222": 10} and endpoint.running() == OLD
    serving(endpoint, THIRD, 25)
    assert az.endpoint["traffic"] == {"v1-11111111": 68, "v1-22222222": 7, "v1-33333333": 25}
    serving(endpoint, NEW)
    assert az.endpoint["traffic"] == {"v1-11111111": 0, "v1-22222222": 100, "v1-33333333": 0}


def test_no_traffic_leaves_it_for_mirroring_and_ends_that_when_it_goes_live(az, endpoint):
    serving(endpoint, OLD)
    serving(endpoint, NEW, 0)
    assert az.endpoint["traffic"] == {"v1-11111111": 100}
    state = az.state
    state["endpoints"]["churn-prod"]["mirror_traffic"] = {"v1-22222222": 10}
    az.state = state
    serving(endpoint, NEW)
    assert az.endpoint["mirror_traffic"] == {"v1-22222222": 0} and endpoint.running() == NEW


def test_part_of_the_traffic_while_nothing_else_serves(endpoint):
    with pytest.raises(errors.FactoryError, match="TRAFFIC: 10 percent cannot be given while nothing else serves"):
        serving(endpoint, OLD, 10)


def test_scores_that_differ_take_it_back(az, endpoint, unversioned, monkeypatch):
    serving(endpoint, OLD)
    fails(monkeypatch)
    with pytest.raises(errors.FactoryError, match="SCORES_DIFFER"):
        list(deploy._run(PLACE, unversioned, NEW, 100))
    assert [*az.endpoint["deployments"]] == ["v1-11111111"] and az.endpoint["traffic"] == {"v1-11111111": 100}


def test_first_deployment_that_fails_leaves_none(az, unversioned, monkeypatch):
    fails(monkeypatch)
    with pytest.raises(errors.FactoryError, match="SCORES_DIFFER"):
        list(deploy._run(PLACE, unversioned, OLD, 100))
    assert not az.endpoint["deployments"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(BadRequest) Details: Not enough quota available for Standard_DS3_v2. Current usage/limit: 0/6.", "QUOTA"),
        ("(None) ResourceNotReady: User container has crashed or terminated.\nCode: None", "DEPLOYMENT_FAILED"),
    ],
)
def test_deployment_that_does_not_start(az, endpoint, unversioned, text, code):
    serving(endpoint, OLD)
    az.set("starts as", text)
    with pytest.raises(errors.FactoryError, match=code) as error:
        list(deploy._run(PLACE, unversioned, NEW, 100))
    assert text.splitlines()[0] in str(error.value) and "\n" not in str(error.value)
    assert [*az.endpoint["deployments"]] == ["v1-11111111"] and az.endpoint["traffic"] == {"v1-11111111": 100}


def test_failed_deployment_that_was_left_over_is_made_again(az, endpoint):
    az.set("starts as", "no such luck")
    with pytest.raises(errors.FactoryError):
        endpoint.up(OLD)
    state = az.state
    del state["starts as"]
    az.state = state
    serving(endpoint, OLD)
    assert endpoint.running() == OLD


def test_traffic_that_moved_although_az_failed_goes_back(az, endpoint, unversioned):
    serving(endpoint, OLD)
    az.set("update then fails", True)
    with contextlib.suppress(errors.FactoryError):
        serving(endpoint, NEW)
    assert endpoint.running() == NEW
    state = az.state
    del state["update then fails"]
    az.state = state
    endpoint.up(OLD)
    assert [*az.endpoint["deployments"]] == ["v1-11111111"] and az.endpoint["traffic"] == {"v1-11111111": 100}


def test_what_cannot_be_removed_does_not_hide_why(az, endpoint, unversioned, monkeypatch, capsys):
    serving(endpoint, OLD)
    fails(monkeypatch)
    az.set("failures", {"online-deployment delete": "(Forbidden) no"})
    with pytest.raises(errors.FactoryError, match="SCORES_DIFFER"):
        list(deploy._run(PLACE, unversioned, NEW, 100))
    assert "v1-22222222 at churn-prod is not removed: AZ_DENIED" in capsys.readouterr().err


def test_name_of_the_endpoint_is_the_files_and_the_environments(az):
    assert azureml.Endpoint(Environment(name="dev", resource_group="team", workspace="models")).name == "churn-dev"


def test_file_that_is_broken(az, endpoint):
    (azureml.FOLDER / "endpoint.yml").write_text("name: [")
    with pytest.raises(errors.FactoryError, match=r"endpoint\.yml: cannot be read"):
        endpoint.up(OLD)


def test_old_service_does_not_get_a_setting_that_it_lacks(az, endpoint, monkeypatch):
    monkeypatch.setattr(serve, "unknown", lambda commit, names: list(names))
    serving(endpoint, OLD)
    assert az.endpoint["deployments"]["v1-11111111"]["environment_variables"] == {}


@pytest.mark.parametrize(("mode", "token"), [("aad_token", "token of https://ml.azure.com"), ("key", "key")])
def test_request_goes_to_the_new_deployment_alone(az, endpoint, mode, token):
    seen = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.update(self.headers, path=self.path, body=self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"scores")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        az.set("uri", f"http://127.0.0.1:{server.server_port}/score")
        (azureml.FOLDER / "endpoint.yml").write_text(yaml.safe_dump(FILES["endpoint.yml"] | {"auth_mode": mode}))
        endpoint.up(OLD)
        assert endpoint.request("/score", b"rows") == b"scores"
        server.shutdown()
        thread.join()
    assert (seen["path"], seen["body"]) == ("/score", b"rows")
    assert seen["azureml-model-deployment"] == "v1-11111111" and seen["Authorization"] == f"Bearer {token}"


def test_files_for_az_are_gone_afterwards(az, endpoint):
    serving(endpoint, OLD)
    files = [Path(call[call.index("--file") + 1]) for call in az.calls if "--file" in call]
    assert files and not any(file.exists() for file in files)


def test_command_from_the_first_deployment_to_another_percentage(released, monkeypatch):
    write_files()
    write_environments(
        all={"target": "azureml", "resource_group": "team", "workspace": "models"}, prod={"endpoint": "churn-prod"}
    )
    az = FakeAz(released.folder)
    output = run("deploy", "prod", "v1", "--image", IMAGE).stdout
    assert f"{IMAGE} serves at prod, healthy after" in output and az.endpoint["traffic"] == {"v1-11111111": 100}
    assert [*az.state["model"]] == ["churn:v1"]
    assert az.state["model"]["churn:v1"]["files"]
    assert {call[0] for call in az.calls} == {"account", "ml"}, "no engine is needed"
    state = az.state
    others = state["endpoints"]["churn-prod"]
    others["deployments"]["theirs"] = {"name": "theirs", "provisioning_state": "Succeeded"}
    others["traffic"] = {"theirs": 100}
    az.state = state
    assert run("deploy", "prod", "v1", "--image", IMAGE, "--traffic", "20").exit_code == 0
    assert az.endpoint["traffic"] == {"theirs": 80, "v1-11111111": 20}


def test_jobs_score_with_what_serves_and_passed(az, endpoint, monkeypatch):
    times = iter("12345")
    monkeypatch.setattr(azureml.time, "strftime", lambda *arguments: next(times))
    latest = lambda: [*az.state["environment"].values()][-1]["image"]
    serving(endpoint, OLD)
    endpoint.up(NEW)
    assert latest() == OLD
    endpoint.keep(NEW, 10)
    assert latest() == OLD
    serving(endpoint, NEW)
    assert latest() == NEW
    serving(endpoint, OLD)
    assert latest() == OLD


def test_what_fails_after_the_traffic_has_moved_takes_nothing_back(az, unversioned, capsys):
    az.set("failures", {"environment create": "(Timeout)"})
    list(deploy._run(PLACE, unversioned, OLD, 100))
    assert az.endpoint["traffic"] == {"v1-11111111": 100} and "jobs may still score with the previous" in capsys.readouterr().err


def test_model_of_another_project_under_that_name(az, endpoint):
    az.set("model", {"churn:v1": {"tags": {"model": "another"}}})
    with pytest.raises(errors.FactoryError, match="ASSET_FOREIGN: churn:v1"):
        endpoint.up(OLD)


def test_part_of_the_traffic_is_refused_before_anything_is_created(az, unversioned):
    with pytest.raises(errors.FactoryError, match="TRAFFIC: 10 percent"):
        list(deploy._run(PLACE, unversioned, OLD, 10))
    assert not az.state["endpoints"]
