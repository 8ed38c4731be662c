"""The bill of materials of an image, in CycloneDX: what was found in it, and the model."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from ..registry.versions import Version
from . import inventory

FOLDER = Path("reports/sbom")
INVENTORY = Path(inventory.__file__).read_text(encoding="utf-8")


def write(listed: str, tag: str, image: str, version: Version) -> Path:
    """Write the bill for the version's image, of which the inventory was printed; its path."""
    slug = tag.partition(":")[0]
    about = Property(name="factory:image", value=image), Property(name="factory:commit", value=version.commit)
    whole = Component(name=slug, version=version.name, type=ComponentType.CONTAINER, bom_ref=tag, properties=about)
    bom = Bom(components=[_model(slug, version), *_components(json.loads(listed), slug)])
    bom.metadata.component = whole
    bom.register_dependency(whole, bom.components)
    path = FOLDER / f"{version.name}.cdx.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_to_file(str(path), allow_overwrite=True, indent=2)
    return path


def _model(slug: str, version: Version) -> Component:
    """The model goes by the sha256 of its manifest, which holds those of its files."""
    return Component(
        name=f"{slug}-model",
        version=version.name,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=version.facts["model"])],
        properties=[Property(name="factory:data", value=version.facts["data"])],
    )


def _components(listed: dict[str, Any], slug: str) -> Iterator[Component]:
    python, system = listed["python"], listed["system"]
    yield _component("cpython", python, PackageURL("generic", name="cpython", version=python), "PSF-2.0")
    for each in listed["distributions"]:
        name, version = each["name"], each["version"]
        url = None if name == slug else PackageURL("pypi", name=name, version=version)  # ours is on no index
        yield _component(name, version, url, each["license"])
    for each in listed["packages"]:
        about = {"arch": each["architecture"], "distro": f"{system['ID']}-{system['VERSION_ID']}"}
        yield _component(
            each["name"], each["version"], PackageURL("deb", system["ID"], each["name"], each["version"], about)
        )


def _component(name: str, version: str, url: PackageURL | None, license: str | None = None) -> Component:
    licenses = [LicenseFactory().make_from_string(license)] if license else []
    return Component(
        name=name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url or name), licenses=licenses
    )
