"""Comments, pull requests and issues on each platform, one of each however often a pipeline runs."""

import base64
import json
import subprocess

import pytest
from late_flights.factory import errors, platforms
from late_flights.factory.platforms import base

from machinery.ci.fake_platforms import TOKEN, environment, fake_platform, save

KINDS = ("github", "gitlab", "azure")


@pytest.fixture
def server():
    with fake_platform() as server:
        yield server


@pytest.fixture(params=KINDS)
def platform(request, server, tmp_path):
    """A run for pull request 7, which goes to main."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    return platforms.detect(environment(server, request.param, "feature/a", "main", str(event)))


def test_no_platform():
    assert platforms.detect({}) is None and platforms.git_env({"A": "b"}) == {"A": "b"}


def test_what_a_run_knows(platform):
    assert (platform.branch, platform.target_branch) == ("feature/a", "main")
    assert platform.run_url.startswith(platform.server_url.rstrip("/").removesuffix("/azure")) and "5" in platform.run_url


def test_one_comment_however_often(platform, server):
    for text in ("<!-- a --> first", "<!-- b --> other", "<!-- a --> second"):
        platform.comment(text[:10], text)
    assert [each["text"] for each in server.comments] == ["<!-- a --> second", "<!-- b --> other"]


def test_words_of_others_that_quote_ours_stay(platform, server):
    quoted = "> <!-- a --> first\n\nwhat is this?"
    save(server.comments, None, text=quoted)
    save(server.issues, None, title="Question", text=quoted)
    platform.comment("<!-- a -->", "<!-- a --> second")
    platform.open_issue("<!-- a -->", "Title", "<!-- a --> second")
    for things in (server.comments, server.issues):
        assert [each["text"] for each in things] == [quoted, "<!-- a --> second"]


def test_comment_is_found_behind_hundreds(platform, server):
    for number in range(250):
        save(server.comments, None, text=f"talk {number}")
    platform.comment("<!-- a -->", "<!-- a --> first")
    platform.comment("<!-- a -->", "<!-- a --> second")
    assert len(server.comments) == 251 and server.comments[-1]["text"].endswith("second")


@pytest.mark.parametrize("kind", KINDS)
def test_run_for_no_pull_request_comments_nowhere(kind, server, tmp_path):
    event = tmp_path / "event.json"
    event.write_text("{}")
    platform = platforms.detect(environment(server, kind, event=str(event)))
    assert platform.target_branch is None and platform.comment("<!-- a -->", "text") is None and not server.comments


@pytest.mark.parametrize("draft", [False, True])
def test_one_pull_request_of_a_branch(platform, server, draft):
    save(server.pull_requests, None, branch="other", base="main", title="other", text="")
    for text in ("first", "second"):
        platform.open_pull_request("factory/a", "main", "Title", text, draft)
    [_, pull_request] = server.pull_requests
    assert pull_request | {"title": pull_request["title"].removeprefix("Draft: ")} == {
        "id": 2,
        "draft": draft,
        "branch": "factory/a",
        "base": "main",
        "title": "Title",
        "text": "second",
    }


def test_one_issue(platform, server):
    save(server.issues, None, title="another", text="of somebody")
    for text in ("<!-- a --> first", "<!-- a --> second"):
        platform.open_issue("<!-- a -->", "It's this", text)
    assert [each["text"] for each in server.issues] == ["of somebody", "<!-- a --> second"]


def test_issue_is_updated_only_where_there_is_one(platform, server):
    assert platform.open_issue("<!-- a -->", "Title", "<!-- a --> none yet", only_update=True) is None
    address = platform.open_issue("<!-- a -->", "Title", "<!-- a --> first")
    assert platform.open_issue("<!-- a -->", "Title", "<!-- a --> over", only_update=True) == address
    assert [each["text"] for each in server.issues] == ["<!-- a --> over"]


def test_an_open_pull_request_of_the_branch_is_known(platform, server):
    save(server.pull_requests, None, branch="other", base="main", title="other", text="")
    assert not platform.is_proposed("factory/a", "main")
    platform.open_pull_request("factory/a", "main", "Title", "text", False)
    assert platform.is_proposed("factory/a", "main")


def test_what_became_of_the_newest_pull_request(platform, server):
    assert platform.pull_request("factory/a") is None
    for branch, state in (("factory/a", "merged"), ("factory/a", "closed"), ("other", "merged")):
        save(server.pull_requests, None, branch=branch, base="main", title="Old", text="", state=state, commit="a" * 40)
    assert platform.pull_request("factory/a").state == "closed" and platform.pull_request("other").state == "merged"
    platform.open_pull_request("factory/a", "renamed", "Title", "text", True)
    found = platform.pull_request("factory/a")
    assert (found.number, found.state, found.draft, found.title[-5:]) == (4, "open", True, "Title")
    server.pull_requests[-1]["commit"] = "b" * 40
    assert platform.pull_request("factory/a").commit == "b" * 40


RESULTS = {"github": ("success", "running", "failure"), "gitlab": ("success", "running", "failed")} | {
    "azure": ("succeeded", "inProgress", "failed")
}


@pytest.mark.parametrize("kind", KINDS)
def test_checks_of_a_pull_request(kind, server):
    platform = platforms.detect(environment(server, kind))
    save(server.pull_requests, None, branch="a", base="main", title="T", text="", commit="b" * 40)
    request = platform.pull_request("a")
    assert platform.checks(request) == "none"
    server.pipelines.append({"name": "code", "commit": "a" * 40, "result": RESULTS[kind][2]})
    assert platform.checks(request) == "none", "the pipeline is of an earlier commit"
    for result, checks in zip(RESULTS[kind], ("green", "pending", "red"), strict=True):
        server.pipelines[:] = [{"name": "code", "commit": "b" * 40, "result": result}]
        assert platform.checks(request) == checks
    server.pipelines.append({"name": "code", "commit": "b" * 40, "result": RESULTS[kind][0]})
    assert platform.checks(request) == ("red" if kind == "github" else "green"), "which lists the last run of each check only"


@pytest.mark.parametrize("kind, worse", [("github", "status"), ("azure", "infra")])
def test_red_of_one_pipeline_is_red_of_all(kind, worse, server):
    platform = platforms.detect(environment(server, kind))
    save(server.pull_requests, None, branch="a", base="main", title="T", text="", commit="b" * 40)
    for name, result in (("code", RESULTS[kind][0]), (worse, RESULTS[kind][2])):
        server.pipelines.append({"name": name, "commit": "b" * 40, "result": result})
    assert platform.checks(platform.pull_request("a")) == "red"


@pytest.mark.parametrize("day, checks", [("01", "none"), ("03", "green")])
def test_pipeline_for_a_merge_is_of_the_commit_that_was_pushed_before(server, day, checks):
    platform = platforms.detect(environment(server, "gitlab"))
    save(server.pull_requests, None, branch="a", base="main", title="T", text="", commit="b" * 40)
    at = f"2026-01-{day}T00:00:00Z"
    server.pipelines.append({"name": "refs/merge-requests/1/merge", "commit": "c" * 40, "result": "success", "at": at})
    assert platform.checks(platform.pull_request("a")) == checks


def test_token_follows_nobody_elsewhere(platform, server):
    with fake_platform() as other:
        server.moved = other.address
        with pytest.raises(errors.FactoryError, match="302: redirects to"):
            platform.pull_request("a")
        assert not other.asked


def test_limit_of_requests_is_no_failure_of_the_project(platform, server):
    server.exhausted = True
    with pytest.raises(base.LimitError, match="limit of requests is reached"):
        platform.pull_request("a")


def test_red_among_hundreds_of_checks(server):
    platform = platforms.detect(environment(server, "github"))
    save(server.pull_requests, None, branch="a", base="main", title="T", text="", commit="b" * 40)
    results = [*["success"] * 150, "timed_out"]
    server.pipelines += [{"name": "code", "commit": "b" * 40, "result": result} for result in results]
    assert platform.checks(platform.pull_request("a")) == "red"


def test_pull_request_of_a_fork_is_not_ours(server):
    platform = platforms.detect(environment(server, "gitlab"))
    save(server.pull_requests, None, branch="a", base="main", title="T", text="", commit="b" * 40, fork=2)
    assert platform.pull_request("a") is None


@pytest.mark.parametrize("kind", KINDS)
def test_project_on_a_server_of_ones_own(kind, server):
    servers = {server.address: kind}
    path = {"github": "me/other", "gitlab": "me/other", "azure": "me/air/_git/other"}[kind]
    name = {"github": "me/other", "gitlab": "me%2Fother", "azure": "air"}[kind]
    server.others[name] = type(server)()
    platform = platforms.of_address(f"{server.address}/{path}.git", {"FACTORY_TOKEN": TOKEN}, servers)
    platform.open_pull_request("a", "main", "Title", "text", False)
    assert [each["title"] for each in server.others[name].pull_requests] == ["Title"] and not server.pull_requests
    assert platforms.of_address(f"{server.address}0/{path}", {}, servers) is None
    assert platforms.server_of(f"git@{server.address[7:]}:{path}", servers) == server.address


@pytest.mark.parametrize("kind", KINDS)
def test_retraining_is_started_on_the_branch_of_the_run(kind, server):
    platforms.detect(environment(server, kind)).start_retraining()
    assert server.started == ["retrain of main"]


@pytest.mark.parametrize("failure, message", [("down", ": 403 "), ("sign_in_page", ": 203 .*: <html> Sign In</html>$")])
def test_refusal_of_the_platform_is_one_line_without_the_token(platform, server, failure, message):
    setattr(server, failure, True)
    for act in (lambda: platform.comment("a", "b"), lambda: platform.open_issue("a", "b", "c")):
        with pytest.raises(errors.FactoryError, match=message) as error:
            act()
        assert "\n" not in str(error.value) and TOKEN not in str(error.value)


def test_platform_that_is_gone(platform, server, monkeypatch):
    monkeypatch.setattr(f"{base.__package__}.rest.RETRIES", 0)
    platform.env = {name: value.replace(server.address, "http://127.0.0.1:9") for name, value in platform.env.items()}
    with pytest.raises(errors.FactoryError, match=r"^POST http://127.0.0.1:9/|^GET http://127.0.0.1:9/") as error:
        platform.open_issue("a", "b", "c")
    assert "\n" not in str(error.value)


def test_missing_token_is_named(platform):
    platform.env = {name: value for name, value in platform.env.items() if name != base.TOKEN}
    with pytest.raises(errors.FactoryError, match=r"^FACTORY_TOKEN is not set"):
        platform.open_issue("a", "b", "c")


def test_git_signs_in_at_the_platform_alone(platform):
    env = platforms.git_env({**platform.env, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"})
    command = ["git", "config", "--get-urlmatch", "http.extraheader"]
    address = f"{platform.server_url.rstrip('/')}/me/project"
    header = subprocess.run([*command, address], env=env, capture_output=True, text=True, check=True).stdout
    assert base64.b64decode(header.split()[-1]).decode().endswith(f":{TOKEN}")
    elsewhere = [*command, "https://elsewhere.example.com/"]
    other = subprocess.run(elsewhere, env=env, capture_output=True, text=True, check=False)
    assert other.stdout == "" and env["GIT_CONFIG_VALUE_0"] == "c"


def test_output_is_handed_on(platform, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    platform.env = {**platform.env, "GITHUB_OUTPUT": str(tmp_path / "output")}
    platform.set_output("model", "true")
    if platform.env_marker == "GITHUB_ACTIONS":
        assert (tmp_path / "output").read_text() == "model=true\n"
    elif platform.env_marker == "TF_BUILD":
        assert capsys.readouterr().out == "##vso[task.setvariable variable=model;isOutput=true]true\n"
    else:
        assert (tmp_path / "reports/outputs.env").read_text() == "MODEL=true\n"


def test_own_registry_alone_gets_the_password(platform):
    platform.env = {
        **platform.env,
        "CI_REGISTRY": "registry.example.com",
        "CI_REGISTRY_USER": "job",
        "CI_REGISTRY_PASSWORD": "word",  # pragma: allowlist secret
    }
    own = {"GITHUB_ACTIONS": "ghcr.io/me/project", "GITLAB_CI": "registry.example.com/me"}.get(platform.env_marker)
    users = {"GITHUB_ACTIONS": ("me", TOKEN), "GITLAB_CI": ("job", "word")}
    if own:
        assert platform.registry_login(own) == users[platform.env_marker]
    assert (
        platform.registry_login("elsewhere.example.com/me") is None and platform.registry_login("ghcr.io.example.com/x") is None
    )
