"""The score: a criterion counts only while its tests pass and its faults are detected."""

import json
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path

import pytest
from late_flights.factory import config, errors
from late_flights.factory.readiness import ml_test_score, sandbox, score
from tests.factory import git_repository, toy
from tests.factory.cli_runner import refused, run

FAULT = score.FaultTest("a fault", lambda copy, params: None, (("factory", "compare"),), "FLOOR")
CRITERION = score.Criterion("Data", "A test", "tests/test_it.py", (FAULT,))
OTHERS = [score.Score(score.Criterion(group, "Another"), 3, "") for group in score.GROUPS[1:]]


class FakeSandbox:
    """Which commands pass without a fault, and what is printed with one."""

    def __init__(self, output: str | None = "Error: refused: FLOOR", fails: str = "") -> None:
        self.output, self.fails = output, fails

    def run_without_fault(self, command):
        return "✗ Rejected: FLOOR\nand more" if command[0] == self.fails else None

    def run_with_fault(self, fault, commands):
        if self.output == "cannot":
            raise errors.FactoryError("there is no such column")
        return self.output


def assess(patch, fake, criterion=CRITERION):
    patch.setattr(score, "Sandbox", lambda params: nullcontext(fake))
    [result] = score.assess(toy.params(), [criterion])
    return result.points, result.why


@pytest.mark.parametrize(
    ("fake", "points", "why"),
    [
        (FakeSandbox(), 1, "detected: a fault"),
        (FakeSandbox(output=None), 0, "a fault: not detected"),
        (FakeSandbox(output="Error: refused: SIZE"), 0, "a fault: detected, but not as FLOOR"),
        (FakeSandbox(output="cannot"), 0, "there is no such column"),
        (FakeSandbox(fails="pytest"), 0, "tests/test_it.py fails, or holds no test"),
        (FakeSandbox(fails="factory"), 0, "`factory compare` fails without any fault: ✗ Rejected: FLOOR"),
    ],
)
def test_criterion_counts_if_its_fault_is_detected(project, monkeypatch, fake, points, why):
    assert assess(monkeypatch, fake) == (points, why)


def test_tests_alone_have_to_pass(project, monkeypatch):
    criterion = score.Criterion("Data", "A test", "tests/test_it.py")
    assert assess(monkeypatch, FakeSandbox(), criterion) == (1, "tests/test_it.py passes")
    assert assess(monkeypatch, FakeSandbox(fails="pytest"), criterion)[0] == 0


def test_what_is_not_automated_says_what_is_missing(project, monkeypatch):
    assert assess(monkeypatch, FakeSandbox(), score.Criterion("Data", "A test", missing="labels")) == (0, "labels")


@pytest.mark.parametrize(("age", "points"), [(0, 0.5), (364, 0.5), (366, 0)])
def test_work_by_hand_counts_half_for_a_year(project, monkeypatch, age, points):
    Path("docs").mkdir()
    day = date.today() - timedelta(days=age)
    score.MANUAL_EVIDENCE.write_text(f"- {{test: A test, by: Zoë, day: {day}, found: nothing}}\n", encoding="utf-8")
    assert assess(monkeypatch, FakeSandbox(output=None))[0] == points
    assert assess(monkeypatch, FakeSandbox())[0] == 1


@pytest.mark.parametrize("text", ["- {test: A test}", "a: 1", "- [", "1"])
def test_manual_evidence_that_is_none_is_one_line(project, text):
    Path("docs").mkdir()
    score.MANUAL_EVIDENCE.write_text(text, encoding="utf-8")
    with pytest.raises(errors.FactoryError, match=r"docs/readiness\.yaml\b") as error:
        score.manual_evidence()
    assert len(str(error.value).splitlines()) == 1


def test_score_is_the_least_group(project, monkeypatch):
    scores = [score.Score(CRITERION, 1, "refused"), score.Score(CRITERION, 0.5, "by hand"), *OTHERS]
    assert score.write(scores) == 1.5
    report = json.loads(Path("reports/readiness.json").read_text(encoding="utf-8"))
    assert report["groups"] == {"Data": 1.5, "Model": 3, "Infrastructure": 3, "Monitoring": 3}
    assert "1.5" in Path("reports/readiness.svg").read_text() and report["level"] in score.table(scores)


@pytest.mark.parametrize(("total", "words"), [(0, "research"), (0.5, "not totally"), (2.5, "reasonably"), (7, "except")])
def test_score_has_a_meaning(total, words):
    assert words in score.level(total)


def test_all_28_tests_of_the_paper_are_there():
    groups = [criterion.group for criterion in ml_test_score.CRITERIA]
    assert {group: groups.count(group) for group in score.GROUPS} == dict.fromkeys(score.GROUPS, 7)
    assert all(bool(criterion.tests) != bool(criterion.missing) for criterion in ml_test_score.CRITERIA)


def test_least_score_for_ci(project, monkeypatch):
    monkeypatch.setattr(score, "assess", lambda params, criteria: iter([score.Score(CRITERION, 1, ""), *OTHERS]))
    assert run("readiness", "--min", "1", "--json").exit_code == 0
    assert refused("readiness", "--min", "1.5") == "the score is 1, less than 1.5"
    assert run("readiness", "--min", "nan").exit_code == 2


def test_without_a_model_there_is_nothing_to_test(project):
    with pytest.raises(errors.FactoryError, match="there is no model to test"), sandbox.Sandbox(config.load()):
        pass


def test_fault_is_injected_into_a_copy_and_removed_again(trained, monkeypatch):
    git_repository.environment(monkeypatch)
    git_repository.start()
    git_repository.commit(**{"test_it.py": "def test_it():\n    pass\n", ".gitignore": "/data\n/model\n"})
    command = ("pytest", "test_it.py")
    with sandbox.Sandbox(config.load()) as copy:
        assert (copy.folder / "model/manifest.json").exists() and copy.run_without_fault(command) is None
        output = copy.run_with_fault(lambda folder, params: (folder / "test_it.py").unlink(), [command]) or ""
        assert "no such file" in output.lower() or "not found" in output.lower()
        assert copy.run_with_fault(lambda folder, params: None, [command]) is None
        assert (copy.folder / "test_it.py").exists()
    assert not copy.folder.exists() and Path("test_it.py").exists()
