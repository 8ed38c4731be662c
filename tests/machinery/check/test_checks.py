"""Each check refuses what it guards against, and looks only at the files that it concerns."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from late_flights.factory.check import checks, keys, run
from late_flights.factory.errors import FactoryError
from late_flights.factory.serving import auth
from tests.factory import cli_runner, git_repository, toy

from machinery.update.vendored_project import FACTORY, MACHINERY

WORKFLOW = """\
name: mine
on: push
permissions: {}
jobs:
  mine:
    runs-on: ubuntu-latest
    steps:
      - run: echo hello
"""
SECRET = 'password = "AKIA' + 'QYLPMN5HHHFPZAM2"\n'
KEY = "Zk3-vQ9xT_b7Lw2RmP8yHs4N" + "cJ6dG1fAuE5oKiX0tVqB"[:19]  # as `new_key` makes nearly all
BROKEN = {
    "ruff-check": ("src/x/mine.py", "print(undefined)\n"),
    "ruff-format": ("src/x/mine.py", "def (:\n"),
    "mypy": ("src/x/mine.py", 'number: int = "text"\n'),
    "large-files": ("notes.bin", "x" * 1024 * 1025),
    "secrets": ("mine.txt", SECRET),
    "keys": ("mine.sh", f"curl -H 'Authorization: Bearer {KEY}' localhost\n"),
    "zizmor": (".github/workflows/mine.yaml", WORKFLOW.replace("echo hello", "echo ${{ github.event.issue.title }}")),
    "workflows": (".github/workflows/mine.yaml", WORKFLOW.replace("runs-on", "runs-in")),
    "actions": (".github/actions/login/action.yaml", "name: login\nruns: {using: composite}\n"),
    "dependabot": (".github/dependabot.yml", "version: 2\nupdates: [{}]\n"),
    "gitlab-pipelines": (".gitlab/pipelines/mine.yml", "mine: {script: 1}\n"),
    "azure-pipelines": ("azure-pipelines/mine.yaml", "steps: [{scrip: echo}]\n"),
    "renovate": ("renovate.json", '{"extends": 1}\n'),
}


@pytest.fixture
def mine(vendoring: Path) -> Path:
    """A project with modules of its own and without problems."""
    Path("pyproject.toml").write_text('[tool.mypy]\nfiles = ["src"]\nexclude = ["/factory/"]\nstrict = true\n')
    Path("src/x/model.py").write_text('"""Mine."""\n')
    git_repository.commit()
    return vendoring


def put(name: str, content: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def failed(output: str) -> set[str]:
    return set(re.findall(r"^✗ ([\w-]+)", output, re.MULTILINE))


def test_every_check_is_broken_here():
    assert {check.name for check in checks.checks(1, [])} == BROKEN.keys()


@pytest.mark.parametrize("name", BROKEN)
def test_a_check_refuses_what_it_guards_against(mine, name):
    file = put(*BROKEN[name])
    result = cli_runner.run("check", file, *(f"--skip={check}" for check in BROKEN if check != name))
    assert result.exit_code == 1 and failed(result.output) == {name}, result.output
    assert len(result.output.splitlines()) > 1


def test_a_project_without_problems_passes(mine):
    result = cli_runner.run("check")
    assert result.exit_code == 0, result.output
    names = re.findall(r"^✓ ([\w-]+)", result.output, re.MULTILINE)
    assert names == ["template", "images", "ruff-check", "ruff-format", "mypy", "large-files", "secrets", "keys"]


def test_only_what_a_file_concerns_is_checked(mine):
    result = cli_runner.run("check", put("notes.md", "# Notes\n"))
    assert re.findall(r"^✓ ([\w-]+)", result.output, re.MULTILINE) == ["large-files", "secrets", "keys"]


def test_edited_machinery_is_not_judged_by_the_projects_rules(mine):
    MACHINERY.write_text("print(undefined)\n")
    assert failed(cli_runner.run("check", MACHINERY).output) == {"template"}


def test_a_name_that_looks_like_an_option_is_a_file(mine):
    put("-mine.py", SECRET)
    assert failed(cli_runner.run("check", "--skip=mypy", "./-mine.py").output) == {"secrets"}


def test_style_is_fixed(mine):
    file = put("src/x/mine.py", "import os\nx = 'a'\n")
    result = cli_runner.run("check", file.resolve())
    assert result.exit_code == 0 and "✓ ruff-format: 1 file reformatted" in result.output
    assert file.read_text() == 'x = "a"\n'


def test_below_a_folder_everything_is_checked_but_what_git_ignores(mine):
    put("src/x/deep/mine.py", "print(undefined)\n")
    put("src/x/__pycache__/mine.py", SECRET)
    assert failed(cli_runner.run("check", "src", "--skip=mypy").output) == {"ruff-check"}
    assert "ruff" not in cli_runner.run("check", ".github").output


def test_files_of_the_release_are_left_to_the_template(mine):
    MACHINERY.write_text(SECRET)
    assert failed(cli_runner.run("check").output) == {"template", "secrets"}
    cli_runner.run("check", "--accept")
    assert failed(cli_runner.run("check").output) == {"secrets"}
    (FACTORY / "PATCHES").rename(FACTORY / "MANIFEST")
    assert "secrets" not in failed(cli_runner.run("check", MACHINERY).output)


def test_a_larger_file_can_be_allowed(mine):
    file = put(*BROKEN["large-files"])
    assert "keep it out of Git with `uv run dvc add FILE`" in cli_runner.run("check", file).output
    assert cli_runner.run("check", file, "--max-kb", "1025").exit_code == 0


def test_hashes_are_no_secrets_and_others_can_be_named(mine):
    for name in ("uv.lock", "data/raw/x.dvc", "reports/mine.json"):
        put(name, SECRET)
    assert not failed(cli_runner.run("check").output)
    file = put("tests/keys/one.txt", SECRET)
    assert failed(cli_runner.run("check", file).output) == {"secrets"}
    assert not failed(cli_runner.run("check", file, "--exclude=tests/keys/*").output)


WITH_KEY = {
    "client.py": f'headers = dict(key="{KEY}")\n',
    ".env": f"FACTORY_KEY={KEY}\n",
    "reports/notes.md": f"The key is {KEY}.\n",
    "mine.ipynb": f'{{"cells": [], "text": "first\\n{KEY}\\n"}}\n',
    "tls.txt": "-----BEGIN ENCRYPTED " + "PRIVATE KEY-----\n",
    "token.yaml": "token: github_pat_" + "1x" * 41 + "\n",
}
WITHOUT = f"""\
SHA256:{KEY} sha256={KEY} sha256-{KEY}=
{KEY}0 {KEY}+{KEY} AAAA{KEY}
{"a_long_name_that_has_Just_the_length_of_a_k3y":.43}
{KEY} # pragma: allowlist secret
QuarterlyForecast-2024-11-30_Region-EMEA_v2 MonthlySalesReport_2024-03_DACH_Filiale_Kol
UmsatzProFiliale2024QuartalBerechnungFuerDE test-44100Hz-le-1ch-4bytes-incomplete-chunk
SALES_OF_2024_IN_BRANCHES_AND_DEPARTMENTSab JSONSchema202012KeywordAdditionalProperties
"""


@pytest.mark.parametrize("name", WITH_KEY)
def test_a_commit_with_a_key_of_the_factory_is_refused(mine, name):
    factory = f"{shlex.quote(sys.executable)} -c 'from late_flights.factory.cli import main; main()'"
    hook = put(".git/hooks/pre-commit", f"#!/bin/sh\nexec {factory} check --skip=mypy --skip=ruff-check\n")
    hook.chmod(0o755)
    put(name, WITH_KEY[name])
    git_repository.git("add", name)
    done = subprocess.run(["git", "commit", "--message", "oops"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode and "keys" in failed(done.stdout), done
    assert f"{name}:1: a" in done.stdout and KEY not in done.stdout


def test_nearly_every_key_that_the_factory_makes_is_found(mine):
    lines = "\n".join(auth.new_key("app")[0] for _ in range(2000))
    assert len([*keys._found(put("keys.txt", lines))]) > 1980


def test_what_only_resembles_a_key_is_none(mine):
    file = put("notes.txt", WITHOUT)
    assert not failed(cli_runner.run("check", file).output)
    assert not failed(cli_runner.run("check", put("keys/app.txt", f"{KEY}\n"), "--exclude=keys/*").output)


def test_settings_keep_to_the_policy(mine):
    put("policy.yaml", "gate: {margin: {max: 0.05}}\nnames: {branch: main}\n")
    put("params.yaml", toy.text(gate={"margin": 0.1}))
    shown = cli_runner.run("check", "policy.yaml").output
    assert failed(shown) == {"policy"} and "POLICY: gate.margin is 0.1, and must be at most 0.05\n" in shown
    put("params.yaml", toy.text(gate={"margn": 0.05}))
    assert "✗ policy: params.yaml: gate.margn: unknown key" in cli_runner.run("check", "policy.yaml").output
    put("params.yaml", toy.text(gate={"margin": 0.05}))
    assert "✓ policy\n" in cli_runner.run("check", "policy.yaml").output
    assert "policy" not in cli_runner.run("check", "policy.yaml", "--skip=policy").output
    git_repository.git("checkout", "--quiet", "-b", "feature/one")
    assert "POLICY: the name of the branch is feature/one, and must match main" in cli_runner.run("check").output


def test_files_for_azure_ml_are_checked_together(mine):
    put("deploy/azureml/endpoint.yml", "name: ml\n")
    job = put("deploy/azureml/job.yml", "{}\n")
    shown = cli_runner.run("check", job).output
    assert failed(shown) == {"azureml"} and "deploy/azureml/endpoint.yml: $schema: None: expected is " in shown
    assert not failed(cli_runner.run("check", job, "--skip=azureml").output)


def test_an_unknown_check_and_a_missing_file_are_named(mine):
    assert cli_runner.refused("check", "--skip=mypi") == "--skip mypi: no such check: did you mean mypy?"
    assert cli_runner.refused("check", "--skip=xx").startswith("--skip xx: no such check: template, images, policy, ruff-check, ")
    assert cli_runner.refused("check", "nowhere.py") == "nowhere.py: no such file"


def test_the_variable_of_pre_commit_leaves_checks_out(mine, monkeypatch):
    monkeypatch.setenv("SKIP", "their-hook,mypy")
    assert not failed(cli_runner.run("check", put(*BROKEN["mypy"])).output)


def test_what_is_missing_is_installed_once(mine, monkeypatch):
    calls = []
    monkeypatch.setattr(run, "_path", lambda tool: None)
    monkeypatch.setattr(run.process, "run", lambda *command: calls.append(command))
    put(*BROKEN["zizmor"])
    result = cli_runner.run("check", "--skip=mypy")
    assert [command[1:] for command in calls] == [("sync", "--quiet", "--frozen", "--inexact", "--group", "lint")]
    assert "✗ zizmor: zizmor is not installed: add it to a dependency group, or --skip zizmor" in result.output


def test_without_network_only_what_cannot_be_installed_fails(mine, monkeypatch):
    def offline(*command: str) -> str:
        raise FactoryError("`uv sync` failed: no network")

    found = run._path
    monkeypatch.setattr(run, "_path", lambda tool: None if tool == "mypy" else found(tool))
    monkeypatch.setattr(run.process, "run", offline)
    result = cli_runner.run("check", "src/x/model.py")
    assert failed(result.output) == {"mypy"} and "✓ secrets" in result.output
    assert "✗ mypy: mypy is not installed: `uv sync` failed: no network, or --skip mypy" in result.output


def test_outside_of_a_repository(mine, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    subprocess.run(["rm", "-r", ".git"], check=True)
    assert cli_runner.refused("check").startswith("there is no Git repository here")
