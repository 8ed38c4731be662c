"""dvc.yaml and the wheel name all that a stage, scoring and the service import, and nothing else."""

import ast
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

STAGES = {"prepare": "data/prepare.py", "train": "training/train.py", "evaluate": "evaluation/evaluate.py"}
EXCUSED = {  # what stages import and dvc.yaml does not name, because a change there leaves the same outputs
    "factory/__init__.py": "the package's name",
    "factory/_moved.py": "old names, which lead to the same modules",
    "factory/decision.py": "sections of params.yaml, which are DVC's params",
    "factory/errors.py": "words for people; a stage that raises writes nothing",
    "factory/frequency.py": "how a step of params.yaml is written; its keys are DVC's params",
    "factory/interruption.py": "whether a signal has come; a stage that raises writes nothing",
    "factory/paths.py": "dvc.yaml names the places itself, and DVC misses an output that is elsewhere",
    "factory/sections.py": "how sections of YAML are read and checked; what they hold are DVC's params",
    "factory/signatures.py": "who signed a model that comes from elsewhere; stages load what they made",
    "factory/platforms": "which service hosts the repository: what workspace asks before it pushes",
    "factory/workspace": "when and where outputs appear, not what they hold; the commit and the cost that a record names are the run's",
}


def package(project: Path) -> Path:
    [factory] = project.glob("src/*/factory")
    return factory.parent


def module(path: Path) -> Path | None:
    """The file of the module, with or without a folder of its own."""
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imports(file: Path, lazy: bool) -> Iterator[Path]:
    """The modules of the package that the file imports: anywhere, or when it is itself imported."""
    tree = ast.parse(file.read_text("utf-8"))
    for node in ast.walk(tree) if lazy else tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            yield from filter(None, [module(base), *(module(base / alias.name) for alias in node.names)])


def closure(root: Path, *starts: Path, lazy: bool = True) -> set[str]:
    """What the modules import, and what that imports: files of the package itself, files and folders of factory/."""
    seen, pending = set(), list(starts)
    while pending:
        file = pending.pop()
        if file in seen or (file.parent == root and file.name == "__init__.py"):  # which imports scoring for others
            continue
        seen.add(file)
        ancestors = (folder / "__init__.py" for folder in file.parents if folder.is_relative_to(root))
        pending += [*imports(file, lazy), *ancestors]
    places = [file.relative_to(root).parts for file in seen]
    return {"/".join(parts[: 2 if parts[0] == "factory" else 1]) for parts in places}


def unlike(project: Path, stage: str) -> set[str]:
    """What the stage imports and dvc.yaml does not name, and what it names in vain."""
    content = yaml.safe_load((project / "dvc.yaml").read_text("utf-8"))
    prefix = "${package}/"
    named = {place.removeprefix(prefix) for place in content["stages"][stage]["deps"] if place.startswith(prefix)}
    root = package(project)
    return named ^ (closure(root, root / "factory" / STAGES[stage]) - EXCUSED.keys())


def unpacked(project: Path) -> set[str]:
    """What scoring, the service and the start of the command line import and the wheel lacks, and what it holds in vain."""
    backend = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]["build-backend"]
    root, left_out = package(project), set(backend["wheel-exclude"])
    present = {f"factory/{place.name}" for place in (root / "factory").iterdir() if place.name != "__pycache__"}
    folders = {name: root.glob(f"factory/{name}/*.py") for name in ("scoring", "serving", "cli")}
    needed = closure(root, *folders["scoring"], *folders["serving"]) | closure(root, *folders["cli"], lazy=False)
    return (present - left_out) ^ {place for place in needed if place.startswith("factory/")} | (left_out - present)


@pytest.fixture(scope="module", params=["classification", "forecasting"])
def project(request, render) -> Path:
    return render(problem=request.param)


def test_each_stage_of_the_pipeline_is_looked_at(project):
    assert yaml.safe_load((project / "dvc.yaml").read_text("utf-8"))["stages"].keys() == STAGES.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_what_it_imports(project, stage):
    assert unlike(project, stage) == set()


def test_the_wheel_holds_what_it_imports(project):
    assert unpacked(project) == set()


@pytest.mark.parametrize("where", [*STAGES, "scoring", "serving"])
def test_an_import_from_another_folder_is_noticed(render, tmp_path, where):
    project = shutil.copytree(render(), tmp_path / "project")
    folder = Path(STAGES[where]).parent if where in STAGES else Path(where)
    with (package(project) / "factory" / folder / "__init__.py").open("a") as file:
        file.write("\n\ndef late():\n    from ..release import image\n\n    return image\n")
    assert "factory/release" in (unlike(project, where) if where in STAGES else unpacked(project))


def test_each_excuse_is_needed(project):
    root = package(project)
    imported = set().union(*(closure(root, root / "factory" / start) for start in STAGES.values()))
    assert imported >= EXCUSED.keys()
