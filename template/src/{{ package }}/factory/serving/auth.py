"""Callers of the service: by API key, or by the name in a header where no keys are set."""

import hashlib
import logging
import math
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ..errors import FactoryError
from .settings import MAX_RATE, MIN_RATE, Settings

NAME = re.compile(r"[\w.-]{1,40}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}")
OF_NOTHING = hashlib.sha256(b"").hexdigest()
LINE = "NAME SHA256 [until=2027-01-31] [rate=10]"
RESERVED = UNNAMED, OTHERS, UNKNOWN, SHADOW = "unnamed", "others", "unknown", "shadow"  # for callers without a name
TAKEN = "the service itself uses this name: choose another one"
SETTLED_SECONDS, UNFINISHED_SECONDS = 0.1, 10
log = logging.getLogger("uvicorn.error")


@dataclass(frozen=True)
class Caller:
    """Who sent a request: the name, the requests a second, and when the key expires, in seconds since 1970."""

    name: str
    rate: float | None = None
    until: float = math.inf


class Callers:
    """Identifies the caller of a request, and limits how many names appear in metrics."""

    def __init__(self, settings: Settings) -> None:
        self._path, self._rate = settings.keys, settings.rate
        self._header = settings.caller_header.lower().encode()
        self._content = _read(self._path) if self._path else b""
        self._unfinished, self._since = b"", 0.0
        self.keys = parse_keys(self._content, self._path) if self._path else None
        self._labels: set[str] = {each.name for each in self.keys.values()} if self.keys else {UNNAMED}
        self._max_labels = settings.callers
        self._read_once = self._path is None or self._path.is_fifo()
        self._problem = ""
        self._warn()

    def find(self, headers: dict[bytes, bytes]) -> Caller | None:
        """The caller; None where a key is required and the request has no valid one."""
        if self.keys is not None:
            scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
            key = key.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
            caller = self.keys.get(hashlib.sha256(key).hexdigest())
            return caller if caller and time.time() < caller.until else None
        name = headers.get(self._header, UNNAMED.encode()).decode("latin-1")
        return Caller(name if NAME.fullmatch(name) and name not in RESERVED else UNNAMED)

    def rate(self, caller: Caller) -> float | None:
        """The requests a second that the caller may send; None for any number."""
        return self._rate if caller.rate is None else caller.rate

    def label(self, name: str) -> str:
        """The name in metrics: the first callers have their own, all later ones share one."""
        if name not in self._labels:
            if len(self._labels) >= self._max_labels:
                return OTHERS
            self._labels.add(name)
        return name

    def reload(self) -> None:
        """Read the keys again if their file has changed; the present ones stay where it cannot be used."""
        if self._path is None or self._read_once:
            return
        try:
            content = _read(self._path)
            if content == self._content:
                if self._problem:
                    log.info("%s: is as before again", self._path)
                self._problem = ""
                return
            time.sleep(SETTLED_SECONDS)
            if content != _read(self._path):  # it is being written
                return
            keys = parse_keys(content, self._path)
            if not (content.endswith(b"\n") or self._is_settled(content)):
                return
        except FactoryError as error:
            if str(error) != self._problem:
                log.error("%s; the previous keys stay in use", error)
            self._problem = str(error)
            return
        self._labels |= {each.name for each in keys.values()}
        self._content, self.keys, self._problem = content, keys, ""
        log.info("%s: read again, keys in use: %d", self._path, len(keys))
        self._warn()

    def _is_settled(self, content: bytes) -> bool:
        """Whether nobody goes on with a last line that has no end, and may lack its `until=` or its last digit."""
        now = time.monotonic()  # not the file's time, which may be another clock's
        if content != self._unfinished:
            self._unfinished, self._since = content, now
        return now - self._since > UNFINISHED_SECONDS

    def _warn(self) -> None:
        expired = {each.name for each in (self.keys or {}).values() if each.until <= time.time()}
        if expired:
            log.warning("%s: keys have expired: %s", self._path, ", ".join(sorted(expired)))
        with suppress(OSError):
            if self._path and self._path.stat().st_mode & 0o006:
                log.warning("%s: other users of this machine can read or change it: use chmod 600", self._path)


def parse_keys(content: bytes, path: Path) -> dict[str, Caller]:
    """The callers in a keys file, by the sha256 of their keys. Raises FactoryError."""
    keys: dict[str, Caller] = {}
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise FactoryError(f"{path}: cannot read the keys: not UTF-8") from error
    for number, line in enumerate(lines, 1):
        if line.strip()[:1] in ("", "#"):
            continue
        try:
            sha256, caller = _parse(line)
        except (ValueError, OverflowError) as error:
            reason = f"each line holds {LINE}: `uv run factory key NAME` prints it"
            raise FactoryError(f"{path}, line {number}: {reason}") from error
        if caller.name in RESERVED:
            raise FactoryError(f"{path}, line {number}: {caller.name}: {TAKEN}")
        if sha256 == OF_NOTHING or sha256 in keys:
            reason = "this key is in an earlier line, too" if sha256 in keys else "this is the sha256 of an empty key"
            raise FactoryError(f"{path}, line {number}: {reason}: `uv run factory key NAME` prints a new one")
        keys[sha256] = caller
    if not keys:
        raise FactoryError(f"{path}: has no keys: add the line that `uv run factory key NAME` prints")
    return keys


def new_key(name: str, days: int | None = None, rate: float | None = None) -> tuple[str, str]:
    """A new key for the caller, and its line for the keys file. Raises FactoryError."""
    if not NAME.fullmatch(name):
        raise FactoryError(f"{name}: not a caller's name: use up to 40 letters, digits, dots, dashes and underscores")
    if name in RESERVED:
        raise FactoryError(f"{name}: {TAKEN}")
    key = secrets.token_urlsafe(32)  # long enough to need neither salt nor a slow hash
    until = f" until={datetime.now(UTC).date() + timedelta(days)}" if days else ""
    return key, f"{name} {hashlib.sha256(key.encode()).hexdigest()}{until}{f' rate={rate:.10g}' if rate else ''}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FactoryError(f"{path}: cannot read the keys: {error.strerror}") from error


def _parse(line: str) -> tuple[str, Caller]:
    """The sha256 and the caller in a line. Raises ValueError and OverflowError."""
    name, sha256, *options = line.split()
    given = dict(option.split("=") for option in options)
    if len(given) < len(options):
        raise ValueError(line)
    rate = float(given.pop("rate")) if "rate" in given else None
    until = _end(given.pop("until")) if "until" in given else math.inf
    if (
        given
        or not NAME.fullmatch(name)
        or not SHA256.fullmatch(sha256)
        or not (rate is None or MIN_RATE <= rate <= MAX_RATE)
    ):
        raise ValueError(line)
    return sha256, Caller(name, rate, until)


def _end(text: str) -> float:
    """The end of the day in UTC, or the moment, whose zone must be given."""
    if len(text) == len("2027-01-31"):
        end = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC) + timedelta(1)
    elif (end := datetime.fromisoformat(text)).tzinfo is None:
        raise ValueError(text)
    return end.timestamp()
