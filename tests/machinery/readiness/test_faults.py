"""What breaks a scratch copy breaks it in the way it says, and is noticed by the stages."""

from pathlib import Path

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory import config
from late_flights.factory.readiness import faults
from tests.factory import toy
from tests.factory.cli_runner import refused, run

pytestmark = pytest.mark.usefixtures("trained")
HERE = Path()


def train() -> pl.DataFrame:
    return pl.read_parquet("data/prepared/train.parquet")


def test_column_in_another_unit_is_refused():
    faults.hundredfold(HERE, config.load())
    said = refused("prepare")
    assert said.startswith("data/raw/first.parquet") and "amount: max 100, 296 of 300 rows" in said


def test_column_that_tells_the_target_is_refused():
    faults.leaked(HERE, config.load())
    assert run("prepare").exit_code == 0
    assert "amount alone tells answer" in refused("train")


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_shuffled_outcomes_are_the_same_ones_elsewhere():
    before = train()
    faults.shuffled(HERE, config.load())
    assert run("train").exit_code == 0
    assert train()["answer"].sort().equals(before["answer"].sort()) and not train().equals(before)


@pytest.mark.parametrize("problem", toy.LABELLED)
@pytest.mark.parametrize("broken", [faults.group_forgotten, faults.group_favoured])
def test_outcomes_of_one_group_change(broken):
    before = train()
    broken(HERE, config.load())
    column = "gap" if broken is faults.group_forgotten else "kind"
    changed = before.with_columns(after=train()["answer"]).filter(pl.col("answer") != pl.col("after"))
    assert changed.height and changed[column].n_unique() == 1


@pytest.mark.parametrize("broken", [faults.group_forgotten, faults.group_favoured])
def test_nothing_to_break_is_told(broken):
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "id": "key"}, evaluation={"metric": "roc_auc"}))
    Path("before").write_bytes(Path("data/prepared/train.parquet").read_bytes())
    assert run("train").exit_code == 0
    with pytest.raises(Exception, match=r"params.yaml names no"):
        broken(HERE, config.load())
    assert Path("before").read_bytes() == Path("data/prepared/train.parquet").read_bytes()


def test_contract_without_limits_has_none(tmp_path):
    file = tmp_path / faults.SOURCE / "contract.py"
    file.parent.mkdir(parents=True)
    file.write_text(Path(contract.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    faults.unlimited(tmp_path, config.load())
    assert "min=" not in file.read_text(encoding="utf-8") and "class Row" in file.read_text(encoding="utf-8")


def test_code_follows_at_the_end(tmp_path):
    file = tmp_path / faults.SOURCE / "model.py"
    file.parent.mkdir(parents=True)
    file.write_text("x = 1\n")
    faults.append("model.py", "x = 2\n")(tmp_path, config.load())
    assert file.read_text() == "x = 1\nx = 2\n"
