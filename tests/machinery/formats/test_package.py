"""`factory export package`: what a package of features holds, and what cannot be shared."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import late_flights
import polars as pl
import pytest
from late_flights import contract, features
from late_flights.factory.formats import needed_columns, selection
from tests.factory.cli_runner import refused, run

WEATHER = '''"""Weather."""

import polars as pl

from .places import HOME
from .features import gust_excess


def wind(rows: pl.DataFrame) -> pl.DataFrame:
    """By rows."""
    return rows.select(gust_excess(), pl.lit(HOME))


def ratio(of: str) -> pl.Expr:
    """The caller names the column."""
    return pl.col(of) / 2
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The project's modules, and others beside them."""
    folder = tmp_path / "src"
    folder.mkdir()
    for name in ("contract", "features", "model"):
        (folder / f"{name}.py").write_text(Path(contract.__file__).with_name(f"{name}.py").read_text("utf-8"), "utf-8")
    (folder / "weather.py").write_text(WEATHER)
    (folder / "places.py").write_text('HOME = "JFK"\nAWAY = "LGA"\n')
    monkeypatch.setattr(selection, "FOLDER", folder)
    monkeypatch.setattr(late_flights, "__path__", [*late_flights.__path__, str(folder)])
    monkeypatch.chdir(tmp_path)
    yield folder
    for name in ("weather", "places", "bad"):
        sys.modules.pop(f"late_flights.{name}", None)


def state(share, version="1.0.0", name="flight-features", more=""):
    text = f'[project]\nname = "late-flights"\nrequires-python = ">=3.11"\ndependencies = ["polars>=2.1,<3"]\n{more}'
    text += '[build-system]\nrequires = ["uv_build>=0.9,<0.14"]\nbuild-backend = "uv_build"\n'
    section = f'[tool.factory.package]\nname = "{name}"\nversion = "{version}"\nshare = {share}\n'.replace("'", '"')
    Path("pyproject.toml").write_text(text + section, "utf-8")


def built(destination="dist"):
    result = run("export", "package", destination)
    assert result.exit_code == 0, result.output
    return sorted(Path(destination).iterdir())


def test_columns_are_those_that_functions_need():
    assert needed_columns.needed_columns([features.gust_excess]) == ["wind_speed", "wind_gust"]
    assert needed_columns.needed_columns([features.features]) == [
        name for name in contract.Row.column_names() if name not in ("flight", "dest")
    ]
    assert needed_columns.needed_columns([lambda column: pl.col(column), lambda rows: 1, lambda rows: rows["no"]]) == []


def test_rules_of_other_columns_stay_behind():
    assert needed_columns.rules_without(["distance", "scheduled_minutes"]) == ["was_built_before_it_flew"]


def test_module_comes_whole_and_with_parts_of_others(own):
    chosen = selection.Selection(["weather", "features.hour_of_day"])
    texts = dict(chosen.texts())
    assert list(texts) == ["contract", "features", "places", "weather"] and texts["weather"] == WEATHER
    assert texts["places"] == 'HOME = "JFK"\n' and "def plane_age" not in texts["features"]
    assert chosen.columns == ["scheduled_departure", "wind_speed", "wind_gust"]
    assert "LabelledRow" not in texts["contract"] and "CARRIERS" not in texts["contract"]
    assert chosen.libraries() == {"polars", "dataframely"}


def test_contract_has_the_columns_and_their_rules(own):
    (own / "bad.py").write_text(
        "import polars as pl\n\ndef age(rows):\n    return rows.select('plane_built', 'scheduled_departure')\n"
    )
    text = dict(selection.Selection(["bad.age"]).texts())["contract"]
    assert "was_built_before_it_flew" in text and "flies_at_a_possible_speed" not in text and "distance" not in text


def test_wheel_is_reproducible_typed_and_can_be_imported(own):
    state(["weather", "features.hour_of_day"])
    first = built()
    assert [file.name for file in first] == ["flight_features-1.0.0-py3-none-any.whl", "flight_features-1.0.0.tar.gz"]
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in first]
    assert [hashlib.sha256(file.read_bytes()).hexdigest() for file in built("again")] == digests
    names = zipfile.ZipFile(first[0]).namelist()
    assert "flight_features/py.typed" in names and not [name for name in names if "factory" in name or "model" in name]
    script = (
        "import flight_features as f, polars as pl; from flight_features.contract import Row; assert f.__all__ == ['hour_of_day', 'weather'];"
        "print(f.weather.wind(pl.DataFrame({'wind_speed': [1.0], 'wind_gust': [3.0]})).row(0), *Row.column_names())"
    )
    done = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(first[0])}, capture_output=True, text=True)
    assert done.stdout.strip() == "(2.0, 'JFK') scheduled_departure wind_speed wind_gust", done.stderr


def test_version_never_has_two_contents(own):
    state(["features.hour_of_day"])
    before = [file.read_bytes() for file in built()]
    assert [file.read_bytes() for file in built()] == before
    state(["features.gust_excess"])
    assert refused("export", "package", "dist").startswith("dist/flight_features-1.0.0-py3-none-any.whl has other content: raise")
    assert [file.read_bytes() for file in sorted(Path("dist").iterdir())] == before
    state(["features.gust_excess"], version="1.1.0")
    assert len(built()) == 4


@pytest.mark.parametrize(
    ("share", "reason"),
    [
        (["nothing"], "nothing cannot be shared: there is no nothing.py beside features.py"),
        (["factory.cli"], "factory cannot be shared: there is no factory.py"),
        (["features.nothing"], "features.py: there is no nothing in it"),
        (["../secret"], "what has no name cannot be shared"),
        ([], "state name ="),
        (["bad"], "bad.py, line 1: import what is shared as `from .module import name`"),
        (["weather", "features.weather"], "there is no weather in it"),
    ],
)
def test_what_cannot_be_shared_is_one_line(own, share, reason):
    (own / "bad.py").write_text("from late_flights.features import gust_excess\n")
    state(share)
    assert reason in refused("export", "package", "dist") and not Path("dist").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def age(rows):\n    return rows.select(YEARS)\n", "the package would lack what it uses: bad.py:2:24: F821"),
        ("AGE = 1 / 0\n\n\ndef age():\n    return AGE\n", "the package cannot be imported: "),
    ],
)
def test_package_that_would_fail_is_refused(own, monkeypatch, text, reason):
    (own / "bad.py").write_text(text)
    monkeypatch.setattr(selection.Selection, "_functions", lambda self: iter(()))  # which imports it here
    state(["bad.age"])
    assert reason in refused("export", "package", "dist") and not Path("dist").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "pyproject.toml: [tool.factory.package] is missing: state name ="),
        ("[tool.factory.package]\nname = 'x'\nversion = '1'\nshare = ['features']\nother = 1\n", "other: unknown key"),
        ("[tool.factory.package]\nname = 'x'\nversion = 1\nshare = ['features']\n", "version: "),
        ("[tool.factory.package]\nname = '1 x'\nversion = '1'\nshare = ['features']\n", "becomes that of a module"),
        (
            "[tool.factory.package]\nname = 'polars'\nversion = '1'\nshare = ['features']\n",
            "polars is the name of another module",
        ),
        (
            "[tool.factory.package]\nname = 'x'\nversion = 'one'\nshare = ['features.hour_of_day']\n",
            "`version` is one such as 1.0.0",
        ),
    ],
)
def test_what_is_stated_wrongly_is_one_line(own, text, reason):
    state([])
    head = Path("pyproject.toml").read_text("utf-8").partition("[tool.factory")[0]
    Path("pyproject.toml").write_text(head + text, "utf-8")
    assert reason in refused("export", "package", "dist") and not Path("dist").exists()
