"""The data dictionary has what the contract holds of each column, and a page of another contract is found."""

from pathlib import Path

import dataframely as dy
import pytest
from late_flights import contract
from late_flights.factory import config
from late_flights.factory.check import dictionary as check
from late_flights.factory.evaluation import dictionary
from late_flights.factory.paths import DICTIONARY
from tests.factory.cli_runner import run

from machinery.evaluation.rendered import inert

PARAMS = {"problem": "regression", "data": {"target": "rent", "id": "flat", "sensitive": ["street"]}}
PARAMS |= {"evaluation": {"metric": "mae"}}
STREETS = [f"street {i}" for i in range(14)]
PRICE = {"unit": ["€", "EUR", ""], "thousands": ".", "decimal": ",", "missing": ["k. A."]}


class Row(dy.Schema):
    """A flat @that is offered.

    Not in the page.
    """

    flat = dy.String(min_length=1, max_length=20)
    street = dy.Enum(STREETS, nullable=True, metadata={"unseen": "unknown", "unseen_limit": 0.1})
    size = dy.Float64(min_exclusive=0, max=1000, description="living | area, <b>all</b> rooms", metadata={"unit": "m²"})
    built = dy.Date(nullable=True, metadata={"format": "%d.%m.%y", "pivot": 1930})
    mail = dy.String(metadata={"pii": "e-mail address"})


class LabelledRow(Row):
    rent = dy.Float64(nullable=True, min=0, metadata=PRICE)


@pytest.fixture
def flats(monkeypatch):
    declared = {"Row": Row, "LabelledRow": LabelledRow, "IGNORED": {"note": "free text"}, "MISSING": ["NA"], "DELIVERY": {}}
    for name, value in declared.items():
        monkeypatch.setattr(contract, name, value, raising=False)
    return config.Params.model_validate(PARAMS)


def entries(page: str) -> dict[str, dict[str, str]]:
    head, _, *rows = [
        [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    return {row[0].strip("`"): dict(zip(head, row, strict=True)) for row in rows}


def test_each_column_with_all_that_the_contract_holds(flats):
    page = dictionary.render(flats)
    found = entries(page)
    assert [*found] == ["flat", "street", "size", "built", "mail", "rent"]
    assert {name: entry["role"] for name, entry in found.items() if entry["role"]} == {
        "flat": "id",
        "street": "sensitive",
        "rent": "target",
    }
    assert [found[name]["type"] for name in found] == ["text", "category", "number", "date", "text", "number"]
    assert (found["size"]["unit"], found["rent"]["unit"]) == ("m²", "€, EUR")
    assert found["size"]["values"] == "above 0 to 1000" and found["flat"]["values"] == "characters: from 1 to 20"
    assert "and 2 more; others count as missing, at most 10% of a delivery" in found["street"]["values"]
    assert found["built"]["written as"].startswith("years of two digits are 1930 to 2029")
    assert found["rent"]["written as"] == "thousands `.`; decimal `,`"
    assert (found["rent"]["missing"], found["size"]["missing"]) == ("allowed: `NA`, `k. A.`", "never")
    assert found["mail"]["personal data"] == "e-mail address" and "- `note`: free text" in page
    assert "Not in the page" not in page


def test_a_column_that_no_entry_fills_is_left_out(flats, monkeypatch):
    class Plain(dy.Schema):
        flat = dy.String()
        street = dy.String()
        rent = dy.Float64()

    monkeypatch.setattr(contract, "LabelledRow", Plain)
    assert [*entries(dictionary.render(flats))["flat"]] == ["column", "role", "type", "values", "missing"]


def test_text_of_the_contract_is_text_in_the_page(flats):
    page = dictionary.render(flats)
    inert(page.partition("##")[2].partition("\n")[2], "h1", "h2", "ul", "li", "table", "thead", "tbody", "tr", "th", "td")
    assert "@that" not in page.replace("`@that`", "")


@pytest.mark.usefixtures("project")
def test_a_page_of_another_contract_is_found(monkeypatch):
    concerned = [Path("params.yaml")]
    assert check.check(concerned) is None
    assert run("contract", "--dictionary").stdout == f"✓ {DICTIONARY}\n"
    assert check.check(concerned).passed and check.check([Path("README.md")]) is None

    class Other(contract.LabelledRow):
        more = dy.Int64()

    monkeypatch.setattr(contract, "LabelledRow", Other)
    result = check.check(concerned)
    assert not result.passed and result.summary == f"{DICTIONARY} is not of this contract.py: run `{dictionary.COMMAND}`"
    run("contract", "--dictionary")
    assert check.check(concerned).passed


def test_the_page_is_replaced_whole(tmp_path, monkeypatch):
    place = tmp_path / "page.md"
    place.write_text("before")
    monkeypatch.setattr(dictionary, "DICTIONARY", place)
    monkeypatch.setattr(dictionary, "render", lambda params: "half \udc80")  # which cannot be written
    with pytest.raises(UnicodeEncodeError):
        dictionary.write(None)
    assert place.read_text() == "before"


@pytest.mark.usefixtures("project")
def test_a_contract_that_cannot_be_read_is_one_line():
    run("contract", "--dictionary")
    Path("params.yaml").write_text("problem: luck\n", encoding="utf-8")
    result = check.check([Path("params.yaml")])
    assert not result.passed and "cannot be compared: params.yaml" in result.summary and "\n" not in result.summary


@pytest.mark.usefixtures("project")
def test_either_a_file_or_the_dictionary():
    for arguments in ([], ["--dictionary", "--diff", "x.csv"]):
        result = run("contract", *arguments)
        assert result.exit_code == 2 and "--query or --dictionary" in result.stderr
