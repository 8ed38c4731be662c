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


@pytest.mark.usefixtures("release")
def test_another_template_is_refused_before_anything_is_asked_of_it(monkeypatch):
    edit({ANSWERS: OLD[ANSWERS].replace("/the/", "/their/")})
    with monkeypatch.context() as context:
        context.setattr(releases, "_run_copier", lambda **request: pytest.fail("it was asked"))
        assert "this project's template is /the/template, not /their/template" in refused("update")
    updated(0, "--template", "/their/template")


THEIRS = OLD[ANSWERS].replace("/the/", "/their/")


@pytest.mark.usefixtures("release")
def test_template_to_which_an_update_has_led_needs_no_option():
    edit({ANSWERS: THEIRS.replace("1.0.0", "1.0.1")})
    updated(0)


@pytest.mark.usefixtures("release")
def test_a_pull_request_that_hides_an_address_between_two_releases_is_refused():
    git("checkout", "--quiet", "-b", "hidden")
    edit({ANSWERS: THEIRS.replace("1.0.0", "1.0.1")})
    edit({ANSWERS: THEIRS})
    git("checkout", "--quiet", "-")
    git("merge", "--quiet", "--no-ff", "--message", "merge", "hidden")
    assert "this project's template is /the/template, not /their/template" in refused("update")


def test_relative_address_without_a_template_is_named(release):
    release({ANSWERS: NEW[ANSWERS].replace("/the/template", "template")})
    edit({ANSWERS: "_commit: 1.0.1\n_src_path: template\nci: github\nproject_name: x\n"})
    assert refused("update").endswith(
        "the recorded address template is relative, and there is no Git repository there: give its place by --template"
    )
    updated(0, "--template", "/the/template")


def test_answer_that_the_newer_template_does_not_accept_is_refused(release):
    release({ANSWERS: NEW[ANSWERS].replace("project_name: x", "project_name: y")})
    assert refused("update").startswith("project_name: the newer template does not accept the answer 'x'")
    assert git("status", "--porcelain") == "" and Path(ANSWERS).read_text() == OLD[ANSWERS]
