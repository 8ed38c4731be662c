"""The commands of `factory`: their names, and each mistake answered in one line with an exit code of its own."""

import platform
import re
from pathlib import Path

import click
import pytest
from late_flights import contract
from late_flights.factory import cli, config, errors
from late_flights.factory.cli.main import GROUPS, SYNONYMS
from tests.factory import toy
from tests.factory.cli_runner import refused, run

NAME = contract.__name__.partition(".")[0]
COMMANDS = set(
    "adopt affected alert answer audit build candidates check compare contract cost dashboard deploy doctor erase evaluate explain export infra ingest key ledger"
    " models monitor outcomes pin prepare profile promote propose publish readiness reason reproduce restore rollback score serve setup status summary"
    " trace train tune update verify".split()
)


def test_help_lists_every_command_once_in_its_group_in_one_line():
    assert cli.main.commands.keys() == COMMANDS
    listing = run("--help").output
    for name, command in cli.main.commands.items():
        summary = command.help.splitlines()[0]
        assert len(re.findall(f"^  {name} +{re.escape(summary)}$", listing, re.MULTILINE)) == 1, name
    positions = [listing.index(f"{title}:\n") for title in GROUPS.values()]
    assert positions == sorted(positions)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_of_a_command_explains_each_option(name):
    assert run(name, "--help").exit_code == 0
    options = [parameter for parameter in cli.main.commands[name].params if isinstance(parameter, click.Option)]
    assert not [option.name for option in options if not (option.help or "").endswith((".", ")"))]


def test_version_names_project_template_and_python():
    output = run("--version").output
    assert output.startswith(f"{NAME} ") and f"Python {platform.python_version()}" in output


@pytest.mark.parametrize(
    "word, meant",
    [
        ("predict", "factory score"),
        ("fit", "factory train"),
        ("test", "factory evaluate"),
        ("eval", "factory evaluate"),
        ("rolback", "factory rollback"),
        ("modles", "factory models"),
        ("repro", "dvc repro"),
        ("promot", "factory promote"),
    ],
)
def test_unknown_command_gets_a_suggestion(word, meant):
    result = run(word)
    [line] = result.stderr.splitlines()
    assert result.exit_code == 2 and f"did you mean `{meant}`" in line


def test_unknown_option_gets_a_suggestion():
    assert "--require-champion" in run("compare", "--require-champions").stderr


def test_synonyms_are_of_commands_and_are_none():
    words = " ".join(SYNONYMS.values()).split()
    assert len(words) == len(set(words)) and not COMMANDS & set(words)
    assert {command.removeprefix("factory ") for command in SYNONYMS} <= COMMANDS | {"dvc pull", "dvc push", "dvc repro"}


@pytest.mark.usefixtures("trained")
def test_unknown_metric():
    Path("params.yaml").write_text(toy.text(evaluation={"metric": "luck"}), encoding="utf-8")
    assert "evaluation.metric: luck is not one of average_precision" in refused("evaluate")


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("stage", ["train", "evaluate", "compare"])
def test_column_of_params_yaml_that_the_contract_lacks(stage):
    Path("params.yaml").write_text(toy.text(evaluation={"metric": "roc_auc", "slices": ["kinds"]}), encoding="utf-8")
    assert refused(stage) == "params.yaml: contract.py has no column kinds, did you mean kind?"


@pytest.mark.usefixtures("project")
def test_elsewhere_than_in_a_repository(monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    assert refused("models").startswith("there is no Git repository here: ")


@pytest.mark.usefixtures("trained")
def test_stages_show_what_they_did():
    assert run("prepare").stdout.endswith("✓ 450 training rows and 150 test rows in data/prepared/\n")
    _, metric, *_, last = run("evaluate").stdout.splitlines()
    assert metric.split()[0] == config.load().evaluation.metric and "95% interval" in metric and "baseline" in metric
    assert last == "✓ 150 test rows; report: reports/report.html"


@pytest.mark.parametrize(
    "arguments",
    [["setup"], ["ingest", "x.csv"], ["contract", "--diff", "x.csv"], ["prepare"], ["train"], ["evaluate"]],
    ids=lambda arguments: arguments[0],
)
def test_elsewhere_than_in_a_project(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert refused(*arguments) == "params.yaml is not here: run factory in the project's own folder"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("project")
def test_stage_before_its_inputs():
    assert refused("train") == "data/prepared/manifest.json is missing: run `uv run dvc pull` or `uv run dvc repro`"
    assert refused("score", "a.csv", "b.csv") == "model/manifest.json is missing: run `uv run dvc pull` or `uv run dvc repro`"


@pytest.mark.parametrize(
    "error, code, message",
    [
        (errors.FactoryError("what is wrong"), 1, "what is wrong"),
        (errors.CannotEvaluate("WHY", "what is wrong"), 2, "WHY: what is wrong"),
    ],
)
def test_refusal_and_missing_evidence_have_exit_codes_of_their_own(monkeypatch, error, code, message):
    def fail():
        raise error

    monkeypatch.setattr(config, "load", fail)
    result = run("compare")
    assert (result.exit_code, result.stderr) == (code, f"Error: {message}\n")
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    "arguments",
    [
        ["unknown"],
        ["ingest"],
        ["contract"],
        ["score", "one.csv"],
        ["train", "--fast"],
        ["trace"],
        ["tune", "--trials", "1"],
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments):
    result = run(*arguments)
    [line] = result.stderr.splitlines()
    assert result.exit_code == 2 and line.startswith("Error: ") and "--help`" in line


def test_no_command_shows_the_help_as_h_does():
    assert run().output == run("--help").output == run("-h").output
