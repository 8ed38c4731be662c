"""Canary: what `factory update` relies on of Copier without being promised it. See `COPIER` in update/releases.py."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import ROOT, commit

[RENDERER] = ROOT.glob("template/src/*/factory/update/copier_internals.py")
CONFIG = """\
_exclude: [copier.yml, .git, "{% if _copier_operation == 'update' %}mine.txt{% endif %}"]
_skip_if_exists: [seed.txt]
name:
  type: str
"""
SEVERAL = "{{ name }}/{% yield each from 'three four'.split() %}{{ each }}{% endyield %}.txt.jinja"


@pytest.fixture
def source(tmp_path) -> str:
    """A template with a seed, a file of the person's, and two releases."""
    folder = tmp_path / "template"
    (folder / "{{ name }}").mkdir(parents=True)
    (folder / "copier.yml").write_text(CONFIG)
    (folder / "{{ _copier_conf.answers_file }}.jinja").write_text("{{ _copier_answers|to_nice_yaml }}")
    for tag in ("v1.0.0", "v1.1.0"):
        for name in ("seed.txt", "mine.txt", "{{ name }}/one.txt", "{{ name }}/two.txt.jinja", SEVERAL):
            (folder / name).write_text(f"{tag} {{{{ name }}}}\n")
        commit(folder, tag)
    return str(folder)


def rendered(source: str, release: str | None, folders: dict[str, Path]) -> dict[str, str]:
    answers = {"_src_path": source, "_commit": "v1.0.0", "name": "x"}
    request = {"source": source, "release": release, "answers": answers, "then": answers, "data": {}}
    text = json.dumps(request | {"folders": {name: str(folder) for name, folder in folders.items()}})
    done = subprocess.run([sys.executable, str(RENDERER)], input=text, capture_output=True, text=True)
    assert not done.returncode, f"Copier {version('copier')}: see update/copier_internals.py and its upper bound\n{done.stderr}"
    return json.loads(done.stdout)


def texts(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*.txt") if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}


@pytest.mark.parametrize("release", [None, "1.1.0"])
def test_update(source, tmp_path, release):
    folders = {"old": tmp_path / "old", "new": tmp_path / "new"}
    assert rendered(source, release, folders) == {"before": "v1.0.0", "after": "v1.1.0"}
    one = {"seed.txt": "v1.0.0 {{ name }}\n", "x/one.txt": "v1.0.0 {{ name }}\n"}
    rendered_too = [f"x/{name}.txt" for name in ("two", "three", "four")]
    assert texts(tmp_path / "old") == one | dict.fromkeys(rendered_too, "v1.0.0 x\n")
    assert texts(tmp_path / "new") == one | {"x/one.txt": "v1.1.0 {{ name }}\n"} | dict.fromkeys(rendered_too, "v1.1.0 x\n")


def test_fresh_project(source, tmp_path):
    assert rendered(source, "v1.1.0", {"fresh": tmp_path / "fresh"}) == {}
    assert texts(tmp_path / "fresh").keys() == {
        "seed.txt",
        "mine.txt",
        *(f"x/{name}.txt" for name in ("one", "two", "three", "four")),
    }


def test_what_fails_is_a_line(source, tmp_path):
    folders = {"old": tmp_path / "old", "new": tmp_path / "new"}
    assert "release 7 cannot be had from" in rendered(source, "7", folders)["error"]


def test_updates_take_the_versions_that_are_tested():
    [bound] = re.findall(r'^COPIER = "(.+)"', RENDERER.with_name("releases.py").read_text("utf-8"), re.MULTILINE)
    assert f'TOOLS = ("{bound}",' in (ROOT / "noxfile.py").read_text("utf-8")
    major, minor = version("copier").split(".")[:2]
    assert bound.endswith(f",<{major}.{int(minor) + 1}")
