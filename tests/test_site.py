"""The documentation site: each document is one of its pages, each link leads somewhere, and pages ask no other server."""

import os
import re
import runpy
import shutil
from collections.abc import Iterator

import pytest
import yaml
from conftest import ROOT

DIAGRAM = "```mermaid\nflowchart LR\n  {title}\n  a --> b\n```\n"
SITE = runpy.run_path(str(ROOT / "tools/site.py"))
import diagrams  # of tools/, as the site finds it


def entries(nav: object) -> Iterator[str]:
    """The pages of the navigation, in its order."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from entries(part)


def test_each_document_is_in_the_navigation_once():
    config = re.sub(r"!!python\S+", "", (ROOT / "mkdocs.yml").read_text("utf-8"))
    pages = sorted(page.as_posix() for page in SITE["pages"]().values())
    assert sorted(entries(yaml.safe_load(config)["nav"])) == pages


def test_pages_ask_no_other_server(tmp_path):
    SITE["stage"](tmp_path)
    assert SITE["build"](tmp_path) == 0
    pages = [page.read_text("utf-8") for page in (tmp_path / "site").rglob("*.html")]
    assert len(pages) > len(SITE["pages"]())
    asked = [re.findall(r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=["']?(?:https?:)?//[^>]*""", page) for page in pages]
    assert not [found for found in asked if found]


def test_a_fork_has_its_name_logo_and_address(tmp_path, monkeypatch):
    own = SITE["Organisation"](name='Acme "R&D"', logo="acme.svg", site="https://guides.acme.example")
    monkeypatch.setitem(SITE["stage"].__globals__, "ROOT", copied := tmp_path / "fork")
    monkeypatch.setattr(diagrams, "FOLDER", copied / "docs/diagrams")
    for part in ("docs", "template/docs", "mkdocs.yml", "CHANGELOG.md", "CONTRIBUTING.md"):
        source = ROOT / part
        (copied / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copied / part) if source.is_dir() else shutil.copy(source, copied / part)
    (copied / "acme.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', "utf-8")
    SITE["stage"](tmp_path, own)
    assert SITE["build"](tmp_path) == 0
    home = (tmp_path / "site/index.html").read_text("utf-8")
    assert "AI Factory of Acme &quot;R&amp;D&quot;" in home
    assert "logo.svg" in home and "https://guides.acme.example" in home and (tmp_path / "site/logo.svg").exists()


def test_only_a_site_is_replaced(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    assert "name another folder" in SITE["main"](str(tmp_path))
    assert (tmp_path / "notes.txt").exists()
    for _ in range(2):
        assert SITE["main"](str(tmp_path / "site")) == 0
    assert (tmp_path / "site/index.html").exists()


@pytest.mark.parametrize("link", ["[a](roles/nobody.md)", "[a](concepts.md#nothing-of-this-name)", "[a][b]\n\n[b]: nothing.md"])
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path, link, capfd):
    SITE["stage"](tmp_path)
    with (tmp_path / "docs/README.md").open("a") as page:
        page.write(f"\n{link}\n")
    assert SITE["build"](tmp_path) != 0
    assert "README.md" in capfd.readouterr().err


@pytest.mark.parametrize(
    "link, expected",
    {
        "[`f`](../../template/docs/model.md.jinja#on-disk)": "[`f`](../project/model.md#on-disk)",
        "[b](../../LICENSE)": "b",
        "[c](nothing.md)": "[c](nothing.md)",
        "[d](#below), [e](https://example.com/LICENSE)": "[d](#below), [e](https://example.com/LICENSE)",
        "`[f](../../LICENSE)`": "`[f](../../LICENSE)`",
        "```\n[g](../../LICENSE)\n```": "```\n[g](../../LICENSE)\n```",
    }.items(),
)
def test_links_lead_to_pages(link, expected):
    source = ROOT / "docs/how-to/costs.md"
    assert SITE["adapted"](f"{link}\n", source, SITE["pages"]()) == f"{expected}\n"


@pytest.mark.parametrize("source", ["docs/how-to/costs.md", "template/docs/recipes.md.jinja", "CHANGELOG.md"])
def test_a_picture_is_found_from_each_page(source):
    document, picture = ROOT / source, os.path.relpath(ROOT / "docs/report.png", (ROOT / source).parent)
    place = SITE["pages"]()[document].parent
    expected = f"![a]({os.path.relpath('report.png', place)})"
    assert SITE["adapted"](f"![a]({picture})", document, SITE["pages"]()) == expected
    for missing in ("nothing.png", os.path.relpath(ROOT / "LICENSE", document.parent)):
        with pytest.raises(ValueError, match="not a picture in docs/"):
            SITE["adapted"](f"![a]({missing})", document, SITE["pages"]())


def diagram(title: str) -> str:
    return DIAGRAM.format(title=title)


def test_a_diagram_is_shown_by_the_pictures_of_its_text(tmp_path, monkeypatch):
    document, text = tmp_path / "how-to/costs.md", diagram("accTitle: Costs")
    monkeypatch.setattr(diagrams, "FOLDER", tmp_path / "diagrams")
    made = [diagrams.picture(text.partition("\n")[2].removesuffix("```\n"), theme) for theme in diagrams.THEMES]
    diagrams.FOLDER.mkdir()
    for file in made:
        file.touch()
    light, dark = (f"![Costs](../diagrams/{file.name}#only-{theme})" for file, theme in zip(made, diagrams.THEMES, strict=True))
    assert diagrams.shown(f"a\n\n{text}\nb\n", document) == f"a\n\n{light}\n{dark}\n\nb\n"
    with pytest.raises(ValueError, match="no picture"):
        diagrams.shown(text.replace("a --> b", "b --> a"), document)


@pytest.mark.parametrize("title, reason", [("accTitle: Costs", "no picture: run `nox -s screenshots`"), ("x", "no title")])
def test_a_diagram_without_picture_or_title_is_refused(title, reason):
    with pytest.raises(ValueError, match=reason):
        diagrams.shown(diagram(title), ROOT / "docs/README.md")


def test_each_picture_of_a_diagram_is_of_one_that_there_is():
    wanted = {diagrams.picture(text, theme) for text in diagrams.texts() for theme in diagrams.THEMES}
    assert set(diagrams.FOLDER.glob("*")) <= wanted
