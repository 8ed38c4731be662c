"""The reference of params.yaml is that of config.py."""

import runpy

from conftest import ROOT


def test_schema_and_page_are_current():
    reference = runpy.run_path(str(ROOT / "tools/reference.py"))
    schema = reference["build"]()
    advice = "config.py has changed: run `python tools/reference.py`"
    assert reference["SCHEMA"].read_text("utf-8") == reference["text"](schema), advice
    assert reference["PAGE"].read_text("utf-8") == reference["page"](schema), advice
