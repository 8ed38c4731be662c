"""What an environment needs in Azure, with a program in place of `az` that notes how it was called."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from late_flights.factory import environments
from late_flights.factory.cli.main import main
from late_flights.factory.deployment import azure_cli, infrastructure
from late_flights.factory.errors import FactoryError

AZ = f"""#!{sys.executable}
import os, sys
from pathlib import Path
Path(sys.argv[1]).write_text("\\n".join(sys.argv[1:]))
sys.exit(int(os.environ.get("AZ_CODE", "0")))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two environments, of which one is in Azure, and `az` on PATH."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/az").write_text(AZ)
    (tmp_path / "bin/az").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "infra").mkdir()
    for name in ("test", "prod"):
        (tmp_path / f"infra/{name}.bicepparam").touch()
    environments.FILE.write_text("all: {subscription: abc}\ntest: {}\nprod: {resource_group: churn-prod, identity: deploys}\n")
    return tmp_path


def called() -> list[str]:
    return Path("deployment").read_text().splitlines()


def test_a_plan_changes_nothing_and_asks_for_no_right_to_write(project):
    infrastructure.plan(environments.find("production"))
    group, parameters = ["--resource-group", "churn-prod"], ["--parameters", "infra/prod.bicepparam"]
    expected = ["deployment", "group", "what-if", "--name", "infra", *group, "--subscription", "abc", *parameters]
    assert called() == [*expected, "--validation-level", "ProviderNoRbac"]


def test_creating_prints_what_environments_need(project):
    assert CliRunner().invoke(main, ["infra", "prod", "--create"]).exit_code == 0
    assert called()[2] == "create" and called()[-3:] == ["properties.outputs.environment.value", "--output", "yaml"]


def test_an_environment_that_is_not_in_azure_is_left_out(project):
    done = CliRunner().invoke(main, ["infra", "test", "--create"])
    assert done.exit_code == 0 and "no resource_group" in done.output and not Path("deployment").exists()


@pytest.mark.parametrize(
    ("name", "path", "code", "reason"),
    [("dev", True, 0, "INFRA_MISSING"), ("prod", False, 0, "AZ_MISSING"), ("prod", True, 3, "INFRA_FAILED.* exit code 3")],
)
def test_what_fails_is_one_line(project, monkeypatch, name, path, code, reason):
    monkeypatch.setenv("AZ_CODE", str(code))
    if not path:
        (project / "bin/az").unlink()
    with pytest.raises(FactoryError, match=reason):
        infrastructure.create(infrastructure.describe(name))


def test_a_job_with_nothing_but_a_token_logs_in(project, monkeypatch):
    for name, value in zip(azure_cli.TOKEN, ("client", "tenant", ".env.login"), strict=True):
        monkeypatch.setenv(name, value)
    infrastructure.plan(environments.find("prod"))
    assert not Path("login").exists()  # the platform's own task did
    Path(".env.login").write_text("ey.token")
    infrastructure.plan(environments.find("prod"))
    who = ["login", "--service-principal", "--username", "client", "--tenant", "tenant", "--federated-token", "ey.token"]
    assert Path("login").read_text().splitlines() == [*who, *azure_cli.OPTIONS]


def test_a_token_is_of_the_identity_unless_a_variable_names_another(project, monkeypatch):
    Path(".env.login").write_text("ey.token")
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", ".env.login")
    for client in ("", "client"):
        monkeypatch.setenv("AZURE_CLIENT_ID", client)
        azure_cli.log_in("mine")
        assert Path("login").read_text().splitlines()[3] == (client or "mine")


def test_what_deploys_is_not_what_plans(project, monkeypatch):
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", ".env.login")
    monkeypatch.delenv("AZURE_CLIENT_ID", raising=False)
    Path(".env.login").write_text("ey.token")
    infrastructure.plan(environments.find("prod"))
    assert not Path("login").exists()
