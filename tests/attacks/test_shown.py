"""Text of others that tries to be more than text: a reason, the name of a delivery."""

import re
from pathlib import Path

import pytest
from attack import Target, duplicate

HOSTILE = "[x](mailto:e) <img src=y> @all #12"
SIGNS = ("](", "<img", "@all", "#12")


@pytest.fixture
def target(trained, tmp_path) -> Target:
    return duplicate(trained, tmp_path / "Zoë 李 x")


def shown(target: Target, page: Path) -> None:
    """The text is code, and before it was a link, an image, a mention and a reference."""
    text = page.read_text("utf-8")
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
    assert "[x](mailto:e" in text and {sign in outside for sign in SIGNS} == {target.before}, text


def test_reason_in_the_card(target):
    target.done("factory", "promote", "-m", HOSTILE)
    target.done("factory", "export", "card", "-o", "card.md")
    shown(target, target.folder / "card.md")


def test_name_of_a_delivery_in_a_comment(target):
    """As it comes with a pull request whose data nobody can fetch."""
    [pointer, *_] = sorted(target.folder.glob("data/raw/*.dvc"))
    content = pointer.read_text("utf-8").replace(f"path: {pointer.stem}", f"path: '{HOSTILE}'").replace("md5: ", "md5: 0")
    pointer.with_name(f"{HOSTILE}.dvc").write_text(re.sub(r"md5: 0(\w+)\w", r"md5: 0\1", content), "utf-8")
    status, out, err = target.run("factory", "summary")
    assert status == 2, out + err
    shown(target, target.folder / "reports/summary.md")
