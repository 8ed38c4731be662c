"""What monitoring has found becomes one issue, and one retraining; what the next run has to know is on a branch."""

import json
import os
from pathlib import Path

import pytest
from late_flights.factory.ci import alert, propose
from late_flights.factory.evaluation import markdown
from late_flights.factory.monitoring import retraining
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.ci.fake_platforms import environment, fake_platform, save
from machinery.monitoring.reports import report, window


@pytest.fixture
def shared(project, monkeypatch, tmp_path_factory):
    """A repository with a remote."""
    git_repository.environment(monkeypatch)
    Path(".gitignore").write_text(git_repository.IGNORED)
    git_repository.start()
    git_repository.share(tmp_path_factory.mktemp("remote"))
    return project


@pytest.fixture
def platform(shared, monkeypatch):
    with fake_platform() as platform:
        for name, value in environment(platform, "gitlab").items():
            monkeypatch.setenv(name, value)
        yield platform


def found(*alerts, until="2026-05-10", **values):
    """Put what monitoring says in its place."""
    alert.REPORT.parent.mkdir(exist_ok=True)
    content = report(window("2026-05-09", labelled=250), alerts=alerts, until=until, **values)
    alert.REPORT.write_text(json.dumps(content))


def incident(code="BIAS", retrain=True, open_=True, text="score 0.1 too high from 9 May"):
    about = {"key": f"v1 {code} 2026-05-09", "model": "v1", "code": code, "column": None, "from": "2026-05-09"}
    return {**about, "to": "2026-05-09", "open": open_, "text": text, "retrain": retrain}


def act():
    """The command, on the morning after the report's last day."""
    return run("alert", "--until", json.loads(alert.REPORT.read_text())["until"])


def kept():
    git("fetch", "--quiet", "origin", alert.BRANCH.name)
    return {name: git("show", f"FETCH_HEAD:{name}") for name in git("ls-tree", "--name-only", "FETCH_HEAD").split()}


def test_evidence_starts_one_retraining_and_opens_one_issue(platform):
    found(incident())
    Path("reports/dashboard.html").write_text("<title>page</title>")
    result = act()
    assert result.exit_code == 0 and "Started the pipeline retrain: v1 BIAS 2026-05-09" in result.output, result.output
    found(incident(), until="2026-05-18")
    assert "No retraining: the data are those" in act().output
    assert platform.started == ["retrain of main"]
    [issue] = platform.issues
    assert issue["title"] == alert.TITLE and issue["text"].startswith(alert.MARKER)
    assert "| BIAS" in issue["text"] and "|\n\nNo retraining: the data" in issue["text"]  # no row of the table
    assert kept().keys() == {"monitor.json", "retraining.json", "index.html"}
    assert json.loads(kept()["monitor.json"])["until"] == "2026-05-18"
    assert git("rev-list", "--count", "FETCH_HEAD") == "1" and not git("status", "--porcelain", "--", "data", "src")


def test_defects_of_the_data_are_an_issue_and_retrain_nothing(platform):
    found(incident("MISSING_VALUES", retrain=False))
    assert "No retraining: no open alert of the newest version is evidence" in act().output
    assert not platform.started and len(platform.issues) == 1


def test_the_issue_says_when_nothing_is_open_any_more_and_none_is_opened_for_that(platform):
    for open_ in (False, True, False):
        found(incident(retrain=False, open_=open_))
        assert act().exit_code == 0
        assert len(platform.issues) == int(open_ or bool(platform.issues))
    assert alert.QUIET in platform.issues[0]["text"] and "## 0 alerts open" in platform.issues[0]["text"]


def test_what_could_not_be_judged_is_an_issue(platform):
    found(states=[{"code": "NO_DATA", "text": "no captures since 1 May"}])
    act()
    assert "`NO_DATA` no captures since 1 May" in platform.issues[0]["text"]


def test_the_next_run_gets_what_the_last_one_kept(platform):
    assert "this is the first run" in run("alert", "--fetch").output
    found(incident())
    act()
    alert.REPORT.unlink()
    retraining.FILE.unlink()
    assert run("alert", "--fetch").exit_code == 0
    assert json.loads(alert.REPORT.read_text())["alerts"] and retraining.parse(retraining.FILE.read_text())


def test_a_retraining_that_could_not_be_started_is_an_issue_and_started_by_the_next_run(platform, monkeypatch):
    found(incident())
    for token, started in (("of another job", 0), (os.environ["CI_JOB_TOKEN"], 1)):
        monkeypatch.setenv("CI_JOB_TOKEN", token)
        assert act().exit_code == 1 - started
        assert len(json.loads(kept()["retraining.json"])) == len(platform.started) == started
        assert ("No retraining, and nothing is kept: POST" in platform.issues[0]["text"]) == (not started)
    assert len(platform.issues) == 1


def test_of_two_runs_at_once_only_one_starts_it(platform, monkeypatch):
    found(incident())
    other = git("commit-tree", git("mktree", stdin=""), "-m", "another run")
    decide = retraining.decide

    def slow(*arguments):
        git("push", "--quiet", "origin", f"{other}:refs/heads/{alert.BRANCH.name}")
        return decide(*arguments)

    monkeypatch.setattr(retraining, "decide", slow)
    assert act().exit_code == 1
    assert not platform.started and "No retraining, and nothing is kept" in platform.issues[0]["text"]


def test_while_a_proposal_waits_for_a_person_none_is_made(platform):
    save(platform.pull_requests, None, branch=propose.RETRAIN, base="main", title="Retrain the model", text="")
    found(incident())
    assert "factory/retrain proposes a model" in act().output and not platform.started
    platform.pull_requests.clear()  # somebody has closed it, and the branch stays
    git("push", "--quiet", "origin", f"main:refs/heads/{propose.RETRAIN}")
    assert act().exit_code == 0 and platform.started == ["retrain of main"]


@pytest.mark.parametrize("content", [None, "{"])
def test_an_earlier_report_or_none_is_never_quiet(platform, content):
    found(incident())
    result = run("alert", "--until", "2026-05-11")
    assert result.exit_code == 0 and not platform.started
    assert "`NOT_RUN` factory monitor has not finished since 2026-05-10" in platform.issues[0]["text"]
    alert.REPORT.unlink() if content is None else alert.REPORT.write_text(content)
    assert run("alert").exit_code == 0
    assert "and left no `reports/monitor.json` that can be read" in platform.issues[0]["text"] and len(platform.issues) == 1


def test_words_of_others_are_text_in_the_issue(platform):
    words = "@everyone <b>#1</b> | closes #2 \n/close"
    found(incident(text=words))
    act()
    cell = markdown.table([[words]], ["what"]).splitlines()[-1].strip("| ")
    assert f"| {cell} |" in platform.issues[0]["text"] and words not in platform.issues[0]["text"]


def test_outside_of_a_pipeline(shared):
    assert "not in a pipeline" in refused("alert")
