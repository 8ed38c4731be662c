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


def test_scoring_loads_none_of_the_training_libraries(tmp_path):
    """Not even scikit-learn, which is imported only where there is no ONNX model."""
    block = f"import sys\nsys.modules.update(dict.fromkeys({TRAINING}))\n"
    script = f"{block}from {NAME} import Scorer\nimport {NAME}.factory.scoring.batch"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)


@pytest.mark.parametrize("arguments, completing", [(["--help"], ""), (["--version"], ""), ([], "bash_complete")])
def test_help_version_and_completion_load_click_alone(tmp_path, arguments, completing):
    script = f"""
import sys
before = set(sys.modules)
from {NAME}.factory.cli import main
try:
    main({arguments}, prog_name="factory")
finally:
    loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
    print(*sorted(loaded - sys.stdlib_module_names), file=sys.stderr)
"""
    completion = {"COMP_WORDS": "factory pro", "COMP_CWORD": "1", "_FACTORY_COMPLETE": completing} if completing else {}
    command, environment = [sys.executable, "-c", script], os.environ | completion
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert set(done.stderr.split()) == {"click", NAME}, done.stderr
    assert ("promote" in done.stdout) == (arguments != ["--version"])


def test_version_shows_the_release_of_the_template(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "src" / NAME)
    (tmp_path / ".copier-answers.yml").write_text("_commit: 1.2.3\n_src_path: x\n", encoding="utf-8")
    script = f"from {NAME}.factory.cli import main\nmain(['--version'])"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "src")}
    output = subprocess.check_output([sys.executable, "-c", script], env=environment, cwd=tmp_path, text=True)
    assert ", template 1.2.3, Python " in output


def left_out():
    """The names in factory/ that the wheel lacks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {Path(name).name for name in project["tool"]["uv"]["build-backend"]["wheel-exclude"]}


@pytest.mark.parametrize(
    "command, message",
    [
        (["promote"], "only scoring is installed here: run this command in the project's own environment"),
        (["serve"], "only scoring is installed here: run this command in the project's own environment"),
        (
            ["serve", "--model", "model"],
            "uvicorn is not installed: run `uv sync --extra serve`",
        ),
    ],
)
def test_command_that_is_not_installed_says_so(tmp_path, command, message):
    shutil.copytree(PACKAGE, tmp_path / NAME)
    for path in (tmp_path / NAME / "factory").iterdir():
        if path.name in left_out():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    script = f"import sys\nsys.modules['uvicorn'] = None\nfrom {NAME}.factory.cli import main\nmain()"
    arguments, environment = [sys.executable, "-c", script, *command], os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"Error: {message}\n")


def test_group_that_a_command_needs_is_named(tmp_path):
    script = f"import sys\nsys.modules['optuna'] = None\nfrom {NAME}.factory.cli import main\nmain()"
    shutil.copy(ROOT / "params.yaml", tmp_path)
    command = [sys.executable, "-c", script, "tune"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: optuna is not installed: run `uv sync --group tune`\n")
