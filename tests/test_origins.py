"""The list of an organisation's projects: how it may be written, and what is refused with its line."""

import sys

import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "hooks"))
import origins
from factory.errors import FactoryError

HEADER = "url,team,criticality,name,branch,wave\n"


def read(tmp_path, text: str, encoding: str = "utf-8") -> tuple[origins.Origin, ...]:
    (tmp_path / "FLEET.csv").write_text(text, encoding, newline="")
    return origins.read(tmp_path / "FLEET.csv")


@pytest.mark.parametrize(
    "text",
    [
        "url,team,criticality\nhttps://git.example.com/a/churn.git,growth,high\n",
        "URL;Team;Criticality\r\nhttps://git.example.com/a/churn.git;growth;High\r\n",
        "team\tcriticality\turl\tcontact\ngrowth\tHIGH\thttps://git.example.com/a/churn.git\tada@example.com\n\t\t\t\n",
        'criticality,url,team\n\n"high"," https://git.example.com/a/churn.git ",growth\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_list_is_read_however_a_spreadsheet_saves_it(tmp_path, text, encoding):
    [origin] = read(tmp_path, text, encoding)
    assert (origin.url, origin.team, origin.name) == ("https://git.example.com/a/churn.git", "growth", "churn")
    assert (origin.criticality, origin.branch, origin.wave) == (origins.Criticality.HIGH, None, "")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@git.example.com:team/churn.git", "churn"),
        ("git@git.example.com:churn", "churn"),
        ("ssh://git@git.example.com/team/churn/", "churn"),
        ("https://dev.azure.com/org/My%20Project/_git/late%20flights", "late flights"),
        ("https://git.example.com/team/übung.git?ref=x", "übung"),
        ("file:///srv/git/churn.git", "churn"),
        ("../churn", "churn"),
    ],
)
def test_a_name_is_the_last_part_of_the_address(tmp_path, url, name):
    [origin] = read(tmp_path, f"url,team,criticality\n{url},t,low\n")
    assert origin.name == name


def test_a_folder_is_meant_from_where_the_list_is(tmp_path):
    [origin] = read(tmp_path, "url,team,criticality\nprojects/churn,t,low\n")
    assert origin.url == str(tmp_path / "projects/churn")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://ada:s3cret@git.example.com/a/churn.git", "https://git.example.com/a/churn.git"),
        ("HTTPS://s3cret@git.example.com:8443/churn?private_token=s3cret#s3cret", "https://git.example.com:8443/churn"),
        ("ssh://git:s3cret@git.example.com/churn", "ssh://git@git.example.com/churn"),
        ("git@git.example.com:a/churn", "git@git.example.com:a/churn"),
    ],
)
def test_the_address_for_people_has_no_secret(tmp_path, url, address):
    [origin] = read(tmp_path, f"url,team,criticality\n{url},t,low\n")
    assert (origin.url, origin.address) == (url, address)


def test_a_new_token_is_no_new_project(tmp_path):
    written = ("https://a:1@h.example/x.git", "https://b:2@h.example/x/", "https://h.example/x")
    assert len({read(tmp_path, f"url,team,criticality\n{url},t,low\n")[0].key for url in written}) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: column url is missing"),
        ("url,team\nx,t\n", "line 1: column criticality is missing"),
        ("url,team,critcality\nx,t,low\n", "line 1, critcality: is not a known column: did you mean criticality?"),
        ("url,team,criticality,brnach\nx,t,low,b\n", "line 1, brnach: is not a known column: did you mean branch?"),
        ("url,team,criticality,url\nx,t,low,y\n", "line 1: there are two columns url"),
        ("url,team,criticality\n", "has no project below its header"),
        (f"{HEADER},t,low,,,\n", "line 2, url: is empty"),
        (f"{HEADER}x,,low,,,\n", "line 2, team: is empty"),
        (f"{HEADER}x,t,,,,\n", "line 2, criticality: is empty"),
        (f"{HEADER}x,t,low,,,\n\ny,t,urgent,,,\n", "line 4, criticality: 'urgent' is not one of low, medium, high, critical"),
        (f"{HEADER}x,t,low\n", "line 2: has 3 cells, and the header 6"),
        (f"{HEADER}--upload-pack=touch x,t,low,a,,\n", "line 2, url: begins with -"),
        (f"{HEADER}https://[::1/x,t,low,,,\n", "line 2, url: cannot be read: Invalid IPv6 URL"),
        (f"{HEADER}x,t,low,../../etc/passwd,,\n", "line 2, name: '../../etc/passwd' must be letters"),
        (f"{HEADER}x,t,low,a/b,,\n", "line 2, name: 'a/b' must be"),
        (f"{HEADER}x,t,low,<script>,,\n", "line 2, name: '<script>' must be"),
        (f"{HEADER}x,t,low,{'n' * 101},,\n", "line 2, name"),
        (f"{HEADER}x,t,low,a.,,\n", "line 2, name"),
        (f"{HEADER}x,t\u202e,low,,,\n", "line 2, team: has characters that cannot be seen"),
        (f'{HEADER}"x\ny",t,low,a,,\n', "line 3, url: has characters that cannot be seen"),
        (f"{HEADER}x,t,low,,-f,\n", "line 2, branch: '-f' cannot be the name of a branch"),
        (f"{HEADER}x,t,low,,a..b,\n", "line 2, branch"),
        (f"{HEADER}x,t,low,,main:refs/heads/other,\n", "line 2, branch"),
        (f"{HEADER}x/a,t,low,,,\ny/A.git,t,low,,,\n", "line 3, name: is that of line 2: give one of them another"),
        (f"{HEADER}x,t,low,a,,\nx.git,t,low,b,,\n", "line 3, url: is that of line 2"),
        (f'{HEADER}"x,t,low,,,\n', "line 2: unexpected end of data"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(FactoryError) as refused:
        read(tmp_path, text)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "FLEET.csv"))
    assert "\n" not in str(refused.value)


def test_a_list_in_another_encoding_or_of_no_file_is_refused(tmp_path):
    with pytest.raises(FactoryError, match="is not UTF-8"):
        read(tmp_path, "url,team,criticality\nx,Größe,low\n", "cp1252")
    with pytest.raises(FactoryError, match="No such file"):
        origins.read(tmp_path / "nowhere.csv")
    with pytest.raises(FactoryError, match="Is a directory"):
        origins.read(tmp_path)


@pytest.mark.parametrize("branch", ["main", "release/1.x", "team_a/über", "v1.0-rc"])
def test_branches_may_have_any_name_that_git_allows(tmp_path, branch):
    [origin] = read(tmp_path, f"{HEADER}x,t,low,,{branch},Canary\n")
    assert (origin.branch, origin.wave) == (branch, "canary")
