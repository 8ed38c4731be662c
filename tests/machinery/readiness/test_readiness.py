"""The score: a criterion counts only while its tests pass and its faults are detected."""

import json
import os
import signal
import threading
import time
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from late_flights.factory import config, errors
from late_flights.factory.readiness import answers, copies, ml_test_score, questions, sandbox, score
from tests.factory import git_repository, toy
from tests.factory.cli_runner import refused, run

FAULT = score.FaultTest("a fault", lambda copy, params: None, (("factory", "compare"),), "FLOOR")
CRITERION = score.Criterion("Data", "A test", "tests/test_it.py", (FAULT,))
OTHERS = [score.Score(score.Criterion(group, "Another"), 3, "") for group in score.GROUPS[1:]]


TODAY = date(2026, 6, 1)


@pytest.fixture(autouse=True)
def _one_day(monkeypatch):
    monkeypatch.setattr(answers, "today", lambda: TODAY)


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
    @contextmanager
    def in_fake(params):
        yield lambda work, items: ((item, work(fake, item)) for item in items)

    patch.setattr(score, "copies", in_fake)
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
    write(f"- {{test: A test, by: Zoë, day: {TODAY - timedelta(days=age)}, found: nothing}}\n")
    assert assess(monkeypatch, FakeSandbox(output=None))[0] == points
    assert assess(monkeypatch, FakeSandbox())[0] == 1


@pytest.mark.parametrize(
    ("facts", "points"), [({}, 0.5), ({"expires": 0}, 0.5), ({"expires": -1}, 0), ({"met": "false"}, 0), ({"day": -366}, 0)]
)
def test_answer_counts_half_while_it_holds(project, monkeypatch, facts, points):
    days = {name: TODAY + timedelta(days=facts.get(name, default)) for name, default in (("day", -9), ("expires", 99))}
    kept = [name for name in days if name == "day" or name in facts]
    lines = "".join(f"  {name}: {days[name]}\n" for name in kept) + f"  met: {facts.get('met', 'true')}\n"
    write(f"- question: tuned\n  by: Zoë\n  found: none better\n{lines}")
    criterion = score.Criterion("Model", "All hyperparameters have been tuned", missing="tune")
    assert assess(monkeypatch, FakeSandbox(), criterion)[0] == points


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- {test: A test}", "answers.0.by: Field required"),
        ("a: 1", "valid list"),
        ("- [", "line 1: not YAML"),
        ("1", "valid list"),
        ("- {question: tuned, test: A test, by: Z, day: 2026-01-01, found: f}", "answers.0: state `question`, or `test`"),
        ("- {question: tuned, by: ' ', day: 2026-01-01, found: f}", "answers.0: `by` and `found` are empty"),
        ("- {question: tuned, by: Z, day: 2099-01-01, found: f}", "answers.0: 2099-01-01 is in the future"),
        ("- {question: tuned, by: Z, day: 2026-01-02, expires: 2026-01-01, found: f}", "answers.0: it expires on 2026-01-01"),
        ("- {question: tuned, by: Z, day: 2026-01-02, found: f, answer: yes}", "answers.0.answer: unknown key"),
    ],
)
def test_answers_that_are_none_are_one_line(project, text, reason):
    write(text)
    line = refused("readiness", "--questions")
    assert line.startswith("docs/readiness.yaml") and reason in line


def test_each_question_is_of_a_criterion_without_a_test_or_of_nothing():
    missing = [criterion.title for criterion in ml_test_score.CRITERIA if criterion.missing]
    asked = [question.criterion for question in questions.QUESTIONS if question.criterion]
    assert sorted(asked) == sorted(missing)
    assert len(answers.KEYS) == len(questions.QUESTIONS) and len({each.role for each in questions.QUESTIONS}) == 5


def test_questions_are_listed_with_how_they_stand(project):
    old, today = TODAY - timedelta(days=400), TODAY
    write(
        f"# ours\n- {{question: on-call, by: Ann, day: {old}, found: the night shift}}\n"
        f"- {{question: load, by: Bo, day: {today}, found: 9 a second, met: false}}\n"
        f"- {{test: The model is debuggable, by: Cy, day: {today}, found: stepped through}}\n"
        f"- {{question: outcomes, by: Di, day: {old}, found: nobody}}\n- {{question: outcomes, by: Di, day: {today}, found: the desk}}\n"
    )
    result = run("readiness", "--questions").output
    assert "! on-call: " in result and f"Ann, {old}, expired since {old + timedelta(days=365)}: the night shift" in result
    assert "✗ load: " in result and "✓ debugged: " in result and "✓ outcomes: " in result and "- target: " in result
    assert (
        f"Of {len(questions.QUESTIONS)} questions to people: 2 met, 1 not met, 1 expired, {len(questions.QUESTIONS) - 4} open"
        in result
    )
    listed = {each["question"]: each for each in json.loads(run("readiness", "--questions", "--json").output)}
    assert listed["on-call"]["state"] == "expired" and listed["target"]["by"] is None


def test_answer_to_a_question_of_another_release_is_kept_and_listed(project):
    write(f"- {{question: of-old, by: Ann, day: {TODAY}, found: yes it was}}\n")
    result = run("readiness", "--questions")
    assert result.exit_code == 0 and "Answered, and no longer asked: of-old" in result.output


@pytest.mark.parametrize(("free", "number"), [(8_000_000, 2), (4_000_000, 1), (1, 1)])
def test_two_copies_at_once_where_two_trainings_fit(project, monkeypatch, free, number):
    Path("reports").mkdir(exist_ok=True)
    Path("reports/training.json").write_text('{"peak_memory_mb": 2000}')
    monkeypatch.setattr(copies, "MEMINFO", Path("meminfo"))
    Path("meminfo").write_text(f"MemTotal: 9000000 kB\nMemAvailable:    {free} kB\n")
    assert min(copies.MOST, copies._fitting()) == number


def test_answer_is_added_and_the_text_stays(project, monkeypatch):
    git_repository.environment(monkeypatch)
    git_repository.start()
    write("# ours\n- {question: load, by: Bo, day: 2026-01-01, found: much}   # until summer")
    before = Path("docs/readiness.yaml").read_text("utf-8")
    assert run("answer", "tuned", "-m", "50 trials: none better: 'déjà vu'").exit_code == 0
    assert run("answer", "oversight", "-m", "nobody\nyet", "--by", "李", "--not-met", "--expires", "2099-01-01").exit_code == 0
    after = Path("docs/readiness.yaml").read_text("utf-8")
    assert after.startswith(f"{before}\n- question: tuned\n")
    *_, tuned, oversight = answers.read_all()
    assert (tuned.found, tuned.met, tuned.until) == (
        "50 trials: none better: 'déjà vu'",
        True,
        TODAY + timedelta(days=365),
    )
    assert (oversight.by, oversight.met, oversight.found, oversight.until) == ("李", False, "nobody\nyet", date(2099, 1, 1))


@pytest.mark.parametrize(
    ("before", "arguments", "reason"),
    [
        ("", ("tunes", "-m", "x", "--by", "Z"), "there is no question tunes"),
        ("", ("tuned", "-m", " ", "--by", "Z"), "`by` and `found` are empty"),
        ("", ("tuned", "-m", "x", "--by", "Z", "--expires", "2020-01-01"), "it expires on 2020-01-01"),
        ("[{question: load, by: B, day: 2026-01-01, found: f}]", ("tuned", "-m", "x", "--by", "Z"), "begin each entry with `- `"),
        ("- {question: load}", ("tuned", "-m", "x", "--by", "Z"), "answers.0.by: Field required"),
    ],
)
def test_answer_that_cannot_be_added_changes_nothing(project, before, arguments, reason):
    write(before)
    assert reason in refused("answer", *arguments)
    assert [(path.name, path.read_text("utf-8")) for path in Path("docs").iterdir()] == [("readiness.yaml", before)]


def write(text):
    Path("docs").mkdir(exist_ok=True)
    answers.FILE.write_text(text, encoding="utf-8")


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
    scores = [score.Score(CRITERION, 1, ""), *OTHERS]
    monkeypatch.setattr(ml_test_score, "CRITERIA", [each.criterion for each in scores])
    monkeypatch.setattr(score, "assess", lambda params, criteria: reversed(scores))
    assert run("readiness", "--min", "1", "--json").exit_code == 0
    result = run("readiness", "--min", "1.5")
    assert result.exit_code == 1 and result.stderr.endswith("\nError: the score is 1, less than 1.5\n")
    assert "\n1/4 3 Another\n" in result.stderr, "each is shown when it is known"
    open_questions = f"{len(questions.QUESTIONS)} questions to people are open: `uv run factory readiness --questions`"
    assert result.stdout.splitlines()[-1] == open_questions
    assert result.stdout.index("Data") < result.stdout.index("Model")
    assert run("readiness", "--min", "nan").exit_code == 2


def test_without_a_model_there_is_nothing_to_test(project):
    with pytest.raises(errors.FactoryError, match="there is no model to test"), sandbox.Sandbox(config.load()):
        pass


def test_what_is_known_without_a_fault_is_found_once():
    once, found = copies.Once(), []
    assert [once.get("a", lambda: found.append(1) or len(found)) for _ in range(3)] == [1, 1, 1]
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            once.get("b", lambda: (_ for _ in ()).throw(ValueError("broken")))


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


@pytest.fixture
def _own_interrupts():
    """Ctrl-C as Python has it, whatever commands have run in this process before; it counts for none that follow."""
    handler, wakeup = signal.signal(signal.SIGINT, signal.default_int_handler), signal.set_wakeup_fd(-1)
    yield
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, handler)


@pytest.mark.usefixtures("_own_interrupts")
def test_interruption_ends_what_runs_in_the_copies_and_removes_them(trained, monkeypatch, tmp_path):
    git_repository.environment(monkeypatch)
    git_repository.start()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "t"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "t").mkdir()
    (tmp_path / "begun").mkdir()
    test = "import os, pathlib, time\n\ndef test_it():\n    pathlib.Path(os.environ['BEGUN'], str(os.getpid())).touch()\n    time.sleep(600)\n"
    git_repository.commit(**{"test_it.py": test, ".gitignore": "/data\n/model\n"})
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))

    def interrupt():
        if any([*(tmp_path / "begun").iterdir()] or time.sleep(0.02) for _ in range(6000)):
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt), copies.copies(config.load()) as in_copies:
        list(in_copies(lambda copy, name: copy.run_without_fault(("pytest", name)), ["test_it.py"] * 5))
    for process in (tmp_path / "begun").iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(process.name), 0)
    assert not [*(tmp_path / "t").iterdir()]
