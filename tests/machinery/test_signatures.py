"""Who signed: by ssh-keygen and, where it is not installed, by cryptography; and by GnuPG."""

import base64
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from late_flights.factory import signatures
from late_flights.factory.errors import FactoryError, SignatureRefused
from late_flights.factory.signatures import Signers, verify
from late_flights.factory.workspace import signing

from machinery import signing_key

CONTENT = b"content \xff\n"
SIGNED_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)

WITHOUT_PROGRAMS = SimpleNamespace(which=lambda name: None)

Sign = Callable[..., str]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """Key files and their public keys, by type."""
    folder = tmp_path_factory.mktemp("keys")
    return {kind: (folder / kind, signing_key.make(folder / kind, kind)) for kind in ("ed25519", "ecdsa", "rsa")}


@pytest.fixture(params=["openssh", "cryptography"])
def verifier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What verifies, by whether ssh-keygen is found."""
    if request.param == "cryptography":
        monkeypatch.setattr(signatures, "shutil", WITHOUT_PROGRAMS)
    return str(request.param)


@pytest.fixture
def sign(keys: dict[str, tuple[Path, str]], monkeypatch: pytest.MonkeyPatch) -> Sign:
    """Sign by a key of the type."""

    def by(kind: str = "ed25519", namespace: str = "git") -> str:
        with monkeypatch.context() as patch:
            patch.setenv(signing.KEY, str(keys[kind][0]))
            return signing.sign(CONTENT, namespace)

    return by


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_signer_is_named(keys: dict[str, tuple[Path, str]], sign: Sign, verifier: str, kind: str) -> None:
    """Whatever the key's type."""
    assert verify(CONTENT, sign(kind), Signers(f"# people\n\nzoe@example.com {keys[kind][1]}"), "git") == "zoe@example.com"


OPTIONS = {
    'valid-after="20260601Z"': True,
    'valid-after="20260602Z"': False,
    'valid-before="202606011200Z"': True,
    'valid-before="20260601115959Z"': False,
    'valid-before="20260601115959"': False,  # in UTC as well, on whichever machine
    'namespaces="file,git"': True,
    'namespaces="fi*"': False,
    'namespaces="git",valid-after="20260101",valid-before="20270101"': True,
    'valid-before="soon"': False,
    "cert-authority": False,  # of a key that is no certificate
    'some-day="20260601Z"': False,
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options_of_signer(
    keys: dict[str, tuple[Path, str]], sign: Sign, verifier: str, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of OpenSSH's options, those known limit the key; one that is not known, or not understood, allows nothing."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    signers = Signers(f"zoe@example.com {options} {keys['ed25519'][1]}")
    if OPTIONS[options]:
        assert verify(CONTENT, sign(), signers, "git", SIGNED_AT) == "zoe@example.com"
    else:
        with pytest.raises(SignatureRefused, match="may not sign this, or not at that time") as refused:
            verify(CONTENT, sign(), signers, "git", SIGNED_AT)
        assert refused.value.code == "SIGNER_UNKNOWN"


def test_later_line_may_allow(keys: dict[str, tuple[Path, str]], sign: Sign, verifier: str) -> None:
    """A line that is broken, expired or for something else hides no other."""
    key = keys["ed25519"][1]
    lines = ["nonsense", f'old@example.com valid-before="20250101Z" {key}', f"a@example.com strange {key}"]
    lines += [f'model@example.com namespaces="file" {key}', f"new@example.com,other@example.com {key}"]
    assert verify(CONTENT, sign(), Signers("\n".join(lines)), "git", SIGNED_AT) == "new@example.com"


def test_key_in_the_comment_of_another_s_line(keys: dict[str, tuple[Path, str]], sign: Sign, verifier: str) -> None:
    """It is no key of that person's."""
    signers = Signers(f"zoe@example.com {keys['ed25519'][1].strip()} {keys['ecdsa'][1]}")
    assert verify(CONTENT, sign(), signers, "git") == "zoe@example.com"
    with pytest.raises(SignatureRefused, match="SIGNER_UNKNOWN"):
        verify(CONTENT, sign("ecdsa"), signers, "git")


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"], ids=ascii)
def test_lines_end_as_in_openssh(keys: dict[str, tuple[Path, str]], sign: Sign, verifier: str, end: str, tmp_path: Path) -> None:
    """Nobody signs, and no key is revoked, by what a reviewer sees as a comment."""
    key, file = keys["ed25519"][1].strip(), tmp_path / "signers"
    file.write_bytes(f"# see the wiki{end}eve@example.com {key}\r\n".encode())
    with pytest.raises(SignatureRefused, match="SIGNER_UNKNOWN"):
        verify(CONTENT, sign(), signatures.read(file), "git")
    signers = Signers(f"zoe@example.com {key}\r\n", f"# old{end}{key}\r\n")
    assert verify(CONTENT, sign(), signers, "git") == "zoe@example.com"


def test_refused(keys: dict[str, tuple[Path, str]], sign: Sign, verifier: str) -> None:
    """Each refusal has its code, whoever is asked."""
    zoe = Signers(f"zoe@example.com {keys['ed25519'][1]}")
    own, cut = sign(), "".join(sign().splitlines(keepends=True)[2:])
    cases = [
        ("UNSIGNED", CONTENT, "", zoe),
        ("SIGNER_UNKNOWN", CONTENT, own, Signers()),
        ("SIGNER_UNKNOWN", CONTENT, sign("ecdsa"), zoe),
        ("SIGNATURE_INVALID", CONTENT + b"!", own, zoe),
        ("SIGNATURE_INVALID", CONTENT + b"!", sign("ecdsa"), zoe),
        ("SIGNATURE_INVALID", CONTENT + b"!", sign("rsa"), zoe),
        ("SIGNATURE_INVALID", CONTENT, sign(namespace="file"), zoe),
        ("SIGNATURE_INVALID", CONTENT, cut, zoe),
        ("SIGNATURE_INVALID", CONTENT, own.replace("U1NIU0lH", "U1NIU0lI"), zoe),
        ("SIGNATURE_INVALID", CONTENT, own, Signers(zoe.allowed, keys["ed25519"][1])),
        ("SIGNATURE_INVALID", CONTENT, own, Signers(zoe.allowed, f"# lost\nzoe@example.com {keys['ed25519'][1]}")),
    ]
    for code, content, signature, signers in cases:
        with pytest.raises(SignatureRefused) as refused:
            verify(content, signature, signers, "git", what="model/v1")
        assert refused.value.code == code
        assert "model/v1" in str(refused.value)


@pytest.mark.parametrize("line", ["zoe@example.com", "ssh-ed25519 AAAAbroken", "ssh-ed25519 AAAA/", "ssh-rsa {}"])
def test_unreadable_revocation_is_refused(keys: dict[str, tuple[Path, str]], sign: Sign, line: str) -> None:
    """ssh-keygen would skip the line, and so accept the key that it was to revoke."""
    key = keys["ed25519"][1]
    signers = Signers(f"zoe@example.com {key}", f"{line.format(key.split()[1])}\n")
    with pytest.raises(FactoryError, match="revoked_signers, line 1: not a public key"):
        verify(CONTENT, sign(), signers, "git")


def test_certificates(keys: dict[str, tuple[Path, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority vouches for those whom it certified, until it or they are revoked; without OpenSSH for nobody."""
    authority, key = keys["ecdsa"], tmp_path / "key"
    public = signing_key.make(key)
    command = ("ssh-keygen", "-q", "-s", str(authority[0]), "-I", "zoe", "-n", "zoe@example.com", str(key))
    subprocess.run(command, check=True)
    monkeypatch.setenv(signing.KEY, f"{key}-cert.pub")
    signature, allowed = signing.sign(CONTENT, "git"), f"*@example.com cert-authority {authority[1]}"
    assert verify(CONTENT, signature, Signers(allowed), "git") == "zoe@example.com"
    for revoked in (public, authority[1]):
        with pytest.raises(SignatureRefused, match=r"zoe@example.com, whose key is revoked") as refused:
            verify(CONTENT, signature, Signers(allowed, revoked), "git")
        assert refused.value.code == "SIGNATURE_INVALID"
    monkeypatch.setattr(signatures, "shutil", WITHOUT_PROGRAMS)
    for unsupported in (signature, in_hardware()):
        with pytest.raises(SignatureRefused, match=r"SIGNER_UNKNOWN: .*install OpenSSH"):
            verify(CONTENT, unsupported, Signers(allowed), "git")


def in_hardware() -> str:
    """What a signature by a key in hardware looks like."""
    key = packed(b"sk-ssh-ed25519@openssh.com", bytes(32), b"ssh:")
    value = packed(b"sk-ssh-ed25519@openssh.com", bytes(64)) + bytes(5)
    content = base64.b64encode(b"SSHSIG\0\0\0\1" + packed(key, b"git", b"", b"sha512", value)).decode()
    return f"-----BEGIN SSH SIGNATURE-----\n{content}\n-----END SSH SIGNATURE-----\n"


def packed(*strings: bytes) -> bytes:
    return b"".join(len(string).to_bytes(4, "big") + string for string in strings)


def test_without_any_verifier(keys: dict[str, tuple[Path, str]], sign: Sign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can verify, nothing is accepted."""
    signature = sign()
    monkeypatch.setattr(signatures, "shutil", WITHOUT_PROGRAMS)
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(SignatureRefused, match=r"SIGNER_UNKNOWN: .* cannot be verified: install OpenSSH"):
        verify(CONTENT, signature, Signers(f"zoe@example.com {keys['ed25519'][1]}"), "git")


def test_key_from_git_or_given_itself(keys: dict[str, tuple[Path, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own settings sign, too, and a secret that is the key itself."""
    private, public = keys["ed25519"]
    signers = Signers(f"zoe@example.com {public}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    with pytest.raises(FactoryError, match="there is no key to sign with: set FACTORY_SIGNING_KEY, or `git config"):
        signing.sign(CONTENT, "git")
    for name, value in {"gpg.format": "ssh", "user.signingkey": str(private)}.items():
        subprocess.run(("git", "config", "--global", name, value), check=True)
    assert verify(CONTENT, signing.sign(CONTENT, "git"), signers, "git")
    monkeypatch.setenv(signing.KEY, private.read_text(encoding="utf-8"))
    subprocess.run(("git", "config", "--global", "--unset", "user.signingkey"), check=True)
    assert verify(CONTENT, signing.sign(CONTENT, "git"), signers, "git")
    subprocess.run(("git", "config", "--global", "gpg.ssh.program", "false"), check=True)
    assert verify(CONTENT, signing.sign(CONTENT, "git"), signers, "git")
    subprocess.run(("git", "config", "--global", "--unset", "gpg.ssh.program"), check=True)
    monkeypatch.delenv(signing.KEY)
    subprocess.run(("git", "config", "--global", "gpg.ssh.defaultKeyCommand", f"cat {private}.pub"), check=True)
    with pytest.raises(FactoryError, match=r"ssh-keygen -Y. failed"):  # without an agent that has the private key
        signing.sign(CONTENT, "git")
    subprocess.run(("git", "config", "--global", "gpg.format", "x509"), check=True)
    assert not signing.can_sign()  # what nobody could verify: an optional signature is left out


@pytest.fixture(scope="module")
def gnupg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of GnuPG with Zoë's key."""
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed")
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "")
    subprocess.run((*gpg, "--quick-generate-key", "Zoë <zoe@example.com>", "ed25519", "sign", "never"), check=True)
    yield home
    subprocess.run(("gpgconf", "--homedir", str(home), "--kill", "all"), check=False)


def test_gnupg(gnupg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's older way to sign, verified by the signers' keys alone, whatever the machine's keyring has."""
    monkeypatch.setenv("GNUPGHOME", str(gnupg))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    subprocess.run(("git", "config", "--global", "user.signingkey", "zoe@example.com"), check=True)
    signature = signing.sign(CONTENT, "git")
    exported = subprocess.run(("gpg", "--armor", "--export"), capture_output=True, text=True, check=True).stdout
    assert verify(CONTENT, signature, Signers(pgp=exported), "git") == "Zoë <zoe@example.com>"
    for code, content, signers in (
        ("SIGNATURE_INVALID", CONTENT + b"!", Signers(pgp=exported)),
        ("SIGNER_UNKNOWN", CONTENT, Signers()),
    ):
        with pytest.raises(SignatureRefused, match=code):
            verify(content, signature, signers, "git")
    revocation = next(gnupg.glob("openpgp-revocs.d/*.rev")).read_text(encoding="utf-8").replace(":-----", "-----")
    with pytest.raises(SignatureRefused, match=r"SIGNATURE_INVALID: .* is revoked"):
        verify(CONTENT, signature, Signers(pgp=f"{exported}\n{revocation}"), "git")
