"""The files that are written: they say what was proposed, in the project's own style, and hold for their own table."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta

import dataframely as dy
import polars as pl
import pytest
import yaml
from late_flights.factory import config, errors
from late_flights.factory.adopt import defaults, profile, proposal, render, review, transaction
from late_flights.factory.validation import rules
from tests.factory.conftest import ROOT

from machinery.adopt.adopt_table import module

ROWS = 300
ODD = [
    "two words",
    'a "quoted" one',
    "it's",
    "dotted.name",
    "class",
    "match",
    "dy",
    "filter",
    "1st",
    "🎯",
    "a|b",
    "_low",
]
TABLE = pl.DataFrame(
    {
        "key": [f"k{i}" for i in range(ROWS)],
        "seen": [datetime(2024, 1, 1, 12) + timedelta(hours=i) for i in range(ROWS)],
        "opened": [date(1980, 1, 1) + timedelta(days=i) for i in range(ROWS)],
        "colour": ["red", "green", None] * (ROWS // 3),
        "country": [f"country {i * i % 23}" for i in range(ROWS)],
        "count": [i % 7 if i % 13 else None for i in range(ROWS)],
        "share": [(i * 37 % 100) / 100 for i in range(ROWS)],
        "member": [i % 3 == 0 for i in range(ROWS)],
        "note": [f"free text {i}" for i in range(ROWS)],
        **{name: [float((i * (31 + place)) % 97) for i in range(ROWS)] for place, name in enumerate(ODD)},
        "label": [["low", "middle", "high"][i * 7 % 10 // 4] for i in range(ROWS)],
        "left": [["stays", "goes"][i * 7 % 10 // 8] for i in range(ROWS)],
        "amount": [None if i % 50 == 0 else 10.5 + i * 7 % 40 for i in range(ROWS)],
    },
    strict=False,
)
TARGETS = ("left", "label", "amount")
RESULT = defaults.BaselineResult(True, "rmse", 1.0, 2.0, ({"name": "floor", "value": "1.5", "why": "half-way"},))


def proposed(target, table=TABLE):
    others = [name for name in TARGETS if name != target]
    rows = table.drop(others, strict=False).lazy()
    return proposal.propose(profile.profile(rows), rows, proposal.UserChoices(target))


@pytest.fixture(scope="module", autouse=True)
def settings(tmp_path_factory):
    """The project's settings, by which the files are formatted, in the current folder."""
    folder = tmp_path_factory.mktemp("settings")
    shutil.copy(ROOT / "pyproject.toml", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


@pytest.fixture(scope="module", params=TARGETS)
def written(request, tmp_path_factory):
    """The target, and the folder with the files."""
    folder = tmp_path_factory.mktemp("drafts") / "build"  # which ruff passes over
    render.write(proposed(request.param), RESULT, folder)
    return request.param, folder


def test_contract_holds_for_the_table_and_refuses_another(written):
    target, folder = written
    contract = module(folder, "contract")
    rows = TABLE.select(contract.LabelledRow.column_names())
    rules.validate(rows, contract.LabelledRow)
    rules.check_invariants(rules.validate(rows, contract.LabelledRow), contract.DELIVERY)
    assert contract.IGNORED == {"note": "free text: 300 distinct values in 300 rows"}
    assert set(contract.Row.column_names()) == set(TABLE.columns) - {"note", *TARGETS}
    assert set(contract.LabelledRow.column_names()) - set(contract.Row.column_names()) == {target}
    for factor in (100, 0.01):
        with pytest.raises(errors.ContractViolation):
            rules.check_invariants(
                rules.validate(rows.with_columns(pl.col("share") * factor), contract.LabelledRow), contract.DELIVERY
            )


def test_features_are_numbers_and_categories(written):
    _, folder = written
    contract, features = module(folder, "contract"), module(folder, "features")
    rows = contract.Row.sample(20, generator=dy.random.Generator(0))
    features = features.features(pl.DataFrame(rows))
    assert {"seen_weekday", "seen_hour", "opened_month", "colour", "member", *ODD} <= set(features.columns)
    assert not {"key", "seen", "opened", "note", *TARGETS} & set(features.columns)
    assert all(dtype.is_numeric() or dtype in (pl.Boolean, pl.Enum) for dtype in features.dtypes)


def test_parameters_are_read_and_explained(written):
    target, folder = written
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    params = config.Params.model_validate(yaml.safe_load(text))
    problems = {"left": "classification", "label": "multiclass", "amount": "regression"}
    assert (params.problem, params.data.target, params.data.id) == (problems[target], target, "key")
    assert params.data.time == "seen" and params.gate.floor == 1.5 and "floor: 1.5 # half-way" in text
    assert (params.value is not None) == (target == "left")
    if target == "left":
        assert "left = goes" in "".join(review.advice(proposed(target), defaults.BaselineResult(True)))


def test_code_is_in_the_projects_style(written):
    _, folder = written
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", ROOT / "pyproject.toml", *folder.rglob("*.py")]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_same_table_same_files(written, tmp_path):
    target, folder = written
    for file in render.write(proposed(target), RESULT, tmp_path):
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()


def test_tests_name_every_column_and_nothing_of_a_row(written):
    target, folder = written
    text = (folder / "tests" / "test_contract.py").read_text(encoding="utf-8")
    compile(text, "test_contract.py", "exec")
    assert json.dumps(target) in text and "k17" not in text


def test_nothing_is_known_of_a_delivery(tmp_path, monkeypatch):
    """No invariant, and an outcome of many digits."""
    monkeypatch.setattr(render, "invariants", lambda *arguments: [])
    table = pl.DataFrame({"size": range(ROWS, 2 * ROWS), "price": [20.0855369231877 + i % 97 for i in range(ROWS)]})
    render.write(proposed("price", table), RESULT, tmp_path)
    assert module(tmp_path, "contract").__annotations__["DELIVERY"] == dict[str, pl.Expr]
    assert "369231877" not in (tmp_path / "tests/test_contract.py").read_text(encoding="utf-8")


def test_days_that_only_name_a_year_have_no_weekday(tmp_path):
    years = [date(1900 + i % 40, 1, 1) for i in range(ROWS)]
    table = pl.DataFrame({"year": years, "size": range(ROWS, 2 * ROWS), "price": [float(i % 97) for i in range(ROWS)]})
    render.write(proposed("price", table), RESULT, tmp_path)
    assert "weekday" not in (tmp_path / transaction.SOURCE / "features.py").read_text(encoding="utf-8")


AS_TOOLS_WRITE_THEM = [
    *("area m²", "CO₂", "½ day", "x [m/s²]", "brand™", "№", "ﬁeld", "cafe\u0301", "K", "月", "R$ \u2013 net\u2019s", "a\u200bb"),
    *("A", "a", "Plan", "plan", "PLAN", "delivery", "missing", "ignored", "x" * 150, "y" * 149 + " 1", "y" * 149 + " 2"),
]


def test_every_name_has_an_identifier_of_its_own(tmp_path):
    """Also if names differ in case only, the categories have a name of contract.py, or Python writes a letter otherwise."""
    numbers = {name: [i * (31 + n) % 97 / 2 for i in range(ROWS)] for n, name in enumerate(AS_TOOLS_WRITE_THEM)}
    words = {name: [f"w{i * (31 + n) % 97 % 23}" for i in range(ROWS)] for n, name in enumerate(AS_TOOLS_WRITE_THEM[12:18])}
    table = pl.DataFrame({**numbers, **words, "amount": [10.5 + i * 7 % 40 for i in range(ROWS)]})
    render.write(proposed("amount", table), RESULT, tmp_path)
    contract = module(tmp_path, "contract")
    assert contract.Row.column_names() == AS_TOOLS_WRITE_THEM
    rules.validate(table, contract.LabelledRow)
    assert isinstance(contract.DELIVERY, dict) and contract.MISSING == []
    text = (tmp_path / transaction.SOURCE / "contract.py").read_text(encoding="utf-8")
    assert 'area_m2 = dy.Float64(alias="area m²"' in text and 'co2 = dy.Float64(alias="CO₂"' in text
    assert max(len(line.partition(" = ")[0]) for line in text.splitlines() if " = dy." in line) < 70
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", ROOT / "pyproject.toml", *tmp_path.rglob("*.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("sheet", ["", 'Sales "2024" €'])
def test_sheet_is_kept(tmp_path, sheet):
    render.write(replace(proposed("amount"), sheet=sheet), RESULT, tmp_path)
    code = (tmp_path / transaction.SOURCE / "contract.py").read_text(encoding="utf-8")
    assert (f"\nSHEET = {sheet!r}\n" in code) == bool(sheet) == ("SHEET" in code)
