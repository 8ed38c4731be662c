"""What monitoring has found becomes one issue, and one retraining; what the next run has to know is on a branch."""

import json
from pathlib import Path

import pytest
from late_flights.factory.ci import alert, propose
from late_flights.factory.evaluation import markdown
from late_flights.factory.monitoring import retraining
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.ci.fake_platforms import environment, fake_platform
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


def kept():
    git("fetch", "--quiet", "origin", alert.BRANCH)
    return {name: git("show", f"FETCH_HEAD:{name}") for name in git("ls-tree", "--name-only", "FETCH_HEAD").split()}


def test_evidence_starts_one_retraining_and_opens_one_issue(platform):
    found(incident())
    Path("reports/dashboard.html").write_text("<title>page</title>")
    result = run("alert")
    assert result.exit_code == 0 and "Started the pipeline retrain: v1 BIAS 2026-05-09" in result.output, result.output
    found(incident(), until="2026-05-18")
    assert "No retraining: the data are those" in run("alert").output
    assert platform.started == ["retrain of main"]
    [issue] = platform.issues
    assert issue["title"] == alert.TITLE and issue["text"].startswith(alert.MARKER)
    assert "| BIAS" in issue["text"] and "|\n\nNo retraining: the data" in issue["text"]  # no row of the table
    assert kept().keys() == {"monitor.json", "retraining.json", "index.html"}
    assert json.loads(kept()["monitor.json"])["until"] == "2026-05-18"
    assert git("rev-list", "--count", "FETCH_HEAD") == "1" and not git("status", "--porcelain", "--", "data", "src")


def test_defects_of_the_data_are_an_issue_and_retrain_nothing(platform):
    found(incident("MISSING_VALUES", retrain=False))
    assert "No retraining: no open alert of the newest version is evidence" in run("alert").output
    assert not platform.started and len(platform.issues) == 1


def test_the_issue_says_when_nothing_is_open_any_more_and_none_is_opened_for_that(platform):
    for open_ in (False, True, False):
        found(incident(retrain=False, open_=open_))
        assert run("alert").exit_code == 0
        assert len(platform.issues) == int(open_ or bool(platform.issues))
    assert alert.QUIET in platform.issues[0]["text"] and "## 0 alerts open" in platform.issues[0]["text"]


def test_what_could_not_be_judged_is_an_issue(platform):
    found(states=[{"code": "NO_DATA", "text": "no captures since 1 May"}])
    run("alert")
    assert "`NO_DATA` no captures since 1 May" in platform.issues[0]["text"]


def test_the_next_run_gets_what_the_last_one_kept(platform):
    assert "this is the first run" in run("alert", "--fetch").output
    found(incident())
    run("alert")
    alert.REPORT.unlink()
    retraining.FILE.unlink()
    assert run("alert", "--fetch").exit_code == 0
    assert json.loads(alert.REPORT.read_text())["alerts"] and retraining.parse(retraining.FILE.read_text())


def test_a_retraining_that_could_not_be_started_is_started_by_the_next_run(platform):
    found(incident())
    for platform.down, started in ((True, 0), (False, 1)):
        assert (run("alert").exit_code == 0) == (not platform.down)
        assert len(json.loads(kept()["retraining.json"])) == len(platform.started) == started


def test_of_two_runs_at_once_only_one_starts_it(platform, monkeypatch):
    found(incident())
    other = git("commit-tree", git("mktree", stdin=""), "-m", "another run")
    monkeypatch.setattr(alert, "_is_proposed", lambda: git("push", "--quiet", "origin", f"{other}:refs/heads/{alert.BRANCH}"))
    assert run("alert").exit_code == 1
    assert not platform.started


def test_a_proposal_that_waits_for_a_person_is_not_made_again(platform):
    git_repository.commit(**git_repository.lock("here"))
    git("push", "--quiet", "origin", "main")
    git("checkout", "--quiet", "-b", propose.RETRAIN)
    git_repository.commit(**git_repository.lock("retrained"))
    git("push", "--quiet", "origin", propose.RETRAIN)
    git("checkout", "--quiet", "main")
    found(incident())
    assert "factory/retrain proposes a model" in run("alert").output and not platform.started
    git("merge", "--quiet", propose.RETRAIN)
    assert run("alert").exit_code == 0 and platform.started == ["retrain of main"]


def test_words_of_others_are_text_in_the_issue(platform):
    words = "@everyone <b>#1</b> | closes #2 \n/close"
    found(incident(text=words))
    run("alert")
    cell = markdown.table([[words]], ["what"]).splitlines()[-1].strip("| ")
    assert f"| {cell} |" in platform.issues[0]["text"] and words not in platform.issues[0]["text"]


@pytest.mark.parametrize(("content", "message"), [(None, "is missing: run"), ("{", "is damaged: delete it")])
def test_there_must_be_a_report(platform, content, message):
    alert.REPORT.parent.mkdir(exist_ok=True)
    if content:
        alert.REPORT.write_text(content)
    assert message in refused("alert") and not platform.issues


def test_outside_of_a_pipeline(shared):
    assert "not in a pipeline" in refused("alert")
