"""contract ← features ← model ← factory, and scoring needs nothing that training needs."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .. import contract, scoring

PACKAGE = Path(contract.__file__).parent
NAME = contract.__name__.rpartition(".")[0]
ALLOWED = {"contract": set(), "features": {"contract"}, "model": {"contract", "features"}}
SCORING = {
    "artifact",
    "batch",
    "casts",
    "contracts",
    "digest",
    "errors",
    "loader",
    "outcome",
    "readers",
    "scoring",
    "single",
    "slices",
    "spellings",
    "stamp",
    "tables",
}
WHEEL = SCORING | {"__init__", "cli", "commands", "deploy", "failure", "intake", "pipelines", "service"}
TRAINING = [
    "altair",
    "dvc",
    "fastexcel",
    "filelock",
    "jinja2",
    "mlflow",
    "onnx",
    "pydantic",
    "skl2onnx",
    "sklearn",
    "yaml",
]


def imported(path):
    """Names of the package's own modules that the file imports anywhere, from the package's root."""
    folder = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == NAME:
                    yield alias.name.removeprefix(f"{NAME}.")
        elif isinstance(node, ast.ImportFrom):
            base = (node.module or "").split(".") if node.module else []
            if node.level:
                base = [*folder[: len(folder) - node.level + 1], *base]
            elif base[:1] == [NAME]:
                base = base[1:]
            else:
                continue
            for alias in node.names:
                yield ".".join([*base, alias.name])


def modules(path):
    return {found for name in imported(path) for found in [name.removeprefix("factory.").split(".")[0]]}


@pytest.mark.parametrize("name", ALLOWED)
def test_your_modules_import_downwards(name):
    own = {path.stem for path in PACKAGE.glob("*.py")} | {"factory"}
    found = {found.split(".")[0] for found in imported(PACKAGE / f"{name}.py")} & own
    extra = own - ALLOWED.keys() - {"factory", "__init__"}
    assert found <= ALLOWED[name] | extra


@pytest.mark.parametrize("name", sorted(SCORING - {"readers"}))
def test_scoring_imports_no_training(name):
    machinery = {path.stem for path in (PACKAGE / "factory").iterdir()}
    lazy = {"export"} if name == "artifact" else set()  # where a model is written, not read
    assert modules(PACKAGE / "factory" / f"{name}.py") & machinery <= SCORING | lazy


@pytest.mark.parametrize("folder", ["readers", "service"])
def test_folders_import_what_scoring_does(folder):
    machinery = {path.stem for path in (PACKAGE / "factory").iterdir()}
    for path in (PACKAGE / "factory" / folder).glob("*.py"):
        assert modules(path) & machinery <= SCORING | {"__init__", "service"}


@pytest.mark.parametrize("folder", ["factory", "factory/adopt", "factory/diff", "factory/readers", "factory/service"])
def test_modules_have_no_cycles(folder):
    prefix = folder.replace("/", ".") + "."
    graph = {
        path.stem: {name.removeprefix(prefix).split(".")[0] for name in imported(path) if name.startswith(prefix)}
        - {path.stem}
        for path in (PACKAGE / folder).glob("*.py")
    }
    while graph:
        free = [name for name, needs in graph.items() if not needs & graph.keys()]
        assert free, f"these import each other: {sorted(graph)}"
        for name in free:
            del graph[name]


def test_scoring_loads_none_of_the_training_libraries(tmp_path):
    """Not even scikit-learn, which is imported only where there is no ONNX model."""
    block = f"import sys\nsys.modules.update(dict.fromkeys({TRAINING}))\n"
    script = f"{block}from {NAME} import Scorer\nimport {scoring.__package__}.batch"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)


def test_wheel_holds_what_scores_and_serves():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    all_of_it, *kept = project["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]
    assert all_of_it == "**/factory/*"
    assert {name.removeprefix("!**/factory/").removesuffix(".py") for name in kept} == WHEEL


@pytest.mark.parametrize(
    "command, told",
    [
        (["promote"], "only scoring is installed here: run this command in the project's own environment"),
        (["serve"], "only scoring is installed here: run this command in the project's own environment"),
        (
            ["serve", "--model", "model"],
            "uvicorn is not installed: run `uv sync`, with `--extra serve` for the service",
        ),
    ],
)
def test_command_that_is_not_installed_says_so(tmp_path, command, told):
    shutil.copytree(PACKAGE, tmp_path / NAME)
    for path in (tmp_path / NAME / "factory").glob("*.py"):
        if path.stem not in WHEEL:
            path.unlink()
    script = f"import sys\nsys.modules['uvicorn'] = None\nfrom {NAME}.factory.cli import main\nmain()"
    arguments, environment = [sys.executable, "-c", script, *command], os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"Error: {told}\n")
