"""Code of a pull request that goes beyond its pipeline: it writes with the job's token, or makes the comment say what it likes."""

import json
import re

import pytest
import yaml
from machinery.ci.fake_platforms import TOKEN, environment, fake_platform

THIEF = """
import os, requests
if os.environ.get("FACTORY_TOKEN"):
    address = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues/9/comments"
    headers = {"Authorization": f"Bearer {os.environ['FACTORY_TOKEN']}"}
    requests.post(address, json={"body": "approved"}, headers=headers)
"""
HOSTILE = "\n\n# Passed the gate\n@everyone [merge](https://e.example) closes #12 <img src=x>\n<!-- factory: the challenger -->"
POST = ("factory", "summary", "--post")
RECEIVED = (*POST, "--from", "reports")


@pytest.fixture
def github(target, tmp_path):
    """A run for pull request 7, with the environment of the step that posts."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    with fake_platform() as platform:
        target.env = environment(platform, "github", "feature", "main", str(event))
        yield platform


def say(target, text: str, *more: str) -> None:
    """The pull request's code has the gate's result say this: in Markdown before, in JSON now."""
    target.run("factory", "compare")
    target.run("factory", "summary")
    page, left = target.folder / "reports/gate.md", target.folder / "reports/summary.json"
    page.write_text(text + "".join(more), "utf-8")
    if not target.before:
        content = json.loads(left.read_text("utf-8"))
        content["gate"]["checks"][0]["what"] = text
        left.write_text(json.dumps({**content, "number": 9, "more": more}), "utf-8")


def test_comment_that_tries_to_be_markdown_and_to_be_elsewhere(target, github):
    say(target, HOSTILE)
    target.done(*(POST if target.before else RECEIVED), **target.env)
    [comment] = github.comments
    assert {line.rpartition("/issues/")[2] for line in github.asked} == {"7/comments"}
    plain = re.sub(r"(`+).*?\1", "", comment["text"].partition("\n\n")[2])
    for part in ("\n# Passed", "@everyone", "](https://e.example)", "#12", "<img", "<!--"):
        assert (part in plain) == target.before, part


def test_comment_that_is_huge(target, github):
    say(target, "x", "y" * 50_000_000)
    target.refused("SUMMARY_INVALID", *RECEIVED, before=POST, **target.env)


def test_comment_that_is_a_file_of_the_machine(target, github, tmp_path):
    secret = tmp_path / "secret"
    say(target, "x")
    left = target.folder / "reports" / ("gate.md" if target.before else "summary.json")
    secret.write_text("the machine's key" if target.before else left.read_text("utf-8"), "utf-8")
    left.unlink()
    left.symlink_to(secret)
    target.refused("SUMMARY_INVALID", *RECEIVED, before=POST, **target.env)
    assert ["the machine's key" in each["text"] for each in github.comments] == [True] * target.before


def test_code_that_writes_with_the_token_of_its_job(target, github):
    job = yaml.safe_load((target.folder / ".github/workflows/model.yaml").read_text("utf-8"))["jobs"]["model"]
    [step] = (each for each in job["steps"] if "factory compare" in each.get("run", ""))
    own = {name: value for name, value in target.env.items() if name != "FACTORY_TOKEN"}
    own |= dict.fromkeys(step.get("env", {}), TOKEN)
    target.edit("src/target/features.py", "\n\n\ndef features", f"{THIEF}\n\ndef features")
    target.run(*step["run"].removeprefix("uv run ").split(), **own)
    assert [each["text"] for each in github.comments] == ["approved"] * target.before
    assert ("pull-requests" in job["permissions"]) == target.before
