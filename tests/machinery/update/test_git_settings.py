"""Whatever people set for themselves in Git, an update comes to the same."""

import subprocess
from pathlib import Path

import pytest
from tests.factory.cli_runner import refused

from machinery.update.made_up_releases import FACTORY, LINES, NEW, PATCHED, edit, git, updated

SETTINGS = {
    "apply.whitespace": "error-all",
    "color.ui": "always",
    "commit.gpgSign": "true",
    "core.attributesFile": "attributes",
    "core.autocrlf": "true",
    "core.excludesFile": "ignores",
    "core.fsmonitor": "false; exit 1",
    "core.hooksPath": "hooks",
    "core.quotePath": "true",
    "core.safecrlf": "true",
    "diff.external": "false",
    "diff.mnemonicPrefix": "true",
    "diff.noprefix": "true",
    "diff.renames": "false",
    "gpg.program": "false",
    "log.showSignature": "true",
    "merge.conflictStyle": "zdiff3",
    "merge.directoryRenames": "true",
    "merge.renames": "false",
    "rerere.enabled": "true",
    "status.relativePaths": "true",
    "status.showUntrackedFiles": "all",
}
HOOKS = ("applypatch-msg", "post-checkout", "post-commit", "post-index-change", "pre-commit", "pre-merge-commit")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own file of settings, and what it may name."""
    (tmp_path / "hooks").mkdir()
    for name in HOOKS:
        (tmp_path / "hooks" / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "hooks" / name).chmod(0o755)
    (tmp_path / "attributes").write_text("* diff=nothing\n")
    (tmp_path / "ignores").write_text("*.py\n*.yaml\n*.patch\n*.factory\n")
    return tmp_path / "settings"


def set_git(settings: Path, key: str, value: str) -> None:
    value = str(settings.with_name(value)) if settings.with_name(value).exists() else value
    subprocess.run(["git", "config", "--file", str(settings), key, value], check=True)


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize(
    "keys", [*([key] for key in SETTINGS), [*SETTINGS]], ids=lambda keys: keys[0] if len(keys) == 1 else "all"
)
def test_update_is_the_same(settings, monkeypatch, keys):
    edit({".gitattributes": "* text=auto eol=lf\n", f"{FACTORY}/errors.py": LINES.replace("line 3\n", "mine\n")})
    edit({"Dockerfile": None, "docker/Dockerfil\u00e9": f"{LINES}mine\n", "compose.yaml": "services:\n  app:\n    image: mine\n"})
    for key in keys:
        set_git(settings, key, SETTINGS[key])
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    lines = updated(2)
    assert "✓ Dockerfile: the release's changes are in the file that you moved it to" in lines
    assert PATCHED in lines
    assert "✗ compose.yaml: conflict: edit the marked lines" in lines and len(lines) == 4
    assert Path("docker/Dockerfil\u00e9").read_text() == f"{NEW['Dockerfile']}mine\n"
    assert Path(FACTORY, "extra.py").read_bytes() == NEW[f"{FACTORY}/extra.py"].encode()
    assert "|||||||" not in Path("compose.yaml").read_text() and git("diff", "--cached", "--name-only", f"{FACTORY}/extra.py")
    patch = Path(FACTORY, "errors.py.patch").read_text()
    assert f"--- a/{FACTORY}/errors.py\n+++ b/{FACTORY}/errors.py\n@@" in patch


@pytest.mark.usefixtures("release")
def test_every_file_of_an_environment_may_be_listed(settings, monkeypatch):
    """Of so many names no command takes all as its arguments."""
    edit({".gitignore": ".venv/\n"})
    Path(".venv").mkdir()
    for number in range(9_000):
        Path(".venv", f"{number:0240}").touch()
    set_git(settings, "status.showUntrackedFiles", "all")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert any(line.startswith("✓") for line in updated(0))
    assert Path(FACTORY, "extra.py").read_bytes() == NEW[f"{FACTORY}/extra.py"].encode()


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("state", ["clean", "newer", "dirty"])
def test_project_with_a_submodule(tmp_path, state):
    """What is checked out in it, and what is new there, is not the update's."""
    git("init", "--quiet", str(tmp_path / "library"))
    git("-C", str(tmp_path / "library"), "commit", "--quiet", "--allow-empty", "--message", "first")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "library"), "vendor/library")
    edit({})
    if state == "newer":
        git("-C", "vendor/library", "commit", "--quiet", "--allow-empty", "--message", "second")
    if state == "dirty":
        Path("vendor/library/new.txt").write_text("new\n")
    if state != "clean":
        assert "uncommitted changes" in refused("update")
        return
    updated(0)
    assert Path(FACTORY, "extra.py").exists() and git("submodule", "status").startswith(" ")
