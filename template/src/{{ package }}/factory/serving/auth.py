"""Who calls: by API key, or by the name in a header where there are no keys."""

import hashlib
import re
import secrets
from pathlib import Path

from ..errors import FactoryError

NAME = re.compile(r"[\w.-]{1,40}", re.ASCII)
UNNAMED, OTHERS = "unnamed", "others"


class Callers:
    """Names the caller of a request from its headers, and bounds how many names metrics have."""

    def __init__(self, keys: Path | None, header: str, max_labels: int) -> None:
        self.keys = read_keys(keys) if keys else None
        self._header = header.lower().encode()
        self._labels: set[str] = set(self.keys.values()) if self.keys else {UNNAMED}
        self._max_labels = max_labels

    def name(self, headers: dict[bytes, bytes]) -> str | None:
        """The caller, or None where a key is needed and none is known."""
        if self.keys is not None:
            scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
            key = key.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
            return self.keys.get(hashlib.sha256(key).hexdigest())
        name = headers.get(self._header, UNNAMED.encode()).decode("latin-1")
        return name if NAME.fullmatch(name) else UNNAMED

    def label(self, name: str) -> str:
        """The name as metrics have it: the first names have their own, all later ones share one."""
        if name not in self._labels:
            if len(self._labels) >= self._max_labels:
                return OTHERS
            self._labels.add(name)
        return name


def read_keys(path: Path) -> dict[str, str]:
    """The callers of a keys file by the sha256 of their keys. Raises FactoryError."""
    try:
        lines = [
            line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()[:1] not in ("", "#")
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise FactoryError(f"{path}: the keys cannot be read") from error
    for line in lines:
        if len(line) != 2 or not NAME.fullmatch(line[0]) or not re.fullmatch("[0-9a-f]{64}", line[1]):
            raise FactoryError(f"{path}: each line holds a caller's name and the sha256 of its key: `factory key NAME`")
    if not lines:
        raise FactoryError(f"{path}: holds no key, so that nobody could call")
    return {sha256: name for name, sha256 in lines}


def new_key(name: str) -> tuple[str, str]:
    """A key for the caller, and its line in the keys file. Raises FactoryError."""
    if not NAME.fullmatch(name):
        raise FactoryError(f"{name}: a caller's name has up to 40 letters, digits, dots, dashes and underscores")
    key = secrets.token_urlsafe(32)  # so long that no salt or slow hash is needed
    return key, f"{name} {hashlib.sha256(key.encode()).hexdigest()}"
