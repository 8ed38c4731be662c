"""The bill of materials names all that is in an image."""

import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from late_flights.factory.evaluation import card_input, model_card
from late_flights.factory.release import inventory, sbom
from tests.factory import toy

from machinery.evaluation.assessment_factory import build_assessment, build_run
from machinery.release.fake_docker import built


def check_schema(bill):
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill))
    assert error is None, str(error)[:1000]


@pytest.mark.usefixtures("engine")
def test_list_names_all_that_is_in_it(version):
    built()
    bill = json.loads((sbom.FOLDER / "v1.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in bill["components"]}
    assert components.keys() == {"cpython", "churn", "churn-model", "libc6", "numpy", "odd"}
    assert components["numpy"]["purl"] == "pkg:pypi/numpy@2.5.0" and "purl" not in components["churn"]
    assert components["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12"
    assert components["numpy"]["licenses"] == [{"expression": "BSD-3-Clause AND 0BSD"}]
    assert components["odd"]["licenses"] == [{"license": {"name": "Our own terms"}}]
    model = components["churn-model"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": version.facts["model"]}]
    metrics = {each["type"]: float(each["value"]) for each in model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]}
    assert metrics == json.loads(Path("reports/metrics.json").read_text())
    check_schema(bill)
    whole = bill["metadata"]["component"]
    assert (whole["name"], whole["version"], whole["type"]) == ("churn", "v1", "container")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("problem", toy.LABELLED)
@pytest.mark.parametrize("written", [{}, dict.fromkeys(card_input.REQUIRED_FIELDS, "in words")], ids=["empty", "whole"])
def test_model_card_keeps_the_schema(problem, written):
    assessed = build_assessment(problem)
    facts = model_card.build_card(assessed, card_input.ModelCardInput(**written), build_run(assessed))
    facts["model_details"]["estimator"] = {"class": "sklearn.Some"} if written else None
    card = sbom.model_card(facts)
    assert ("modelArchitecture" in card["modelParameters"]) == bool(written)
    assert all(bool(texts) == bool(written) for texts in card["considerations"].values())
    model = {"type": "machine-learning-model", "name": "churn-model", "modelCard": card}
    check_schema({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [model]})


def test_inventory_is_of_what_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(inventory.platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    status = "Package: {}\nStatus: {}\nArchitecture: all\nVersion: 1\n"
    dpkg = tmp_path / "status"
    dpkg.write_text(f"{status.format('here', 'install ok installed')}\n{status.format('gone', 'deinstall ok config-files')}")
    installed = inventory.inventory(dpkg)
    assert installed["packages"] == [{"name": "here", "version": "1", "architecture": "all"}]
    licenses = {distribution["name"]: distribution["license"] for distribution in installed["distributions"]}
    assert licenses["polars"] == "MIT License" and licenses["click"] == "BSD-3-Clause"
