"""The hub's inventory: the state of whatever an origin is, what is known from before, and that nobody's code is run."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT
from status_branches import STATUS, bare, fleet, git, push, server, status

NOW = datetime.now(UTC)
pytestmark = pytest.mark.slow
HUB = (sys.executable, str(ROOT / "hooks/hub.py"), "--osv=", "--index=")
SCRIPT = "<script>alert(1)</script>"


def days(number: float) -> datetime:
    return NOW - timedelta(days=number)


def hub(folder: Path, *options: str) -> dict[str, dict]:
    """The inventory by name, gathered into folder/out."""
    done = subprocess.run([*HUB, "FLEET.csv", "out", *options], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return read(folder)


def refused(folder: Path, *options: str) -> str:
    done = subprocess.run([*HUB, "FLEET.csv", "out", *options], cwd=folder, capture_output=True, text=True)
    assert done.returncode and "Traceback" not in done.stderr
    return done.stderr


def wait(process: subprocess.Popen, until: Callable[[], bool]) -> None:
    """Until the process has come to a point."""
    while not until():
        assert process.poll() is None, "it ended before"
        time.sleep(0.02)


def read(folder: Path) -> dict[str, dict]:
    content = json.loads((folder / "out/inventory.json").read_text("utf-8"), parse_constant=pytest.fail)
    return {project["name"]: project for project in content["projects"]}


def broken_tree(place: Path) -> Path:
    """An entry that would be written into a clone's .git."""
    blob = git(place, "hash-object", "-w", "--stdin", stdin=b"[core]\n")
    tree = git(place, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=b"100644 .git\0" + bytes.fromhex(blob))
    commit = git(
        place,
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--stdin",
        stdin=f"tree {tree}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nx\n".encode(),
    )
    git(place, "update-ref", STATUS, commit)
    return place


def shallow(place: Path) -> Path:
    git(place, "update-ref", "refs/heads/main", STATUS)
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", "--depth=1", "--no-single-branch", f"file://{place}", str(place) + ".cut"],
        check=True,
    )
    place.rename(f"{place}.whole")
    Path(f"{place}.cut").rename(place)
    return place


def no_commit(place: Path, kind: str) -> None:
    """A branch that is at something else."""
    commit = git(place, "rev-parse", STATUS)
    if kind == "tag":
        text = f"object {commit}\ntype commit\ntag x\ntagger a <a@b> 0 +0000\n\nx\n"
        found = git(place, "mktag", stdin=text.encode())
    else:
        found = git(place, "rev-parse", f"{commit}:{'status.json' if kind == 'blob' else ''}")
    (place / STATUS).write_text(f"{found}\n")


def trap(place: Path) -> Path:
    """A repository whose settings and hooks, were they followed, would leave a file."""
    command = f"touch {place.parent}/PWNED"
    with (place / "config").open("a") as config:
        config.write(
            f"[uploadpack]\n\tpackObjectsHook = {command} #\n[core]\n\tfsmonitor = {command}\n\tsshCommand = {command}\n"
        )
    (place / "hooks").mkdir()
    for name in ("post-checkout", "post-update", "pre-receive", "reference-transaction"):
        (place / "hooks" / name).write_text(f"#!/bin/sh\n{command}\n")
        (place / "hooks" / name).chmod(0o755)
    ref = git(place, "rev-parse", STATUS)
    names = (
        "refs/heads/../../../../PWNED",
        f"refs/heads/$({command})",
        "refs/heads/--upload-pack=x",
        "refs/heads/factory/status.lock",
    )
    (place / "packed-refs").write_text(
        "# pack-refs with: peeled fully-peeled sorted \n" + "".join(f"{ref} {name}\n" for name in sorted(names))
    )
    return place


def careless(settings: Path) -> Path:
    """Settings of a user with whom more is allowed, and hooks are run."""
    (settings.parent / "user.hooks").mkdir()
    hook = settings.parent / "user.hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {settings.parent}/PWNED.hook\n")
    hook.chmod(0o755)
    ssh = settings.with_name("user.ssh")  # which finds every host on this machine
    ssh.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    settings.write_text(
        f'[protocol "ext"]\n\tallow = always\n[core]\n\thooksPath = {hook.parent}\n\tsshCommand = {ssh}\n[http]\n\tfollowRedirects = true\n'
    )
    return settings


def good(place: Path) -> Path:
    return push(bare(place), status(place.stem, days(1)))


# What the branch holds: the state and the code that the hub must come to; before it was a good status.
CONTENTS = {
    "stale": (status(at=days(8)), "stale", "STALE"),
    "future": (status(at=days(-2)), "future", "FUTURE"),
    "fortune": (status(cost__runs__money=1.7e308, cost__serving__money=1.7e308), "ok", ""),
    "surrogate": (status(description="\ud800"), "malformed", "MALFORMED"),
    "text": ("none of your business", "malformed", "MALFORMED"),
    "nested": ("[" * 200_000, "malformed", "MALFORMED"),
    "bytes": (b"\xff\xfe{}", "malformed", "MALFORMED"),
    "long": (status(description="x" * 10_000), "malformed", "MALFORMED"),
    "negative": (status(template__behind=-1), "malformed", "MALFORMED"),
    "lacking": ({key: value for key, value in status().items() if key != "owner"}, "malformed", "MALFORMED"),
    "large": (b" " * 20_000_000, "malformed", "TOO_LARGE"),
    "incompressible": (Random(0).randbytes(40_000_000), "malformed", "TOO_LARGE"),
    "format": (status(format=2), "foreign", "OTHER_FORMAT"),
    "other": (b'{"status": "green"}', "foreign", "NO_STATUS"),
    "list": (b"[]", "foreign", "NO_STATUS"),
}


@pytest.fixture(scope="module", name="server")
def address() -> Iterator[str]:
    with server() as address:
        yield address


@pytest.fixture(scope="module")
def gathered(tmp_path_factory, server) -> Iterator[tuple[Path, dict[str, dict]]]:
    """An inventory of everything that an origin may be."""
    folder = tmp_path_factory.mktemp("organisation")
    for name, (content, _, _) in CONTENTS.items():
        push(bare(folder / name), status(name, days(9)), content)
    push(bare(folder / "good"), status(at=days(2)), status(at=days(1), owner=SCRIPT))
    push(bare(folder / "link"), status("link", days(1)), "/etc/passwd", mode="120000")
    good(folder / "module")
    git(
        folder / "module",
        "fast-import",
        "--quiet",
        stdin=f"commit {STATUS}\ncommitter a <a@b> 1 +0000\ndata 0\nfrom {STATUS}^0\nM 160000 {'a' * 40} status.json\n".encode(),
    )
    good(folder / "nofile")
    git(
        folder / "nofile",
        "fast-import",
        "--quiet",
        stdin=f"commit {STATUS}\ncommitter a <a@b> 1 +0000\ndata 0\nfrom {STATUS}^0\ndeleteall\n".encode(),
    )
    push(bare(folder / "nobranch"), status(), ref="refs/heads/main")
    for kind in ("tag", "tree", "blob"):
        no_commit(good(folder / f"at-{kind}"), kind)
    good(folder / "ssh.git")
    bare(folder / "empty")
    (folder / "folder").mkdir()
    broken_tree(bare(folder / "fsck"))
    shallow(push(bare(folder / "shallow"), status("shallow", days(2)), status("shallow", days(1))))
    trap(good(folder / "trap"))
    urls = [
        *(path.name for path in folder.iterdir() if path.is_dir() and "." not in path.name),
        "nowhere",
        "shallow-fsck-password",
        f"ext::touch {folder}/PWNED",
    ]
    urls += [f"{server}/{kind}/{kind}" for kind in ("login", "moved", "forbidden", "absent")]
    urls += [f"ssh://git@example.com{folder}/ssh.git"]
    urls += ["http://user:s3cret@127.0.0.1:1/refused"]
    fleet(folder / "FLEET.csv", urls)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(careless(folder / "gitconfig")))
        yield folder, hub(folder, "--timeout", "120")  # for what is too large to be found so on a busy machine


@pytest.mark.parametrize("name", CONTENTS)
def test_what_the_branch_holds_is_a_state_beside_what_was_known(gathered, name):
    project = gathered[1][name]
    _, state, code = CONTENTS[name]
    assert (project["state"], project["reason"].partition(":")[0]) == (state, code)
    if state == "ok":
        assert project["history"][-1]["money"] is None
    elif name == "incompressible":  # nothing of it is taken, also of what was good
        assert project["status"] is None
    else:
        assert datetime.fromisoformat(project["status"]["at"]) == (days(8) if name == "stale" else days(9))
    assert len(project["reason"]) < 500


OTHERS = {
    "good": ("ok", ""),
    "trap": ("ok", ""),
    "ssh": ("ok", ""),
    "at-tag": ("foreign", "NO_COMMIT"),
    "at-tree": ("foreign", "NO_COMMIT"),
    "at-blob": ("foreign", "NO_COMMIT"),
    "link": ("malformed", "NO_FILE"),
    "module": ("malformed", "NO_FILE"),
    "nofile": ("foreign", "NO_STATUS"),
    "fsck": ("malformed", "BROKEN_OBJECTS"),
    "shallow": ("malformed", "SHALLOW"),
    "nobranch": ("missing", "NO_BRANCH"),
    "empty": ("missing", "NO_BRANCH"),
    "folder": ("unreachable", "NOT_FOUND"),
    "nowhere": ("unreachable", "NOT_FOUND"),
    "shallow-fsck-password": ("unreachable", "NOT_FOUND"),
    "PWNED": ("unreachable", "PROTOCOL"),
    "login": ("unreachable", "NO_ACCESS"),
    "forbidden": ("unreachable", "NO_ACCESS"),
    "moved": ("unreachable", "REDIRECTED"),
    "absent": ("unreachable", "NOT_FOUND"),
    "refused": ("unreachable", "NO_CONNECTION"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_an_origin_is_has_a_state_with_a_reason(gathered, name):
    project = gathered[1][name]
    code, _, text = project["reason"].partition(": ")
    assert (project["state"], code) == OTHERS[name], project["reason"]
    assert bool(text) == (project["state"] != "ok")
    assert bool(project["status"]) == (name in ("good", "trap", "ssh", "link", "module", "nofile"))


def test_every_origin_is_in_the_inventory_with_a_known_state(gathered):
    folder, projects = gathered
    assert projects.keys() == CONTENTS.keys() | OTHERS.keys()
    assert len(projects) == len((folder / "FLEET.csv").read_text().splitlines()) - 1


def test_no_code_of_an_origin_is_run_and_none_of_its_names_is_used(gathered):
    folder, _ = gathered
    assert not [*folder.rglob("PWNED*")]
    names = git(folder / "out.git", "for-each-ref", "--format=%(refname)").splitlines()
    assert names
    assert all(re.fullmatch(r"refs/projects/[0-9a-f]{20}", name) for name in names)
    assert not (folder / "out.git/hooks").exists()


def test_secrets_of_addresses_stay_out(gathered):
    folder, projects = gathered
    assert "s3cret" not in (folder / "out/inventory.json").read_text()
    assert projects["refused"]["url"] == "http://127.0.0.1:1/refused"


def test_history_is_known_from_the_first_time_and_a_past_day_can_be_seen(tmp_path):
    statuses = [status(at=days(age), champion__version=f"v{20 - age}", template__behind=20 - age) for age in range(20, 0, -1)]
    push(bare(tmp_path / "churn"), *statuses[:9], b"{", *statuses[9:])
    fleet(tmp_path / "FLEET.csv", ["churn"])
    now = hub(tmp_path)["churn"]
    assert [point["behind"] for point in now["history"]] == [*range(20)]
    then = hub(tmp_path, "--at", f"{days(15):%Y-%m-%d}")["churn"]
    assert (then["state"], then["status"]["champion"]["version"]) == ("ok", "v5")
    assert [point["behind"] for point in then["history"]] == [*range(6)]
    long_ago = hub(tmp_path, "--at", "2020-02-29")["churn"]
    assert (long_ago["state"], long_ago["reason"].partition(":")[0], long_ago["status"]) == ("missing", "NO_STATUS_YET", None)
    (tmp_path / "churn").rename(tmp_path / "gone")
    assert hub(tmp_path, "--at", f"{days(15):%Y-%m-%d}")["churn"] == then
    gone = hub(tmp_path)["churn"]
    assert (gone["state"], gone["status"], gone["history"]) == ("unreachable", now["status"], now["history"])


def test_a_day_ends_at_midnight(tmp_path):
    times = [f"2026-03-{text}:00+00:00" for text in ("30T23:30", "31T23:59", "31T22:30")]
    times += [f"2026-04-01T{text}:00+02:00" for text in ("01:58", "02:01")]
    push(bare(tmp_path / "churn"), *(status(at=datetime.fromisoformat(each)) for each in sorted(times)))
    fleet(tmp_path / "FLEET.csv", ["churn"])
    for day, last in (("2026-03-30", "2026-03-30T23:30"), ("2026-03-31", "2026-03-31T23:59"), ("2026-04-01", "2026-04-01T00:01")):
        project = hub(tmp_path, "--at", day)["churn"]
        assert project["state"] == "ok"
        assert datetime.fromisoformat(project["status"]["at"]).astimezone(UTC).isoformat().startswith(last)


def test_what_projects_cannot_read_of_the_template_the_hub_counts(template, tmp_path):
    place = tmp_path / "factory"
    shutil.copytree(template, place)
    subprocess.run(["git", "init", "--quiet", str(place)], check=True)
    for name, age in {"v0.3.0": 30, "0.4.0": 20, "0.5.0": 5, "0.6.0rc1": 2, "notes": 1}.items():
        dated = os.environ | {"GIT_COMMITTER_DATE": days(age).isoformat()}
        subprocess.run(["git", "-C", str(place), "commit", "--quiet", "--allow-empty", "-m", name], check=True, env=dated)
        subprocess.run(["git", "-C", str(place), "tag", name], check=True)
    subprocess.run(["git", "-C", str(place), "remote", "add", "origin", "git@git.example.com:ml/factory.git"], check=True)
    why = {"template.newest": "UNREACHABLE: it may not", "template.behind": "UNREACHABLE: it may not"}
    cannot = {"template__newest": None, "template__behind": None}
    for name, source in {
        "private": "https://git.example.com/ml/factory",
        "other": "https://git.example.com/other/factory",
    }.items():
        known = [status(at=days(age), template__source=source, **cannot) for age in (10, 1)]
        push(bare(tmp_path / name), *(each | {"unknown": each["unknown"] | why} for each in known))
    push(bare(tmp_path / "public"), status(template__newest="0.9.0", template__behind=7))
    fleet(tmp_path / "FLEET.csv", ["private", "other", "public"])
    subprocess.run([sys.executable, str(place / "hooks/hub.py"), *HUB[2:], "FLEET.csv", "out"], cwd=tmp_path, check=True)
    found = read(tmp_path)
    shown = {name: (each["status"]["template"]["newest"], each["status"]["template"]["behind"]) for name, each in found.items()}
    assert shown == {"private": ("0.5.0", 2), "other": (None, None), "public": ("0.9.0", 7)}
    assert [point["behind"] for point in found["private"]["history"]] == [1, 2]
    assert {name: each["counted"] for name, each in found.items()} == {"private": True, "other": False, "public": False}
    assert not why.keys() & found["private"]["status"]["unknown"].keys()
    assert why.keys() <= found["other"]["status"]["unknown"].keys()


def test_a_copy_of_a_repository_does_not_show_the_status_of_the_other_as_its_own(tmp_path):
    first = push(bare(tmp_path / "copy"), status(at=days(1), address=str(tmp_path / "churn")))
    shutil.copytree(first, tmp_path / "churn")
    shutil.copytree(first, tmp_path / "again")
    fleet(tmp_path / "FLEET.csv", ["copy", "churn", "again"])
    projects = hub(tmp_path)
    assert projects["churn"]["state"] == "ok"
    for name in ("copy", "again"):
        assert (projects[name]["state"], projects[name]["status"], projects[name]["history"]) == ("foreign", None, [])
        assert projects[name]["reason"] == "OTHER_PROJECT: the status is that of churn, of which this repository is a copy"
    push(first, status("copy", address=str(first)), onto=f"{STATUS}^0")
    assert {name: project["state"] for name, project in hub(tmp_path).items()} == {
        "copy": "ok",
        "churn": "ok",
        "again": "foreign",
    }


def test_a_long_history_is_thinned_out_and_keeps_both_ends(tmp_path):
    push(bare(tmp_path / "churn"), *(status(at=days(age), template__behind=age) for age in range(400, -1, -1)))
    fleet(tmp_path / "FLEET.csv", ["churn"])
    ages = [point["behind"] for point in hub(tmp_path)["churn"]["history"]]
    assert len(ages) <= 61
    assert ages[-30:] == [*range(29, -1, -1)]
    assert ages == sorted(ages, reverse=True)
    assert ages[0] > 380


def test_a_rewritten_branch_loses_nothing_that_was_known(tmp_path):
    place = push(bare(tmp_path / "churn"), status(at=days(6)), status(at=days(5)))
    fleet(tmp_path / "FLEET.csv", ["churn"])
    assert hub(tmp_path)["churn"]["rewritten"] == 0
    push(place, status(at=days(2)))
    push(place, status(at=days(1)), onto=f"{STATUS}^0")
    project = hub(tmp_path)["churn"]
    assert (project["state"], project["rewritten"]) == ("ok", 1)
    assert [point["at"] for point in project["history"]] == [days(age).isoformat() for age in (6, 5, 2, 1)]
    push(place, b"{")
    project = hub(tmp_path)["churn"]
    assert (project["state"], project["rewritten"], len(project["history"])) == ("malformed", 2, 4)
    git(place, "update-ref", "-d", STATUS)
    project = hub(tmp_path)["churn"]
    assert (project["state"], len(project["history"])) == ("missing", 4)


def test_two_hubs_at_once_do_not_meet(tmp_path, server):
    good(tmp_path / "churn")
    fleet(tmp_path / "FLEET.csv", ["churn", f"{server}/hang/slow"])
    first = subprocess.Popen([*HUB, "FLEET.csv", "out", "--timeout", "300"], cwd=tmp_path)
    wait(first, lambda: (tmp_path / "out.git/fetched").exists())
    assert "another hub is at work" in refused(tmp_path)
    assert "another hub is at work" in refused(tmp_path, "--cache", "elsewhere.git")
    first.terminate()
    assert first.wait() == 1
    fleet(tmp_path / "FLEET.csv", ["churn"])
    assert hub(tmp_path)["churn"]["state"] == "ok"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_hub_that_is_killed_leaves_nothing_half_written(tmp_path, server, end):
    places = [good(tmp_path / f"p{number}") for number in range(8)]
    fleet(tmp_path / "FLEET.csv", places)
    before = hub(tmp_path)
    for place in places:
        push(place, status(), onto=f"{STATUS}^0")
    fleet(tmp_path / "FLEET.csv", [*places, f"{server}/hang/slow"])
    process = subprocess.Popen([*HUB, "FLEET.csv", "out", "--timeout", "300"], cwd=tmp_path, stderr=subprocess.PIPE)
    wait(process, lambda: len([*(tmp_path / "out.git/fetched").glob("*/refs/heads/new")]) >= 4)
    process.send_signal(end)
    assert process.wait() != 0
    assert b"Traceback" not in process.stderr.read()
    assert read(tmp_path) == before
    ref = git(tmp_path / "out.git", "for-each-ref", "--format=%(refname)").splitlines()[0]
    for name in ("packed-refs.lock", f"{ref}.lock", "objects/pack/tmp_pack_x"):
        (tmp_path / "out.git" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out.git" / name).touch()
    fleet(tmp_path / "FLEET.csv", places)
    after = hub(tmp_path)
    assert {name: len(project["history"]) for name, project in after.items()} == {f"p{number}": 2 for number in range(8)}
    assert not [*(tmp_path / "out.git").rglob("tmp_*")]


def test_a_project_that_has_not_reported_is_not_counted_as_one_that_cannot_be_read(tmp_path):
    good(tmp_path / "churn")
    bare(tmp_path / "new")
    fleet(tmp_path / "FLEET.csv", ["churn", "new", "nowhere"])
    command = [sys.executable, str(ROOT / "hooks/hub.py"), "FLEET.csv", "out", "--osv=", "--index="]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "asked 3 of 3 projects: 1 has no status yet, 1 could not be read\n" in done.stderr
    assert "factory status --push" in done.stderr


def test_a_damaged_repository_of_the_hub_is_an_error_in_one_line(tmp_path):
    good(tmp_path / "churn")
    fleet(tmp_path / "FLEET.csv", ["churn"])
    hub(tmp_path)
    [pack] = (tmp_path / "out.git/objects/pack").glob("*.pack")
    content = bytearray(pack.read_bytes())
    content[len(content) // 2 : -40] = b"x" * len(content[len(content) // 2 : -40])
    pack.chmod(0o644)
    pack.write_bytes(content)
    before = (tmp_path / "out/inventory.json").read_bytes()
    message = refused(tmp_path)
    assert message.count("\n") == message.count("asked") + 1
    assert "see `git fsck` there" in message
    assert (tmp_path / "out/inventory.json").read_bytes() == before


def test_a_server_that_does_not_answer_is_not_waited_for_by_each_of_its_projects(tmp_path, server):
    good(tmp_path / "churn")
    fleet(
        tmp_path / "FLEET.csv", [*(f"{server.replace('127.0.0.1', 'localhost')}/hang/p{number}" for number in range(12)), "churn"]
    )
    projects = hub(tmp_path, "--timeout", "4", "--jobs", "2")
    assert projects.pop("churn")["state"] == "ok"
    reasons = [(project["state"], project["reason"].partition(":")[0]) for project in projects.values()]
    assert {*reasons} == {("unreachable", "TIMEOUT"), ("unreachable", "NOT_ASKED")}
    assert reasons.count(("unreachable", "NOT_ASKED")) >= 6


def test_what_it_is_given_is_refused_in_one_line(tmp_path):
    fleet(tmp_path / "FLEET.csv", ["churn"])
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.lock").touch()
    assert "is yet to come" in refused(tmp_path, "--at", f"{days(-2):%Y-%m-%d}")
    assert "'soon' is not a date" in refused(tmp_path, "--at", "soon")
    assert "is not a hub's repository" in refused(tmp_path, "--cache", "notes")
    assert (tmp_path / "notes/mine.lock").exists()
    assert "'0' is not a number from 1" in refused(tmp_path, "--jobs", "0")
    (tmp_path / "FLEET.csv").unlink()
    assert refused(tmp_path) == "hub.py: FLEET.csv: No such file or directory\n"
