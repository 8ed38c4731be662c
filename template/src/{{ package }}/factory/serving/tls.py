"""The service's certificate, checked by a handshake in memory, and read again when its files change."""

import logging
import ssl
from pathlib import Path

from ..errors import FactoryError

log = logging.getLogger("uvicorn.error")


class Certificate:
    """`context` is for the next connection; those that are open keep theirs."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self._seen = self._content()
        self.context = _checked(certificate, key)

    def reload(self) -> None:
        """Take renewed files; those that cannot be used are reported once, and the ones before go on."""
        try:
            content = self._content()
            if content == self._seen:
                return
            self._seen = content
            self.context = _checked(*self._files)
        except FactoryError as error:
            log.error("%s; the certificate in service stays", error)
        else:
            log.info("%s: is in service", self._files[0])

    def _content(self) -> list[bytes]:
        return [_read(f"FACTORY_CERT{name}", path) for name, path in zip(("", "_KEY"), self._files, strict=True)]


def _read(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FactoryError(f"{setting}: {path}: cannot be read: {error.strerror}") from error


def _checked(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context that serves the certificate. Raises FactoryError where clients could not accept it."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.set_alpn_protocols(["http/1.1"])
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate vouches for itself: its time is looked at
    try:
        server.load_cert_chain(certificate, key, password=lambda: "")  # else it would be asked for in the terminal
        client.load_verify_locations(certificate)
        _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        raise FactoryError(f"FACTORY_CERT: {certificate}: {error.verify_message}") from error
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error.strerror or "unreadable"
        raise FactoryError(
            f"FACTORY_CERT, FACTORY_CERT_KEY: {certificate} and {key} must be a certificate in PEM and its key, without a "
            f"password: {reason.lower().replace('_', ' ')}"
        ) from error
    return server


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)]
    while ends:
        try:
            ends[0].do_handshake()
            ends.pop(0)
        except ssl.SSLWantReadError:
            ends.reverse()
