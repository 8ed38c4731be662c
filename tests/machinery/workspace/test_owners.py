"""Owners of the files that decide on versions, in CODEOWNERS as GitHub and GitLab read it."""

from pathlib import Path

import pytest
from late_flights.factory.errors import FactoryError
from late_flights.factory.workspace import owners


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(ci: str, text: str) -> None:
    owners.FILES[ci].parent.mkdir(exist_ok=True)
    owners.FILES[ci].write_text(text, encoding="utf-8")


@pytest.mark.parametrize("ci", owners.FILES)
def test_team_owns_what_nobody_owned(ci):
    write(ci, "# Yours\n/params.yaml\n/Dockerfile @me/others # theirs\n\n/src/mine.py\n")
    new = owners.assign(ci, ["@me/team", "lead@example.com"])
    assert new == [pattern for pattern in owners.protected(ci) if pattern != "/Dockerfile"]
    lines = owners.FILES[ci].read_text(encoding="utf-8").splitlines()
    assert lines[:5] == [
        "# Yours",
        "/params.yaml @me/team lead@example.com",
        "/Dockerfile @me/others # theirs",
        "",
        "/src/mine.py",
    ]
    assert "/policy.yaml @me/team lead@example.com" in lines and owners.unowned(ci) == []
    assert owners.assign(ci, ["@me/team"]) == [] and owners.FILES[ci].read_text(encoding="utf-8").splitlines() == lines


@pytest.mark.parametrize(
    "text, owned",
    [
        ("* @me/team\n", True),
        ("/src/ @me/team\n", True),
        ("src/*/model.py @me/team\n", True),
        ("* @me/team\n/src/*/model.py\n", False),
        ("/src/*/other.py @me/team\n", False),
        ("# /src/*/model.py @me/team\n", False),
        ("[Models][2] @me/team\n/src/*/model.py\n", True),
        ("^[Models]\n/src/*/model.py\n", False),
        ("", False),
    ],
)
def test_last_line_for_a_file_counts(text, owned):
    write("gitlab", text)
    assert ("/src/*/model.py" not in owners.unowned("gitlab")) == owned


def test_file_is_made_where_there_is_none():
    assert owners.assign("github", ["@me/team"]) == [*owners.protected("github")] and not owners.unowned("github")


@pytest.mark.parametrize("team", ["me/team", "@me team", "@", "x\n* @y"])
def test_what_is_no_team_is_refused(team):
    with pytest.raises(FactoryError, match=r"is not a team or person"):
        owners.assign("github", [team])
    assert not Path(".github").exists()
