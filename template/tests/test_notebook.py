"""Notebooks run from top to bottom on your deliveries, as in a project that has not trained yet."""

import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

from .factory.conftest import ROOT


@pytest.mark.skipif(find_spec("marimo") is None, reason="marimo is not installed: uv run --group notebook pytest")
@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(notebook, tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raw").symlink_to(ROOT / "data/raw")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    copy = shutil.copy(notebook, tmp_path / "notebooks")
    done = subprocess.run([sys.executable, copy], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
