"""Signatures as Git and OpenSSH make them: which of those who may sign has signed the content."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

from .errors import FactoryError, SignatureRefused

SUFFIX = ".sig"
FILE = "file"  # ssh-keygen's namespace for files; that of Git's commits and tags is "git"
PGP = "-----BEGIN PGP SIGNATURE-----"
PGP_RESULT = re.compile(r"^\[GNUPG:\] (GOODSIG|BADSIG|ERRSIG|EXPSIG|EXPKEYSIG|REVKEYSIG) (\S+) ?(.*)$", re.MULTILINE)
ARMOR = re.compile(r"-----BEGIN SSH SIGNATURE-----(.*)-----END SSH SIGNATURE-----", re.DOTALL)
PUBLIC_KEY = re.compile(r"(?:ssh|ecdsa|sk)-\S+\s+(?P<key>AAAA\S+)")
OPTION = re.compile(r'([\w-]+)="([^"]*)"')
LINE = re.compile(
    rf'"?(?P<names>[^\s"!]+)"?\s+(?:(?P<options>{OPTION.pattern}(?:,{OPTION.pattern})*)\s+)?{PUBLIC_KEY.pattern}'
)
DATES = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # by their length


@dataclass(frozen=True)
class Signers:
    """Who may sign, and which keys are revoked."""

    allowed: str = ""  # lines of OpenSSH's allowed-signers format
    revoked: str = ""  # SSH public keys, one a line
    pgp: str = ""  # armoured public keys of GnuPG; one that is revoked says so itself

    def revoked_keys(self) -> list[str]:
        """The revoked keys, in base64. Raises FactoryError for a line without one, which ssh-keygen would skip."""
        keys = []
        for number, line in enumerate(lines(self.revoked), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                key = match[1] if (match := PUBLIC_KEY.search(line)) else ""
                if key_type(key) not in line.split():
                    raise FactoryError(f"revoked_signers, line {number}: not a public key such as `ssh-ed25519 AAAA…`")
                keys.append(key)
        return keys


@dataclass(frozen=True)
class SshSignature:
    """The fields of https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig"""

    armored: str
    public_key: bytes
    namespace: str
    reserved: bytes
    hash: str
    value: bytes

    @classmethod
    def parse(cls, armored: str) -> Self:
        """The fields. Raises ValueError."""
        match = ARMOR.fullmatch(armored.strip())
        content = base64.b64decode("".join(match[1].split()), validate=True) if match else b""
        if content[:10] != b"SSHSIG\0\0\0\1":
            raise ValueError("not an SSH signature")
        public_key, namespace, reserved, hash_name, value = strings(content[10:])
        return cls(f"{armored.strip()}\n", public_key, namespace.decode(), reserved, hash_name.decode(), value)

    @property
    def key(self) -> str:
        """The public key in base64, as files of keys have it."""
        return base64.b64encode(self.public_key).decode()

    @property
    def key_type(self) -> str:
        """The key's type; that of a certificate, or of a key in hardware, ends with its inventor's domain."""
        return key_type(self.key)

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, as `ssh-keygen -l` prints it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.public_key).digest()).decode().rstrip('=')}"

    def signed(self, content: bytes) -> bytes:
        """The bytes that the key has signed, if the content is unchanged. Raises ValueError."""
        if self.hash not in ("sha256", "sha512"):
            raise ValueError(f"unknown hash {self.hash}")
        parts = self.namespace.encode(), self.reserved, self.hash.encode(), hashlib.new(self.hash, content).digest()
        return b"SSHSIG" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def verify(
    content: bytes, signature: str, signers: Signers, namespace: str, at: datetime | None = None, *, what: str = "it"
) -> str:
    """The signer's name among the signers, who could sign at that time, by default now. Raises SignatureRefused."""
    at = (at or datetime.now(UTC)).astimezone(UTC)
    if not signature.strip():
        raise SignatureRefused("UNSIGNED", f"{what} is not signed")
    if signature.lstrip().startswith(PGP):
        return _verify_pgp(content, signature, signers, at, what)
    try:
        ssh = SshSignature.parse(signature)
    except ValueError as error:
        raise SignatureRefused("SIGNATURE_INVALID", f"the signature of {what} is damaged ({error})") from error
    if ssh.namespace != namespace:
        reason = f"the signature of {what} is for the namespace {ssh.namespace}, not {namespace}"
        raise SignatureRefused("SIGNATURE_INVALID", reason)
    if ssh.key in signers.revoked_keys():
        raise SignatureRefused("SIGNATURE_INVALID", f"{what} is signed by the key {ssh.fingerprint}, which is revoked")
    find = _openssh_signer if shutil.which("ssh-keygen") else _signer
    signer = find(content, ssh, signers, at, what)
    if signer is None:
        reason = "may not sign this, or not at that time" if ssh.key in signers.allowed else "is not allowed"
        raise SignatureRefused("SIGNER_UNKNOWN", f"{what} is signed by the key {ssh.fingerprint}, which {reason}")
    return signer


def read(path: Path) -> Signers:
    """The signers in the file: lines of allowed signers, or GnuPG's keys. Raises FactoryError."""
    try:
        text = path.read_bytes().decode()  # with the ends of lines that it has
    except (OSError, UnicodeDecodeError) as error:
        raise FactoryError(f"{path}: no readable file of allowed signers") from error
    return Signers(allowed=text, pgp=text)


def verify_file(path: Path, signers: Signers, content: bytes | None = None) -> str:
    """The signer of the file, by the signature beside it; its content may be known already. Raises SignatureRefused."""
    signature = path.with_name(path.name + SUFFIX)
    text = signature.read_text(encoding="utf-8", errors="replace") if signature.is_file() else ""
    try:
        return verify(path.read_bytes() if content is None else content, text, signers, FILE, what=str(path))
    except SignatureRefused as error:
        raise SignatureRefused(error.code, f"{error.reason}: make it again, signed by an allowed signer") from error


def _openssh_signer(content: bytes, ssh: SshSignature, signers: Signers, at: datetime, what: str) -> str | None:
    """The signer, by ssh-keygen, which knows certificates and keys in hardware, too."""
    with tempfile.TemporaryDirectory() as folder:
        allowed, revoked, signature = (Path(folder, name) for name in ("allowed", "revoked", "signature"))
        signature.write_text(ssh.armored, encoding="utf-8")
        revoked.write_text("\n".join(f"{key_type(key)} {key}" for key in signers.revoked_keys()), encoding="utf-8")

        def keygen(action: str, *options: str) -> str | None:
            time = f"-Overify-time={at:%Y%m%d%H%M%S}"  # without Z, which old ones do not know
            command = ("ssh-keygen", "-Y", action, "-s", str(signature), time, *options)
            env = {**os.environ, "TZ": "UTC"}  # so that dates without Z are the same everywhere
            process = subprocess.run(command, input=content, capture_output=True, env=env, check=False)
            return None if process.returncode else process.stdout.decode(errors="replace")

        if keygen("check-novalidate", "-n", ssh.namespace) is None:
            raise _changed(what)
        for line in _lines_for(ssh, signers):  # one by one: it stops at the first line with the key
            allowed.write_text(f"{line}\n", encoding="utf-8")
            for name in filter(None, lines(keygen("find-principals", "-f", str(allowed)) or "")):
                options = ("-f", str(allowed), "-I", name, "-n", ssh.namespace)
                if keygen("verify", *options, "-r", str(revoked)) is not None:
                    return name
                if keygen("verify", *options) is not None:
                    raise SignatureRefused("SIGNATURE_INVALID", f"{what} is signed by {name}, whose key is revoked")
    return None


def _signer(content: bytes, ssh: SshSignature, signers: Signers, at: datetime, what: str) -> str | None:
    """The signer, without OpenSSH: of keys that are neither certificates nor in hardware. Raises SignatureRefused."""
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    except ImportError as error:
        reason = f"the signature of {what} cannot be verified: install OpenSSH (ssh-keygen), or `cryptography`"
        raise SignatureRefused("SIGNER_UNKNOWN", reason) from error
    if "@" in ssh.key_type:
        reason = f"the signature of {what} cannot be verified: install OpenSSH (ssh-keygen) for keys of this type"
        raise SignatureRefused("SIGNER_UNKNOWN", reason)
    try:
        key = load_ssh_public_key(f"{ssh.key_type} {ssh.key}".encode())
        _check(key, strings(ssh.value), ssh.signed(content))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
        raise _changed(what) from error
    found = (_principal(line, ssh, at) for line in _lines_for(ssh, signers))
    return next(filter(None, found), None)


def _check(key: Any, signature: list[bytes], signed: bytes) -> None:
    """Raises InvalidSignature or ValueError."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

    name, value = signature
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(value, signed)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        r, s = (int.from_bytes(number, "big") for number in strings(value))
        digest = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[key.key_size]
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(digest))
    elif isinstance(key, rsa.RSAPublicKey) and name in (b"rsa-sha2-256", b"rsa-sha2-512"):
        key.verify(value, signed, padding.PKCS1v15(), hashes.SHA512() if name.endswith(b"512") else hashes.SHA256())
    else:
        raise ValueError(f"{name!r}: not a signature of such a key")


def _principal(line: str, ssh: SshSignature, at: datetime) -> str | None:
    """The first name in the line, if it allows its key this namespace at that time; an option not known here allows nothing."""
    match = LINE.match(line)
    if match is None or match["key"] != ssh.key:  # which may be in the comment of another's line
        return None
    options = {name.lower(): value for name, value in OPTION.findall(match["options"] or "")}
    allowed = options.pop("namespaces", "*").split(",")
    try:
        after, before = (_time(options.pop(name, None)) or at for name in ("valid-after", "valid-before"))
    except (KeyError, ValueError):
        return None
    valid = not options and after <= at <= before and any(fnmatchcase(ssh.namespace, pattern) for pattern in allowed)
    return match["names"].partition(",")[0] if valid else None


def _time(text: str | None) -> datetime | None:
    digits = (text or "").removesuffix("Z")
    return datetime.strptime(digits, DATES[len(digits)]).replace(tzinfo=UTC) if text else None


def _lines_for(ssh: SshSignature, signers: Signers) -> Iterator[str]:
    """The lines with the key, or with an authority that may have certified it."""
    for line in lines(signers.allowed):
        if not line.lstrip().startswith("#") and (ssh.key in line.split() or "cert-authority" in line.lower()):
            yield line


def lines(text: str) -> list[str]:
    """The lines as OpenSSH, Git and reviewers see them: other ends of lines, as U+2028, would hide a signer in a comment."""
    return [line.rstrip("\r") for line in text.split("\n")]


def _verify_pgp(content: bytes, signature: str, signers: Signers, at: datetime, what: str) -> str:
    """The user id of the key that signed, by GnuPG and the signers' keys alone. Raises SignatureRefused."""
    if not shutil.which("gpg"):
        raise SignatureRefused("SIGNER_UNKNOWN", f"the signature of {what} cannot be verified: install GnuPG (gpg)")
    with tempfile.TemporaryDirectory() as home:

        def gpg(*options: str, stdin: bytes) -> str:
            command = ("gpg", "--homedir", home, "--batch", "--no-autostart", "--status-fd", "1", *options)
            return subprocess.run(command, input=stdin, capture_output=True, check=False).stdout.decode(
                errors="replace"
            )

        gpg("--import", stdin=signers.pgp.encode())
        Path(home, "signature").write_text(signature, encoding="utf-8")
        time = f"--faked-system-time={at:%Y%m%dT%H%M%S}!"
        status = gpg(time, "--verify", f"{home}/signature", "-", stdin=content)
    match PGP_RESULT.findall(status):
        case [("GOODSIG", _, name)]:
            return str(name)
        case [("REVKEYSIG", key, _)]:
            raise SignatureRefused("SIGNATURE_INVALID", f"{what} is signed by the key {key}, which is revoked")
        case [("ERRSIG" | "EXPSIG" | "EXPKEYSIG", key, _)]:
            reason = f"{what} is signed by the key {key}, which is not allowed, or not at that time"
            raise SignatureRefused("SIGNER_UNKNOWN", reason)
    raise _changed(what)


def _changed(what: str) -> SignatureRefused:
    return SignatureRefused("SIGNATURE_INVALID", f"{what} is not what was signed")


def key_type(key: str) -> str:
    """The type of the public key in base64, which is its first string; "" if it is none."""
    try:
        content = base64.b64decode(key, validate=True)
    except ValueError:
        return ""
    return content[4 : 4 + int.from_bytes(content[:4], "big")].decode(errors="replace")


def strings(content: bytes) -> list[bytes]:
    """The strings of which OpenSSH composes keys and signatures. Raises ValueError."""
    strings = []
    while content:
        end = 4 + int.from_bytes(content[:4], "big")
        if end > len(content):
            raise ValueError("cut off")
        strings.append(content[4:end])
        content = content[end:]
    return strings
