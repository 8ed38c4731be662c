"""What a person is asked, sees of a wide table, and reads of the gate's word at the end."""

import json
import re
from dataclasses import asdict, replace

import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import adopt, column_list, defaults, doubts, profile, proposal, review
from late_flights.factory.evaluation.profiling.implausible import Implausible
from late_flights.factory.gate import compare
from late_flights.factory.gate.evidence import Check
from late_flights.factory.leakage.finding import Finding

from machinery.adopt.adopt_table import TABLE, propose

SENSORS = [f"sensor_{i:03}" for i in range(156)]
JOINT = Finding(
    "joint", ("size", "age"), 1.0, 0.9, "R² 1.00 with both, 0.40 without", "Are they known in advance?", "Leave them out."
)
CHOICES = proposal.UserChoices("price")


def asked(proposed):
    return {question.columns: question for question in doubts.questions(proposed)}


def with_finding(**choices):
    """As if a search had found that these two give the target away, and the proposal had left them out."""
    proposed = propose(**choices)
    left_out = {"size", "age"} - set(choices.get("roles", {}))
    roles = [replace(role, role="excluded", why="R² 1.00") if role.name in left_out else role for role in proposed.roles]
    return replace(proposed, roles=roles, findings=[JOINT])


def test_a_doubt_comes_with_its_figure_the_answer_taken_and_the_other_one():
    target, _, first, *lines = review.summary(with_finding(), "--yes", "").splitlines()
    assert target == "regression: to predict price from 2 columns; 400 rows"
    assert first.startswith("--yes takes the cautious answer to ") and first.endswith(" questions:")
    assert lines[:2] == [
        " 1  size, age: R² 1.00 with both, 0.40 without. Are they known in advance?",
        "    → no: excluded  (otherwise: size, age = feature, and the gate asks why)",
    ]


@pytest.mark.parametrize("refuses, effect", {True: "the gate will refuse", False: "no: the split is kept"}.items())
def test_neighbouring_rows_are_asked_about_with_the_effect_on_the_gate(refuses, effect):
    order = Finding("order", (), 0.08, 0.05, "R² 0.86 against 0.78", "Do they belong together?", "Name the time.", refuses)
    question = asked(replace(propose(), findings=[order]))[()]
    assert question.taken.startswith(effect) and question.taken.endswith("Name the time.") and not question.otherwise


def test_what_the_user_has_answered_is_not_asked_again_but_the_gate_will():
    answered = with_finding(roles={"size": "feature", "age": "feature"})
    assert ("size", "age") in asked(with_finding()) and ("size", "age") not in asked(answered)
    assert 'until params.yaml has a reason: gate.accepted: {"LEAKAGE size, age": "why"}' in review.summary(answered, "", "")
    assert {("closed",), ("price_with_tax",)} <= asked(propose()).keys()
    assert ("closed",) in asked(propose(roles={"price_with_tax": "excluded"}))


@pytest.fixture(scope="module")
def wide():
    """Of 170 columns."""
    proposed = with_finding()
    feature = next(role for role in proposed.roles if role.name == "colour")
    sensors = [replace(feature, column=replace(feature.column, name=name)) for name in SENSORS]
    return replace(proposed, roles=[*sensors, *proposed.roles])


def test_a_wide_table_fits_a_screen(wide, monkeypatch, capsys):
    monkeypatch.setattr(review, "_prompt", lambda: "")
    review.review(lambda _: wide, CHOICES)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 50 and max(map(len, lines)) <= 100
    assert "feature (156): sensor_000 to sensor_155" in lines
    [more] = [line for line in lines if "more columns" in line]
    assert more.endswith("about which there is no question; `all` shows each")
    text = " ".join(lines)
    assert all(role.name in text for role in wide.roles if role.name not in SENSORS)


def test_several_columns_at_the_prompt(monkeypatch):
    answers = iter(["size, a colour = out", "size, colour = out", ""])
    monkeypatch.setattr(review, "_prompt", lambda: next(answers))
    result = review.review(lambda choices: propose(roles=choices.roles), CHOICES)
    assert {"size", "colour"} <= {role.name for role in result.with_role("excluded")}


def test_all_columns_at_the_prompt(wide, monkeypatch, capsys):
    answers = iter(["all", ""])
    monkeypatch.setattr(review, "_prompt", lambda: next(answers))
    review.review(lambda _: wide, CHOICES)
    shown = capsys.readouterr().out
    assert all(re.search(rf"^(\d+)? +{name} ", shown, re.MULTILINE) for name in [*SENSORS, *TABLE.columns])


def test_many_doubts_are_a_line_each_and_none_is_hidden():
    many = replace(with_finding(), findings=[JOINT] * 30)
    shown = review.summary(many, "", "").split("\n\n")[1].splitlines()
    numbers = [int(line[:2]) for line in shown if line[:2].strip().isdigit()]
    assert numbers == [*range(1, 34)] and len(shown) < 60 and max(map(len, shown)) <= 100
    assert "\n30  size, age" in review.everything(many)
    advice = list(review.advice(many, defaults.BaselineResult(better=True)))
    assert advice[0].startswith("size, age: R² 1.00") and re.match(r"\d+ more questions", advice[4])


def test_of_111_doubtful_columns_none_is_hidden_and_they_come_first():
    proposed = with_finding()
    doubtful = [Implausible(name, "impossible", "below 0", 3, 400, "; the farthest is -2") for name in SENSORS[:111]]
    feature = next(role for role in proposed.roles if role.name == "colour")
    sensors = [replace(feature, column=replace(feature.column, name=name)) for name in SENSORS]
    many = replace(proposed, roles=[*proposed.roles, *reversed(sensors)], implausible=doubtful)
    lines = review.summary(many, "Enter", "there").splitlines()
    assert sum(bool(re.match(r" *\d+  sensor_\d+: 3 of 400 values are below 0", line)) for line in lines) == 111
    names = [found[1] for line in lines if (found := re.match(r" *\d+ +(sensor_\d+) +\w+ ", line))]
    assert sorted(names) == SENSORS[:111]
    title = next(place for place, line in enumerate(lines) if line.split()[:2] == ["?", "column"])
    listed = [line for line in lines[title + 2 :] if re.match(r" *(\d+ +)?\w+ ", line)]
    assert "price" in listed[0] and all(re.match(r" *\d+ ", line) for line in listed[1:112])


def test_values_that_cannot_be_are_asked_about_but_for_outliers_and_columns_that_are_not_used():
    columns = profile.profile(TABLE.lazy())
    doubtful = [
        Implausible(name, kind, "odd", 1, 400, "")
        for name, kind in (("age", "impossible"), ("size", "outlier"), ("note", "code"))
    ]
    found = asked(proposal.propose(columns, TABLE.lazy(), CHOICES, doubtful))
    assert found[("age",)].evidence == "age: 1 of 400 values is odd" and not found.keys() & {("size",), ("note",)}


@pytest.mark.parametrize(
    "names, written",
    [
        (["x1", "x2", "x3", "y"], ["x1 to x3", "y"]),
        (["x1", "x3", "x5"], ["x1", "x3", "x5"]),
        (["a08", "a09", "a10", "a11"], ["a08 to a11"]),
        (["b", "a", "7", "8", "9"], ["b", "a", "7 to 9"]),
        ([], []),
    ],
)
def test_names_with_successive_numbers_are_a_range(names, written):
    assert [*column_list.ranges(names)] == written


def test_there_is_always_something_to_look_at_first():
    clean = propose(TABLE.select("size", "colour", "price"))
    result = defaults.BaselineResult(better=True, strongest=("size", 0.97))
    assert not doubts.questions(clean)
    assert list(review.advice(clean, result)) == ["size matters most, with 97% of the importance: is it always known in advance?"]


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """A project in which `factory compare` gives these answers, one a call, and the list of its calls."""
    monkeypatch.chdir(tmp_path)

    def answer(*answers, versions=()):
        calls, left = [], iter(answers)

        def run(_, *command):
            calls.append(command)
            written, error = next(left)
            compare.JSON.unlink(missing_ok=True)
            if written:
                compare.JSON.parent.mkdir(exist_ok=True)
                compare.JSON.write_text(json.dumps({"checks": [asdict(check) for check in written]}), encoding="utf-8")
            if error:
                raise errors.FactoryError(f"`factory compare` failed: {error}")

        monkeypatch.setattr(adopt.process, "run", run)
        monkeypatch.setattr(adopt.tags, "refs", lambda: versions)
        return calls

    return answer


PASSED = Check("SIZE", "size of model/", 1.0, "≤ 100 MB", True, unit="MB")
REFUSED = Check("FLOOR", "root mean squared error", 50.0, "≤ 38", False)


def test_the_gates_refusal_is_an_answer(gate):
    gate(([PASSED, REFUSED], "✗ Rejected: FLOOR"))
    verdict = adopt._verdict(adopt._judge())
    assert verdict.startswith("\n✗ The gate refuses this model") and "✓" not in verdict and "SIZE" not in verdict
    assert "- FLOOR: root mean squared error 50, required ≤ 38. Next: improve the model" in verdict


def test_the_gate_would_pass_it(gate):
    gate(([PASSED], None))
    assert adopt._verdict(adopt._judge()).startswith("\n✓ The gate would pass")


def test_a_comparison_that_fails_is_an_error(gate):
    gate(([], "Error: MODEL_MISSING: model/ is damaged"))
    with pytest.raises(errors.FactoryError, match=r"nothing was changed: MODEL_MISSING: model/ is damaged$"):
        adopt._judge()


def test_a_champion_of_another_target_is_not_compared_with(gate):
    answers = ([], "Error: OTHER_QUESTION: the champion v1 predicts delayed"), ([REFUSED], "✗ Rejected: FLOOR")
    calls = gate(*answers, versions=[(1, "abc")])
    assert adopt._judge() == [REFUSED]
    assert ["--accept-contract-change" in call for call in calls] == [False, True]


@pytest.mark.parametrize("versions, accepted", [((), True), ([(1, "abc")], False)], ids=["none", "v1"])
def test_limits_of_the_data_before_count_once_a_model_is_promoted(gate, versions, accepted):
    calls = gate(([PASSED], None), versions=versions)
    adopt._judge()
    assert ("--accept-weaker-limits" in calls[0]) is accepted


def test_many_refusals_of_a_kind_are_one_line():
    verdict = " ".join(adopt._verdict([replace(REFUSED, code="SLICE", what=f"group {i}") for i in range(9)]).split())
    assert verdict.count("- SLICE: group 0") == verdict.count("and 6 more. Next: ") == verdict.count("Next: ") == 1


def test_a_slow_model_is_not_refused_for_the_second_measurement():
    measured = asdict(Check("LATENCY", "median time per row", 81.0, "≤ 50 ms", False, unit="ms"))
    (limit,) = defaults._relaxed_limits([measured])
    assert limit["name"] == "latency_ms" and float(limit["value"]) >= 2 * 81


def test_roles_from_the_command_line():
    choices = review.with_answer(review.with_answer(CHOICES, "a, b=out"), "c = id")
    assert choices.roles == {"a, b": "excluded", "c": "id"}
    for wrong in ("a", "a=perhaps"):
        with pytest.raises(errors.FactoryError, match=r"is not one of feature, excluded, id"):
            review.with_answer(CHOICES, wrong)
