"""The bill of materials names all that is in an image."""

import json

import pytest
from late_flights.factory.release import inventory, sbom

from machinery.release.fake_docker import built


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
    whole = bill["metadata"]["component"]
    assert (whole["name"], whole["version"], whole["type"]) == ("churn", "v1", "container")


def test_inventory_is_of_what_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(inventory.platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    status = "Package: {}\nStatus: {}\nArchitecture: all\nVersion: 1\n"
    dpkg = tmp_path / "status"
    dpkg.write_text(f"{status.format('here', 'install ok installed')}\n{status.format('gone', 'deinstall ok config-files')}")
    installed = inventory.inventory(dpkg)
    assert installed["packages"] == [{"name": "here", "version": "1", "architecture": "all"}]
    licenses = {distribution["name"]: distribution["license"] for distribution in installed["distributions"]}
    assert licenses["polars"] == "MIT License" and licenses["click"] == "BSD-3-Clause"
