"""An older dvc.yaml: what a release wrote gives way to folders, what the user wrote stays, and is named where it cannot work."""

from pathlib import Path

import pytest
from late_flights.factory.workspace import migration

OLD = """\
vars:
  - package: src/x

stages:
  prepare:
    cmd: exec factory prepare
    deps:
      - data/raw
      - ${package}/factory/casts.py
      - ${package}/factory/readers
      - mine/holidays.csv
      - ${package}/factory/tables.py
    params: [data, split]
  # my own stage
  mine:
    cmd: 'python mine.py   '
    deps:
      - ${package}/factory/metrics.py
      - src/x/factory/curves.py
"""
NEW = """\
vars:
  - package: src/x

stages:
  prepare:
    cmd: exec factory prepare
    deps:
      - data/raw
      - ${package}/factory/config.py
      - ${package}/factory/data
      - ${package}/factory/forecasting
      - ${package}/factory/manifest.py
      - ${package}/factory/tables
      - ${package}/factory/validation
      - mine/holidays.csv
    params: [data, split]
  # my own stage
  mine:
    cmd: 'python mine.py   '
    deps:
      - ${package}/factory/metrics.py
      - src/x/factory/curves.py
"""


@pytest.fixture
def factory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("src/x/factory")
    for name in ("_moved.py", "data/prepare.py", "metrics/definitions.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["Unix", "Windows"])
def test_what_a_release_wrote_gives_way_to_folders(factory, end):
    migration.DVC_YAML.write_bytes(OLD.replace("\n", end).encode())
    assert migration.migrate() == ["dvc.yaml: the stages now name the folders of factory/"]
    assert migration.DVC_YAML.read_bytes().decode() == NEW.replace("\n", end)
    assert migration.migrate() == []
    assert migration.DVC_YAML.read_bytes().decode() == NEW.replace("\n", end)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["Unix", "Windows"])
def test_validation_becomes_a_metric_of_train(factory, end):
    before = "stages:\n  train:\n    cmd: exec factory train\n    outs:\n      - model\n      - reports/training.json\n"
    metrics = "    metrics:\n      - reports/validation.json:\n          cache: false\n"
    migration.DVC_YAML.write_bytes(before.replace("\n", end).encode())
    assert migration.migrate() == ["dvc.yaml: reports/validation.json is now a metric of the stage train"]
    after = before.replace("    outs:\n", f"{metrics}    outs:\n").replace("\n", end)
    assert migration.DVC_YAML.read_bytes().decode() == after
    assert migration.migrate() == []


@pytest.mark.parametrize(
    "own", ["    metrics: [mine.json]\n    outs:\n      - model\n", "    outs:\n      - model:\n          persist: true\n"]
)
def test_train_with_outputs_or_metrics_of_its_owner_stays(factory, own):
    before = f"stages:\n  train:\n    cmd: exec factory train\n{own}      - reports/training.json\n"
    migration.DVC_YAML.write_text(before)
    assert migration.migrate() == []
    assert migration.DVC_YAML.read_text() == before


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["Unix", "Windows"])
def test_the_older_ledger_is_no_longer_a_dependency(factory, end):
    before = NEW.replace("      - data/raw\n", "      - data/ledger.csv\n      - data/raw\n").replace("\n", end)
    migration.DVC_YAML.write_bytes(before.encode())
    assert migration.names_ledger()
    assert migration.migrate() == ["dvc.yaml: the stage prepare no longer depends on data/ledger.csv"]
    assert migration.DVC_YAML.read_bytes().decode() == NEW.replace("\n", end)
    assert not migration.names_ledger() and migration.migrate() == []


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["Unix", "Windows"])
def test_stages_get_the_package_of_forecasts(factory, end):
    before = NEW.replace("      - ${package}/factory/forecasting\n", "").replace("\n", end)
    migration.DVC_YAML.write_bytes(before.encode())
    assert migration.migrate() == ["dvc.yaml: the stages depend on factory/forecasting"]
    assert migration.DVC_YAML.read_bytes().decode() == NEW.replace("\n", end) and migration.migrate() == []


def test_an_older_ledger_that_a_stage_of_the_users_needs_is_named(factory):
    migration.DVC_YAML.write_text("stages:\n  mine:\n    deps: [data/ledger.csv]\n")
    assert migration.migrate() == [] and migration.names_ledger()
    assert migration.remaining() == ["dvc.yaml: replace data/ledger.csv by data/raw, which now has the records of deliveries"]


def test_what_the_user_wrote_is_named_with_its_new_place(factory):
    migration.DVC_YAML.write_text(NEW)
    assert migration.remaining() == [
        "dvc.yaml: replace factory/curves.py by factory/metrics/curves.py, its new place",
        "dvc.yaml: replace factory/metrics.py by factory/metrics/definitions.py, its new place",
    ]


def test_only_shims_that_nothing_names_are_deleted(factory):
    migration.DVC_YAML.write_text(OLD)
    for name in ("casts.py", "metrics.py", "readers/__init__.py"):
        (factory / name).parent.mkdir(exist_ok=True)
        (factory / name).write_text(f"{migration.SHIM}: it has moved\n")
    (factory / "tables.py").write_text("# my own\n")
    migration.migrate()
    assert not (factory / "casts.py").exists() and not (factory / "readers/__init__.py").exists()
    assert (factory / "metrics.py").exists() and (factory / "tables.py").exists()


def test_an_older_layout_stays(factory):
    (factory / "_moved.py").unlink()
    migration.DVC_YAML.write_text(OLD)
    assert migration.migrate() == migration.remaining() == []
    assert migration.DVC_YAML.read_text() == OLD


def test_the_place_of_an_older_file(factory):
    assert migration.new_place("src/x/factory/prepare.py") == "src/x/factory/data/prepare.py"
    assert migration.new_place("src/x/factory/data/prepare.py") is None
    assert migration.new_place("src/x/factory/casts.py") is None  # an update to a release before 0.3.0
    assert migration.new_place("src/x/model.py") is None


def test_every_place_exists():
    root = Path(migration.__file__).parents[1]
    assert [place for place in migration.MOVED.values() if not (root / place).exists()] == []
