"""The references of params.yaml, policy.yaml, environments.yaml and status.json are those of the models that validate them."""

import runpy

import pytest
from conftest import ROOT

TOOL = runpy.run_path(str(ROOT / "tools/reference.py"))


@pytest.mark.parametrize("reference", TOOL["REFERENCES"], ids=lambda reference: reference.name)
def test_schema_and_page_are_current(reference):
    schema = reference.build()
    advice = f"{reference.module.__name__} has changed: run `python tools/reference.py`"
    assert reference.schema.read_text("utf-8") == TOOL["text"](schema), advice
    assert not reference.start or reference.page.read_text("utf-8") == TOOL["page"](schema, reference.start), advice
