"""Features that one project exports and another one uses: they exist once, and a new version of them is a new model."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import Governed, gate, installed

pytestmark = pytest.mark.slow
SECTION = """
[tool.factory.package]
name = "flight-features"
version = "1.0.0"
share = ["features.gust_excess", "features.hour_of_day"]
"""


class User(Governed):
    """A project with packages of features, whose environment is its own."""

    def add(self, wheel: Path) -> None:
        """Take the wheel in place of an older one."""
        folder = self.folder / "packages"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(wheel, folder)
        self.done("uv", "add", "--quiet", f"./packages/{wheel.name}", PYTHONPATH=None)

    def take_features_from_package(self) -> None:
        """features.py imports what it had itself."""
        path = self.folder / "src/second/features.py"
        head, _, rest = path.read_text("utf-8").partition("def hour_of_day")
        rest = rest[rest.index("def average_speed") : rest.index("def gust_excess")].rstrip()
        path.write_text(
            head.replace("import polars as pl\n", "import polars as pl\nfrom flight_features import gust_excess, hour_of_day\n")
            + rest
            + "\n"
        )


@pytest.fixture(scope="module")
def exporter(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Governed:
    project = gate(template, tmp_path_factory)
    place = tmp_path_factory.mktemp("exporter") / "project"
    shutil.copytree(project.folder, place, ignore=shutil.ignore_patterns(".venv", ".*_cache"))
    copied = Governed(place, project.bin)
    with (place / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(SECTION)
    return copied


def wheels(exporter: Governed) -> Iterator[Path]:
    """Versions 1.0.0 and 1.1.0, in which gusts have another unit."""
    exporter.done("factory", "export", "package", "../dist")
    yield exporter.folder.parent / "dist/flight_features-1.0.0-py3-none-any.whl"
    exporter.edit("src/gate/features.py", '(gust - pl.col("wind_speed"))', '((gust - pl.col("wind_speed")) / 3.6)')
    assert "raise `version`" in exporter.refused("factory", "export", "package", "../dist")
    exporter.edit("pyproject.toml", 'version = "1.0.0"', 'version = "1.1.0"')
    exporter.done("factory", "export", "package", "../dist")
    yield exporter.folder.parent / "dist/flight_features-1.1.0-py3-none-any.whl"


def test_new_version_of_shared_features_is_a_new_model_and_the_old_one_can_be_proven(
    exporter, template, tmp_path_factory, tmp_path
):
    project = installed(template, tmp_path_factory.mktemp("user"), "Second", User, problem="regression")
    project.set("max_iter: 200", "max_iter: 60")
    project.done("factory", "setup")
    versions = wheels(exporter)
    project.add(next(versions))
    project.take_features_from_package()
    assert "would not run prepare, train, evaluate again: add `- packages` to their deps" in project.run("dvc", "repro")[2]
    project.edit("dvc.yaml", "    deps:\n", "    deps:\n      - packages\n")
    project.train("Use the shared features")
    graph = project.folder / "model/features.onnx"
    first = graph.read_bytes()
    facts = json.loads((project.folder / "model/manifest.json").read_text("utf-8"))
    assert "flight_features/features.py" in facts["code"]
    project.done("factory", "promote", "-m", "shared features")

    new = next(versions)
    project.add(new)
    score = ("factory", "score", "data/prepared/test.parquet", str(tmp_path / "scores.parquet"))
    assert "flight_features is not as the model was trained with" in project.refused(*score)
    assert project.done("dvc", "status").count("packages") == 3
    project.train("Gusts in metres per second")
    assert graph.read_bytes() != first
    project.done("factory", "promote", "-m", "gusts in metres per second")  # v1 is scored with 1.0.0, in its own environment
    assert "packages" in project.done("factory", "affected", "--base", "HEAD~1")
    assert "v1 is proven" in project.done("factory", "verify", "v1")

    project.done("factory", "export", "spark", str(tmp_path / "job"))
    assert {file.name.partition("-")[0] for file in (tmp_path / "job").glob("*.whl")} == {"second", "flight_features"}
    assert "packages" not in (tmp_path / "job/requirements.txt").read_text("utf-8")
    locked = project.done("uv", "export", "--quiet", "--frozen", "--no-hashes", "--no-emit-project", "--extra=serve")
    assert f"./packages/{new.name}" in locked.splitlines()  # where the Dockerfile copies it to
