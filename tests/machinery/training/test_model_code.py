"""What `factory candidates --write` writes: the model that was compared, which trains; no edited model.py is replaced."""

import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest
import yaml
from late_flights import model
from late_flights.factory.training import candidates, families, model_code, parameters, selection
from late_flights.factory.training.candidates import Candidate
from late_flights.factory.workspace import ruff
from tests.factory import toy
from tests.factory.cli_runner import run

FEATURES = pl.Schema({"kind": pl.Enum(["red"]), "amount": pl.Float64(), "gap": pl.Int16()})
PARAMETERS = {
    "linear": {"penalty": 10.0, "bins": 9},
    "boosting": {"max_iter": 5, "max_leaf_nodes": 4},
    "extra_trees": {"trees": 3, "leaf_share": 0.02, "split_share": 0.5},
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
    params = toy.params(problem)
    for candidate in (
        candidates.extra_trees_ones(params, 3 if problem == "multiclass" else 0) if chosen == ("extra_trees",) else ()
    ):
        for name in searched:
            low, high, *_ = names["SPACE"][name]
            assert low <= candidate.parameters[name] <= high


@pytest.mark.parametrize("chosen", [("linear",), ("boosting",), candidates.FAMILIES], ids="+".join)
def test_written_module_is_formatted_recognised_and_replaced_whole(chosen, tmp_path, monkeypatch):
    monkeypatch.chdir(Path(model.__file__).parents[2])
    place = tmp_path / "model.py"
    model_code.write(chosen, logarithmic=True, path=place)
    content = place.read_text(encoding="utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["model.py"]
    for command in (["format", "--check"], ["check", "--select=E,F,I"]):
        check = [sys.executable, "-m", "ruff", *command, "--no-cache", "--config=pyproject.toml", str(place)]
        assert subprocess.run(check, capture_output=True, text=True).returncode == 0
    assert model_code.is_generated(content)
    assert not model_code.is_generated(content.replace("def model(", "def models("))
    assert not model_code.is_generated(content.replace("== pl.Enum]", "== pl.String]"))


def test_a_new_projects_model_is_known_and_another_is_its_owners():
    assert model_code.SHIPPED.read_text(encoding="utf-8") == AS_SHIPPED
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


def test_section_without_content_is_filled(tmp_path):
    place = tmp_path / "params.yaml"
    place.write_text("problem: regression\nmodel:\nevaluation: {metric: rmse}\n", encoding="utf-8")
    parameters.write({"penalty": 10.0}, place, alone=True)
    assert yaml.safe_load(place.read_text()) == {
        "problem": "regression",
        "model": {"penalty": 10.0},
        "evaluation": {"metric": "rmse"},
    }


@pytest.fixture
def own_model(trained, monkeypatch):
    """The model.py of this project, in its place, and ruff's settings."""
    place = trained / "src" / "model.py"
    place.parent.mkdir()
    place.write_text(AS_SHIPPED, encoding="utf-8")
    shutil.copy(Path(model.__file__).parents[2] / "pyproject.toml", trained)
    monkeypatch.setattr(model_code, "PATH", place)
    return place


def read(place, monkeypatch):
    """Have the project train by what stands in model.py."""
    names: dict = {}
    exec(compile(place.read_text(encoding="utf-8"), "model.py", "exec"), names)  # noqa: S102  our own text
    monkeypatch.setattr(model, "model", names["model"])


def test_command_writes_a_model_that_trains(own_model, quick, monkeypatch):
    result = run("candidates", "--write")
    assert result.exit_code == 0, result.output
    assert own_model.read_text(encoding="utf-8") != AS_SHIPPED
    assert [file.name for file in own_model.parent.iterdir()] == ["model.py"]
    read(own_model, monkeypatch)
    for command in ("train", "evaluate"):
        result = run(command)
        assert result.exit_code == 0, result.output
    assert run("candidates", "--write").exit_code == 0  # again, since nobody has edited it


@pytest.mark.parametrize("problem", ["regression"])
@pytest.mark.parametrize("chosen", [*((name,) for name in candidates.FAMILIES), candidates.FAMILIES], ids="+".join)
def test_what_is_written_trains(own_model, monkeypatch, chosen):
    given = {name: value for family in chosen for name, value in PARAMETERS[family].items()}
    selection.write(Candidate(chosen, given | ({"weights": [1, 2, 3]} if len(chosen) > 1 else {})))
    read(own_model, monkeypatch)
    result = run("train")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "error", [OSError("No space left on device"), KeyboardInterrupt()], ids=lambda error: type(error).__name__
)
@pytest.mark.parametrize("fails", ["params.yaml", "model.py"])
def test_both_files_are_written_or_none(own_model, monkeypatch, error, fails):
    before, replace_file = Path("params.yaml").read_bytes(), Path.replace

    def replace(path, destination):
        if path.name == Path(destination).name == fails:
            raise error
        return replace_file(path, destination)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(type(error)):
        selection.write(Candidate(("linear",), PARAMETERS["linear"]))
    assert own_model.read_text(encoding="utf-8") == AS_SHIPPED and Path("params.yaml").read_bytes() == before
    assert [file.name for file in own_model.parent.iterdir()] == ["model.py"]


def test_without_ruff_nothing_is_compared(own_model, monkeypatch):
    monkeypatch.setattr(ruff, "find_spec", lambda name: None)
    monkeypatch.setattr(selection, "run", lambda *given: pytest.fail("compared"))
    result = run("candidates", "--write")
    assert result.exit_code != 0 and "ruff" in result.output and "uv sync" in result.output


def test_an_edited_model_is_replaced_by_force_alone(own_model, quick):
    edited = AS_SHIPPED.replace("early_stopping=False", "early_stopping=True")
    own_model.write_text(edited, encoding="utf-8")
    refused = run("candidates", "--write")
    assert refused.exit_code != 0 and "model.py has been edited" in refused.output
    assert own_model.read_text(encoding="utf-8") == edited
    result = run("candidates", "--write", "--force")
    assert result.exit_code == 0, result.output
    assert model_code.is_generated(own_model.read_text(encoding="utf-8"))
    found = pl.read_csv("reports/candidates.csv").row(by_predicate=pl.col("chosen"), named=True)
    assert found["model"]  # the report shows the list
    assert "max_iter" in yaml.safe_load(Path("params.yaml").read_text())["model"] or "boosting" not in found["family"]
