"""Names keep to the policy: refused where something gets one, and found by the doctor where it has one already."""

import json
from pathlib import Path

import pytest
from late_flights.factory.registry import naming, versions
from late_flights.factory.release import publish, sbom
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import another_model, git

from machinery.deployment.environment_files import IMAGE, REGISTRY, kubernetes, write_environments
from machinery.release.fake_docker import INVENTORY

RULE = "names: {{{}: '{}'}}"


def rule(kind, pattern):
    """A rule of the policy, also of main's."""
    return git_repository.commit(**{"policy.yaml": RULE.format(kind, pattern)})


def doctor():
    return [line for line in run("doctor").output.splitlines() if "names" in line]


@pytest.mark.usefixtures("committed")
def test_branches_of_experiments_have_names_and_versions_are_mains():
    rule("experiment", "(exp|fix)/[a-z-]+")
    assert "experiment" not in run("check").output
    git("checkout", "--quiet", "-b", "zoes_idea")
    line = "POLICY: the name of the experiment is zoes_idea, and must match (exp|fix)/[a-z-]+"
    assert line in run("check").output
    assert any("the name of the experiment is zoes_idea" in found for found in doctor())
    git("branch", "--move", "exp/zoes-idea")
    assert "experiment" not in run("check").output and doctor() == ["✓ names"]
    assert run("compare").exit_code == 0
    another_model("on the branch")
    assert "NOT_ON_MAIN: " in run("promote", "-m", "why").stderr and versions.local() == []
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "exp/zoes-idea")
    assert run("promote", "-m", "why").exit_code == 0


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize(
    "name", ["factory/template-update", "dependabot/uv/x-1", "renovate/all", "revert-1-x", "gh-readonly-queue/main/pr-1"]
)
def test_branches_of_bots_have_names_of_their_own(name):
    rule("experiment", "exp/.+")
    git("checkout", "--quiet", "-b", name)
    assert "experiment" not in run("check").output


@pytest.mark.usefixtures("committed")
def test_reason_of_a_version_is_by_the_policy():
    rule("version", "[A-Z]+-[0-9]+: .+")
    line = "POLICY: the reason of the version is because, and must match [A-Z]+-[0-9]+: .+ by the policy of "
    assert line in refused("promote", "-m", "because") and versions.local() == []
    assert run("promote", "-m", "ML-7: because").exit_code == 0
    another_model("second")
    assert run("promote", "-m", "ML-8: more").exit_code == 0
    assert line in refused("rollback", "-m", "because") and len(versions.local()) == 2
    rule("version", "ML-8: .+")
    assert [found for found in doctor() if "is ML-7: because, and must match ML-8: .+" in found]


@pytest.mark.usefixtures("committed")
def test_delivery_that_came_before_the_rule_is_found():
    rule("delivery", "[a-z]+-[0-9]{4}\\.csv")
    assert any("the name of the delivery is " in line for line in doctor())
    rule("delivery", ".+")
    assert doctor() == ["✓ names"]


def test_image_is_not_built_nor_published_under_another_name(engine, version, monkeypatch):
    rule("image", "registry\\.acme\\.example/.+")
    write_environments(all={"registry": REGISTRY})
    line = f"POLICY: the name of the image is {REGISTRY}, and must match registry\\.acme\\.example/.+"
    assert line in refused("build") and engine.calls == []
    assert line in run("check").output and any(line.removeprefix("POLICY: ") in found for found in doctor())
    sbom.write(json.dumps(INVENTORY), "churn:v1", "sha256:1234", version)
    monkeypatch.setenv(publish.REGISTRY, f"{REGISTRY}:tag")
    assert line in refused("publish", "v1") and engine.calls == []


@pytest.mark.usefixtures("committed")
def test_environment_of_another_name_is_found():
    rule("environment", "acme-.+")
    kubernetes(namespace="churn-prod")
    line = "the name of the environment is churn-prod, and must match acme-.+"
    assert f"POLICY: {line}" in run("check").output and any(line in found for found in doctor())
    kubernetes(namespace="acme-churn-prod")
    assert "environment is" not in run("check").output and doctor() == ["✓ names"]


@pytest.mark.parametrize("image", [IMAGE, f"{REGISTRY}:v1", f"{REGISTRY}:v1@sha256:{'1' * 64}", REGISTRY])
def test_name_of_an_image_is_without_tag_and_digest(image):
    assert naming.of_image(image) == ("image", REGISTRY)


def test_name_of_an_image_keeps_the_port():
    assert naming.of_image("localhost:5000/x:v1") == ("image", "localhost:5000/x")
    assert naming.of_image("") == ("image", "")


@pytest.mark.usefixtures("committed")
def test_doctor_fails_where_the_policy_wants_it():
    git_repository.commit(**{"policy.yaml": "names: {project: 'acme_.+'}\ndoctor: [names]"})
    result = run("doctor")
    assert result.exit_code == 1 and "names: the name of the project is late_flights, and must match acme_.+" in result.output
    Path("environments.yaml").write_text("prod: {registy: x}", encoding="utf-8")
    assert "names: cannot be found out: environments.yaml: prod.registy: unknown key" in run("doctor").output
