"""The pipelines with which a copy of the template publishes the hub each night: what they run, keep and publish."""

import json
import shutil
from datetime import UTC, datetime

import pytest
import yaml
from conftest import ROOT
from status_branches import bare, fleet, push, status
from test_pipeline_files import CHECK, SCHEMAS, STYLE
from workshop import call, run

pytestmark = pytest.mark.slow
FILES = {"github": ".github/workflows/hub.yaml", "gitlab": ".gitlab-ci.yml", "azure": "azure-pipelines/hub.yaml"}
PLATFORMS = pytest.mark.parametrize("ci", FILES)


def loaded(ci: str) -> dict:
    return yaml.load((ROOT / FILES[ci]).read_text("utf-8"), yaml.BaseLoader)


def parts(ci: str) -> tuple[str, str, str]:
    """The command that gathers, what is kept for the next night, and what is published."""
    content = loaded(ci)
    if ci == "gitlab":
        job = content["pages"]
        [command], [kept], [published] = job["script"], job["cache"]["paths"], job["artifacts"]["paths"]
        return command, kept, published
    steps = content["jobs"]["hub"]["steps"] if ci == "github" else content["jobs"][0]["steps"]
    [command] = [line for step in steps if "hub.py" in (line := step.get("run") or step.get("script") or "")]
    settings = [step.get("with") or step.get("inputs") or {} for step in steps]
    [kept] = [
        each["path"].removeprefix("$(Build.SourcesDirectory)/")
        for each in settings
        if "restore-keys" in each or "restoreKeys" in each
    ]
    published = {step["publish"] for step in steps if "publish" in step} | {
        step["with"]["path"] for step in steps if "upload" in step.get("uses", "")
    }
    assert len(published) == 1
    return command, kept, published.pop()


@PLATFORMS
def test_a_night_publishes_what_it_gathers_and_the_next_one_still_knows_it(ci, template, tmp_path):
    command, kept, published = parts(ci)
    push(bare(tmp_path / "churn"), status(at=datetime.now(UTC)))
    for night in ("first", "second"):
        checkout = tmp_path / night
        shutil.copytree(template, checkout)
        fleet(checkout / "FLEET.csv", [tmp_path / "churn"])
        if night == "second":
            shutil.move(tmp_path / "first" / kept, checkout / kept)
            shutil.rmtree(tmp_path / "churn")
        run(checkout, "bash", "-ec", f"{command} --osv= --index=", FLEET="FLEET.csv")
        [project] = json.loads((checkout / published / "inventory.json").read_text("utf-8"))["projects"]
        assert project["state"] == {"first": "ok", "second": "unreachable"}[night]
        assert project["status"]["project"] == "churn"
        assert not [*(checkout / published).rglob("*.git")]


def test_what_is_kept_is_saved_before_anything_else_can_fail():
    steps = loaded("github")["jobs"]["hub"]["steps"]
    at = next(number for number, step in enumerate(steps) if "hub.py" in step.get("run", ""))
    restore, save = steps[at - 1], steps[at + 1]
    assert [step["uses"].partition("@")[0] for step in (restore, save)] == ["actions/cache/restore", "actions/cache/save"]
    assert restore["with"] == save["with"] | {"restore-keys": "hub-"}
    assert loaded("gitlab")["pages"]["cache"]["when"] == "always"


def test_nothing_runs_where_no_list_is_named():
    github, gitlab = loaded("github"), loaded("gitlab")
    assert github["jobs"]["hub"]["if"] == "vars.FLEET"
    assert github["permissions"] == {}
    assert github["jobs"]["pages"]["if"] == "vars.FLEET_PAGES"
    assert [rule["if"] for rule in gitlab["pages"]["rules"]] == ['$CI_PIPELINE_SOURCE == "schedule" && $FLEET']
    azure = loaded("azure")
    assert (azure["trigger"], azure["pr"]) == ("none", "none")


@pytest.mark.parametrize("ci", ["gitlab", "azure"])
def test_schemas_and_yamllint_pass(ci, tmp_path):
    schema, file = SCHEMAS[ci][0], ROOT / FILES[ci]
    run(tmp_path, "bash", "-c", f"{CHECK} {schema} {file} && uvx --quiet yamllint --strict -d '{STYLE}' {file}")
    broken = tmp_path / file.name
    broken.write_text(file.read_text("utf-8").replace("script:", "scripts:"))
    assert call(tmp_path, "bash", "-c", f"{CHECK} {schema} {broken}").returncode
