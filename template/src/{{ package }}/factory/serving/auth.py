"""Callers of the service: by API key, or by the name in a header where no keys are set."""

import hashlib
import re
import secrets
from pathlib import Path

from ..errors import FactoryError

NAME = re.compile(r"[\w.-]{1,40}", re.ASCII)
UNNAMED, OTHERS = "unnamed", "others"


class Callers:
    """Identifies the caller of a request, and limits how many names appear in metrics."""

    def __init__(self, keys: Path | None, header: str, max_labels: int) -> None:
        self.keys = read_keys(keys) if keys else None
        self._header = header.lower().encode()
        self._labels: set[str] = set(self.keys.values()) if self.keys else {UNNAMED}
        self._max_labels = max_labels

    def name(self, headers: dict[bytes, bytes]) -> str | None:
        """The caller; None where a key is required and the request has no known one."""
        if self.keys is not None:
            scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
            key = key.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
            return self.keys.get(hashlib.sha256(key).hexdigest())
        name = headers.get(self._header, UNNAMED.encode()).decode("latin-1")
        return name if NAME.fullmatch(name) else UNNAMED

    def label(self, name: str) -> str:
        """The name in metrics: the first callers have their own, all later ones share one."""
        if name not in self._labels:
            if len(self._labels) >= self._max_labels:
                return OTHERS
            self._labels.add(name)
        return name


def read_keys(path: Path) -> dict[str, str]:
    """The callers in a keys file, by the sha256 of their keys. Raises FactoryError."""
    try:
        lines = [
            line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()[:1] not in ("", "#")
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise FactoryError(f"{path}: cannot read the keys") from error
    for line in lines:
        if len(line) != 2 or not NAME.fullmatch(line[0]) or not re.fullmatch("[0-9a-f]{64}", line[1]):
            raise FactoryError(f"{path}: each line holds a name and the sha256 of its key: `uv run factory key NAME`")
    if not lines:
        raise FactoryError(f"{path}: has no keys: add the line that `uv run factory key NAME` prints")
    return {sha256: name for name, sha256 in lines}


def new_key(name: str) -> tuple[str, str]:
    """A new key for the caller, and its line for the keys file. Raises FactoryError."""
    if not NAME.fullmatch(name):
        raise FactoryError(f"{name}: not a caller's name: use up to 40 letters, digits, dots, dashes and underscores")
    key = secrets.token_urlsafe(32)  # long enough to need neither salt nor a slow hash
    return key, f"{name} {hashlib.sha256(key.encode()).hexdigest()}"
