"""A challenger in the shadow is judged by what services captured, and where a policy wants it, promoted only then."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from late_flights.factory import manifest
from late_flights.factory.data import observations
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.gate import compare, live
from late_flights.factory.monitoring import intake, outcomes
from late_flights.factory.registry import champion, versions
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run

from machinery import forecast_evidence, series
from machinery.monitoring import captured

OURS, THEIRS = "b" * 64, "a" * 64
UNTIL = captured.DAY + timedelta(days=1)


def scores(rows: pl.DataFrame, problem: str, noise: float) -> dict[str, Any]:
    """Captured scores of a model that errs by so much."""
    random = np.random.default_rng(round(noise * 100))
    answer = rows["answer"].to_physical().cast(float).to_numpy()
    if problem == "regression":
        return {"_score": answer + random.normal(0, noise, rows.height)}
    if problem == "classification":
        score = np.clip(answer * 0.6 + 0.2 + random.normal(0, noise, rows.height), 0, 1)
        return {"_score": score, "_decision": score > 0.5}
    shares = np.eye(3)[answer.astype(int)] + random.uniform(0, 1 + noise, (rows.height, 3))
    shares /= shares.sum(axis=1, keepdims=True)
    of_classes = {f"_probability_{name}": shares[:, place] for place, name in enumerate(toy.CLASSES)}
    return {"_score": shares.max(axis=1), "_decision": [toy.CLASSES[place] for place in shares.argmax(axis=1)], **of_classes}


def capture(rows: pl.DataFrame, model: str, role: str, at: Any = captured.DAY, **columns: Any) -> None:
    asked = {name: rows[name] for name in rows.columns if name != "answer"}
    table = captured.table(asked | columns, at, model, role)
    table = table.with_columns(("request-" + (pl.int_range(pl.len()) // 10).cast(pl.String)).alias("_request"))
    captured.write(table, table["_at"][0].date(), f"{model}-{role}")


@pytest.fixture
def served(project, monkeypatch, problem):
    """A champion in service and a challenger in its shadow, after a day."""
    version = versions.Version(1, "tag", "commit", {"model": THEIRS})
    monkeypatch.setattr(manifest, "model_id", lambda: OURS)
    monkeypatch.setattr(compare, "reference_model", lambda *arguments: (version, "the champion v1 (unsigned)"))

    def serve(ours: float, theirs: float, labelled: float = 1, role: str = "shadow") -> Any:
        rows = toy.rows(200, problem)
        capture(rows, OURS[:12], role, **scores(rows, problem, ours))
        if role == "shadow":
            capture(rows, "v1", "champion", **scores(rows, problem, theirs))
        rows[: round(200 * labelled)].select("key", "answer").write_parquet("outcomes.parquet")
        intake.receive([Path("outcomes.parquet")], toy.params(problem))
        return rows, lambda until=UNTIL: live.judge(toy.params(problem), [version], ["captures"], until)

    return serve


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_the_paired_test_tells_better_from_worse(served, problem):
    good, bad = (0.1, 0.5) if problem == "classification" else (0.5, 5)
    judged = served(good, bad)[1]()
    assert judged.passed and (judged.rows, judged.subject) == (
        200,
        f"Model {OURS[:12]} against the champion v1 (unsigned), on 200 live rows",
    )
    assert {check.code for check in judged.checks} == {"LIVE"}
    agreement, distribution, enough, gain = judged.checks
    assert not agreement.judged and "rank correlation" in agreement.note and "challenger" in distribution.note
    assert ("the same decision for" in agreement.note) == (problem != "regression")
    assert enough.passed and gain.low > 0 and gain.what.endswith("the champion")
    assert not served(bad, good)[1]().passed


def test_what_is_not_due_is_no_verdict(served):
    _, judge = served(0.1, 0.5, labelled=0.5)
    assert "\n".join(judge().reasons) == (
        "LIVE: rows with outcomes, not all the same 0, required ≥ 20 (0 of 200 rows, 0%, have an outcome that is due). "
        "Next: take in more outcomes (`factory outcomes`), or improve the model"
    )
    judged = judge(captured.DAY + timedelta(days=30))
    assert judged.passed and "live rows" in judged.checks[2].what, "after monitor.label_days"


def test_few_outcomes_are_too_few(served):
    _, judge = served(0.1, 0.5, labelled=0.05)
    assert not judge(captured.DAY + timedelta(days=30)).passed


def test_rows_of_a_challenger_alone_are_scored_by_the_champion(served, monkeypatch):
    rows, judge = served(0.1, 0.5, role="challenger")
    theirs = {name[1:]: values for name, values in scores(rows, "classification", 0.5).items()}
    monkeypatch.setattr(champion, "scores", lambda version, asked: asked.select("key").with_columns(**theirs))
    assert judge().passed and judge().rows == 200


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("problem", ["forecasting"])
def test_champion_scores_no_rows_of_the_challengers_history(monkeypatch):
    settings, version = series.params(), versions.Version(1, "tag", "commit", {"model": THEIRS})
    rows = observations.split(series.observations(), settings)[1].drop("sales")
    monkeypatch.setattr(champion, "scores", lambda version, asked: asked.select(score="naive"))
    capture(rows, OURS[:12], "challenger", _score=rows["naive"])
    with pytest.raises(CannotEvaluate, match=r"^LIVE: captures of forecasts hold no observations.*FACTORY_SHADOW=true"):
        live.judge(settings, [version], ["captures"], UNTIL)
    capture(rows, OURS[:12], "shadow", _score=rows["naive"])
    capture(rows, "v1", "champion", _score=rows["seasonal_naive"])
    assert live.judge(settings, [version], ["captures"], UNTIL).rows == rows.height


@pytest.mark.parametrize("problem", ["regression"])
def test_rows_without_ids_are_paired_by_request(served, monkeypatch, problem):
    rows, _ = served(0.5, 5, labelled=0)
    own = toy.params(problem, data={"target": "answer", "time": "seen"})
    named = pl.read_parquet("captures/*/*v1*.parquet").select("_request", "_row").with_columns(rows["answer"])
    named.write_parquet("named.parquet")
    intake.receive([Path("named.parquet")], own)
    version = versions.Version(1, "tag", "commit", {"model": THEIRS})
    judged = live.judge(own, [version], ["captures"], UNTIL)
    assert judged.passed and judged.rows == 200 and judged.checks[-1].low > 0


def test_without_pairs_there_is_no_verdict(served, monkeypatch):
    _, judge = served(0.1, 0.5)
    monkeypatch.setattr(manifest, "model_id", lambda: "c" * 64)
    with pytest.raises(CannotEvaluate, match=r"LIVE: no captured row was scored by this model \(cccccccccccc\): serve it with"):
        judge()
    monkeypatch.setattr(manifest, "model_id", lambda: THEIRS)
    with pytest.raises(CannotEvaluate, match="LIVE: this model is the champion, v1"):
        judge()


@pytest.mark.usefixtures("committed")
def test_a_policy_wants_the_live_verdict():
    git_repository.commit(**{"policy.yaml": "live: required"})
    done = run("compare", "--live")
    assert done.exit_code == 2 and "LIVE: no version has been" in done.stderr
    assert run("promote", "-m", "first").exit_code == 0, "there is nothing to compare with"
    model = git_repository.another_model("second")
    done = run("compare", "--live")
    assert done.exit_code == 2 and "UNREACHABLE: captures" in done.stderr
    rows, at = toy.rows(200), datetime.now(UTC) - timedelta(hours=25)
    capture(rows, "v1", "champion", at, **scores(rows, "classification", 0.3))
    capture(rows, model[:12], "shadow", at, **scores(rows, "classification", 0.5))
    file = Path("data/prepared/outcomes.parquet")  # which Git ignores
    rows.select("key", "answer").write_parquet(file)
    assert run("outcomes", file).exit_code == 0
    done = run("promote", "-m", "second")
    assert done.exit_code == 1 and "✗ Rejected: LIVE\n" in done.stderr and len(versions.local()) == 1
    assert run("compare", "--live").exit_code == 1 and not json.loads(compare.LIVE.read_text())["passed"]
    capture(rows, model[:12], "shadow", at, **scores(rows, "classification", 0.1))
    done = run("promote", "-m", "second")
    assert done.exit_code == 0, done.output
    assert [check["code"] for check in versions.local()[-1].facts["gate"]["checks"]].count("LIVE") == 4


@pytest.mark.parametrize("noise, passes", [(0.5, True), (2.0, False)])
def test_forecasts_are_judged_by_blocks_of_times_and_scaled_errors(noise, passes):
    captures = forecast_evidence.rows(times=24 * 10)
    asked = captures.rename({"sales": outcomes.OUTCOME}).with_columns(
        _request=pl.lit("r"), _caller=pl.lit(""), _day=pl.lit(UNTIL)
    )
    ours, theirs = (pl.Series(forecast_evidence.guess(captures, each, seed=1)) for each in (noise, 0.5))
    rows = asked.with_row_index("_row").with_columns(_score=ours)
    settings = forecast_evidence.params()
    pairs = live._challengers(rows, settings).with_columns(theirs.alias(f"{live.THEIRS}score"))
    enough, better = live._tested(pairs, settings, UNTIL)
    assert enough.passed and enough.what.startswith("blocks of 24 target times") and enough.figure >= 6
    assert better.passed == passes and better.what.startswith("mean absolute scaled error")
