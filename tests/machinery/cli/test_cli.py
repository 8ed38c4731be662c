"""The commands of `factory`: their names, and each mistake answered in one line with an exit code of its own."""

from pathlib import Path

import pytest
from late_flights.factory import cli, config, errors
from tests.factory import toy
from tests.factory.cli_runner import refused, run

COMMANDS = set(
    "adopt affected audit build compare contract deploy evaluate export ingest key models prepare promote propose publish"
    " readiness rollback score serve setup summary trace train tune update".split()
)


def test_help_shows_every_command_with_the_whole_of_its_first_line():
    assert cli.main.commands.keys() == COMMANDS
    output = " ".join(run("--help").output.split())
    for name, command in cli.main.commands.items():
        assert f"{name} {command.help.splitlines()[0]}" in output


@pytest.mark.usefixtures("trained")
def test_unknown_metric():
    Path("params.yaml").write_text(toy.text(evaluation={"metric": "luck"}), encoding="utf-8")
    assert "evaluation.metric: luck is none of average_precision" in refused("evaluate")


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
    assert refused("train") == "data/prepared/manifest.json is missing: run `dvc pull` or `dvc repro`"
    assert refused("score", "a.csv", "b.csv") == "model/manifest.json is missing: run `dvc pull` or `dvc repro`"


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
    assert result.exit_code == 2 and "Error: " in result.stderr
