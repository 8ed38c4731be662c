"""The service's certificate, checked by a handshake in memory, and read again when its files change."""

import logging
import math
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import FactoryError

DAY = 86_400
WARNING_DAYS = 7  # before a certificate expires
log = logging.getLogger("uvicorn.error")


class Certificate:
    """`context` is for the next connection; those that are open keep theirs."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self._reported: set[str] = set()
        self._in_service = self._content()
        self.context, self._expires = _checked(certificate, key)

    def reload(self) -> None:
        """Take renewed files, which are tried until they can be used; report what is wrong with any, once each."""
        problems = {*self._take_renewed(), *self._expiry()}
        for problem in problems - self._reported:
            log.error(problem)
        self._reported = problems

    def _take_renewed(self) -> Iterator[str]:
        try:
            content = self._content()
            if content != self._in_service:
                self.context, self._expires = _checked(*self._files)
                self._in_service = content
                log.info("%s: is in service", self._files[0])
        except FactoryError as error:
            yield f"{error}; the certificate in service stays"

    def _expiry(self) -> Iterator[str]:
        days = (self._expires - time.time()) / DAY
        if days <= WARNING_DAYS:
            when = "has expired" if days <= 0 else f"expires within {24 * math.ceil(days)} hours"
            yield f"FACTORY_CERT: the certificate in service {when}: renew {self._files[0]}"

    def _content(self) -> list[bytes]:
        return [_read(f"FACTORY_CERT{name}", path) for name, path in zip(("", "_KEY"), self._files, strict=True)]


def _read(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FactoryError(f"{setting}: {path}: cannot be read: {error.strerror}") from error


def _checked(certificate: Path, key: Path) -> tuple[ssl.SSLContext, float]:
    """A context that serves the certificate, and when it expires. Raises FactoryError where clients could not accept it."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.set_alpn_protocols(["http/1.1"])
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate vouches for itself: its time is looked at
    try:
        server.load_cert_chain(certificate, key, password=lambda: "")  # else it would be asked for in the terminal
        client.load_verify_locations(certificate)
        expires = _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        raise FactoryError(f"FACTORY_CERT: {certificate}: {error.verify_message}") from error
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error.strerror or "unreadable"
        raise FactoryError(
            f"FACTORY_CERT, FACTORY_CERT_KEY: {certificate} and {key} must be a certificate in PEM and its key, without a "
            f"password: {reason.lower().replace('_', ' ')}"
        ) from error
    return server, expires


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> float:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    shown = client.wrap_bio(back, there)
    ends = [shown, server.wrap_bio(there, back, server_side=True)]
    while ends:
        try:
            ends[0].do_handshake()
            ends.pop(0)
        except ssl.SSLWantReadError:
            ends.reverse()
    certificate = shown.getpeercert() or {}
    return ssl.cert_time_to_seconds(str(certificate["notAfter"]))
