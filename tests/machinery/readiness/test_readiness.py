"""The score: what is claimed counts only while its tests pass and notice what is broken."""

import json
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path

import pytest
from late_flights.factory import config, errors
from late_flights.factory.readiness import ml_test_score, sandbox
from late_flights.factory.readiness import score as readiness
from tests.factory import git_repository, toy
from tests.factory.cli_runner import refused, run

TRIAL = readiness.Trial("a fault", lambda copy, params: None, (("factory", "compare"),), "FLOOR")
CLAIM = readiness.Claim("Data", "A test", "tests/test_it.py", (TRIAL,))
OTHERS = [readiness.Result(readiness.Claim(group, "Another"), 3, "") for group in readiness.GROUPS[1:]]


class Copy:
    """In place of the scratch copy: which commands pass as it is, and what the broken one says."""

    def __init__(self, said: str | None = "Error: refused: FLOOR", fails: str = "") -> None:
        self.said, self.fails = said, fails

    def passes(self, command):
        return command[0] != self.fails

    def broken(self, broken, commands):
        if self.said == "cannot":
            raise errors.FactoryError("there is no such column")
        return self.said


def assessed(patch, copy, claim=CLAIM):
    patch.setattr(readiness, "Scratch", lambda params: nullcontext(copy))
    [result] = readiness.assess(toy.params(), [claim])
    return result.score, result.why


@pytest.mark.parametrize(
    ("copy", "score", "why"),
    [
        (Copy(), 1, "refused: a fault"),
        (Copy(said=None), 0, "a fault: nobody notices"),
        (Copy(said="Error: refused: SIZE"), 0, "a fault: not refused as FLOOR"),
        (Copy(said="cannot"), 0, "there is no such column"),
        (Copy(fails="pytest"), 0, "tests/test_it.py does not pass, or has no test"),
        (Copy(fails="factory"), 0, "`factory compare` does not pass on what is here"),
    ],
)
def test_claim_counts_if_its_check_bites(project, monkeypatch, copy, score, why):
    assert assessed(monkeypatch, copy) == (score, why)


def test_what_is_not_claimed_says_what_is_missing(project, monkeypatch):
    assert assessed(monkeypatch, Copy(), readiness.Claim("Data", "A test", missing="labels")) == (0, "labels")


@pytest.mark.parametrize(("age", "score"), [(0, 0.5), (364, 0.5), (366, 0)])
def test_work_by_hand_counts_half_for_a_year(project, monkeypatch, age, score):
    Path("docs").mkdir()
    day = date.today() - timedelta(days=age)
    readiness.NOTES.write_text(f"- {{test: A test, by: Zoë, day: {day}, found: nothing}}\n", encoding="utf-8")
    assert assessed(monkeypatch, Copy(said=None))[0] == score
    assert assessed(monkeypatch, Copy())[0] == 1


@pytest.mark.parametrize("text", ["- {test: A test}", "a: 1", "- [", "1"])
def test_notes_that_are_none_are_one_line(project, text):
    Path("docs").mkdir()
    readiness.NOTES.write_text(text, encoding="utf-8")
    with pytest.raises(errors.FactoryError, match=r"docs/readiness\.yaml: ") as told:
        readiness.noted()
    assert len(str(told.value).splitlines()) == 1


def test_score_is_the_least_group(project, monkeypatch):
    results = [readiness.Result(CLAIM, 1, "refused"), readiness.Result(CLAIM, 0.5, "by hand"), *OTHERS]
    assert readiness.write(results) == 1.5
    found = json.loads(Path("reports/readiness.json").read_text(encoding="utf-8"))
    assert found["groups"] == {"Data": 1.5, "Model": 3, "Infrastructure": 3, "Monitoring": 3}
    assert "1.5" in Path("reports/readiness.svg").read_text() and found["level"] in readiness.table(results)


@pytest.mark.parametrize(("score", "words"), [(0, "research"), (0.5, "not totally"), (2.5, "reasonably"), (7, "except")])
def test_score_has_a_meaning(score, words):
    assert readiness.level(score).startswith(words) or words in readiness.level(score)


def test_all_28_tests_of_the_paper_are_there():
    groups = [claim.group for claim in ml_test_score.CLAIMS]
    assert {group: groups.count(group) for group in readiness.GROUPS} == dict.fromkeys(readiness.GROUPS, 7)
    assert all(bool(claim.trials) == bool(claim.tests) != bool(claim.missing) for claim in ml_test_score.CLAIMS)


def test_least_score_for_ci(project, monkeypatch):
    monkeypatch.setattr(readiness, "assess", lambda params, claims: iter([readiness.Result(CLAIM, 1, ""), *OTHERS]))
    assert run("readiness", "--min", "1", "--json").exit_code == 0
    assert refused("readiness", "--min", "1.5") == "the score is 1, less than 1.5"


def test_without_a_model_there_is_nothing_to_break(project):
    with pytest.raises(errors.FactoryError, match="there is no model to break"), sandbox.Scratch(config.load()):
        pass


def test_copy_is_broken_and_made_whole_again(trained, monkeypatch):
    git_repository.environment(monkeypatch)
    git_repository.start()
    git_repository.commit(**{"test_it.py": "def test_it():\n    pass\n", ".gitignore": "/data\n/model\n"})
    command = ("pytest", "test_it.py")
    with sandbox.Scratch(config.load()) as copy:
        assert (copy.folder / "model/manifest.json").exists() and copy.passes(command)
        said = copy.broken(lambda folder, params: (folder / "test_it.py").unlink(), [command]) or ""
        assert "no such file" in said.lower() or "not found" in said.lower()
        assert copy.broken(lambda folder, params: None, [command]) is None
        assert (copy.folder / "test_it.py").exists()
    assert not copy.folder.exists() and Path("test_it.py").exists()
