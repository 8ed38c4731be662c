"""Comments, pull requests and issues on each platform, one of each however often a pipeline runs."""

import base64
import json
import subprocess

import pytest
from late_flights.factory import errors, platforms
from late_flights.factory.platforms import base

from machinery.ci import fake_platforms as platform
from machinery.ci.fake_environments import TOKEN, environment, keep

KINDS = ("github", "gitlab", "azure")


@pytest.fixture
def hub():
    with platform.running() as hub:
        yield hub


@pytest.fixture(params=KINDS)
def here(request, hub, tmp_path):
    """A run for pull request 7, which goes to main."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    return platforms.here(environment(hub, request.param, "feature/a", "main", str(event)))


def test_no_platform():
    assert platforms.here({}) is None and platforms.signed_in({"A": "b"}) == {"A": "b"}


def test_what_a_run_knows(here):
    assert (here.branch, here.target) == ("feature/a", "main")
    assert here.run.startswith(here.server.rstrip("/").removesuffix("/azure")) and "5" in here.run


def test_one_comment_however_often(here, hub):
    for text in ("<!-- a --> first", "<!-- b --> other", "<!-- a --> second"):
        here.comment(text[:10], text)
    assert [each["text"] for each in hub.comments] == ["<!-- a --> second", "<!-- b --> other"]


def test_words_of_others_that_quote_ours_stay(here, hub):
    quoted = "> <!-- a --> first\n\nwhat is this?"
    keep(hub.comments, None, text=quoted)
    keep(hub.issues, None, title="Question", text=quoted)
    here.comment("<!-- a -->", "<!-- a --> second")
    here.issue("<!-- a -->", "Title", "<!-- a --> second")
    for things in (hub.comments, hub.issues):
        assert [each["text"] for each in things] == [quoted, "<!-- a --> second"]


def test_comment_is_found_behind_hundreds(here, hub):
    for number in range(250):
        keep(hub.comments, None, text=f"talk {number}")
    here.comment("<!-- a -->", "<!-- a --> first")
    here.comment("<!-- a -->", "<!-- a --> second")
    assert len(hub.comments) == 251 and hub.comments[-1]["text"].endswith("second")


@pytest.mark.parametrize("kind", KINDS)
def test_run_for_no_pull_request_comments_nowhere(kind, hub, tmp_path):
    event = tmp_path / "event.json"
    event.write_text("{}")
    here = platforms.here(environment(hub, kind, event=str(event)))
    assert here.target is None and here.comment("<!-- a -->", "text") is None and not hub.comments


@pytest.mark.parametrize("draft", [False, True])
def test_one_pull_request_of_a_branch(here, hub, draft):
    keep(hub.proposals, None, branch="other", base="main", title="other", text="")
    for text in ("first", "second"):
        here.propose("factory/a", "main", "Title", text, draft)
    [_, made] = hub.proposals
    assert made | {"title": made["title"].removeprefix("Draft: ")} == {
        "id": 2,
        "draft": draft,
        "branch": "factory/a",
        "base": "main",
        "title": "Title",
        "text": "second",
    }


def test_one_issue(here, hub):
    keep(hub.issues, None, title="another", text="of somebody")
    for text in ("<!-- a --> first", "<!-- a --> second"):
        here.issue("<!-- a -->", "It's this", text)
    assert [each["text"] for each in hub.issues] == ["of somebody", "<!-- a --> second"]


@pytest.mark.parametrize("how, said", [("down", ": 403 "), ("page", ": 203 .*: <html> Sign In</html>$")])
def test_refusal_of_the_platform_is_one_line_without_the_token(here, hub, how, said):
    setattr(hub, how, True)
    for act in (lambda: here.comment("a", "b"), lambda: here.issue("a", "b", "c")):
        with pytest.raises(errors.FactoryError, match=said) as error:
            act()
        assert "\n" not in str(error.value) and TOKEN not in str(error.value)


def test_platform_that_is_gone(here, hub, monkeypatch):
    monkeypatch.setattr(f"{base.__package__}.rest.AGAIN", 0)
    here.env = {name: value.replace(hub.address, "http://127.0.0.1:9") for name, value in here.env.items()}
    with pytest.raises(errors.FactoryError, match=r"^POST http://127.0.0.1:9/|^GET http://127.0.0.1:9/") as error:
        here.issue("a", "b", "c")
    assert "\n" not in str(error.value)


def test_missing_token_is_named(here):
    here.env = {name: value for name, value in here.env.items() if name != base.TOKEN}
    with pytest.raises(errors.FactoryError, match=r"^FACTORY_TOKEN is not set"):
        here.issue("a", "b", "c")


def test_git_signs_in_at_the_platform_alone(here):
    env = platforms.signed_in({**here.env, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"})
    command = ["git", "config", "--get-urlmatch", "http.extraheader"]
    server = f"{here.server.rstrip('/')}/me/project"
    told = subprocess.run([*command, server], env=env, capture_output=True, text=True, check=True).stdout
    assert base64.b64decode(told.split()[-1]).decode().endswith(f":{TOKEN}")
    elsewhere = [*command, "https://elsewhere.example.com/"]
    other = subprocess.run(elsewhere, env=env, capture_output=True, text=True, check=False)
    assert other.stdout == "" and env["GIT_CONFIG_VALUE_0"] == "c"


def test_output_is_handed_on(here, tmp_path, capsys):
    here.env = {**here.env, "GITHUB_OUTPUT": str(tmp_path / "output")}
    here.output("model", "true")
    if here.variable == "GITHUB_ACTIONS":
        assert (tmp_path / "output").read_text() == "model=true\n"
    elif here.variable == "TF_BUILD":
        assert capsys.readouterr().out == "##vso[task.setvariable variable=model;isOutput=true]true\n"
    else:
        assert capsys.readouterr().out == ""


def test_own_registry_alone_gets_the_password(here):
    here.env = {
        **here.env,
        "CI_REGISTRY": "registry.example.com",
        "CI_REGISTRY_USER": "job",
        "CI_REGISTRY_PASSWORD": "word",  # pragma: allowlist secret
    }
    own = {"GITHUB_ACTIONS": "ghcr.io/me/project", "GITLAB_CI": "registry.example.com/me"}.get(here.variable)
    users = {"GITHUB_ACTIONS": ("me", TOKEN), "GITLAB_CI": ("job", "word")}
    if own:
        assert here.registry(own) == users[here.variable]
    assert here.registry("elsewhere.example.com/me") is None and here.registry("ghcr.io.example.com/x") is None
