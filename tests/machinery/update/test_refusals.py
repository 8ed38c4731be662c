"""What an update refuses before anything is changed, and what it runs meanwhile."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from late_flights.factory.update import releases
from tests.factory.cli_runner import refused

from machinery.update.made_up_releases import ANSWERS, NEW, OLD, edit, git, updated


def test_nothing_of_the_last_days_runs(monkeypatch):
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(releases, "run", lambda *command, **how: commands.append(command) or "{}")
    releases._run_copier()
    [day] = [word.partition("=")[2] for word in commands[0] if word.startswith("--exclude-newer=")]
    assert datetime.now(UTC) - datetime.fromisoformat(f"{day}T00:00:00+00:00") >= timedelta(days=7)


THEIRS = OLD[ANSWERS].replace("/the/", "/their/")
NEWER = THEIRS.replace("1.0.0", "1.0.1")
REFUSED = "the template is /their/template here, and /the/template in "
LISTED = {"policy.yaml": "templates: [/their/template]\n"}


@pytest.mark.usefixtures("release")
def test_another_template_is_refused_before_anything_is_asked_of_it(monkeypatch):
    edit({ANSWERS: THEIRS})
    with monkeypatch.context() as context:
        context.setattr(releases, "_run_copier", lambda **request: pytest.fail("it was asked"))
        assert REFUSED in refused("update") and REFUSED in refused("update", "--add", "new.md")
    updated(0, "--template", "/their/template")


@pytest.mark.usefixtures("release")
def test_template_is_that_of_the_first_commit_whatever_an_update_brought():
    edit({ANSWERS: NEWER})
    assert f"{REFUSED}commit {git('rev-list', '--max-parents=0', 'HEAD')[:8]}:" in refused("update")


@pytest.mark.usefixtures("release")
def test_template_that_main_lists_needs_no_option():
    edit({ANSWERS: NEWER, **LISTED})
    updated(0)


@pytest.mark.usefixtures("release")
def test_branch_cannot_list_a_template():
    git("checkout", "--quiet", "-b", "theirs")
    edit({ANSWERS: NEWER, **LISTED})
    assert REFUSED in refused("update")


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("first", ["main", "orphan"])
def test_orphan_commit_is_no_beginning(first):
    """Whichever of both is the merge's first parent."""
    git("checkout", "--quiet", "--orphan", "orphan")
    edit({ANSWERS: NEWER})
    other = "orphan" if first == "main" else "main"
    git("checkout", "--quiet", first)
    git(
        "merge",
        "--quiet",
        "--allow-unrelated-histories",
        "-X",
        "theirs" if other == "orphan" else "ours",
        "--message",
        "m",
        other,
    )
    git("checkout", "--quiet", "-B", "main")
    assert Path(ANSWERS).read_text() == NEWER
    assert REFUSED in refused("update")


@pytest.mark.usefixtures("release")
def test_template_is_also_that_of_main(tmp_path):
    """Somebody else's beginning may be all that is left where history was rewritten here."""
    git("remote", "add", "origin", str(tmp_path))
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("checkout", "--quiet", "--orphan", "rewritten")
    edit({ANSWERS: NEWER})
    assert f"{REFUSED}origin/main:" in refused("update")


@pytest.mark.usefixtures("release")
def test_a_pull_request_that_hides_an_address_between_two_releases_is_refused():
    git("checkout", "--quiet", "-b", "hidden")
    edit({ANSWERS: NEWER})
    edit({ANSWERS: THEIRS})
    git("checkout", "--quiet", "-")
    git("merge", "--quiet", "--no-ff", "--message", "merge", "hidden")
    assert REFUSED in refused("update")


def test_relative_address_without_a_template_is_named(release):
    release({ANSWERS: NEW[ANSWERS].replace("/the/template", "template")})
    git("checkout", "--quiet", "--orphan", "anew")
    edit({ANSWERS: "_commit: 1.0.1\n_src_path: template\nci: github\nproject_name: x\n"})
    git("branch", "--move", "--force", "main")
    assert refused("update").endswith(
        "the recorded address template is relative, and there is no Git repository there: give its place by --template"
    )
    updated(0, "--template", "/the/template")


def test_answer_that_the_newer_template_does_not_accept_is_refused(release):
    release({ANSWERS: NEW[ANSWERS].replace("project_name: x", "project_name: y")})
    assert refused("update").startswith("project_name: the newer template does not accept the answer 'x'")
    assert git("status", "--porcelain") == "" and Path(ANSWERS).read_text() == OLD[ANSWERS]
