"""Sign as Git does here: with the key in FACTORY_SIGNING_KEY, else with the one that Git is set to use."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ..errors import FactoryError
from ..signatures import FILE, SUFFIX
from .process import run

KEY = "FACTORY_SIGNING_KEY"  # a private SSH key's file, or the key itself, as platforms keep their secrets
WITHOUT_KEY = (
    f"there is no key to sign with: set {KEY}, or `git config gpg.format ssh` and "
    "`git config user.signingkey ~/.ssh/id_ed25519.pub`"
)


def can_sign() -> bool:
    """Whether a key is set, of a form that can be verified: x509 cannot."""
    of_git = _form() in ("ssh", "openpgp") and (_config("user.signingkey") or _config("gpg.ssh.defaultKeyCommand"))
    return bool(os.environ.get(KEY) or of_git)


def sign(content: bytes, namespace: str) -> str:
    """The signature of the content, armoured. Raises FactoryError."""
    if not can_sign():
        raise FactoryError(WITHOUT_KEY)
    own = os.environ.get(KEY)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "content")
        file.write_bytes(content)
        if own or _form() == "ssh":
            key = _ssh_key(own or _config("user.signingkey") or _default_key(), Path(folder, "key"))
            program = "ssh-keygen" if own else _config("gpg.ssh.program") or "ssh-keygen"
            run(program, "-Y", "sign", "-n", namespace, "-f", str(key), str(file))
            return file.with_name("content.sig").read_text(encoding="utf-8")
        command = (_config("gpg.program") or "gpg", "--armor", "--detach-sign", "--output", "-")
        return f"{run(*command, '--local-user', _config('user.signingkey') or '', str(file))}\n"


def sign_file(path: Path, required: bool = False) -> bool:
    """Write the signature beside the file, where a key is set or one is required; whether it did. Raises FactoryError."""
    signature = path.with_name(path.name + SUFFIX)
    signature.unlink(missing_ok=True)  # of another content
    if required or can_sign():
        signature.write_text(sign(path.read_bytes(), FILE), encoding="utf-8")
    return signature.exists()


def _form() -> str:
    return _config("gpg.format") or "openpgp"


def _config(name: str) -> str | None:
    with suppress(FactoryError):
        return run("git", "config", "--get", name)
    return None


def _ssh_key(text: str, file: Path) -> Path:
    """The key's file: the one that is named, or a new one for a key that is given itself."""
    text = text.removeprefix("key::").strip()
    if not text.startswith(("-----BEGIN ", "ssh-", "ecdsa-", "sk-")):
        return Path(text).expanduser()
    file.touch(mode=0o600)
    file.write_text(f"{text}\n", encoding="utf-8")
    return file


def _default_key() -> str:
    """The first key of the agent, or of what else the command asks."""
    lines = run("sh", "-c", _config("gpg.ssh.defaultKeyCommand") or "").splitlines()
    return next((line for line in lines if line.startswith(("key::", "ssh-", "ecdsa-", "sk-"))), "")
