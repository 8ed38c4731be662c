"""The portfolio: what is compared is what is written, no edited model.py is replaced, and the simplest good model is chosen."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from late_flights import model
from late_flights.factory.training import candidates, families, model_code, parameters, selection
from late_flights.factory.training.comparison import Evaluated
from tests.factory import toy
from tests.factory.cli_runner import run

FEATURES = pl.Schema({"kind": pl.Enum(["red"]), "amount": pl.Float64(), "gap": pl.Int16()})
PARAMETERS = {
    "linear": {"penalty": 10.0, "bins": 9},
    "boosting": {"max_iter": 5, "max_leaf_nodes": 4},
    "extra_trees": {"trees": 3, "leaf_rows": 2, "split_share": 0.5},
}
SUBSETS = [chosen for count in (1, 2, 3) for chosen in combinations(candidates.FAMILIES, count)]
AS_SHIPPED = Path(model.__file__).read_text(encoding="utf-8")
COMMENTED = """problem: regression

model: # arguments
  max_iter: 2 # rounds
  random_state: 0

# measured
evaluation: {metric: rmse}
"""


def expected(problem, chosen, logarithmic):
    """The estimator that is compared."""
    members = {name: getattr(families, name)(problem, FEATURES, **PARAMETERS[name]) for name in chosen}
    made = families.blend(problem, members, [2] * len(chosen)) if len(chosen) > 1 else members[chosen[0]]
    return families.of_logarithm(made) if logarithmic else made


@pytest.mark.parametrize("chosen", SUBSETS, ids="+".join)
@pytest.mark.parametrize("problem, logarithmic", [("classification", False), ("multiclass", False), ("regression", True)])
def test_what_is_written_is_what_is_compared(chosen, problem, logarithmic):
    names: dict = {}
    exec(compile(model_code.text(chosen, logarithmic), "model.py", "exec"), names)  # noqa: S102  our own text
    given = {name: value for family in chosen for name, value in PARAMETERS[family].items()}
    made = names["model"](problem, FEATURES, **given, **({"weights": [2] * len(chosen)} if len(chosen) > 1 else {}))
    assert repr(made) == repr(expected(problem, chosen, logarithmic))
    assert names["TRUSTED_TYPES"] == []
    searched = set(names["SPACE"])
    own = {name for family in chosen for name in model_code.PARAMETERS.get(family, ())} - {"trees"}
    assert own <= searched and ("max_iter" in searched) == ("boosting" in chosen)


@pytest.mark.parametrize("chosen", [("linear",), ("boosting",), candidates.FAMILIES], ids="+".join)
def test_written_module_is_formatted_recognised_and_replaced_whole(chosen, tmp_path, monkeypatch):
    monkeypatch.chdir(Path(model.__file__).parents[2])
    place = tmp_path / "model.py"
    model_code.write(chosen, logarithmic=True, path=place)
    content = place.read_text(encoding="utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["model.py"]
    for command in (["format", "--check"], ["check", "--select=E,F,I"]):
        check = [sys.executable, "-m", "ruff", *command, "--config=pyproject.toml", str(place)]
        assert subprocess.run(check, capture_output=True, text=True).returncode == 0
    assert model_code.is_generated(content)
    assert not model_code.is_generated(content.replace("def model(", "def models("))
    assert not model_code.is_generated(content.replace("== pl.Enum]", "== pl.String]"))


def test_a_new_projects_model_is_known_and_another_is_its_owners():
    assert model_code.is_generated(AS_SHIPPED)
    assert model_code.is_generated(AS_SHIPPED.replace("# ", "#  ") + "\n# a comment\n")
    assert not model_code.is_generated(AS_SHIPPED.replace("early_stopping=False", "early_stopping=True"))
    assert not model_code.is_generated("def model(:\n")


def test_section_is_replaced_and_all_else_stays(tmp_path):
    place = tmp_path / "params.yaml"
    place.write_text(COMMENTED, encoding="utf-8")
    parameters.write({"weights": [2, 1], "penalty": 10.0}, place, alone=True)
    expected = COMMENTED.replace("  max_iter: 2 # rounds\n  random_state: 0", "  weights: [2, 1]\n  penalty: 10.0")
    assert place.read_text(encoding="utf-8") == expected


def judged(losses, **parameters):
    family = "linear" if "penalty" in parameters else "boosting"
    return Evaluated(candidates.Candidate((family,), parameters), np.array([]), np.array(losses, dtype=float))


def test_simplest_within_a_standard_error_and_rows_of_one_id_are_one():
    random = np.random.default_rng(0)
    best = random.normal(1, 0.1, 400)
    other = best + random.normal(0.004, 0.1, 400)  # by less than its standard error, 0.005
    simple, complex_ = judged(other, penalty=1.0), judged(best, max_leaf_nodes=8)
    each = np.arange(400)
    assert selection.simplest([complex_, simple], each) is simple
    worse = judged(best + random.normal(0.02, 0.1, 400), penalty=1.0)
    assert selection.simplest([complex_, worse], each) is complex_
    repeated, units = np.tile(best, 30), np.tile(each, 30)
    same = judged(np.tile(other, 30), penalty=1.0)
    assert selection.simplest([judged(repeated, max_leaf_nodes=8), same], units) is same
    assert selection.standard_error(same.losses - repeated, units) == pytest.approx(selection.standard_error(other - best, each))


def table(answer, problem, rows=400):
    made = toy.rows(rows, problem)
    random = np.random.default_rng(1)
    return made.with_columns(answer=pl.Series(toy.outcomes(answer(made, random), problem), dtype=made.schema["answer"]))


SHAPES = {
    "a sum": (lambda rows, random: rows["amount"].to_numpy() * 0.8 + random.normal(0, 8, rows.height), {"linear"}),
    "a product of signs": (
        lambda rows, random: (
            45 + 40 * np.sign(rows["amount"].to_numpy() - 45) * np.sign(rows["seen"].dt.weekday().to_numpy() - 4)
        ),
        {"boosting", "extra_trees"},
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_family_that_fits_the_table_is_chosen(project, shape, problem):
    answer, wanted = SHAPES[shape]
    rows = table(answer, problem)
    schema = toy.features(rows.head(0)).schema
    choice = selection.choose(rows, toy.params(problem), schema)
    assert wanted & set(choice.chosen.candidate.chosen)
    leaderboard = choice.table()
    assert leaderboard["chosen"].sum() == 1 and leaderboard["mean"].is_sorted()
    again = selection.choose(rows, toy.params(problem), schema).table()
    costs = ["fit_seconds", "predict_ms"]
    assert again.drop(costs).equals(leaderboard.drop(costs))


@pytest.mark.parametrize("problem", ["multiclass"])
def test_command_lists_all_and_changes_nothing_else(trained):
    before = Path("params.yaml").read_bytes()
    Path("data/prepared/test.parquet").unlink()  # which nobody reads
    result = run("candidates")
    assert result.exit_code == 0, result.output
    found = pl.read_csv("reports/candidates.csv")
    assert {"candidate", "family", "chosen", "metric", "mean", "se", "fit_seconds", "predict_ms", "size_mb"} == {*found.columns}
    assert {*candidates.FAMILIES} <= {*found["family"]} and found["chosen"].sum() == 1
    assert found["metric"].unique().to_list() == ["log_loss"] and found["size_mb"].min() > 0
    assert found.row(by_predicate=pl.col("chosen"), named=True)["family"] in result.output
    assert Path("params.yaml").read_bytes() == before and "model" not in found.columns


def test_an_edited_model_is_replaced_by_force_alone(trained, tmp_path, monkeypatch):
    place = tmp_path / "model.py"
    place.write_text(AS_SHIPPED.replace("early_stopping=False", "early_stopping=True"), encoding="utf-8")
    monkeypatch.setattr(model_code, "PATH", place)
    written = []
    monkeypatch.setattr(model_code, "write", lambda *chosen: written.append(chosen))
    refused = run("candidates", "--write")
    assert refused.exit_code != 0 and "model.py has been edited" in refused.output and not written
    result = run("candidates", "--write", "--force")
    assert result.exit_code == 0, result.output
    found = pl.read_csv("reports/candidates.csv").row(by_predicate=pl.col("chosen"), named=True)
    assert " + ".join(written[0][0]) == found["family"] and found["model"]
    assert "max_iter" in yaml.safe_load(Path("params.yaml").read_text())["model"] or "boosting" not in found["family"]


def test_too_few_rows_leave_the_default(trained):
    rows = pl.read_parquet("data/prepared/train.parquet").head(3)
    rows.write_parquet("data/prepared/train.parquet")
    result = run("candidates")
    assert result.exit_code == 0 and "Too few training rows" in result.output
    assert not Path("reports/candidates.csv").exists()
