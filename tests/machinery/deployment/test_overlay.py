"""An overlay's image is written where it stands: every other byte stays, and what is malformed is refused and not written."""

from pathlib import Path

import pytest
from late_flights.factory.deployment import overlay
from late_flights.factory.errors import FactoryError

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
IMAGE = f"ghcr.io/team/churn@{NEW}"
BLOCK = f"""\
# ours: ¡sí!
namespace: churn-prod
images:   # by digest
- name: challenger
  newName: elsewhere.example.com/churn
  digest: {OLD}
-   digest:   '{OLD}'  # this one
    newName: "registry.example.com/churn"
    name: model
replicas: [{{name: model, count: 03}}]
"""
FLOW = f"images: [{{name: model, newName: a/b, digest: {OLD}}}, {{name: x, newName: y}}]\nnamespace: 'on'"


def put(text: str) -> Path:
    file = overlay.FOLDER / "prod" / overlay.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_the_image_changes(end: str) -> None:
    file = put(BLOCK.replace("\n", end))
    overlay.write(overlay.path("prod"), IMAGE)
    expected = BLOCK.replace(f"'{OLD}'", f"'{NEW}'").replace("registry.example.com/churn", "ghcr.io/team/churn")
    assert file.read_bytes() == expected.replace("\n", end).encode()
    assert overlay.read(file) == IMAGE


@pytest.mark.parametrize("first", ["", "\ufeff"])
def test_flow_style_stays(first: str) -> None:
    file = put(first + FLOW)
    overlay.write(file, IMAGE)
    assert file.read_text("utf-8") == first + FLOW.replace("a/b", "ghcr.io/team/churn").replace(OLD, NEW)


def test_writing_back_what_was_there_restores_the_file() -> None:
    file = put(BLOCK)
    before = overlay.read(file)
    assert before
    overlay.write(file, IMAGE)
    overlay.write(file, before)
    assert file.read_text("utf-8") == BLOCK
    assert [*file.parent.iterdir()] == [file]


def test_a_registry_with_a_port_is_a_name() -> None:
    file = put(FLOW)
    overlay.write(file, f"localhost:5000/churn@{NEW}")
    assert overlay.read(file) == f"localhost:5000/churn@{NEW}"


def test_nothing_is_deployed_yet() -> None:
    assert overlay.read(put(FLOW.replace(OLD, overlay.NONE_YET))) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0 entries"),
        ("- images", "has 0 entries"),
        ("images: {name: model}", "has 0 entries"),
        (BLOCK.replace("name: model\n", "name: modell\n"), "has 0 entries"),
        (BLOCK.replace("name: challenger", "name: model"), "has 2 entries"),
        (FLOW.replace(f"digest: {OLD}", "newTag: latest"), "newTag latest"),
        (FLOW.replace(f", digest: {OLD}", ""), "has no digest"),
        (FLOW.replace(OLD, "[x]"), "has no digest"),
        (FLOW.replace(OLD, OLD[:-1]), "names no image by its digest"),
        (BLOCK + "images: []\n", "images is in it twice"),
        (FLOW.replace("name: x", f"digest: {NEW}, digest: {OLD}"), "digest is in it twice"),
        (BLOCK + "\t- x: [", "not YAML"),
        (BLOCK + "---\na: 1\n", "not YAML"),
        ("images: &a [*a]", "has 0 entries"),
    ],
)
def test_a_malformed_overlay_is_refused(text: str, reason: str) -> None:
    file = put(text)
    with pytest.raises(FactoryError, match=reason) as caught:
        overlay.read(file)
    assert f"{file}" in f"{caught.value}"


@pytest.mark.parametrize(
    "text",
    [
        FLOW.replace(f"digest: {OLD}", f"digest: &d {OLD}") + "\nother: *d",
        f"common: &d {OLD}\n" + FLOW.replace(f"digest: {OLD}", "digest: *d"),
        FLOW.replace(f"digest: {OLD}", f"digest: !!str {OLD}").replace("'on'", "&n on"),
        f"images:\n- name: model\n  newName: x\n  digest: >-\n    {OLD}\n",
    ],
)
def test_shared_or_folded_values_change_nothing_else_or_are_refused(text: str) -> None:
    file = put(text)
    try:
        overlay.write(file, IMAGE)
    except FactoryError:
        assert file.read_text("utf-8") == text
    else:
        assert overlay.read(file) == IMAGE


@pytest.mark.parametrize("image", ["churn:v3", "churn", f"churn@{NEW[:-1]}", f"a b@{NEW}", f"churn@{overlay.NONE_YET}", ""])
def test_only_an_image_by_digest_is_written(image: str) -> None:
    file = put(BLOCK)
    with pytest.raises(FactoryError, match="names no image by its digest"):
        overlay.write(file, image)
    assert file.read_text("utf-8") == BLOCK


def test_an_environment_without_overlay_is_named() -> None:
    with pytest.raises(FactoryError, match=r"overlays/prod/kustomization.yaml: no such file"):
        overlay.path("prod")


def test_a_file_that_is_not_utf_8_is_named() -> None:
    file = put("")
    file.write_bytes(b"images: \xff")
    with pytest.raises(FactoryError, match="cannot be read"):
        overlay.read(file)
