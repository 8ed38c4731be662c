"""Projects to attack. What is refused with its reason code now must succeed against an earlier state: `--before REVISION`."""

import io
import subprocess
import tarfile
from pathlib import Path

import hostile_project
import pytest
from conftest import PARTS, ROOT, git
from hostile_project import HostileProject
from workshop import Governed, beside, installed

HERE = Path(__file__).parent / "attacks"
REQUIRED = "signatures: required\n"


class Target(Governed):
    """A project that is attacked, in the state now or in an earlier one."""

    before = False

    def refused(self, code: str, *command: str, before: tuple[str, ...] = (), **env: str | None) -> None:
        """The command refuses with the code; in the earlier state it, or the one that was there in its place, succeeds."""
        status, out, err = self.run(*(before or command) if self.before else command, **env)
        if self.before:
            assert status == 0, f"the attack failed already: {out}{err}"
        else:
            assert status in (1, 2) and code in out + err and "Traceback" not in err, f"{command}: {status} {out}{err}"

    def save(self, message: str, *options: str) -> None:
        """Commit everything, and push main."""
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--no-verify", "--allow-empty", "--message", message, *options)
        git(self.folder, "push", "--quiet", "--force", "origin", "HEAD:main")

    def become(self, name: str) -> None:
        """Commit and sign as that person, who has a key of their own from the first time on."""
        key = self.folder.parent / "keys" / name
        if not key.exists():
            key.parent.mkdir(exist_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], check=True)
        settings = {
            "user.name": name,
            "user.email": f"{name}@example.com",
            "gpg.format": "ssh",
            "user.signingkey": f"{key}.pub",
            "commit.gpgsign": "true",
        }
        for setting, value in settings.items():
            git(self.folder, "config", setting, value)

    def signer(self, name: str, options: str = "") -> str:
        """The person's line for allowed_signers."""
        public = (self.folder.parent / "keys" / f"{name}.pub").read_text("utf-8").split()
        return " ".join(filter(None, (f"{name}@example.com", options, *public[:2]))) + "\n"


def build(folder: Path, template: Path, before: bool) -> Target:
    project = installed(template, folder, "Target", Target)
    project.before = before
    project.set("max_iter: 200", "max_iter: 40")
    project.done("factory", "setup")
    git(project.folder.parent, "init", "--quiet", "--bare", "--initial-branch=main", "hub.git")
    git(project.folder, "remote", "add", "origin", "../hub.git")
    project.train("Train")
    git(project.folder, "push", "--quiet", "origin", "main")
    return project


def duplicate(project: Target, parent: Path) -> Target:
    copied = Target(beside(project, parent), project.bin)
    copied.before = project.before
    return copied


def template_at(revision: str, folder: Path) -> Path:
    """The template in an earlier state of this repository."""
    files = subprocess.run(["git", "archive", revision, *PARTS], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def attacked(request, template, tmp_path_factory) -> Path:
    """The template in the state that is attacked."""
    revision = request.config.getoption("--before")
    return template_at(revision, tmp_path_factory.mktemp("before")) if revision else template


@pytest.fixture(scope="session")
def trained(request, attacked, tmp_path_factory) -> Target:
    """Before its first version. Not to be changed."""
    return build(tmp_path_factory.mktemp("trained"), attacked, bool(request.config.getoption("--before")))


@pytest.fixture(scope="session")
def hostile(attacked, tmp_path_factory) -> HostileProject:
    """With models of which one has no ONNX, and features and an estimator that do what rows ask for."""
    return hostile_project.hostile(attacked, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def promoted(trained, tmp_path_factory) -> Target:
    """With v1, where signatures are optional. Not to be changed."""
    project = duplicate(trained, tmp_path_factory.mktemp("promoted") / "x")
    project.done("factory", "promote", "-m", "the first")
    return project


@pytest.fixture(scope="session")
def required(trained, tmp_path_factory) -> Target:
    """With v1, signed by alice, where signatures are required, and alice and bob may sign. Not to be changed."""
    project = duplicate(trained, tmp_path_factory.mktemp("required") / "x")
    project.become("bob")
    project.become("alice")
    for name in ("policy.yaml", "allowed_signers"):
        (project.folder / name).touch()
    policy = (project.folder / "policy.yaml").read_text("utf-8")
    own = [line for line in policy.splitlines() if not line.startswith("signatures:")]
    (project.folder / "policy.yaml").write_text("\n".join([*own, REQUIRED]), "utf-8")
    (project.folder / "allowed_signers").write_text(project.signer("alice") + project.signer("bob"), "utf-8")
    project.save("Require signatures")
    project.done("factory", "promote", "-m", "the first")
    return project


@pytest.fixture
def target(promoted, tmp_path) -> Target:
    return duplicate(promoted, tmp_path / "Zoë 李 x")


@pytest.fixture
def signed(required, tmp_path) -> Target:
    return duplicate(required, tmp_path / "Zoë 李 x")


def pytest_addoption(parser) -> None:
    parser.addoption("--before", metavar="REVISION", help="the state of this repository against which the attacks must succeed")


def pytest_collection_modifyitems(config, items) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.nightly)
        if item.path == HERE / "test_running_service.py" and config.getoption("--before"):
            item.add_marker(pytest.mark.xfail(raises=AssertionError, strict=True))
