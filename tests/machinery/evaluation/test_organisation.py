"""Pages carry the organisation's logo, where its fork of the template has one."""

import json

import pytest
from late_flights.factory.evaluation import page

LOGO = "data:image/svg+xml;base64,PHN2Zy8+"


@pytest.mark.parametrize(
    "organisation, image",
    [
        ({"name": 'Acme "& Sons"', "logo": LOGO}, f'<img class="logo" src="{LOGO}" alt="Acme &#34;&amp; Sons&#34;">'),
        ({"name": "Acme", "logo": ""}, None),
        ({}, None),
    ],
)
def test_page_has_the_logo(monkeypatch, organisation, image):
    monkeypatch.setattr(page, "organisation", lambda: organisation)
    text = page.render(f"{{% extends 'page.html' %}}{{# {organisation} #}}", project={"name": "x"})
    assert (image in text) if image else ("<img" not in text)


def test_project_of_no_fork_has_none():
    assert page.organisation() == json.loads(page.resource("organisation.json")) == {"name": "", "logo": ""}
