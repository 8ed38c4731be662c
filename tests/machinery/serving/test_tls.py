"""HTTPS: certificates that clients would not accept stop the start, renewed ones are taken, and handshakes have an end."""

import re
import socket
import ssl
import time
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from late_flights.factory.errors import FactoryError
from late_flights.factory.serving import tls

from machinery.serving.service_client import serving, wait_for_log, wait_until


def certificate(folder, name="localhost", days=30.0, password=b"", since=-60.0):
    """Files of a new certificate for this machine and of its key."""
    key, subject, now = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(f"CN={name}"), datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=-since)).not_valid_after(now + timedelta(days=days))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, lock))
    return folder / "cert.pem", folder / "key.pem"


def served(port, timeout=20):
    """The name in the certificate that the service shows, which answers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with closing(HTTPSConnection("localhost", port, timeout=timeout, context=context)) as connection:
        connection.request("GET", "/health/live")
        assert connection.getresponse().status == 200
        shown = x509.load_der_x509_certificate(connection.sock.getpeercert(True))
    return shown.subject.rfc4514_string()


@pytest.fixture
def https(project):
    cert, key = certificate(project)
    with serving("no model", wait=False, CERT=cert, CERT_KEY=key, CONNECTIONS=20, HEADER_SECONDS=2) as client:
        yield client.port


def test_the_address_in_the_log_is_that_of_https(project, capfd):
    cert, key = certificate(project)
    with serving("no model", wait=False, CERT=cert, CERT_KEY=key) as client:
        wait_for_log(capfd, f"running on https://127.0.0.1:{client.port} ")


def test_renewed_certificate_is_taken_and_a_broken_one_is_not(https, project, monkeypatch):
    refusals = []
    monkeypatch.setattr(tls.log, "error", lambda *line: refusals.append(line))
    assert served(https) == "CN=localhost"
    certificate(project, "renewed")
    wait_until(lambda: served(https) == "CN=renewed")
    (project / "cert.pem").write_text("half a")
    wait_until(lambda: refusals)
    assert served(https) == "CN=renewed"
    certificate(project, "again")
    wait_until(lambda: served(https) == "CN=again")


def test_handshakes_end_and_make_room(https):
    with ExitStack() as stack:
        waiting = [stack.enter_context(socket.create_connection(("127.0.0.1", https), 20)) for _ in range(50)]
        assert served(https) == "CN=localhost"
        for connection in waiting:
            connection.settimeout(20)
            with suppress(ConnectionResetError):
                assert connection.recv(10) == b""


def test_http_gets_no_answer(https):
    with socket.create_connection(("127.0.0.1", https), 20) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" not in connection.recv(1000)
    assert served(https) == "CN=localhost"


def refused(cert, key):
    with pytest.raises(FactoryError) as refusal:
        tls.Certificate(cert, key)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_certificates_that_cannot_be_served(tmp_path):
    cert, key = certificate(tmp_path, days=-1)
    assert refused(cert, key) == f"FACTORY_CERT: {cert}: certificate has expired"
    assert refused(tmp_path / "none", key).startswith(f"FACTORY_CERT: {tmp_path}/none: cannot be read")
    assert refused(cert, tmp_path / "none").startswith(f"FACTORY_CERT_KEY: {tmp_path}/none: cannot be read")
    (tmp_path / "other").mkdir()
    assert "key values mismatch" in refused(cert, certificate(tmp_path / "other")[1])
    assert "without a password" in refused(*certificate(tmp_path, password=b"secret"))
    key.write_text("")
    assert "must be a certificate in PEM" in refused(cert, key) and "must be a certificate in PEM" in refused(key, key)


def test_renewed_certificate_is_tried_until_it_can_be_used(tmp_path, monkeypatch, caplog):
    served = tls.Certificate(*certificate(tmp_path))
    before = served.context
    certificate(tmp_path, since=1)
    served.reload()
    served.reload()
    assert served.context is before
    assert [each.message.partition(": ")[2] for each in caplog.records] == [
        f"{tmp_path}/cert.pem: certificate is not yet valid; the certificate in service stays"
    ]
    certificate(tmp_path)

    def fail(setting, path):
        raise FactoryError("too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(tls, "_read", fail)
        served.reload()
    assert served.context is before
    served.reload()
    assert served.context is not before


def test_certificate_that_expires_is_reported(tmp_path, monkeypatch, caplog):
    served, now = tls.Certificate(*certificate(tmp_path, days=30)), time.time()
    with monkeypatch.context() as patched:
        for day in (22, 23.5, 23.6, 24.5, 31, 32):
            patched.setattr(tls.time, "time", lambda day=day: now + 86_400 * day)
            served.reload()
    assert [re.findall("service (.*):", each.message)[0] for each in caplog.records] == [
        "expires within 168 hours",
        "expires within 144 hours",
        "has expired",
    ]
    certificate(tmp_path, days=60)
    served.reload()
    assert [each.levelname for each in caplog.records][3:] in ([], ["INFO"])
