"""Nobody passes the gate by weaker limits than before, unless somebody accepts them."""

import json
from pathlib import Path

import pytest
from late_flights.factory.evaluation.card_input import INPUT, ModelCardInput
from late_flights.factory.gate import compare, limits
from late_flights.factory.policy import Policies, Policy
from late_flights.factory.registry import versions
from tests.factory import toy
from tests.factory.cli_runner import run
from tests.factory.git_repository import GATE, another_model, git

from machinery import series

LIMITS = {"floor": 0.7, "margin": 0.05, "group_rows": 30}
DECISION = {"top_k": 10, "of": 100}
WEAKER = {
    "lower floor": ({"gate": LIMITS | {"floor": 0.65}}, [("gate.floor", "0.65", "0.7")]),
    "larger margin": ({"gate": LIMITS | {"margin": 0.1}}, [("gate.margin", "0.1", "0.05")]),
    "margin by default": ({"gate": {"floor": 0.7}}, [("gate.group_rows", "100", "30")]),
    "more latency": ({"gate": LIMITS | {"latency_ms": 51}}, [("gate.latency_ms", "51", "50")]),
    "fewer test rows": ({"split": {"test": 0.1}}, [("split.test", "0.1", "0.25")]),
    "other metric": (
        {"evaluation": {"metric": "brier", "slices": ["gap"]}, "gate": LIMITS | {"floor": 0.1}},
        [("evaluation.metric", "brier", "roc_auc")],
    ),
    "no values": ({"value": None}, [("value", "none", "true_positive 2, false_positive -1, true_negative 0, false_negative -2")]),
    "sensitive column measured only": (
        {"data": toy.settings()["data"] | {"sensitive": []}, "evaluation": {"metric": "roc_auc", "slices": ["gap", "kind"]}},
        [("data.sensitive", "none", "kind")],
    ),
    "one slice less": ({"evaluation": {"metric": "roc_auc"}}, [("evaluation.slices", "kind", "kind, gap")]),
    "no time": ({"data": toy.settings()["data"] | {"time": None}}, [("data.time", "none", "seen")]),
}
STRICTER = {
    "the same": {},
    "all of it": {"gate": {"floor": 0.8, "margin": 0.01, "group_rows": 20, "latency_ms": 5}, "split": {"test": 0.5}},
    "more columns": {"evaluation": {"metric": "roc_auc", "slices": ["gap", "amount"]}},
    "sensitive instead of a slice": {
        "data": toy.settings()["data"] | {"sensitive": ["kind", "gap"]},
        "evaluation": {"metric": "roc_auc"},
    },
}


def weakened(problem="classification", **sections):
    ours, theirs = (toy.params(problem, **{"gate": LIMITS} | each) for each in (sections, {}))
    return list(limits.weakened(ours, theirs))


@pytest.mark.parametrize(
    "here, found",
    [(DECISION, []), (None, ["none"]), ({"budget": 50, "cost": 5, "of": 90}, ["budget 50, cost 5, of 90"])],
)
def test_other_number_of_rows_acted_on_cannot_be_compared(here, found):
    ours, theirs = (toy.params(decision=each, gate=LIMITS) for each in (here, DECISION))
    assert [here for key, here, _ in limits.weakened(ours, theirs) if key == "decision"] == found
    assert not [*limits.weakened(theirs, toy.params(gate=LIMITS))]


def test_another_season_of_a_forecast_cannot_be_compared():
    season = {"group": "shop", "time": "hour", "every": "1h", "horizon": 6, "season": 1}
    [found] = limits.weakened(series.params(forecast=season), series.params())
    assert found == ("forecast", season_text(1), season_text(24))


def season_text(season: int) -> str:
    return f"group shop, time hour, every 1h, horizon 6, season {season}, gap 0"


@pytest.mark.parametrize("ratio, before, found", [(None, 0.8, ["none"]), (0.7, 0.8, ["0.7"]), (0.8, 0.8, []), (0.1, None, [])])
def test_lower_selection_ratio_is_weaker(ratio, before, found):
    ours, theirs = (toy.params(gate=LIMITS | {"selection_ratio": each}) for each in (ratio, before))
    assert [here for key, here, _ in limits.weakened(ours, theirs) if key == "gate.selection_ratio"] == found


@pytest.mark.parametrize("sections, found", WEAKER.values(), ids=WEAKER)
def test_weaker_limit_is_found(sections, found):
    assert weakened(**sections) == found


@pytest.mark.parametrize("sections", STRICTER.values(), ids=STRICTER)
def test_stricter_limits_may_be_set(sections):
    assert weakened(**sections) == []


def test_floor_of_an_error_is_weaker_where_it_is_higher():
    assert weakened("regression", gate=LIMITS | {"floor": 0.71}) == [("gate.floor", "0.71", "0.7")]
    assert weakened("regression", gate=LIMITS | {"floor": 0.69}) == []


def test_values_of_decisions_are_only_added():
    valued, plain = (toy.params(gate=LIMITS, value=value) for value in (toy.VALUE, None))
    assert list(limits.weakened(valued, plain)) == []
    assert [key for key, *_ in limits.weakened(toy.params(gate=LIMITS, value={"true_positive": 9}), valued)] == ["value"]


CARDS = {
    "the same": ({"risk": "high"}, {"risk": "high"}, []),
    "higher risk": ({"risk": "high", "data_class": "personal"}, {"data_class": "internal"}, []),
    "class that none had": ({"data_class": "internal"}, {}, []),
    "lower risk": ({"risk": "low"}, {"risk": "high"}, [("risk", "low", "high")]),
    "other class": ({"data_class": "public"}, {"data_class": "internal"}, [("data_class", "public", "internal")]),
    "no class": ({"risk": "high"}, {"data_class": "personal"}, [("data_class", "none", "personal")]),
    "class of lower risk": (
        {"data_class": "public"},
        {"data_class": "personal"},
        [("risk", "low", "high"), ("data_class", "public", "personal")],
    ),
}


@pytest.mark.parametrize("ours, theirs, found", CARDS.values(), ids=CARDS)
def test_risk_and_class_of_data_are_limits(ours, theirs, found):
    policies = Policies({"main": Policy()})
    assert list(limits.lowered(ModelCardInput(**ours), ModelCardInput(**theirs), policies)) == found


def promoted(*options):
    done = run("promote", "-m", "why", *options)
    assert done.exit_code == 0, done.output
    return done.output


def commit(name, **gate):
    """Another model, and with it other limits."""
    Path("params.yaml").write_text(toy.text(gate=GATE | gate), encoding="utf-8")
    return another_model(name)


@pytest.fixture
def first(committed):
    promoted()
    return committed


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("steps", [(0.4,), (0.55, 0.4)], ids=["in the same commit", "bit by bit in earlier ones"])
def test_floor_is_no_lower_than_the_champions(steps):
    for number, floor in enumerate(steps):
        commit(f"model {number}", floor=floor)
    result = run("promote", "-m", "why")
    assert result.exit_code == 1 and "✗ Rejected: LIMITS_WEAKENED\n" in result.stderr
    assert "LIMITS_WEAKENED: gate.floor 0.4 is weaker than 0.6 in v1. Next: " in result.stderr
    assert len(versions.local()) == 1


@pytest.mark.usefixtures("first")
def test_floor_on_a_branch_is_no_lower_than_mains():
    commit("stricter", floor=0.65)
    git("checkout", "--quiet", "-b", "other", "HEAD~1")
    commit("as before")
    assert run("compare").exit_code == 1
    *_, check, _ = json.loads(compare.JSON.read_text(encoding="utf-8"))["checks"]
    assert (check["code"], check["what"], check["limit"], check["passed"]) == ("LIMITS_WEAKENED", "gate.floor 0.6", "0.65", False)
    assert check["note"] == "is weaker than 0.65 in main"


@pytest.mark.usefixtures("first")
def test_rollback_does_not_bring_weaker_limits_back():
    commit("stricter", floor=0.65)
    promoted()
    assert run("rollback", "-m", "why").exit_code == 0
    commit("as before")
    git("checkout", "--quiet", "-b", "other")
    git("branch", "--quiet", "--force", "main", "HEAD")
    assert "gate.floor 0.6 is weaker than 0.65 in v2. Next: " in run("compare").stderr


@pytest.mark.usefixtures("committed")
def test_risk_is_no_lower_than_the_champions():
    INPUT.parent.mkdir(exist_ok=True)
    INPUT.write_text("data_class: internal\n", encoding="utf-8")
    another_model("internal")
    promoted()
    INPUT.write_text("data_class: public\n", encoding="utf-8")
    another_model("public")
    assert "LIMITS_WEAKENED: data_class public is weaker than internal in v1. Next: " in run("promote", "-m", "why").stderr
    assert "accepted: published since; is weaker" in promoted("--accept-weaker-limits", "published since")


@pytest.mark.usefixtures("first")
def test_reason_for_weaker_limits_stays_with_the_version():
    commit("weaker", floor=0.4)
    assert run("promote", "-m", "why", "--accept-weaker-limits", " ").exit_code == 1
    shown = promoted("--accept-weaker-limits", "fewer flights in May")
    assert "Weaker limits accepted: fewer flights in May" in shown
    facts = versions.local()[-1].facts
    assert facts["gate"]["accepted_limits"] == "fewer flights in May"
    assert [check["what"] for check in facts["gate"]["checks"] if check["code"] == "LIMITS_WEAKENED"] == ["gate.floor 0.4"]
    assert git("for-each-ref", "--format=%(subject)", "refs/tags/model/v2").endswith(" checks, weaker limits accepted")
    assert "\n\nWeaker limits accepted: fewer flights in May\n\n" in compare.MARKDOWN.read_text(encoding="utf-8")
    for command in (("export", "card"), ("trace", "v2")):
        assert "eaker limits accepted: fewer flights in May" in run(*command).output


@pytest.mark.usefixtures("first")
def test_reason_is_kept_only_where_limits_are_weaker():
    another_model("second")
    promoted("--accept-weaker-limits", "in case")
    assert versions.local()[-1].facts["gate"]["accepted_limits"] is None
