"""The files of deploy/azureml: what the check finds wrong, and that it finds nothing else."""

from pathlib import Path

import pytest
from late_flights.factory.check import azureml, cron
from late_flights.factory.deployment.azure_cli import FOLDER

SCHEMA = "$schema: https://azuremlschemas.azureedge.net/latest/%s.schema.json\n"
DIGEST = f"registry.example.com/churn@sha256:{'1' * 64}"
FILES = {
    "endpoint.yml": f"{SCHEMA % 'managedOnlineEndpoint'}name: churn\ntraffic: {{a-1: 90, b-2: 10}}\nmirror_traffic: {{c-3: 10}}\n",
    "deployment.yml": SCHEMA % "managedOnlineDeployment"
    + "name: a-1\nendpoint_name: churn\nenvironment: azureml:churn@latest\ninstance_type: Standard_DS3_v2\ninstance_count: 2\n"
    + "environment_variables: {FACTORY_OPEN: 'true', FACTORY_ROWS: 100}\n",
    "environment.yml": f"{SCHEMA % 'environment'}name: churn\nimage: {DIGEST}\n",
    "model.yml": f"{SCHEMA % 'model'}name: churn\npath: ../../model\n",
    "score.yml": SCHEMA % "commandComponent"
    + "name: score\nenvironment: {image: 'python:3.13-slim'}\ninputs: {rows: {type: uri_file}, few: {type: integer, optional: true}}\n"
    + "outputs: {scores: {type: uri_folder}}\ncommand: score ${{inputs.rows}} $[[--few ${{ inputs.few }}]] ${{outputs.scores}}\n",
    "pipeline.yml": SCHEMA % "pipelineComponent"
    + "name: both\ntype: pipeline\ninputs: {rows: {type: uri_file}}\noutputs: {scores: {type: uri_folder}}\njobs:\n"
    + "  first: {component: ./score.yml, inputs: {rows: '${{parent.inputs.rows}}'}}\n"
    + "  second: {component: score.yml, inputs: {rows: {path: '${{parent.jobs.first.outputs.scores}}'}, few: 3},"
    + " outputs: {scores: '${{parent.outputs.scores}}'}}\n  third: {component: 'azureml:theirs@latest', inputs: {any: 1}}\n",
    "job.yml": SCHEMA % "pipelineJob"
    + "type: pipeline\ncomponent: ./pipeline.yml\ninputs: {rows: {path: 'azureml:rows@latest'}}\n"
    + "outputs: {scores: {path: 'azureml://datastores/a/paths/${{name}}'}}\nsettings: {default_compute: 'azureml:cpu-cluster'}\n",
    "schedule.yml": f"{SCHEMA % 'schedule'}name: nightly\ntrigger: {{type: cron, expression: '30 3 * * mon-fri'}}\ncreate_job: ./job.yml\n",
    "batch-endpoint.yml": f"{SCHEMA % 'batchEndpoint'}name: churn-batch\n",
    "batch-deployment.yml": SCHEMA % "pipelineComponentBatchDeployment"
    + "name: score\nendpoint_name: churn-batch\ncomponent: ./pipeline.yml\n",
}
MISTAKES = [
    ("endpoint.yml", "latest/managed", "lattest/managed", "$schema: "),
    ("endpoint.yml", "name: churn", "name: ml", "name: ml: must begin with a letter, and have 3 to 32"),
    ("endpoint.yml", "name: churn", "name: churn--1", "name: churn--1: "),
    ("endpoint.yml", "a-1: 90", "a-1: 80", "traffic: must be whole percentages"),
    ("endpoint.yml", "a-1: 90, b-2: 10", "a-1: 110, b-2: -10", "traffic: must be"),
    ("endpoint.yml", "c-3: 10", "c-3: 60", "mirror_traffic: at most 50 percent"),
    ("endpoint.yml", "c-3: 10", "c-3: 10, d-4: 10", "mirror_traffic: at most 50 percent"),
    ("endpoint.yml", "c-3: 10", "b-2: 10", "mirror_traffic: b-2 has traffic already"),
    ("deployment.yml", "endpoint_name: churn", "endpoint_name: churn_1", "endpoint_name: churn_1: "),
    ("deployment.yml", "Standard_DS3_v2", "DS3 v2", "instance_type: DS3 v2: "),
    ("deployment.yml", "instance_count: 2", "instance_count: 0", "instance_count: 0: must be at least 1"),
    ("deployment.yml", "azureml:churn@latest", "{image: 'churn:v3'}", "image: churn:v3: name it by its digest"),
    ("deployment.yml", "FACTORY_ROWS", "FACTORY_ROW", "environment_variables: FACTORY_ROW: no such setting"),
    (
        "deployment.yml",
        "FACTORY_OPEN: 'true', ",
        "",
        "environment_variables: other machines could call the service without a key",
    ),
    ("environment.yml", DIGEST, "registry.example.com/churn:latest", "image: registry.example.com/churn:latest: "),
    ("score.yml", "name: score", "name: Score-1", "name: Score-1: "),
    ("score.yml", "python:3.13-slim", "python", "image: python: name it with its version"),
    ("score.yml", "{{inputs.rows}}", "{{inputs.row}}", "command: ${{inputs.row}}: no such input"),
    ("score.yml", "{{outputs.scores}}", "{{output.scores}}", "command: ${{output.scores}}: no such output"),
    ("score.yml", "rows: {type", "row: {type", "jobs.first.inputs.rows: ./score.yml has no such input"),
    ("pipeline.yml", "parent.inputs.rows", "parent.inputs.row", "jobs.first.inputs: ${{parent.inputs.row}} leads nowhere"),
    ("pipeline.yml", "parent.outputs.scores", "parent.outputs.score", "jobs.second.outputs: ${{parent.outputs.score}} leads"),
    ("pipeline.yml", "first.outputs.scores", "first.outputs.score", "${{parent.jobs.first.outputs.score}} leads nowhere"),
    ("pipeline.yml", "jobs.first.outputs", "jobs.fisrt.outputs", "${{parent.jobs.fisrt.outputs.scores}} leads nowhere"),
    ("pipeline.yml", "jobs.first.outputs", "jobs.second.outputs", "${{parent.jobs.second.outputs.scores}} leads nowhere"),
    ("pipeline.yml", "few: 3", "fewer: 3", "jobs.second.inputs.fewer: score.yml has no such input"),
    ("pipeline.yml", "inputs: {rows: '$", "inputs: {few: '$", "jobs.first.inputs: rows, which ./score.yml needs, is missing"),
    ("pipeline.yml", "./score.yml", "./scores.yml", "jobs.first.component: ./scores.yml: no such file"),
    ("job.yml", "inputs: {rows", "inputs: {row", "inputs.row: ./pipeline.yml has no such input"),
    ("job.yml", "inputs: {rows: {path: 'azureml:rows@latest'}}\n", "", "inputs: rows, which ./pipeline.yml needs, is missing"),
    ("job.yml", "azureml:cpu-cluster", "azureml:a", "settings.default_compute: azureml:a: "),
    ("schedule.yml", "30 3 * * mon-fri", "99 3 * * *", "trigger.expression: minutes '99': must be * or from 0 to 59"),
    ("schedule.yml", "30 3 * * mon-fri", "30 3 * *", "trigger.expression: '30 3 * *' has 4 fields: must be 5"),
    ("schedule.yml", "./job.yml", "./jobs.yml", "create_job: ./jobs.yml: no such file"),
    ("batch-deployment.yml", "name: score", "name: s", "name: s: must begin with a letter"),
    ("batch-deployment.yml", "./pipeline.yml", "./pipelines.yml", "component: ./pipelines.yml: no such file"),
    ("model.yml", "name: churn", "name: [", "cannot be read: "),
    ("model.yml", FILES["model.yml"], "- a list", "cannot be read: not a mapping"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FOLDER.mkdir(parents=True)
    for name, content in FILES.items():
        (FOLDER / name).write_text(content)


def check():
    return azureml.check([FOLDER / "score.yml"])


def test_what_is_right_passes(folder):
    result = check()
    assert result.passed, result


@pytest.mark.parametrize(("name", "old", "new", "found"), MISTAKES)
def test_mistake_is_found(folder, name, old, new, found):
    file = FOLDER / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    result = check()
    assert not result.passed and found in result.output, result


def test_other_files_are_no_reason_to_check(folder):
    (FOLDER / "score.yml").unlink()
    assert azureml.check([Path("score.yml"), FOLDER / "README.md"]) is None


@pytest.mark.parametrize("right", ["* * * * *", "0,30 */2 * * 1-5", "5-10/2 23 * * SUN", "0 0 * * monday"])
def test_cron_that_is_right(right):
    assert not list(cron.problems(right))


@pytest.mark.parametrize(
    "wrong", ["60 * * * *", "* 24 * * *", "* * 1 * *", "* * * 1 *", "* * * * 7", "5-1 * * * *", "*/0 * * * *", "@daily"]
)
def test_cron_that_is_wrong(wrong):
    assert len(list(cron.problems(wrong))) == 1
