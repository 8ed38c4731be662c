"""What a release asks of the project's own files is done where the text is a release's, and named where it is not."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from late_flights.factory.update import changes

YAML = """\
0.2.0:
  floor: {do: set a floor, why: it is needed, files: [params.yaml], present: '^floor:'}
0.3.0:
  size:
    do: raise the size
    why: it is low
    files: [params.yaml]
    absent: '^  size: 5\\b'
    replace: [{old: '  size: 5( # small|)', new: '  size: 100\\1'}]
  page: {do: add a page, why: it is new, files: [docs/page.md]}
  call: {do: give a reason, why: it is asked for, files: [run/*.sh], absent: 'promote$'}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"src/x/factory/changes.yaml": YAML, "params.yaml": "gate:\n  size: 5\n"}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def ids():
    return [change.id for change in changes.pending()]


def begin(release):
    """The first commit, of a project that began with the release."""
    Path(changes.ANSWERS).write_text(f"_commit: {release}\n")
    for command in (("init", "--quiet"), ("add", changes.ANSWERS), ("commit", "--quiet", "--message", "first")):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *command], check=True)
    Path(changes.ANSWERS).write_text("_commit: 0.3.0\n")


def test_what_is_done_is_not_pending(project):
    Path("run").mkdir()
    Path("run/all.sh").write_text("factory promote\n")
    assert ids() == ["floor", "size", "page", "call"]
    Path("params.yaml").write_text("floor: 1\n  size: 50\n")
    Path("docs").mkdir()
    Path("docs/page.md").touch()
    Path("run/all.sh").write_text("factory promote -m why\n")
    assert ids() == []


@pytest.mark.parametrize(("first", "expected"), [("v0.1.0", "floor size page"), ("0.2.0-7-gabc", "size page"), ("0.3.0", "")])
def test_a_project_is_asked_for_what_came_after_it_began(project, first, expected):
    begin(first)
    assert ids() == expected.split()


def test_a_declined_change_is_neither_pending_nor_applied(project):
    Path("pyproject.toml").write_text('[tool.factory]\ndeclined = ["size", "page"]\n')
    assert ids() == ["floor"]
    assert changes.apply("0.1.0") == []
    Path("pyproject.toml").write_text("<<<<<<< before\n")
    assert ids() == ["floor", "size", "page"]


def test_a_change_is_told_with_its_reason(project):
    assert str(changes.pending()[0]) == "floor: params.yaml: set a floor, because it is needed"


def test_of_several_files_those_that_are_left_are_named(project):
    Path("run").mkdir()
    for name, command in (("a", "promote"), ("b", "promote -m why"), ("c", "promote")):
        Path(f"run/{name}.sh").write_text(f"factory {command}\n")
    assert str(changes.pending()[-1]) == "call: run/a.sh, run/c.sh: give a reason, because it is asked for"


def test_a_schedule_of_a_workflow_that_is_missing_is_named_until_it_is_deleted(project):
    begin("0.3.0")
    folder = Path(".github/workflows")
    folder.mkdir(parents=True)
    for name in ("model", "retrain"):
        (folder / f"schedule-{name}.yaml").write_text(f"jobs:\n  x:\n    uses: ./{folder}/{name}.yaml # as it is\n")
        (folder / f"{name}.yaml").touch()
    assert ids() == []
    (folder / "retrain.yaml").unlink()
    [change] = map(str, changes.pending())
    assert change.startswith(f"schedules: {folder}/schedule-retrain.yaml: delete it, because it calls {folder}/retrain.yaml")
    Path("pyproject.toml").write_text('[tool.factory]\ndeclined = ["schedules"]\n')
    assert ids() == []
    Path("pyproject.toml").unlink()
    (folder / "schedule-retrain.yaml").unlink()
    assert ids() == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("gate:\n  size: 5\n", "gate:\n  size: 100\n"),
        ("  size: 5", "  size: 100"),
        ("# Größe\r\n\r\n  size: 5 # small\r\nodd:   1 \r\n", "# Größe\r\n\r\n  size: 100 # small\r\nodd:   1 \r\n"),
    ],
)
def test_a_releases_text_is_replaced_and_the_rest_stays_byte_for_byte(project, before, after):
    Path("params.yaml").write_bytes(before.encode())
    assert changes.apply("0.2.0") == ["params.yaml: done for you: raise the size"]
    assert Path("params.yaml").read_bytes() == after.encode()


@pytest.mark.parametrize("text", ["  size: 5 # mine\n", "  size: 5\n  size: 5\n", "a\r\n  size: 5\n", "\xff  size: 5\n"])
def test_another_text_is_left_to_its_owner(project, text):
    Path("params.yaml").write_bytes(text.encode("latin-1"))
    assert changes.apply("0.2.0") == []
    assert Path("params.yaml").read_bytes() == text.encode("latin-1")


def test_a_text_with_a_hash_is_replaced_only_where_it_has_it(project):
    digest = hashlib.sha256(b"  size: 5").hexdigest()
    yaml = YAML.replace(
        "'  size: 5( # small|)', new: '  size: 100\\1'", f"'  size: 5.*', new: '  <package>: 100', sha256: [{digest}]"
    )
    Path("src/x/factory/changes.yaml").write_text(yaml)
    Path("params.yaml").write_text("  size: 5 # mine\n")
    assert changes.apply("0.2.0") == []
    Path("params.yaml").write_text("  size: 5\n")
    assert len(changes.apply("0.2.0")) == 1 and Path("params.yaml").read_text() == "  x: 100\n"


def test_what_an_earlier_update_asked_for_is_not_done_again(project):
    assert changes.apply("0.3.0") == []


def test_a_project_of_a_commit_without_a_release_gets_every_change(project):
    assert len(changes.apply("38c9b6a")) == 1
