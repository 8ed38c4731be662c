"""Workers load from a copy of the model's files, which leaves nothing behind."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from late_flights.factory.serving import model_copy

from machinery.serving.service_client import records, rows, serving, wait_until

KILLED = f"import os; from {model_copy.__name__} import ModelCopy; it = ModelCopy(); print(it.folder, flush=True); os._exit(9)"


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_copy_is_made_and_deleted_with_the_service(trained, temporary):
    Path("model/folder").mkdir()
    with serving() as client:
        (copy,) = temporary.iterdir()
        assert {"manifest.json", "model.onnx"} <= {file.name for file in copy.iterdir()} and copy.stat().st_mode & 0o777 == 0o700
        assert client.post(records(rows(20))).status == 200
    wait_until(lambda: not list(temporary.iterdir()))


def test_copies_of_killed_services_are_deleted_and_those_of_others_are_not(trained, temporary):
    result = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    abandoned = Path(result.stdout.strip())
    other = model_copy.ModelCopy()
    assert abandoned.is_dir() and abandoned.parent == temporary
    model_copy.delete_abandoned()
    assert not abandoned.exists() and other.folder.is_dir()
    other.delete()
    assert not list(temporary.iterdir())


def nowhere() -> str:
    raise FileNotFoundError("No usable temporary directory found")


def test_where_no_copy_can_be_made_the_folder_itself_is_loaded(trained, monkeypatch):
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)  # as in a container that may write nowhere
    with serving() as client:
        assert client.post(records(rows(20))).status == 200
