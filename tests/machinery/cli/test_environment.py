"""Commands take from environments.yaml what no option or variable sets."""

from pathlib import Path

import pytest
from late_flights.factory.cli.options import places
from late_flights.factory.errors import FactoryError
from tests.factory import toy

TEXT = "test: {captures: [tested]}\nprod: {captures: [s3://one, s3://two]}\n"


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FACTORY_CAPTURE", raising=False)
    return toy.params()


def test_captures_are_those_of_the_environment(params, monkeypatch):
    assert places((), params) == params.monitor.places == ["captures"]
    Path("environments.yaml").write_text(TEXT)
    assert places((), params) == ["s3://one", "s3://two"] and places((), params, "staging") == ["tested"]
    assert places((), params, "dev") == ["captures"]
    monkeypatch.setenv("FACTORY_CAPTURE", "mine")
    assert places((), params) == ["mine"] and places(("given",), params) == ["given"]


def test_an_unknown_environment_is_refused(params):
    Path("environments.yaml").write_text(TEXT)
    with pytest.raises(FactoryError, match="did you mean prod"):
        places((), params, "prd")
