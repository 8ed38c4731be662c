"""Versions that the gate never saw, or that are not what it saw."""

import hashlib
import json
import signal

import pytest
from attack import Target, duplicate
from conftest import git
from workshop import free_port, ready, wait


def record(project: Target) -> str:
    """The message of a second version, whose record somebody wrote by hand."""
    record = json.loads(git(project.folder, "tag", "--list", "--format=%(contents)", "model/v1").splitlines()[2])
    del record["sha256"]
    previous, commit = (git(project.folder, "rev-parse", name) for name in ("model/v1", "HEAD"))
    record |= {"version": 2, "serves": 2, "commit": commit, "previous": previous, "why": "better", "nonce": "0"}
    content = json.dumps(record, ensure_ascii=False, sort_keys=True)
    sealed = {**record, "sha256": hashlib.sha256(content.encode()).hexdigest()}
    return f"model/v2: promoted\n\n{json.dumps(sealed, ensure_ascii=False, sort_keys=True)}\n"


def forge(project: Target, *options: str, name: str = "model/v2", **env: str) -> None:
    project.done("git", "tag", "--annotate", *options, "--message", record(project), name, **env)
    if name != "model/v2":
        git(project.folder, "update-ref", "refs/tags/model/v2", f"refs/tags/{name}")
    git(project.folder, "push", "--quiet", "origin", "refs/tags/model/v2")


def allow(project: Target, text: str, file: str = "allowed_signers") -> None:
    (project.folder / file).write_text(text, "utf-8")
    project.save("Who may sign")


def assert_served(project: Target, code: str) -> None:
    """The service does not start, for that reason; in the earlier state it does."""
    port = str(free_port())
    if not project.before:
        return project.refused(code, "factory", "serve", "--port", port)
    service = project.start("factory", "serve", "--port", port)
    try:
        assert wait(lambda: ready(int(port)) or service.poll() is not None, 300) and service.poll() is None
    finally:
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=60)


def test_handwritten_record(signed):
    forge(signed, "--no-sign")
    for command in (("audit",), ("trace", "v2")):
        signed.refused("UNSIGNED", "factory", *command)
    signed.become("bob")
    signed.refused("UNSIGNED", "factory", "rollback", "-m", "why", "--to", "v1", before=("factory", "audit"))


def test_branch_with_its_own_key(signed):
    signed.become("mallory")
    git(signed.folder, "switch", "--quiet", "--create", "other")
    (signed.folder / "allowed_signers").write_text(signed.signer("mallory"), "utf-8")
    git(signed.folder, "commit", "--quiet", "--no-verify", "--all", "--message", "Who may sign")
    forge(signed, "--sign")
    signed.refused("SIGNER_UNKNOWN", "factory", "audit")


@pytest.mark.parametrize("date", ["now", "2020-01-01T00:00:00Z"])
def test_signer_whose_time_is_over(signed, date):
    allow(signed, signed.signer("alice") + signed.signer("bob", 'valid-before="20210101Z"'))
    signed.become("bob")
    forge(signed, "--sign", **({} if date == "now" else {"GIT_COMMITTER_DATE": date}))
    signed.refused("SIGNER_UNKNOWN", "factory", "audit")


def test_revoked_key(signed):
    allow(signed, (signed.folder.parent / "keys/bob.pub").read_text("utf-8"), "revoked_signers")
    signed.become("bob")
    forge(signed, "--sign")
    signed.refused("SIGNATURE_INVALID", "factory", "audit")


def test_tag_of_another_name(signed):
    """Somebody who may sign has signed it, as something else."""
    forge(signed, "--sign", name="rehearsal")
    signed.refused("VERSION_INVALID", "factory", "audit")


def test_moved_tag(target):
    """The record is intact, and of another commit than the one that the tag names."""
    target.set("max_iter: 40", "max_iter: 41")
    target.train("Nobody has compared this")
    message = git(target.folder, "tag", "--list", "--format=%(contents)", "model/v1")
    git(target.folder, "tag", "--annotate", "--force", "--message", message, "model/v1")
    assert_served(target, "VERSION_INVALID")


def test_resealed_copy_of_the_champion(target):
    target.done("factory", "compare")
    [manifest] = (target.folder / ".dvc/tmp/champions").glob("*/model/manifest.json")
    before = manifest.read_bytes()
    content = json.loads(before) | {"baseline": 0.9}
    del content["sha256"]
    own = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    manifest.write_text(json.dumps({**content, "sha256": own}, indent=2, ensure_ascii=False) + "\n", "utf-8")
    _, _, err = target.run("factory", "compare")
    assert ("CHAMPION_CHANGED" in err, manifest.read_bytes() == before) == (not target.before, not target.before)


def test_commit_that_nobody_merged(trained, tmp_path):
    project = duplicate(trained, tmp_path / "x")
    git(project.folder, "switch", "--quiet", "--create", "other")
    git(project.folder, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", "Nobody has read this")
    project.refused("NOT_ON_MAIN", "factory", "promote", "-m", "why")
