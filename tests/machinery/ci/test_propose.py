"""What a pipeline made arrives as a pull request, what it could not do as an issue; nothing of others is overwritten."""

from pathlib import Path

import pytest
from late_flights.factory.ci import propose, summary, template_update
from late_flights.factory.registry import versions
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.ci import fake_platforms as platform
from machinery.ci.fake_environments import environment


@pytest.fixture
def pushed(committed, monkeypatch, tmp_path_factory):
    """What DVC was asked; the repository has a remote, and the tree what a retraining made."""
    asked = []
    monkeypatch.setattr(propose, "dvc", lambda *command: asked.append(command))
    monkeypatch.setattr(summary, "dvc", lambda *command: "{}")
    git_repository.share(tmp_path_factory.mktemp("remote"))
    assert run("compare").exit_code == 0
    Path("dvc.lock").write_text(git_repository.lock("retrained")["dvc.lock"])
    return asked


@pytest.fixture
def hub(monkeypatch):
    with platform.running() as hub:
        for name, value in environment(hub, "gitlab").items():
            monkeypatch.setenv(name, value)
        yield hub


def branch(name=propose.RETRAIN):
    return git("ls-remote", "--heads", "origin", name).split("\t")[0]


def again(model="retrained"):
    """Tonight's run starts from main, as last night's did."""
    git("checkout", "--quiet", "main")
    Path("dvc.lock").write_text(git_repository.lock(model)["dvc.lock"])


def test_new_model_is_proposed_and_nothing_promoted(pushed, hub):
    main = git("rev-parse", "main")
    result = run("propose")
    assert result.exit_code == 0 and "See at/1" in result.output, result.output
    assert git("show", "--no-patch", "--format=%P", branch()) == main == git("rev-parse", "origin/main")
    assert versions.model_md5(git("show", f"{branch()}:dvc.lock")) == "retrained"
    [made] = hub.proposals
    assert (made["branch"], made["base"], made["draft"]) == ("factory/retrain", "main", False)
    assert "The challenger passes" in made["text"]
    assert pushed == [("push", "--run-cache")] and not versions.local() and not hub.issues


def test_model_that_is_proposed_already(pushed, hub):
    run("propose")
    before = branch()
    again()
    assert "Nothing new since" in run("propose").output
    assert branch() == before and len(hub.proposals) == len(pushed) == 1


def test_newer_model_takes_its_place(pushed, hub):
    run("propose")
    before = branch()
    again("newer")
    assert run("propose").exit_code == 0
    assert branch() != before and len(hub.proposals) == 1
    assert versions.model_md5(git("show", f"{branch()}:dvc.lock")) == "newer"


def test_pull_request_that_is_refused_is_opened_by_the_next_run(pushed, hub):
    for hub.down, said in ((True, "403"), (False, "See at/1")):
        again()
        assert said in run("propose").output and bool(branch()) == len(hub.proposals) == len(pushed) - 1


@pytest.mark.usefixtures("pushed")
def test_nothing_changed(hub):
    git("checkout", "--quiet", ".")
    assert "Nothing new: main has this model already" in run("propose").output
    assert not branch() and not hub.proposals


@pytest.mark.usefixtures("pushed")
def test_what_failed_is_one_issue(hub):
    summary.compare.delete_reports()
    for _ in range(2):
        result = run("propose")
        assert result.exit_code == 2 and result.stderr.splitlines()[-1].startswith("✗ VERDICT_MISSING: ")
    [issue] = hub.issues
    assert issue["title"] == propose.TITLE and "VERDICT_MISSING" in issue["text"]
    assert not branch() and not hub.proposals


@pytest.mark.usefixtures("pushed")
def test_reason_is_told_where_the_issue_is_refused(hub):
    summary.compare.delete_reports()
    hub.down = True
    first, last = run("propose").stderr.splitlines()
    assert first.startswith("Not posted: ") and last.startswith("✗ VERDICT_MISSING: ")


def test_commits_of_somebody_else_stay(pushed, hub, monkeypatch):
    run("propose")
    with monkeypatch.context() as patch:
        git_repository.become(patch, "Li", "li@example.com")
        git_repository.commit(**{"note.txt": "by hand"})
    git("push", "--quiet", "origin", "HEAD:factory/retrain")
    before = branch()
    again("newer")
    assert refused("propose").startswith("somebody has worked on factory/retrain: merge it, or close its pull request")
    assert branch() == before and versions.model_md5(Path("dvc.lock").read_text()) == "newer"


@pytest.mark.usefixtures("pushed")
def test_outside_a_pipeline_nothing_is_opened(monkeypatch):
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"):
        monkeypatch.delenv(name, raising=False)
    assert refused("propose").startswith("this is no pipeline of GitHub, GitLab or Azure DevOps")
    assert not branch()


@pytest.mark.parametrize("conflicts, kept, code", [([], [], 0), (["a.txt"], [], 2), ([], ["b.txt"], 3)])
def test_update_is_proposed_once(pushed, hub, monkeypatch, conflicts, kept, code):
    def updated(template, release):
        Path("a.txt").write_text("newer")
        return template_update.Update("1.0.0", "1.1.0", conflicts, kept)

    locked, heads = [], []
    monkeypatch.setattr(template_update, "update", updated)
    fake = lambda *command: locked.append(command) if "lock" in command else git(*command[1:])
    monkeypatch.setattr(propose, "run", fake)
    for day in (1, 8):  # the second time nothing is pushed, or approvals would be gone
        git("checkout", "--quiet", "--force", "main")
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2030-01-0{day}T00:00:00")
        assert run("update", "--propose").exit_code == code
        heads.append(branch(propose.UPDATE))
    [made] = hub.proposals
    assert (made["branch"], made["draft"], heads[0]) == ("factory/template-update", code > 0, heads[1])
    assert "from 1.0.0 to 1.1.0" in made["text"] and all(name in made["text"] for name in conflicts + kept)
    assert git("show", f"{branch(propose.UPDATE)}:a.txt") == "newer" and bool(locked) != bool(conflicts)


@pytest.mark.usefixtures("pushed")
def test_newest_release_needs_no_proposal(hub, monkeypatch):
    monkeypatch.setattr(template_update, "update", lambda template, release: template_update.Update("1.0.0", "1.0.0", [], []))
    assert run("update", "--propose").exit_code == 0 and not hub.proposals
