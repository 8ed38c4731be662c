"""A fleet's update from end to end: bare repositories, and servers in place of the platforms."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from conftest import git
from fleets import BRANCH, CHILD, FACTORY, LINES, OLD, Fleet, names, write
from machinery.ci.fake_platforms import TOKEN, FakePlatform, fake_platform

pytestmark = pytest.mark.slow
OURS = {"Dockerfile": LINES.replace("line 3\n", "line of ours\n")}  # conflicts with the release
MINE = {"mine.txt": "mine\n"}


@pytest.fixture
def fleet(tmp_path) -> Fleet:
    return Fleet(tmp_path)


def states(fleet: Fleet) -> dict[str, str]:
    return {each["name"]: each["state"] for each in json.loads(fleet.state.read_text())["entries"]}


def test_waves_over_folders(fleet):
    """A person is needed for the canary; then for nobody; then all is merged. Each step twice, as nothing is done again."""
    for name, wave, files, main in (("a", "canary", OURS, "main"), ("b", "early", MINE, "trunk"), ("c", "rest", MINE, "main")):
        fleet.add(name, wave, files, main)
    dry = fleet.run(apply=False)
    assert dry.returncode == 2 and "Would stop at wave canary: a person is needed for a." in dry.stdout, dry.stderr
    page = (fleet.folder / "state.dry-run.md").read_text()
    assert "✗ Dockerfile: conflict: edit the marked lines" in page and "| ready   | 0        | 1       | 1      |" in page
    assert not any(map(fleet.proposal, "abc")) and not fleet.state.exists()

    for _ in range(2):
        done = fleet.run()
        assert done.returncode == 2 and "Stopped at wave canary: a person is needed for a." in done.stdout, done.stderr
        assert states(fleet) == {"a": "person", "b": "waiting", "c": "waiting"} and not fleet.proposal("b")
    first = fleet.proposal("a")
    released, mine = git(fleet.bare("a"), "log", "--reverse", "--format=%s", f"main..{BRANCH}").splitlines()
    assert released == "Files of the template's release v1.1.0" and mine == "Update the template to v1.1.0"

    fleet.push("a", BRANCH, {"Dockerfile": LINES})
    fleet.state.unlink()  # what is at the remotes counts
    for _ in range(2):
        done = fleet.run()
        assert done.returncode == 0 and states(fleet) == dict.fromkeys("abc", "proposed"), done.stderr
    assert fleet.proposal("a") != first and "| b" in fleet.state.with_suffix(".md").read_text().partition("## Not merged")[2]
    assert git(fleet.bare("b"), "show", f"{BRANCH}:mine.txt") == "mine" and "tool.extra" in git(
        fleet.bare("b"), "show", f"{BRANCH}:pyproject.toml"
    )
    assert git(fleet.bare("b"), "show", "--no-patch", "--format=%an <%ce>", BRANCH) == "AI Factory <factory@localhost>"

    for name, main in (("a", "main"), ("b", "trunk"), ("c", "main")):
        fleet.merge(name, main)
    git(fleet.bare("c"), "branch", "--move", "main", "renamed")
    git(fleet.bare("c"), "symbolic-ref", "HEAD", "refs/heads/renamed")
    done = fleet.run()
    assert done.returncode == 0 and "Every project has the release." in done.stdout and "3 merged" in done.stdout, done.stdout


KINDS = {  # by kind: a project's address, its path in the server's interface, and the results of pipelines
    "github": ("me/{name}", "me/{name}", "success", "failure"),
    "gitlab": ("me/{name}", "me%2F{name}", "success", "failed"),
    "azure": ("me/{name}/_git/{name}", "{name}", "succeeded", "failed"),
}


class Platform:
    """A server in place of the folders' addresses; a project's pipeline is as the test wants it."""

    def __init__(self, fleet: Fleet, server: FakePlatform, kind: str = "github") -> None:
        self.fleet, self.server, self.kind = fleet, server, kind
        self.place, self.path, self.passed, self.failed = KINDS[kind]
        self.env = {"FACTORY_TOKEN": TOKEN, "GIT_CONFIG_COUNT": "0"}

    def add(self, name: str, *what: object) -> None:
        bare, address = self.fleet.add(name, *what), f"{self.server.address}/{self.place.format(name=name)}"
        self.fleet.lines[-1]["url"] = address
        project = FakePlatform(heads=lambda branch: git(bare, "rev-parse", branch))
        self.server.others[self.path.format(name=name)] = project
        number = int(self.env["GIT_CONFIG_COUNT"])
        setting = {f"GIT_CONFIG_KEY_{number}": f"url.{bare}.insteadOf", f"GIT_CONFIG_VALUE_{number}": address}
        self.env |= {**setting, "GIT_CONFIG_COUNT": str(number + 1)}

    def project(self, name: str) -> FakePlatform:
        return self.server.others[self.path.format(name=name)]

    def judge(self, name: str, passed: bool) -> None:
        pipeline = {"name": "code", "commit": self.fleet.proposal(name), "result": self.passed if passed else self.failed}
        self.project(name).pipelines[:] = [pipeline]

    def requests(self, name: str) -> list[dict]:
        return self.project(name).pull_requests

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.fleet.run(f"--server={self.server.address}={self.kind}", *options, env=self.env)


@pytest.fixture
def platform(fleet) -> Iterator[Platform]:
    with fake_platform() as server:
        yield Platform(fleet, server)


def test_failing_wave_stops_before_the_next_and_goes_on_after_the_repair(fleet, platform):
    for name, wave in (("a", "canary"), ("b", "canary"), ("c", "early"), ("d", "rest")):
        platform.add(name, wave, MINE)
    done = platform.run()
    assert done.returncode == 3 and "2 of 2 not settled" in done.stdout, done.stderr
    assert [each["title"] for each in platform.requests("a")] == ["Update the template to v1.1.0"] and not platform.requests("c")
    platform.judge("a", True)
    platform.judge("b", False)
    heads = [fleet.proposal(name) for name in "ab"]
    for _ in range(2):
        done = platform.run()
        assert done.returncode == 2 and "Stopped at wave canary: 1 of 2 failed, more than 10%: b." in done.stdout
    assert states(fleet) == {"a": "green", "b": "red", "c": "waiting", "d": "waiting"} and not platform.requests("c")

    fleet.push("b", BRANCH, {"repair.txt": "by a person\n"})
    platform.judge("b", True)
    assert platform.run().returncode == 3
    assert states(fleet) == {"a": "green", "b": "green", "c": "pending", "d": "waiting"}
    platform.requests("c")[0] |= {"state": "closed", "commit": fleet.proposal("c")}
    git(fleet.bare("c"), "update-ref", "-d", f"refs/heads/{BRANCH}")
    platform.run()
    platform.judge("d", True)
    done = platform.run()
    assert done.returncode == 0 and states(fleet) == {"a": "green", "b": "green", "c": "closed", "d": "green"}, done.stdout
    assert heads[0] == fleet.proposal("a") and not fleet.proposal("c"), "what people closed is not proposed again"
    assert [len(platform.requests(name)) for name in "abcd"] == [1, 1, 1, 1]
    assert "<at/1>" in fleet.state.with_suffix(".md").read_text() and TOKEN not in fleet.state.read_text()


def test_wave_that_fails_stops_before_its_last_project(fleet):
    for name in "abcd":
        fleet.add(name, "canary", {f"{FACTORY}/PATCHES": "damaged\n"})
    assert fleet.run("--jobs=1").returncode == 2
    assert sorted(states(fleet).values()) == ["failed", "waiting", "waiting", "waiting"]


@pytest.mark.parametrize("kind", ["gitlab", "azure"])
def test_other_platforms(fleet, kind):
    with fake_platform() as server:
        platform = Platform(fleet, server, kind)
        platform.add("a", "canary", MINE)
        assert platform.run().returncode == 3 and len(platform.requests("a")) == 1
        for passed, state in ((False, "red"), (True, "green")):
            platform.judge("a", passed)
            platform.run()
            assert states(fleet) == {"a": state}
        fleet.merge("a")
        platform.requests("a")[0] |= {"state": "merged", "commit": fleet.proposal("a")}
        assert platform.run().returncode == 0 and states(fleet) == {"a": "merged"} and len(platform.requests("a")) == 1


def test_draft_waits_for_a_person(fleet, platform):
    platform.add("a", "canary", OURS)
    platform.add("b", "rest", MINE)
    assert platform.run().returncode == 2 and platform.requests("a")[0]["draft"]
    platform.judge("a", True)
    assert platform.run().returncode == 2 and states(fleet)["a"] == "person"
    done = platform.run("--handled=a")
    assert done.returncode == 3 and states(fleet) == {"a": "green", "b": "pending"}, done.stdout
    platform.requests("a")[0]["draft"] = False
    platform.judge("a", False)
    assert platform.run("--handled=a").returncode == 3 and states(fleet)["a"] == "red"
    assert platform.run().returncode == 2, "nobody says any more that somebody takes care of it"


def test_missing_token_is_named_before_anything_is_done(fleet, platform):
    platform.add("a", "canary", MINE)
    del platform.env["FACTORY_TOKEN"]
    done = platform.run()
    assert done.returncode == 1 and "is not set: it must be a token" in done.stderr and not fleet.proposal("a")


@pytest.mark.parametrize("moment", [*(pytest.param(each, marks=pytest.mark.nightly) for each in ("clone", "record")), "proposal"])
def test_killed_at_any_moment(fleet, platform, moment):
    """Whatever ends it: the next run does the rest, and nothing twice."""
    for name in "abc":
        platform.add(name, "canary", MINE)
    reached = {
        "clone": lambda: any(Path(f"{fleet.state}.work").glob("*/project/.git")),
        "proposal": lambda: any(map(fleet.proposal, "abc")),
        "record": lambda: fleet.state.exists() and "pending" in fleet.state.read_text(),
    }[moment]
    command = fleet.command(f"--server={platform.server.address}=github")
    process = subprocess.Popen(command, env={**os.environ, **platform.env}, start_new_session=True, stderr=subprocess.PIPE)
    end = time.monotonic() + 120
    while not reached() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, process.stderr.read()
    assert platform.run().returncode == 3
    assert states(fleet) == dict.fromkeys("abc", "pending")
    assert [len(platform.requests(name)) for name in "abc"] == [1, 1, 1]
    assert all(git(fleet.bare(name), "rev-list", "--count", f"main..{BRANCH}") == "2" for name in "abc")
    assert not Path(f"{fleet.state}.work").exists()


def test_update_of_a_project_ends_with_the_run_that_was_killed(tmp_path):
    """Or it would push beside the next run."""
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 300\n")
    (tmp_path / "git").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    request = json.dumps({"parent": 0, "folder": str(tmp_path), "push": True})
    done = subprocess.run([sys.executable, "-I", CHILD], input=request, text=True, env=env, timeout=60, start_new_session=True)
    assert done.returncode == -signal.SIGTERM


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(fleet, sent):
    """It ends at once, with a line, and leaves no clone."""
    for name in "ab":
        fleet.add(name, "canary", MINE)
    before = signal.signal(sent, signal.SIG_DFL)  # nohup has one ignored, and a shell another in the background
    process = subprocess.Popen(fleet.command(), stderr=subprocess.PIPE, text=True)
    signal.signal(sent, before)
    end = time.monotonic() + 60
    while not any(Path(f"{fleet.state}.work").glob("*/project/.git")) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(sent)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 1 and error.splitlines()[-1] == "fleet.py: interrupted: run it again to go on", error
    assert "Traceback" not in error and not Path(f"{fleet.state}.work").exists()


def test_rate(fleet):
    for name in "abc":
        fleet.add(name, "canary", MINE)
    done = fleet.run("--rate=2")
    assert done.returncode == 3 and sorted(states(fleet).values()) == ["proposed", "proposed", "waiting"]
    content = json.loads(fleet.state.read_text())
    assert fleet.run("--rate=2").returncode == 3 and sum(map(bool, map(fleet.proposal, "abc"))) == 2
    content["pushes"] = ["2026-01-01T00:00:00+00:00"] * 2
    fleet.state.write_text(json.dumps(content))
    assert fleet.run("--rate=2").returncode == 0 and all(map(fleet.proposal, "abc"))


class Unfriendly(BaseHTTPRequestHandler):
    """Wants a password, or sends elsewhere."""

    def do_GET(self) -> None:
        self.send_response(401 if "password" in self.path else 302)
        self.send_header("WWW-Authenticate", "Basic")
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def unfriendly() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Unfriendly) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that answers nothing; the system takes the connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/a"


ODD = "--upload-pack=touch${IFS}PWNED;$(touch${IFS}PWNED)"  # which may be the name of a branch


def test_each_broken_origin_has_a_state_and_a_reason(fleet, unfriendly):
    fleet.add("good", "canary", MINE, ODD)
    other = fleet.add("other", "canary")
    work = fleet.folder / "work/other"
    write(work, {".copier-answers.yml": yaml.safe_dump({"_commit": "1", "_src_path": "ext::sh -c 'touch PWNED'", "x": 1})})
    fleet.push("other", "main", {".copier-answers.yml": (work / ".copier-answers.yml").read_text()})
    no_project = fleet.add("no-project", "canary")
    git(fleet.folder / "work/no-project", "rm", "--quiet", ".copier-answers.yml")
    fleet.push("no-project", "main", {})
    git(fleet.folder / "work/no-project", "push", "--quiet", str(no_project), "HEAD:main", "--force")
    git(fleet.folder, "init", "--quiet", "--bare", "empty.git")
    for name, answers in (("date", "x: 2026-13-45\n"), ("deep", f"x: {'[' * 20_000}\n")):
        fleet.add(name, "canary", {".copier-answers.yml": f"_commit: v1.0.0\n_src_path: {fleet.template}\n{answers}"})
    for name, url in (("empty", "empty.git"), ("gone", "gone.git"), ("runs", "ext::sh -c 'touch PWNED'")):
        fleet.line(name, wave="canary", url=url)
    for name, url in (("asks", f"{unfriendly}/password"), ("sends", f"{unfriendly}/elsewhere")):
        fleet.line(name, wave="canary", url=url)
    done = fleet.run("--stop-above=1")
    assert done.returncode == 0 and "1 proposed, 4 foreign, 5 unreachable" in done.stdout, done.stdout + done.stderr
    entries = json.loads(fleet.state.read_text())["entries"]
    assert names(entries, "unreachable") == {"empty", "gone", "runs", "asks", "sends"} and names(entries, "proposed") == {"good"}
    assert names(entries, "foreign") == {"other", "no-project", "date", "deep"} and all(
        each["reason"] for each in entries if each["name"] != "good"
    )
    assert not [*fleet.folder.rglob("PWNED")] and not git(other, "for-each-ref", f"refs/heads/{BRANCH}")


def test_origin_that_does_not_answer_is_given_up(fleet, silent):
    fleet.line("hangs", wave="canary", url=silent)
    done = fleet.run("--timeout=2", "--stop-above=1")
    assert done.returncode == 0 and "hangs: unreachable: no end after 2 s" in done.stderr, done.stderr


EVIL = "#!/bin/sh\ntouch {place}\n"
BUILT = """
[build-system]
requires = []
build-backend = "evil"
backend-path = ["."]
[tool.uv]
cache-dir = "{cache}"
"""


def test_nothing_of_a_project_runs_and_no_link_is_followed(fleet):
    place, outside = fleet.folder / "PWNED", fleet.folder / "outside.txt"
    kept = "".join(f"{'0' * 64}  {FACTORY}/{name}.py\n" for name in ("__init__", "errors"))  # which an update would renew
    outside.write_text(kept)
    evil = EVIL.format(place=place)
    files = {
        ".venv/bin/python": evil,
        ".venv/pyvenv.cfg": "home = /\n",
        ".python-version": "./evil\n",
        "evil": evil,
        "evil.py": f"open({str(place)!r}, 'w')\n",
        "sitecustomize.py": f"open({str(place)!r}, 'w')\n",
        "git.py": f"open({str(place)!r}, 'w')\n",
        ".gitattributes": "* filter=evil diff=evil merge=evil\n",
        ".githooks/pre-commit": evil,
        ".pre-commit-config.yaml": "repos: []\n",
        "pyproject.toml": OLD["pyproject.toml"].replace('version = "1"', 'dynamic = ["version"]') + BUILT.format(cache=place),
        ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::touch {place}\n',
    }
    fleet.add("a", "canary", files)
    work = fleet.folder / "work/a"
    for name in (".venv/bin/python", "evil", ".githooks/pre-commit"):
        (work / name).chmod(0o755)
    (work / "link").symlink_to("/")
    fleet.push("a", "main", {})
    for name, path in (("b", "Dockerfile"), ("c", f"{FACTORY}/PATCHES"), ("d", "mine")):
        fleet.add(name, "canary", {f"{FACTORY}/errors.py": f"{LINES}# ours\n"})
        (fleet.folder / "work" / name / path).unlink(missing_ok=True)
        (fleet.folder / "work" / name / path).symlink_to(outside)
        fleet.push(name, "main", {})
    done = fleet.run("--stop-above=1")
    assert not place.exists() and outside.read_text() == kept, done.stderr
    entries = {each["name"]: each for each in json.loads(fleet.state.read_text())["entries"]}
    assert "uv.lock: was not renewed" in str(entries["a"]["attention"]), entries["a"]
    assert git(fleet.bare("a"), "ls-tree", BRANCH, "link").startswith("120000")
    assert {name: each["state"] for name, each in entries.items()} == {
        "a": "person",
        "b": "person",
        "c": "failed",
        "d": "proposed",
    }
    assert "Dockerfile" in str(entries["b"]["attention"]) and "PATCHES:1: is not" in entries["c"]["reason"]


def test_template_without_a_release_is_named_as_such(fleet):
    fleet.add("a", "canary")
    git(fleet.template, "tag", "--delete", "v1.0.0", "v1.1.0")
    git(fleet.template, "tag", "nightly")
    done = fleet.run()
    assert done.returncode == 1 and "has no release 1.1.0: there is none yet, make the first one" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "options, message",
    [
        (["--jobs=x"], "argument --jobs"),
        (["--state=/nowhere/x.json"], "/nowhere/x.json.lock: No such"),
        (["--release=9.9.9"], "has no release 9.9.9: the newest are v1.1.0, v1.0.0"),
        (["--template=/nowhere"], "the template cannot be read"),
        (["--server=x=github"], "is not an address and a kind"),
        (["--handled=x"], "--handled x: no project in the list has this name"),
    ],
)
def test_refusal_is_one_line(fleet, options, message):
    fleet.add("a", "canary")
    command = [
        each for each in fleet.command(apply=False) if not any(each.startswith(option.split("=")[0]) for option in options)
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not fleet.state.exists()


def test_unknown_wave_is_named_with_its_line(fleet):
    fleet.add("a", "canaries")
    done = fleet.run(apply=False)
    assert done.returncode == 1 and "FLEET.csv: line 2, wave: 'canaries' is not one of canary, early, rest" in done.stderr
