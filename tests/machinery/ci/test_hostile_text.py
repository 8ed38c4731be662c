"""What others wrote appears as text in comments, issues and pull requests, on each platform, and is no command in its log."""

import io
import json
import sys
from pathlib import Path

import pytest
from late_flights.factory import errors, manifest, platforms
from late_flights.factory.ci import propose, summary
from late_flights.factory.cli import log
from late_flights.factory.gate import checks, compare
from late_flights.factory.update import proposal
from late_flights.factory.update.update import Update
from tests.factory.cli_runner import run

from machinery.ci.fake_platforms import environment, fake_platform
from machinery.evaluation.rendered import TABLE, inert

NAME = "[x](https://e) <img src=y> @all #12 !5 `a|b` <!--\n# head\n/merge"
TAGS = (*TABLE, "h2", "ul", "li", "strong")


@pytest.fixture(params=["github", "gitlab", "azure"])
def platform(request, monkeypatch, tmp_path_factory):
    """A run for pull request 7."""
    event = tmp_path_factory.mktemp("event") / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    with fake_platform() as platform:
        for name, value in environment(platform, request.param, "feature", "main", str(event)).items():
            monkeypatch.setenv(name, value)
        yield platform


def written(text: str, marker: str = "") -> str:
    """The text of a page without what every page of ours has: a comment at its head and a link to the run."""
    assert text.startswith(marker)
    body = text.removeprefix(marker).replace(summary.MARKER, "").partition("\n\nLogs, and the report")[0]
    return inert(body, *TAGS)


@pytest.mark.usefixtures("dvc_answers")
def test_hostile_names_in_a_comment(platform):
    check = checks.Check("SLICE", NAME, -0.5, NAME, False, note=NAME)
    metrics = {"roc_auc": {"challenger": 0.5, NAME: 0.6}}
    compare.write_reports(compare.GateResult(manifest.model_id(), NAME, None, [check], None, 5, "classification", metrics))
    assert run("summary", "--post").exit_code == 1
    [comment] = platform.comments
    assert written(comment["text"], summary.MARKER).count("<img src=y>") >= 5


@pytest.mark.usefixtures("dvc_answers")
def test_hostile_message_of_a_stage_in_an_issue(platform, dvc_answers):
    dvc_answers["status"] = '{"prepare": []}'
    with Path(".dvc/tmp", errors.FAILURE.name).open("w") as file:
        json.dump({"command": "prepare", "code": "CONTRACT", "message": NAME}, file)
    assert run("propose").exit_code == 1
    [issue] = platform.issues
    assert "<img src=y> @all" in written(issue["text"], propose.MARKER)


def test_hostile_file_in_a_pull_request_with_an_update():
    page = proposal.text(Update("1.0.0", "1.1.0", {NAME: NAME}, [NAME], [NAME], [NAME]), "Opened by somebody")
    assert page.count("`` [x](https://e) <img src=y> @all #12") == 6
    inert(page.partition("\nOpened by")[0].replace("[ ]", ""), *TAGS)


@pytest.mark.parametrize(
    "text", ["::set-output name=a::b", "a\r  ::error::x", "x ##vso[task.setvariable variable=a]b", "##[add-mask]x"]
)
def test_text_is_no_command_in_the_log(monkeypatch, text):
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("CI", "true")
    log.protect()
    print(text, file=sys.stderr)
    platforms.Azure({}).set_output("ours", "a")
    printed, ours, _ = shown.getvalue().rsplit("\n", 2)
    assert (
        ours.startswith("##vso[task.setvariable variable=ours;")
        and printed.replace("\N{ZERO WIDTH SPACE}", "") == text != printed
    )
    assert "##vso[" not in printed and "##[" not in printed and not printed.split("\r")[-1].strip().startswith("::")


@pytest.mark.usefixtures("dvc_answers", "platform")
def test_message_of_a_stage_is_no_command_in_the_log(dvc_answers, monkeypatch):
    monkeypatch.setenv("CI", "true")
    dvc_answers["status"] = '{"prepare": []}'
    hostile = {"command": "prepare", "code": "CONTRACT", "message": "##vso[task.complete result=Succeeded]"}
    Path(".dvc/tmp", errors.FAILURE.name).write_text(json.dumps(hostile))
    result = run("summary")
    assert result.exit_code == 1 and "##vso[" not in result.output and "task.complete" in result.output


def test_output_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    platforms.GitHub({"GITHUB_OUTPUT": str(tmp_path / "output")}).set_output("a", "b\nc=d")
    assert (tmp_path / "output").read_text() == "a=b c=d\n"
    platforms.Azure({}).set_output("a", "b\n##vso[task.complete]")
    assert len(capsys.readouterr().out.splitlines()) == 1
