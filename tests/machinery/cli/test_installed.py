"""What a command needs, it imports: the start waits for no library, and scoring does without those that train."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from late_flights import contract
from tests.factory.conftest import ROOT

PACKAGE = Path(contract.__file__).parent
NAME = contract.__name__.rpartition(".")[0]
TRAINING = (
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
)
SCORING = ("dataframely", "numpy", "onnxruntime", "polars", "requests")


def test_scoring_loads_none_of_the_training_libraries(tmp_path):
    """Not even scikit-learn, which is imported only where there is no ONNX model."""
    block = f"import sys\nsys.modules.update(dict.fromkeys({TRAINING}))\n"
    script = f"{block}from {NAME} import Scorer\nimport {NAME}.factory.scoring.batch"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)


def test_help_waits_for_no_library(tmp_path):
    block = f"import sys\nsys.modules.update(dict.fromkeys({(*TRAINING, *SCORING)}))\n"
    script = f"{block}from {NAME}.factory.cli import main\nmain(['--help'])"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, capture_output=True)


def installed():
    """The names in factory/ that the wheel holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    everything, *kept = project["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]
    assert everything == "**/factory/*"
    return {name.removeprefix("!**/factory/") for name in kept}


@pytest.mark.parametrize(
    "command, message",
    [
        (["promote"], "only scoring is installed here: run this command in the project's own environment"),
        (["serve"], "only scoring is installed here: run this command in the project's own environment"),
        (
            ["serve", "--model", "model"],
            "uvicorn is not installed: run `uv sync`, with `--extra serve` for the service",
        ),
    ],
)
def test_command_that_is_not_installed_says_so(tmp_path, command, message):
    shutil.copytree(PACKAGE, tmp_path / NAME)
    for path in (tmp_path / NAME / "factory").iterdir():
        if path.name not in installed():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    script = f"import sys\nsys.modules['uvicorn'] = None\nfrom {NAME}.factory.cli import main\nmain()"
    arguments, environment = [sys.executable, "-c", script, *command], os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"Error: {message}\n")
