"""Features for other projects: the modules and functions that pyproject.toml names, as a wheel and its source."""

import json
import os
import re
import sys
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import PACKAGE
from ..errors import FactoryError
from ..manifest import file_sha256
from ..release.bases import pyproject
from ..scoring import shared
from ..sections import Section, parse
from ..workspace import ruff
from ..workspace.process import run
from .selection import Selection

PLACE = "pyproject.toml: [tool.factory.package]"
EXAMPLE = 'name = "NAME-features", version = "1.0.0", share = ["features.FUNCTION", "MODULE"]'


class Package(Section):
    """What is shared, and its name and version."""

    name: str
    version: str
    share: list[str]


def export(destination: Path) -> tuple[list[Path], Selection]:
    """Write the wheel and the source distribution into the folder; these, and what they hold. Raises FactoryError."""
    project = pyproject(Path())
    section = project.get("tool", {}).get("factory", {}).get("package")
    if section is None:
        raise FactoryError(f"{PLACE} is missing: state {EXAMPLE}")
    package: Package = parse(json.dumps(section, default=str), PLACE, Package.model_validate)
    module = re.sub("[-_.]+", "_", package.name.lower())
    if not (module.isidentifier() and package.share):
        raise FactoryError(f"{PLACE}: state {EXAMPLE}; the name becomes that of a module")
    if module == PACKAGE or (find_spec(module) and module not in shared.installed()):
        raise FactoryError(f"{PLACE}: {module} is the name of another module: choose another `name`")
    if not re.fullmatch(
        r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?", package.version
    ):
        raise FactoryError(f"{PLACE}: `version` is one such as 1.0.0 or 1.1.0rc1 (PEP 440), not {package.version}")
    selection = Selection(package.share)
    with tempfile.TemporaryDirectory() as temporary:
        source, built = Path(temporary, "source"), Path(temporary, "built")
        _write(source, module, selection, project)
        (source / "pyproject.toml").write_text(_pyproject(package, module, selection, project), encoding="utf-8")
        _check(source, module, selection)
        run(os.environ.get("UV", "uv"), "build", "--quiet", f"--out-dir={built}", cwd=source)
        return _publish([*built.glob("*.whl"), *built.glob("*.tar.gz")], destination), selection


def _write(source: Path, module: str, selection: Selection, project: dict[str, Any]) -> None:
    folder = source / "src" / module
    folder.mkdir(parents=True)
    (folder / "py.typed").touch()
    for name, text in selection.texts():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    lines = [f"from .{name} import {', '.join(names)}" for name, names in selection.exports.items() if names]
    lines += [f"from . import {name}" for name, names in selection.exports.items() if not names]
    exported = sorted(each for name, names in selection.exports.items() for each in names or [name])
    if len({*exported}) < len(exported):
        raise FactoryError(f"{PLACE}: share: a name occurs twice: {', '.join(exported)}")
    docstring = f'"""Features of {project["project"]["name"]}."""'
    text = "\n".join([docstring, "", *lines, "", f"__all__ = {json.dumps(exported)}", ""])
    (folder / "__init__.py").write_text(text, encoding="utf-8")


def _check(source: Path, module: str, selection: Selection) -> None:
    """Refuse a package that mentions a name which it lacks, or that cannot be imported."""
    ruff.check_installed()
    found = ruff.run("check", "--quiet", "--select=F821", "--output-format=concise", str(source))
    if found.returncode:
        line = found.stdout.partition("\n")[0].rpartition("/")[2] or " ".join(found.stderr.split())
        raise FactoryError(f"the package would lack what it uses: {line}: share the whole module")
    names = ", ".join([module, *(f"{module}.{name}" for name, _ in selection.texts())])
    try:
        run(sys.executable, "-c", f"import {names}", env=os.environ | {"PYTHONPATH": str(source / "src")})
    except FactoryError as error:
        raise FactoryError(f"the package cannot be imported: {str(error).rpartition(' failed: ')[2]}") from error


def _pyproject(package: Package, module: str, selection: Selection, project: dict[str, Any]) -> str:
    """As TOML, whose texts and lists are those of JSON."""
    build, own = project["build-system"], project["project"]
    tables = {
        "build-system": {"requires": build["requires"], "build-backend": build["build-backend"]},
        "project": {
            "name": package.name,
            "version": package.version,
            "description": f"Features of {own['name']}",
            "requires-python": own["requires-python"],
            "dependencies": sorted(_requirement(library, project) for library in selection.libraries()),
        },
        f"project.entry-points.{json.dumps(shared.GROUP)}": {module: module},
    }
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    )


def _requirement(library: str, project: dict[str, Any]) -> str:
    """What the project itself asks for of the package, else its version here as the lowest."""
    names = metadata.packages_distributions().get(library)
    if not names:
        raise FactoryError(
            f"{library} is imported by what is shared, and not installed: `uv sync`, or `uv add {library}`"
        )
    own = project["project"]
    lists = [own.get("dependencies", []), *own.get("optional-dependencies", {}).values()]
    for stated in (each for requirements in lists for each in requirements):
        found = re.match(r"[\w.-]+", stated)
        if found and _normal(found[0]) == _normal(names[0]):
            return str(stated)
    return f"{names[0]}>={metadata.version(names[0])}"


def _normal(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def _publish(built: list[Path], destination: Path) -> list[Path]:
    """Move what was built into the folder, all or nothing: a version never has two contents."""
    others = [destination / file.name for file in built if (destination / file.name).exists()]
    for file in built:
        there = destination / file.name
        if there in others and file_sha256(there) != file_sha256(file):
            raise FactoryError(f"{there} has other content: raise `version` in {PLACE}")
    destination.mkdir(parents=True, exist_ok=True)
    for file in built:
        staging = destination / f".{file.name}.tmp"
        staging.write_bytes(file.read_bytes())
        staging.replace(destination / file.name)
    return [destination / file.name for file in built]
