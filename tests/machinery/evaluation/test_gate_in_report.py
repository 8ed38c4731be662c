"""The report shows the gate's result that stands beside it, if it is of the same model."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from late_flights.factory import manifest
from late_flights.factory.evaluation import report
from late_flights.factory.gate import compare
from tests.factory.cli_runner import run

from machinery.evaluation.assessment_factory import Page

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")

BROWSER = """
const element = (id) => ({ id, dataset: {}, children: [], textContent: "", hidden: true,
  appendChild(child) { this.children.push(child); return child; } });
const elements = {};
const document = { createElement: element, getElementById: (id) => (elements[id] ??= element(id)) };
const row = element("tr");
elements.version = Object.assign(element("version"), { parentElement: element("div") });
elements.checks = { tHead: { rows: [row] }, tBodies: [{ insertRow: () => row }] };
elements.gate = Object.assign(element("gate"), { dataset: { model: MODEL } });
"""
SHOWN = """
console.log(JSON.stringify({ gate: elements.gate.textContent, version: elements.version.textContent,
  table: !document.getElementById("gate-section").hidden, cells: row.children.map((cell) => cell.textContent) }));
"""


def shown() -> dict:
    """What a browser would make of the page and of the gate.js beside it, by a stand-in for its elements."""
    page = Page(Path("reports/report.html").read_text(encoding="utf-8"))
    assert "hidden" in page.ids["gate-section"]
    model = f"const MODEL = {json.dumps(page.ids['gate']['data-model'])};"
    script = Path(report.__file__).with_name("report.js").read_text(encoding="utf-8")
    assert script in Path("reports/report.html").read_text(encoding="utf-8")
    code = "\n".join((model, BROWSER, script, Path("reports/gate.js").read_text(encoding="utf-8"), SHOWN))
    return json.loads(subprocess.run(["node", "-e", code], check=True, capture_output=True, text=True).stdout)


@pytest.mark.usefixtures("committed")
def test_result_and_version_of_this_model_are_shown():
    assert run("compare").exit_code == 0
    before = shown()
    assert before["gate"].startswith("Passed, compared with the baseline") and before["version"] == "" and before["table"]
    result = json.loads(compare.JSON.read_text(encoding="utf-8"))
    assert {check["code"] for check in result["checks"]} <= set(before["cells"])
    assert run("promote", "-m", "why").exit_code == 0
    assert shown()["version"] == "v1"


@pytest.mark.usefixtures("committed")
def test_result_of_another_model_is_not_shown():
    assert run("compare").exit_code == 0
    page = Path("reports/report.html")
    page.write_text(page.read_text(encoding="utf-8").replace(manifest.model_id(), "0" * 64), encoding="utf-8")
    assert shown() == {"gate": "", "version": "", "table": False, "cells": []}
