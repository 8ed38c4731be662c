"""Old names of modules, and of what is in them, lead to what they have become."""

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

import pytest
from late_flights.factory import _moved, metrics, scoring
from late_flights.factory.data import prepare, split
from late_flights.factory.metrics import definitions
from late_flights.factory.scoring import artifact

FACTORY = "late_flights.factory"


@pytest.mark.parametrize(("new", "old"), [(new, old) for new, names in _moved.MODULES.items() for old in names.split()])
def test_an_old_module_is_the_new_one(new, old):
    sys.modules.pop(f"{FACTORY}.{old}", None)
    with pytest.warns(DeprecationWarning, match=f"^{FACTORY}.{old} is now {FACTORY}.{new}$"):
        module = import_module(f"{FACTORY}.{old}")
    assert module is import_module(f"{FACTORY}.{new}")
    assert module.__spec__.name == module.__name__ == f"{FACTORY}.{new}"


@pytest.mark.parametrize("module", _moved.NAMES)
def test_an_old_name_is_found(module):
    find = _moved.old_names(f"{FACTORY}.{module}")
    for name in _moved.NAMES[module]:
        with pytest.warns(DeprecationWarning, match=f"^{FACTORY}.{module}.{name} is now {FACTORY}"):
            find(name)
        assert find_spec(f"{FACTORY}.{module}").submodule_search_locations is None or not find_spec(f"{FACTORY}.{module}.{name}")


def test_a_package_has_the_names_of_the_module_that_it_was():
    with pytest.warns(DeprecationWarning):  # noqa: PT031
        assert metrics.METRICS is definitions.METRICS
        assert metrics.direction("mae") == -1
        assert scoring.matrix
    with pytest.raises(AttributeError, match="has no attribute"):
        metrics.nothing  # noqa: B018


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_left_a_module_is_found_by_its_old_name():
    from late_flights.factory import digest, service
    from late_flights.factory import prepare as old
    from late_flights.factory.service import rows, settings

    assert old is prepare and old.split is split.split
    assert (digest.__name__, rows.__name__, settings.__name__) == (
        f"{FACTORY}.manifest",
        f"{FACTORY}.serving.parsing",
        f"{FACTORY}.serving.settings",
    )
    assert service.rows is rows


def test_a_name_that_never_was_is_not_found():
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from late_flights.factory import nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="No module named 'digest'"):
        import digest  # noqa: F401


def test_old_names_cost_no_import():
    code = f"import sys, {FACTORY}.metrics; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "polars", "sklearn", "importlib.abc", f"{FACTORY}.metrics.definitions"} & set(loaded)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_users_tests_have_the_old_names(monkeypatch):
    import tests
    from tests import artifact as old

    assert old is artifact
    with pytest.raises(AttributeError, match="module 'tests' has no attribute 'nothing'"):
        tests.nothing  # noqa: B018
    monkeypatch.delitem(sys.modules, f"{FACTORY}.tune", raising=False)
    monkeypatch.setitem(sys.modules, f"{FACTORY}.training.tune", None)
    with pytest.raises(ModuleNotFoundError, match=f"{FACTORY}.training.tune"):
        tests.tune  # noqa: B018


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_older_file_that_was_kept_has_no_effect(tmp_path, monkeypatch):
    import late_flights.factory

    (tmp_path / "prepare.py").write_text("raise RuntimeError('half of an update')\n")
    monkeypatch.setattr(late_flights.factory, "__path__", [str(tmp_path), *late_flights.factory.__path__])
    monkeypatch.delitem(sys.modules, f"{FACTORY}.prepare", raising=False)
    assert import_module(f"{FACTORY}.prepare") is prepare
