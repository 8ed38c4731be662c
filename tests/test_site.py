"""The documentation site: each document is one of its pages, each link leads somewhere, and pages ask no other server."""

import re
import runpy
from collections.abc import Iterator

import pytest
import yaml
from conftest import ROOT

SITE = runpy.run_path(str(ROOT / "tools/site.py"))


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


@pytest.mark.parametrize("link", ["[a](roles/nobody.md)", "[a](concepts.md#nothing-of-this-name)"])
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
