"""What az lacks, and places that are none: found before anything is changed."""

from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.deployment import azure_cli, azureml
from late_flights.factory.environments import Environment

from machinery.deployment.environment_files import IMAGE
from machinery.deployment.fake_az import PLACE


@pytest.mark.parametrize(
    ("command", "text", "code"),
    [
        ("account show", "Please run 'az login' to setup account.", "AZ_LOGIN"),
        ("ml", "'ml' is misspelled or not recognized by the system.\n\nhttps://aka.ms/cli_ref", "AZ_EXTENSION"),
        ("ml", "(AuthorizationFailed) The client 'x' does not have authorization", "AZ_DENIED"),
        ("ml", "(ResourceGroupNotFound) Resource group 'team' could not be found.", "WORKSPACE_UNKNOWN"),
        ("ml", "something else", "AZ_FAILED"),
    ],
)
def test_what_az_lacks_is_found_before_anything_is_changed(az, unversioned, command, text, code):
    az.set("failures", {command: text})
    with pytest.raises(errors.FactoryError, match=f"^{code}: `az ") as error:
        azureml.Endpoint(PLACE).prepare(IMAGE, unversioned)
    assert "\n" not in str(error.value) and not az.state["endpoints"]


def test_job_that_has_nothing_but_a_token_logs_in(az, unversioned, monkeypatch):
    Path("token").write_text("ey")
    for name, value in zip(azure_cli.TOKEN, ("client", "tenant", "token"), strict=True):
        monkeypatch.setenv(name, value)
    azureml.Endpoint(PLACE).prepare(IMAGE, unversioned)
    who = ["--service-principal", "--username", "client", "--tenant", "tenant", "--federated-token", "ey"]
    assert az.calls[0] == ["login", *who, *azure_cli.OPTIONS]


def test_without_az(az, unversioned):
    (az.folder / "az").unlink()
    with pytest.raises(errors.FactoryError, match="AZ_MISSING: "):
        azureml.Endpoint(PLACE).prepare(IMAGE, unversioned)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ({"resource_group": "team"}, "WORKSPACE_UNKNOWN: environments.yaml has no workspace for prod"),
        ({"resource_group": "team", "workspace": "nowhere"}, "WORKSPACE_UNKNOWN: `az ml online-endpoint list`: "),
        ({"resource_group": "team", "workspace": "models", "endpoint": "a--b"}, "ENDPOINT_NAME: a--b must have"),
    ],
)
def test_place_that_is_none(az, unversioned, place, code):
    with pytest.raises(errors.FactoryError, match=f"^{code}"):
        azureml.Endpoint(Environment(name="prod", target="azureml", **place)).prepare(IMAGE, unversioned)
