"""The evidence that the gate gathers, and the reports of its result."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from late_flights.factory import codes, errors, manifest
from late_flights.factory.data import prepare
from late_flights.factory.evaluation import markdown
from late_flights.factory.gate import checks, compare, result
from late_flights.factory.metrics import fairness
from late_flights.factory.scoring import artifact, scorer
from late_flights.factory.training.onnx import estimators, parity
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from tests.factory import gate_evidence, git_repository, toy
from tests.factory.cli_runner import run

MATRIX = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


@pytest.fixture
def gathered(committed):
    return compare.gather(gate_evidence.params(), None, None)


def test_evidence_is_of_the_test_rows(gathered):
    test = prepare.read("test")
    scores = scorer.Scorer.load().score(test)
    assert gathered.target.tolist() == test["answer"].cast(float).to_list()
    assert gathered.challenger.score.tolist() == scores["score"].to_list()
    assert gathered.challenger.decision.tolist() == scores["decision"].to_list()
    assert gathered.baseline == pytest.approx(prepare.read("train")["answer"].mean())
    assert gathered.size_mb == sum(path.stat().st_size for path in Path("model").iterdir()) / 1e6
    assert gathered.latency_ms > 0 and gathered.parity <= parity.TOLERANCE
    assert gathered.champion is None and not gathered.contract_changed
    assert gathered.reference.tolist() == [gathered.baseline] * test.height


def test_reference_is_the_champion_where_there_is_one(gathered):
    champion = fairness.Predictions(gathered.challenger.score / 2)
    assert replace(gathered, champion=champion).reference is champion.score


def stale():
    Path("params.yaml").write_text(toy.text(split={"test": 0.5}), encoding="utf-8")
    run("prepare")


def damaged():
    Path("model/model.onnx").write_bytes(b"x")


def without_rows():
    Path("data/prepared/test.parquet").unlink()


MISSING = {
    "other data": (stale, "model/ was not trained on the data in data/prepared/: run `uv run dvc repro`"),
    "damaged model": (damaged, "model/model.onnx is damaged"),
    "no rows": (without_rows, "data/prepared/test.parquet is missing"),
}


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("spoil, message", MISSING.values(), ids=MISSING)
def test_what_is_missing_gives_no_result(spoil, message):
    spoil()
    shown = run("compare")
    assert shown.exit_code == errors.CannotEvaluate.exit_code == 2
    assert shown.stderr.startswith(f"Error: MODEL_MISSING: {message}") and len(shown.stderr.splitlines()) == 1
    assert not compare.JSON.exists()


@pytest.mark.usefixtures("committed")
def test_earlier_result_does_not_stay_where_there_is_none():
    assert run("compare").exit_code == 0
    damaged()
    assert run("compare").exit_code == 2
    assert not any(path.exists() for path in (compare.JSON, compare.MARKDOWN, compare.SCRIPT))


@pytest.mark.usefixtures("committed")
def test_champion_is_required_where_one_must_be():
    shown = run("compare", "--require-champion")
    assert shown.exit_code == 1 and "Rejected: NO_CHAMPION" in shown.stderr
    assert run("promote", "-m", "why").exit_code == 0
    assert run("compare", "--require-champion").exit_code == 0


@pytest.mark.usefixtures("committed")
def test_reports_for_machines_and_people_are_alike():
    shown = run("compare")
    assert shown.exit_code == 0 and "Passed the gate" in shown.output
    report, page = json.loads(compare.JSON.read_text()), compare.MARKDOWN.read_text()
    assert report["passed"] and report["refusals"] == [] and report["model"] == manifest.model_id()
    assert page.startswith("## Passed the gate\n") and report["model"][:12] in page
    lines = [line for line in page.splitlines() if line.startswith(("| ✓", "| - "))]
    assert len(lines) == len(report["checks"])
    for line, check in zip(lines, report["checks"], strict=True):
        mark, what = (cell.strip() for cell in line.split("|")[1:3])
        assert (mark, what) == ("✓" if check["judged"] else "-", f"`{check['code']}` {markdown.text(check['what'])}")
        assert f"{check['what']} " in shown.output
    assert report["metrics"].keys() == {"average_precision", "roc_auc", "log_loss", "brier"}
    assert max(map(len, shown.output.splitlines())) <= 120


@pytest.mark.usefixtures("committed")
def test_refusal_says_what_was_measured_the_limit_and_what_to_do():
    Path("params.yaml").write_text(toy.text(gate=git_repository.GATE | {"floor": 0.9999}), encoding="utf-8")
    verdict, reason = run("compare").stderr.splitlines()
    assert verdict == "✗ Rejected: FLOOR"
    assert reason.startswith("FLOOR: ROC AUC 0.") and ", required ≥ 0.9999. Next: " in reason
    assert f"\n- **FLOOR**: {markdown.text(reason.removeprefix('FLOOR: '))}\n" in compare.MARKDOWN.read_text(encoding="utf-8")


def test_every_code_has_a_next_step():
    shown = {check.code for kind in ("classification", "regression") for check in checks.run_checks(gate_evidence.passing(kind))}
    assert shown <= {code for code, reason in codes.known().items() if reason.area == "gate"}


def test_what_was_not_judged_is_no_tick():
    check = checks.Check("SLICE", "kind", None, "≥ 1", True, note="no group", judged=False)
    table = result.GateResult("1" * 64, "the baseline", None, [check]).table()
    assert "✓" not in table and "not judged" in table and "no group" in table


def test_model_without_onnx_is_not_judged_by_it():
    parity = {check.code: check for check in checks.run_checks(gate_evidence.passing(parity=None))}["PARITY"]
    assert parity.passed and not parity.judged


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_metrics_of_both_on_the_same_rows(problem):
    figures = compare.metrics(gate_evidence.passing(problem))
    assert all(by["challenger"] == by["champion"] for by in figures.values()) and toy.METRIC[problem] in figures
    validation = {"metrics": {toy.METRIC[problem]: {"value": 0.5}}}
    alone = compare.metrics(gate_evidence.passing(problem, champion=None), validation)[toy.METRIC[problem]]
    assert alone.keys() == {"challenger", "baseline", "validation"} and alone["validation"] == 0.5


@pytest.mark.usefixtures("committed")
def test_result_names_the_version_once_there_is_one():
    assert run("compare").exit_code == 0
    assert json.loads(compare.JSON.read_text())["version"] is None
    assert run("promote", "-m", "why").exit_code == 0
    script = json.loads(compare.SCRIPT.read_text().strip().removeprefix("showGate(").removesuffix(")"))
    assert script["version"] == json.loads(compare.JSON.read_text())["version"] == "v1"
    assert script["model"] == manifest.model_id() and len(script["headers"]) == len(script["checks"][0])
    assert run("compare").exit_code == 0
    assert json.loads(compare.JSON.read_text())["version"] == "v1"


@pytest.mark.usefixtures("project")
def test_report_is_strict_json_and_one_table_whatever_it_holds():
    check = checks.Check("PARITY", "ONNX", float("inf"), "≤ 1", False, note="a|b")
    compare.write_reports(compare.GateResult("1" * 64, "the baseline", None, [check]))
    report = json.loads(compare.JSON.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name))
    assert report["refusals"] == ["PARITY"] and report["checks"][0]["figure"] is None
    assert "| `a\\|b`" in compare.MARKDOWN.read_text(encoding="utf-8")


@pytest.mark.parametrize("before", ["# a word\n\n{}", "{}\n\n\n"])
def test_comments_and_layout_are_no_change_of_the_contract(committed, before):
    [path] = Path("src").glob("*/contract.py")
    text = path.read_text(encoding="utf-8")
    assert not compare.contract_changed(git_repository.commit(**{str(path): before.format(text)}))
    assert compare.contract_changed(git_repository.commit(**{str(path): text.replace("Row", "Line")}))
    path.unlink()
    assert compare.contract_changed(git_repository.commit())


@pytest.mark.parametrize("wrong", [0.0, 0.1, np.nan])
def test_disagreement_of_onnx(tmp_path, monkeypatch, wrong):
    estimator = LogisticRegression().fit(MATRIX, MATRIX[:, 0] > 0)
    estimators.save(tmp_path / "model", estimator, {}, MATRIX)
    assert estimators.disagreement(tmp_path / "model", MATRIX) <= parity.TOLERANCE
    score = estimator.predict_proba(MATRIX)[:, 1]
    monkeypatch.setattr(artifact, "onnx_predictor", lambda graph: lambda features: score + wrong)
    difference = estimators.disagreement(tmp_path / "model", MATRIX)
    assert difference == pytest.approx(float("inf") if np.isnan(wrong) else wrong / score.std(), abs=1e-5)


def test_without_onnx_nothing_disagrees(tmp_path):
    estimators.save(tmp_path / "model", DummyClassifier().fit(MATRIX, MATRIX[:, 0] > 0), {}, MATRIX)
    assert estimators.disagreement(tmp_path / "model", MATRIX) == 0
