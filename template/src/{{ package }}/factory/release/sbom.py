"""The bill of materials of an image, in CycloneDX: the packages found in it, and the model with its card."""

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

from .. import manifest
from ..errors import FactoryError
from ..paths import REPORTS
from ..registry.versions import Version
from ..workspace import git
from . import inventory

FOLDER = Path("reports/sbom")
IMAGE = "factory:image"
INVENTORY_SCRIPT = Path(inventory.__file__).read_text(encoding="utf-8")


def write(inventory_json: str, tag: str, image: str, version: Version) -> Path:
    """Write the bill for the version's image, from the output of inventory.py in it, and return its path."""
    name = tag.partition(":")[0]
    properties = Property(name=IMAGE, value=image), Property(name="factory:commit", value=version.commit)
    whole = Component(name=name, version=version.name, type=ComponentType.CONTAINER, bom_ref=tag, properties=properties)
    bom = Bom(components=[_model(name, version), *_components(json.loads(inventory_json), name)])
    bom.metadata.component = whole
    bom.register_dependency(whole, bom.components)
    path = path_of(version)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.loads(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string())
    card = git.show(version.commit, f"{REPORTS}/model-card.json")
    for component in content["components"]:
        if card and component["type"] == ComponentType.MACHINE_LEARNING_MODEL.value:
            component["modelCard"] = model_card(json.loads(card))  # which the library does not know
    manifest.dump(content, path)
    return path


def path_of(version: Version) -> Path:
    """Where the bill of the version's image is."""
    return FOLDER / f"{version.name}.cdx.json"


def image_id(version: Version) -> str:
    """The id of the image on this machine that the bill is of. Raises FactoryError."""
    path = path_of(version)
    try:
        properties = json.loads(path.read_text(encoding="utf-8"))["metadata"]["component"]["properties"]
        return str({each["name"]: each["value"] for each in properties}[IMAGE])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FactoryError(f"{path} names no image: run `uv run factory build {version.name}` here first") from error


def model_card(card: dict[str, Any]) -> dict[str, Any]:
    """The model card in reports/ in the form of CycloneDX."""
    details, data, use = card["model_details"], card["training_data"], card["intended_use"]
    training_data = {
        "type": "dataset",
        "name": "training data",
        "description": f"{data['rows']} rows, sha256 {data['sha256']}",
    }
    considerations = {
        "useCases": [use["intended_use"]],
        "technicalLimitations": [use["out_of_scope"], card["caveats_and_recommendations"]],
        "ethicalConsiderations": [card["ethical_considerations"] and {"name": card["ethical_considerations"]}],
    }
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": details["problem"],
            **({"modelArchitecture": estimator["class"]} if (estimator := details.get("estimator")) else {}),
            "datasets": [training_data],
        },
        "quantitativeAnalysis": {"performanceMetrics": [_metric(*item) for item in card["metrics"].items()]},
        "considerations": {name: [text for text in texts if text] for name, texts in considerations.items()},
    }


def _metric(name: str, estimate: dict[str, float]) -> dict[str, Any]:
    interval = {"lowerBound": str(estimate["low"]), "upperBound": str(estimate["high"])}
    return {"type": name, "value": str(estimate["value"]), "confidenceInterval": interval}


def _model(image_name: str, version: Version) -> Component:
    """The model, identified by the sha256 of its manifest, which lists those of its files."""
    return Component(
        name=f"{image_name}-model",
        version=version.name,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=version.facts["model"])],
        properties=[Property(name="factory:data", value=version.facts["data"])],
    )


def _components(installed: dict[str, Any], project: str) -> Iterator[Component]:
    python, system = installed["python"], installed["system"]
    yield _component("cpython", python, PackageURL("generic", name="cpython", version=python), "PSF-2.0")
    for distribution in installed["distributions"]:
        name, version = distribution["name"], distribution["version"]
        url = (
            None if name == project else PackageURL("pypi", name=name, version=version)
        )  # the project itself is on no index
        yield _component(name, version, url, distribution["license"])
    for package in installed["packages"]:
        name, version = package["name"], package["version"]
        qualifiers = {"arch": package["architecture"], "distro": f"{system['ID']}-{system['VERSION_ID']}"}
        yield _component(name, version, PackageURL("deb", system["ID"], name, version, qualifiers))


def _component(name: str, version: str, url: PackageURL | None, license: str | None = None) -> Component:
    licenses = [LicenseFactory().make_from_string(license)] if license else []
    return Component(
        name=name, version=version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url or name), licenses=licenses
    )
