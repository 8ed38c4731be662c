"""The comment of a job that trusts nothing of the artifact, which the code of a pull request wrote."""

import json
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.ci import received, summary
from late_flights.factory.gate import compare
from tests.factory import git_repository
from tests.factory.cli_runner import run

from machinery.ci.summary_fixtures import reported
from machinery.evaluation.rendered import TABLE, inert

INBOX = Path("inbox")
HOSTILE = (
    "[x](https://e.example) <img src=y> @all #12 !5 `a` | \n\n# Passed the gate\n<!-- factory: the challenger -->"
    "\n::set-output name=a::b\n##vso[task.setvariable variable=a]b"
)
CHECK = {"code": "FLOOR", "what": "ROC AUC", "figure": 0.5, "limit": "≥ 0.7", "passed": False}
GATE = {"model": "a" * 64, "against": "the champion v1", "rows": 100, "checks": [CHECK]}


@pytest.fixture
def left(tmp_path, monkeypatch):
    """Writes what the other job left."""
    monkeypatch.chdir(tmp_path)

    def write(content):
        INBOX.mkdir(exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (INBOX / "summary.json").write_text(text, encoding="utf-8")

    return write


def invalid(reason):
    """The summary is refused, in one line that repeats nothing of it."""
    result = run("summary", "--post", "--from", f"{INBOX}")
    assert result.exit_code == 2, result.output
    line = f"Error: SUMMARY_INVALID: inbox/summary.json {reason}: see the log of the job that wrote it\n"
    assert (result.stdout, result.stderr) == ("", line)


@pytest.mark.usefixtures("dvc_answers")
@pytest.mark.parametrize("judged", [True, False])
def test_same_report_as_where_it_was_measured(github, judged):
    if judged:
        assert run("compare", "--offline").exit_code == 0
    reported(0 if judged else 2)
    measured = summary.REPORT.read_text(encoding="utf-8")
    INBOX.mkdir()
    summary.JSON.rename(INBOX / "summary.json")
    result = run("summary", "--post", "--from", f"{INBOX}")
    assert result.exit_code == 0 and result.stdout.startswith("See at/1"), result.output
    [comment] = github.comments
    assert comment["text"].startswith(f"{measured}\n{received.NOTE}".rstrip())


def strings(content, text):
    """The content with this text in place of each text and name, one at a time."""
    if isinstance(content, str):
        yield text
    elif isinstance(content, list):
        yield from ([*content[:i], other, *content[i + 1 :]] for i, each in enumerate(content) for other in strings(each, text))
    elif isinstance(content, dict):
        yield from ({**content, name: other} for name, each in content.items() for other in strings(each, text))


def test_text_of_others_is_shown_as_text(left):
    problem = {"code": "STORAGE", "message": "gone", "inconclusive": True}
    check = CHECK | {"note": "of the group A", "unit": "ms"}
    metric = {"challenger": 0.8, "champion": 0.7}
    gate = GATE | {"checks": [check], "accepted_limits": "why", "problem": "classification", "metrics": {"roc_auc": metric}}
    for content in ({"problems": [problem], "gate": None}, {"problems": [], "gate": gate}):
        texts = [*strings(content, HOSTILE)]
        assert len(texts) > 1
        for each in texts:
            left(each)
            head, _, body = received.report(INBOX).partition("\n\n")
            assert head == summary.MARKER and inert(body, "h2", "ul", "li", "strong", *TABLE)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        {"problems": [], "gate": "x"},
        {"problems": [{"code": 1, "message": [], "inconclusive": {}}], "gate": None},
        {"problems": [], "gate": GATE | {"checks": []}},
        {"problems": [], "gate": GATE | {"checks": [CHECK | {"what": "x" * 10_001}]}},
        {"problems": [], "gate": GATE | {"against": "x" * 10_001}},
        {"problems": [{"code": "A", "message": "x" * 10_001, "inconclusive": True}], "gate": None},
        {"problems": [], "gate": GATE | {"rows": 10**400}},
        {"problems": [], "gate": GATE | {"rows": -1}},
        {"problems": [], "gate": GATE | {"checks": [CHECK | {"figure": "many"}]}},
        {"problems": [], "gate": GATE | {"metrics": {"roc_auc": {"champion": "x"}}}},
    ],
)
def test_what_the_summary_never_writes_is_refused(left, content):
    left(content)
    invalid("is not what `factory summary` writes")


def test_nothing_is_no_result(left):
    left({"problems": [], "gate": None})
    invalid("has no result")


def test_huge_file_is_not_read(left):
    left(json.dumps({"problems": [], "gate": None, "more": "x" * received.MAX_BYTES}))
    invalid("has more than 1,000,000 bytes")


def test_link_is_not_followed(left, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "summary.json"
    manifest.dump({"problems": [], "gate": GATE}, secret)
    invalid("is missing, or a link")
    INBOX.mkdir()
    (INBOX / "summary.json").symlink_to(secret)
    invalid("is missing, or a link")
    (INBOX / "summary.json").unlink()
    INBOX.rmdir()
    INBOX.symlink_to(secret.parent)
    invalid("is missing, or a link")


def test_pull_request_is_that_of_the_run_whatever_the_artifact_says(left, github):
    left({"problems": [], "gate": GATE, "number": 9, "pull_request": {"number": 9}, "env": {"GITHUB_REPOSITORY": "a/b"}})
    (INBOX / "event.json").write_text('{"pull_request": {"number": 9}}', encoding="utf-8")
    assert run("summary", "--post", "--from", f"{INBOX}").exit_code == 0
    assert {line.rpartition(" ")[2] for line in github.asked} == {"/github/repos/me/project/issues/7/comments"}


def test_figures_and_metrics_that_nobody_knows_are_left_out(left):
    metrics = {"roc_auc": {"challenger": None, "champion": 0.7}, "x" * 9: {"challenger": 1, "champion": 1}}
    metrics["brier"] = {"challenger": 0.1, "baseline": 0.2}
    checks = [CHECK | {"code": "NEW_ONE", "figure": None}, CHECK | {"figure": "inf"}]
    left({"problems": [], "gate": GATE | {"problem": "classification", "metrics": metrics, "checks": checks}})
    report = received.report(INBOX)
    assert "| unknown" in report and "xxx" not in report and "Brier" not in report
    assert "Next: see `docs/gate.md`" in report


def test_comment_that_is_refused_is_an_error_here(left, github):
    left({"problems": [], "gate": GATE})
    github.down = True
    result = run("summary", "--post", "--from", f"{INBOX}")
    assert result.exit_code == 1 and "403" in result.stderr


@pytest.mark.usefixtures("committed")
def test_offline_compare_asks_no_remote():
    git_repository.git("remote", "add", "origin", f"{Path('nowhere').resolve()}")
    assert run("compare").exit_code == 2
    assert run("compare", "--offline").exit_code == 0
    assert json.loads(compare.JSON.read_text(encoding="utf-8"))["problem"] == "classification"
