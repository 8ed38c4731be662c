"""Each fault does what its name says, and the stages detect it."""

import runpy
from pathlib import Path

import polars as pl
import pytest
from late_flights import contract, model
from late_flights.factory import config
from late_flights.factory.readiness import faults, ml_test_score
from tests.factory import toy
from tests.factory.cli_runner import refused, run

pytestmark = pytest.mark.usefixtures("trained")
HERE = Path()


def expected_reason(fault) -> str:
    """What the readiness score looks for in the output."""
    tests = (test for criterion in ml_test_score.CRITERIA for test in criterion.faults)
    return next(test.reason for test in tests if test.fault is fault)


def train() -> pl.DataFrame:
    return pl.read_parquet("data/prepared/train.parquet")


def test_column_in_another_unit_is_refused():
    faults.wrong_unit(HERE, config.load())
    message = refused("prepare")
    assert message.startswith("data/raw/first.parquet") and "amount: above max 100, 296 of 300 rows" in message


def test_rows_to_score_in_another_unit_are_refused():
    rows = "data/prepared/test.parquet"
    assert run("score", rows, "scores.parquet").exit_code == 0
    faults.wrong_unit_at_scoring(HERE, config.load())
    message = refused("score", rows, "scores.parquet")
    assert "amount: above max 100" in message and expected_reason(faults.wrong_unit_at_scoring) in message


def test_target_leakage_is_refused_where_no_invariant_has_noticed_it():
    file = HERE / faults.SOURCE / "contract.py"
    file.parent.mkdir(parents=True)
    file.write_text('DELIVERY = {"usual": 1}\n')
    faults.target_leak(HERE, config.load())
    space: dict[str, object] = {}
    exec(file.read_text(), space)  # noqa: S102
    assert space["DELIVERY"] == {}
    assert run("prepare").exit_code == 0
    assert f"amount {expected_reason(faults.target_leak)}" in refused("train")


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_shuffled_targets_are_the_same_ones_in_other_rows():
    before = train()
    faults.shuffled_target(HERE, config.load())
    assert run("train").exit_code == 0
    assert train()["answer"].sort().equals(before["answer"].sort()) and not train().equals(before)


@pytest.mark.parametrize("problem", toy.LABELLED)
@pytest.mark.parametrize("fault, column", [(faults.flipped_group, "gap"), (faults.favoured_group, "kind")])
def test_targets_of_one_group_change(fault, column):
    before = train()
    fault(HERE, config.load())
    changed = before.with_columns(after=train()["answer"]).filter(pl.col("answer") != pl.col("after"))
    assert changed.height and changed[column].n_unique() == 1


@pytest.mark.parametrize("fault", [faults.flipped_group, faults.favoured_group])
def test_fault_that_does_not_apply_to_the_project(fault):
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "id": "key"}, evaluation={"metric": "roc_auc"}))
    before = Path("data/prepared/train.parquet").read_bytes()
    with pytest.raises(Exception, match=r"params.yaml names no"):
        fault(HERE, config.load())
    assert Path("data/prepared/train.parquet").read_bytes() == before


@pytest.mark.usefixtures("committed")
def test_model_trained_on_a_different_split_is_refused():
    before = train()
    faults.other_split(HERE, config.load())
    assert run("prepare").exit_code == 0
    assert train().height > before.height
    assert "MODEL_MISSING: model/ " in run("compare").stderr


@pytest.mark.usefixtures("committed")
def test_model_slower_and_larger_than_the_limits_is_refused():
    assert run("compare").exit_code == 0
    faults.low_limits(HERE, config.load())
    assert run("compare").stderr.startswith("✗ Rejected: LATENCY, SIZE\n")


@pytest.mark.usefixtures("committed")
def test_leakage_that_training_has_not_refused_is_refused_by_the_gate():
    faults.unnoticed_leak(HERE, config.load())
    assert expected_reason(faults.unnoticed_leak) in run("compare").stderr


def put_into_model(patch, fault):
    """The project's own model.py with the fault, in place of the toy's."""
    file = HERE / faults.SOURCE / "model.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(Path(model.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    fault(HERE, config.load())
    names = runpy.run_path(str(file))
    for name in ("model", "TRUSTED_TYPES"):
        patch.setattr(model, name, names[name])


@pytest.mark.usefixtures("committed")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("problem", toy.LABELLED)
def test_scores_that_are_not_finite_are_refused(monkeypatch, problem):
    Path("params.yaml").write_text(toy.text(problem), encoding="utf-8")
    put_into_model(monkeypatch, faults.not_finite)
    assert "gives NaN or infinity" in refused("train")


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_random_model_differs_each_time(monkeypatch):
    put_into_model(monkeypatch, faults.random_model)
    models = set()
    for _ in range(2):
        assert run("train").exit_code == 0
        models.add(Path("model/model.skops").read_bytes())
    assert len(models) == 2


def test_contract_without_limits_has_none():
    file = HERE / faults.SOURCE / "contract.py"
    file.parent.mkdir(parents=True)
    file.write_text(Path(contract.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    faults.no_limits(HERE, config.load())
    assert "min=" not in file.read_text(encoding="utf-8") and "class Row" in file.read_text(encoding="utf-8")
