"""What a forecast's features know beside the rows that they are given is found, whatever way they take."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from late_flights import contract
from late_flights.factory.readiness import faults

from machinery import series

CONTRACT = """
from datetime import datetime
import dataframely as dy
from .factory.forecasting import KNOWN_AHEAD, rows
from .features import history

class Observation(dy.Schema):
    shop = dy.Enum(["north", "south", "west"])
    hour = dy.Datetime()
    open = dy.Bool(metadata=KNOWN_AHEAD)
    visitors = dy.Int32(nullable=True)
    sales = dy.Float64(nullable=True)

Row, LabelledRow = rows(Observation, history, group="shop", time="hour", target="sales")
DELIVERY = {}
SINCE = {}
"""
FEATURES = """
from datetime import date, datetime, timedelta
from pathlib import Path
import polars as pl

def history(rows, origin):
    return rows.group_by("shop", maintain_order=True).agg(day=pl.col("sales").tail(24).mean())

def features(rows):
    first = pl.lit(date(2020, 1, 1)).cast(pl.Datetime("us"))
    return rows.select("step", "naive", "day", "open", trend=(pl.col("hour") - first).dt.total_days())
"""
HISTORY = """
_history = history
def history(rows, origin):
    table = _history(rows, origin)
    {}
"""
FUTURE = """raw = pl.read_parquet({path}).filter(pl.col("hour") > origin)
    coming = raw.group_by("shop").agg(coming=pl.col("sales").head(24).mean())
    return table.join(coming.cast({{"shop": table.schema["shop"]}}), on="shop", how="left")"""
OWN = """
_features = features
def features(rows):
    return _features(rows).with_columns({})
"""
SCRIPT = """
from pathlib import Path
import polars as pl
from late_flights.factory import config
from late_flights.factory.data import observations, prepare
from late_flights.factory.errors import FactoryError
from late_flights.factory.training import lookahead
params = config.load()
seen = pl.read_parquet("data/raw/sales.parquet")
train, _ = observations.split(seen, params)
prepare.read = lambda name: seen
try:
    lookahead.check_lookahead(train, params)
except FactoryError as error:
    print(error)
"""


def found(place: Path, features: str) -> str:
    """What the check says of a project with these features."""
    package = place / "src/late_flights"
    shutil.copytree(Path(contract.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (package / "contract.py").write_text(CONTRACT, encoding="utf-8")
    (package / "features.py").write_text(features.replace("PLACE", str(place)), encoding="utf-8")
    (place / "data/raw").mkdir(parents=True)
    series.observations().write_parquet(place / "data/raw/sales.parquet")
    (place / "params.yaml").write_text(series.text(), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{place / 'src'}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run((sys.executable, "-c", SCRIPT), cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def future(path: str) -> str:
    """history() that reads the mean of the next day."""
    return FEATURES + HISTORY.format(FUTURE.format(path=path))


STATE = """SEEN.append(rows["sales"].sum())
    return table.with_columns(most=pl.lit(float(max(SEEN))))"""
SWALLOWED = """try:
        known = pl.read_parquet("data/raw/sales.parquet")["sales"].mean()
    except Exception:
        known = 0.0
    return table.with_columns(known=pl.lit(known))"""
TABLE = """
FILES = sorted(Path(__file__).parents[2].glob("data/raw/*.parquet"))
TABLE = pl.concat([pl.read_parquet(file) for file in FILES] or [pl.DataFrame({"sales": [0.0]})])
"""
AGE = "age=({} - pl.col('hour')).dt.total_days()"
AGES = FEATURES.replace("def features(rows):", "def ages(rows):")
AGES += """
def features(rows):
    return ages(rows).with_columns(rows.select({}))
"""

LEAKS = {
    "reads the deliveries": (future("'data/raw/sales.parquet'"), "in a process without data/, "),
    "by an absolute path": (future("'PLACE/data/raw/sales.parquet'"), "in a process without data/, history() fails"),
    "by Python": (future("open('PLACE/data/raw/sales.parquet', 'rb')"), "in a process without data/, history() fails"),
    "and hides that it fails": (FEATURES + HISTORY.format(SWALLOWED), "known is another "),
    "a table of the module": (
        FEATURES + TABLE + OWN.format("total=pl.lit(TABLE['sales'].sum())"),
        "total of features() is another ",
    ),
    "the sizes of files, which readiness tries": (FEATURES + faults.READING, "delivered is another "),
    "state between calls": (FEATURES + "\nSEEN = []\n" + HISTORY.format(STATE), "most "),
    "the clock": (AGES.format(AGE.format("pl.lit(datetime.now())")), "age of features() changes with the date"),
    "the date of the import": (
        AGES.replace("from pathlib", "TODAY = date.today()\nfrom pathlib").format(
            AGE.format("pl.lit(TODAY).cast(pl.Datetime('us'))")
        ),
        "age of features() changes with the date",
    ),
}


@pytest.mark.parametrize("features, problem", LEAKS.values(), ids=LEAKS)
def test_leak_is_refused(tmp_path, features, problem):
    output = found(tmp_path, features)
    assert output.startswith(f"LEAKAGE: features.py: {problem}") and "\n" not in output


def test_features_of_the_rows_alone_pass(tmp_path):
    """So they do with dates of the code, and a table that the package brings with it."""
    (tmp_path / "src/late_flights").mkdir(parents=True)
    more = FEATURES + "HOLIDAYS = (Path(__file__).parent / 'features.py').read_text()\n"
    assert found(tmp_path, more + OWN.format("length=pl.lit(len(HOLIDAYS))")) == ""
