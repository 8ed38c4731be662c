"""What a pipeline made arrives as a pull request, what it could not do as an issue; nothing of others is overwritten."""

import json
from pathlib import Path

import pytest
from late_flights.factory.ci import propose, summary
from late_flights.factory.errors import FactoryError
from late_flights.factory.evaluation import markdown
from late_flights.factory.registry import versions
from late_flights.factory.update import proposal
from late_flights.factory.update import update as updating
from late_flights.factory.update.vendored import digest
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.ci.fake_platforms import environment, fake_platform


@pytest.fixture
def dvc_calls(committed, monkeypatch, tmp_path_factory):
    """The calls of DVC; the repository has a remote, and the tree what a retraining made."""
    commands = []
    monkeypatch.setattr(propose, "dvc", lambda *command: commands.append(command))
    monkeypatch.setattr(summary, "dvc", lambda *command: "{}")
    git_repository.share(tmp_path_factory.mktemp("remote"))
    assert run("compare").exit_code == 0
    Path("dvc.lock").write_text(git_repository.lock("retrained")["dvc.lock"])
    return commands


@pytest.fixture
def platform(monkeypatch):
    with fake_platform() as platform:
        for name, value in environment(platform, "gitlab").items():
            monkeypatch.setenv(name, value)
        yield platform


def branch(name=propose.RETRAIN):
    return git("ls-remote", "--heads", "origin", name).split("\t")[0]


def next_night(model="retrained"):
    """Tonight's run starts from main, as last night's did."""
    git("checkout", "--quiet", "main")
    Path("dvc.lock").write_text(git_repository.lock(model)["dvc.lock"])


def test_new_model_is_proposed_and_nothing_promoted(dvc_calls, platform):
    main = git("rev-parse", "main")
    result = run("propose")
    assert result.exit_code == 0 and "See at/1" in result.output, result.output
    assert git("show", "--no-patch", "--format=%P", branch()) == main == git("rev-parse", "origin/main")
    assert versions.model_md5(git("show", f"{branch()}:dvc.lock")) == "retrained"
    [pull_request] = platform.pull_requests
    assert (pull_request["branch"], pull_request["base"], pull_request["draft"]) == ("factory/retrain", "main", False)
    assert "## Passed the gate" in pull_request["text"] and propose.MERGED in pull_request["text"]
    assert dvc_calls == [("push", "--run-cache")] and not versions.local() and not platform.issues


def test_verdict_is_kept_for_the_status(dvc_calls, platform):
    main = git("rev-parse", "main")
    run("propose")
    git("fetch", "--quiet", "origin", propose.VERDICT.name)
    kept = json.loads(git("show", "FETCH_HEAD:gate.json"))
    assert kept["passed"] and kept["commit"] == main and kept["at"] and git("ls-tree", "--name-only", "FETCH_HEAD") == "gate.json"


def test_verdict_that_cannot_be_kept_stops_nothing(dvc_calls, platform, monkeypatch):
    def refuse(*_, **__):
        raise FactoryError("protected")

    monkeypatch.setattr(type(propose.VERDICT), "put", refuse)
    result = run("propose")
    assert result.exit_code == 0 and "See at/1" in result.output
    assert "! Not kept on the branch factory/gate: protected" in result.stderr


def test_model_that_is_proposed_already(dvc_calls, platform):
    run("propose")
    before = branch()
    next_night()
    assert "Nothing new: the pull request of" in run("propose").output
    assert branch() == before and len(platform.pull_requests) == len(dvc_calls) == 1


def test_newer_model_takes_its_place(dvc_calls, platform):
    run("propose")
    before = branch()
    next_night("newer")
    assert run("propose").exit_code == 0
    assert branch() != before and len(platform.pull_requests) == 1
    assert versions.model_md5(git("show", f"{branch()}:dvc.lock")) == "newer"


def test_pull_request_that_is_refused_is_opened_by_the_next_run(dvc_calls, platform):
    for platform.down, message in ((True, "403"), (False, "See at/1")):
        next_night()
        assert message in run("propose").output and bool(branch()) == len(platform.pull_requests) == len(dvc_calls) - 1


@pytest.mark.usefixtures("dvc_calls")
def test_nothing_changed(platform):
    git("checkout", "--quiet", ".")
    assert "Nothing new: this is the model on main" in run("propose").output
    assert not branch() and not platform.pull_requests


@pytest.mark.usefixtures("dvc_calls")
def test_what_failed_is_one_issue(platform):
    summary.compare.delete_reports()
    for _ in range(2):
        result = run("propose")
        assert result.exit_code == 2 and result.stderr.splitlines()[-1].startswith("✗ VERDICT_MISSING: ")
    [issue] = platform.issues
    assert issue["title"] == propose.TITLE and "VERDICT_MISSING" in issue["text"] and propose.FAILED in issue["text"]
    assert not branch() and not platform.pull_requests


@pytest.mark.usefixtures("dvc_calls")
def test_reason_is_printed_where_the_issue_is_refused(platform):
    summary.compare.delete_reports()
    platform.down = True
    first, last = run("propose").stderr.splitlines()
    assert first.startswith("Not posted: ") and last.startswith("✗ VERDICT_MISSING: ")


def test_commits_of_somebody_else_stay(dvc_calls, platform, monkeypatch):
    run("propose")
    with monkeypatch.context() as patch:
        git_repository.become(patch, "Li", "li@example.com")
        git_repository.commit(**{"note.txt": "by hand"})
    git("push", "--quiet", "origin", "HEAD:factory/retrain")
    before = branch()
    next_night("newer")
    assert refused("propose").startswith("somebody else has committed to factory/retrain: merge it, or close its pull request")
    assert branch() == before and versions.model_md5(Path("dvc.lock").read_text()) == "newer"


@pytest.mark.usefixtures("dvc_calls")
def test_outside_a_pipeline_nothing_is_opened(monkeypatch):
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"):
        monkeypatch.delenv(name, raising=False)
    assert refused("propose").startswith("not in a pipeline of GitHub, GitLab or Azure DevOps")
    assert not branch()


RELEASED = {"src/x/factory/__init__.py": "", "src/x/factory/new.py": "NEW = 1\n"}


@pytest.mark.parametrize("conflicts, kept, code", [({}, [], 0), ({"a.txt": "conflict"}, [], 2), ({}, ["b.txt: kept"], 3)])
def test_update_is_proposed_once(dvc_calls, platform, monkeypatch, conflicts, kept, code):
    def update(template, release, data):
        for name, text in RELEASED.items() | {"a.txt": "newer", "src/x/factory/mine.py": "MINE = 1\n"}.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text)
        lines = (f"{digest(text.encode())}  {name}\n" for name, text in RELEASED.items())
        Path("src/x/factory/MANIFEST").write_text("".join(lines))
        return updating.Update("1.0.0", "1.1.0", conflicts, kept, pending=["limit: raise it"])

    locked, heads = [], []
    main = git("rev-parse", "HEAD")
    monkeypatch.setattr(updating, "update", update)
    monkeypatch.setattr(propose, "run", lambda *command: locked.append(command) if "lock" in command else git(*command[1:]))
    for day in (1, 8):  # the second time nothing is pushed, or approvals would be gone
        git("checkout", "--quiet", "--force", "main")
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2030-01-0{day}T00:00:00")
        assert run("update", "--propose").exit_code == code
        heads.append(branch(proposal.BRANCH))
    [pull_request] = platform.pull_requests
    assert (pull_request["branch"], pull_request["draft"], heads[0]) == ("factory/template-update", code > 0, heads[1])
    text = pull_request["text"]
    assert text.startswith("- [ ] limit: raise it\n") and "from 1.0.0 to 1.1.0" in text
    assert all(markdown.text(name) in text for name in [*conflicts, *kept])
    newer, mine = git("rev-list", f"{main}..{heads[0]}").split()[::-1]
    files = [set(git("show", "--format=", "--name-only", commit).splitlines()) for commit in (newer, mine)]
    assert files[0] == {*RELEASED, "src/x/factory/MANIFEST"} and files[1] >= {"a.txt", "src/x/factory/mine.py"}
    assert bool(locked) != bool(conflicts)


@pytest.mark.usefixtures("dvc_calls")
def test_newest_release_needs_no_proposal(platform, monkeypatch):
    monkeypatch.setattr(updating, "update", lambda *how: updating.Update("1.0.0", "1.0.0"))
    assert run("update", "--propose").exit_code == 0 and not platform.pull_requests
