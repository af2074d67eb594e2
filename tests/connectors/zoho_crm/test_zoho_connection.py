"""What happens below HTTP: each way of getting no answer, against real sockets of this machine."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ml_connector.connectors.zoho_crm import ZohoConfig
from ml_connector.connectors.zoho_crm.client import ZohoConnection
from ml_connector.core.errors import ConfigurationError, RetryableError

LONGEST_SECONDS = 120  #: no test waits as long


@pytest.fixture(params=[LONGEST_SECONDS])
def connection(request):
    config = ZohoConfig(data_centre="eu", client_id="1000.X", timeout_seconds=request.param)
    with closing(ZohoConnection(config)) as made:
        yield made


@contextmanager
def listening(answer: bytes | None, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port that takes one connection and says ``answer`` (None: nothing until the end)."""
    over = threading.Event()

    def serve():
        with suppress(OSError):
            stream, _ = server.accept()
            with stream, context.wrap_socket(stream, server_side=True) if context else stream as talk:
                talk.recv(65536)
                if answer is None:
                    over.wait(LONGEST_SECONDS)
                else:
                    talk.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


def test_a_port_where_nobody_listens(connection):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(RetryableError, match="refuses the connection"):
            connection.send("GET", f"http://127.0.0.1:{port}/")


def test_a_name_that_nobody_has(connection):
    with pytest.raises(RetryableError, match=r"nowhere\.invalid"):
        connection.send("GET", "http://nowhere.invalid/")


@pytest.mark.parametrize("connection", [0.5], indirect=True)
def test_an_answer_that_does_not_come(connection):
    with listening(None) as port, pytest.raises(RetryableError, match="in time"):
        connection.send("GET", f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", b"220 smtp ready\r\n"]
)
def test_an_answer_that_is_cut_or_none(connection, answer):
    with listening(answer) as port, pytest.raises(RetryableError, match="broke off"):
        connection.send("GET", f"http://127.0.0.1:{port}/")


def test_an_answer_that_claims_to_be_gzip(connection):
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    with listening(answer) as port, pytest.raises(RetryableError, match="broke off"):
        connection.send("GET", f"http://127.0.0.1:{port}/")


def test_a_redirect_is_not_followed(connection):
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://nowhere.invalid/\r\nContent-Length: 0\r\n\r\n"
    with listening(answer) as port:
        assert connection.send("GET", f"http://127.0.0.1:{port}/").status == 302


def test_a_certificate_that_nobody_vouches_for(connection, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with listening(b"", context) as port, pytest.raises(ConfigurationError, match="not trusted"):
        connection.send("GET", f"https://localhost:{port}/")


def self_signed(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
