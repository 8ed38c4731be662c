"""The summary as the pull request's comment."""

import pytest
from late_flights.factory.ci import summary
from late_flights.factory.gate import result
from tests.factory.cli_runner import run

from machinery.ci.fake_platforms import save
from machinery.ci.summary_fixtures import reported


@pytest.mark.usefixtures("dvc_answers")
def test_one_comment_that_is_updated(github):
    assert reported(2, "--post")[-1].startswith("VERDICT_MISSING")
    assert run("compare").exit_code == 0
    assert reported(0, "--post") == []
    [comment] = github.comments
    assert "## Passed the gate" in comment["text"] and "/actions/runs/5)" in comment["text"]


@pytest.mark.usefixtures("dvc_answers")
def test_comment_of_somebody_who_came_first_stays(github):
    save(github.comments, None, text=f"{summary.MARKER} all is well")
    reported(2, "--post")
    first, ours = github.comments
    assert first["text"].endswith("all is well") and "VERDICT_MISSING" in ours["text"]


@pytest.mark.usefixtures("dvc_answers", "github")
def test_page_of_the_run_shows_it(monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    reported(2)
    assert "VERDICT_MISSING" in (tmp_path / "page.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("dvc_answers")
def test_comment_that_is_refused_changes_no_verdict(github):
    github.down = True
    assert run("compare").exit_code == 0
    [line] = reported(0, "--post")
    assert line.startswith("Not posted: ") and "403" in line


@pytest.mark.usefixtures("dvc_answers")
def test_long_report_is_cut_but_for_where_the_whole_of_it_is(github, monkeypatch):
    monkeypatch.setattr(result, "HEADERS", [*result.HEADERS[:-1], "x" * 6_000])
    assert run("compare").exit_code == 0
    assert reported(0, "--post") == []
    text = github.comments[0]["text"]
    assert 60_000 < len(text) <= 65_000 and text.count("\n|") > 5 and "reports/report.html" in text[-200:]
