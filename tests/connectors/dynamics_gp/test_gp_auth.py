"""Signing in, against the simulator's real NTLM and Negotiate."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ml_connector.connectors.dynamics_gp import GpConfig, soap
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.connectors.dynamics_gp.lanes import channel_binding
from ml_connector.core.errors import ConfigurationError, NotDoneError, RetryableError

PASSWORD = "Sample-Pa55word"
COMPANIES = "GetWSEnabledCompanyForUserList"
BODY = soap.request(COMPANIES, "", soap.context(-1, "en-US"))
MEGABYTE = 1024 * 1024
ON_THE_WAY = 16 * MEGABYTE  # what the sockets of both sides may hold
HEADERS = {"Content-Type": soap.CONTENT_TYPE, "SOAPAction": soap.action(COMPANIES)}


@pytest.fixture
def sign_in(opened):
    """A transport to an address or a simulator."""

    def open_transport(to, password=PASSWORD, refusals=None, **settings):
        endpoint = to if isinstance(to, str) else to.endpoint
        wanted = {
            "endpoint": endpoint,
            "company_id": -1,
            "user": "FABRIKAM\\connector",
            "timeout_seconds": 120,
        }
        config = GpConfig.model_validate(wanted | settings)
        return opened.enter_context(
            closing(WindowsTransport(config, password if callable(password) else lambda: password, refusals))
        )

    return open_transport


def post(transport: WindowsTransport) -> int:
    return transport.post(BODY, HEADERS, 120).status


@pytest.mark.parametrize("mechanism", ["negotiate", "ntlm"])
def test_a_connection_signs_in_once(simulate, sign_in, mechanism):
    simulator = simulate()
    transport = sign_in(simulator, mechanism=mechanism)
    assert [post(transport) for _ in range(5)] == [200] * 5
    state = simulator.control("GET", "state")
    assert state["handshakes"] == {mechanism: 1}
    assert state["connections_opened"] == 1
    assert transport.mechanism == "ntlm"
    assert not transport.signs_in_each_request


@pytest.mark.parametrize("per_request", [False, True])
def test_twelve_threads_share_the_lanes(simulate, sign_in, per_request):
    simulator = simulate(auth_per_request=per_request)
    transport = sign_in(simulator, max_requests=4)
    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda _: post(transport), range(120))) == {200}
    state = simulator.control("GET", "state")
    assert state["failed_sign_ins"] == {}
    assert state["operations"] == {COMPANIES: 120}
    assert transport.signs_in_each_request is per_request
    if not per_request:
        assert sum(state["handshakes"].values()) == state["connections_opened"] <= 4


def test_a_server_that_wants_each_request_signed_is_noticed(simulate, sign_in):
    simulator = simulate(auth_per_request=True)
    transport = sign_in(simulator, max_requests=2)
    assert [post(transport) for _ in range(6)] == [200] * 6
    state = simulator.control("GET", "state")
    assert sum(state["handshakes"].values()) == 6
    assert state["connections_opened"] == 1
    # One challenge in each handshake, and one for each of the two requests that hoped to be signed in.
    assert state["challenges"] == 6 + 2


def test_a_wrong_password_is_sent_exactly_once(simulate, sign_in):
    simulator = simulate()
    transport = sign_in(simulator, password="wrong", max_requests=5)

    def attempt(_):
        with pytest.raises(ConfigurationError, match="refuses the user") as caught:
            post(transport)
        return caught.value.remedy

    with ThreadPoolExecutor(12) as pool:
        remedies = set(pool.map(attempt, range(36)))
    assert len(remedies) == 1
    assert "wrong" not in remedies.pop()
    assert simulator.control("GET", "state")["failed_sign_ins"] == {"FABRIKAM\\connector": 1}
    assert simulator.control("GET", "state")["locked_accounts"] == []


class Shelf:
    """What is known beyond this transport."""

    def __init__(self, kept=""):
        self.kept, self.cleared = kept, 0

    def find(self):
        return self.kept

    def keep(self, reason):
        self.kept = reason

    def clear(self):
        self.cleared += 1


def test_what_another_process_was_refused_is_not_tried(simulate, sign_in):
    simulator = simulate()
    shelf = Shelf()
    with pytest.raises(ConfigurationError) as first:
        post(sign_in(simulator, password="wrong", refusals=shelf))
    with pytest.raises(ConfigurationError) as second:
        post(sign_in(simulator, password="wrong", refusals=shelf))
    assert str(first.value) == str(second.value)
    assert "ml-connector ping" in first.value.remedy
    assert simulator.control("GET", "state")["failed_sign_ins"] == {"FABRIKAM\\connector": 1}


def test_a_refusal_counts_until_it_is_lifted_elsewhere(simulate, sign_in):
    """The password was set anew, or found right by another process; this transport has been refused itself."""
    simulator = simulate()
    shelf, passwords = Shelf(), ["wrong"]
    transport = sign_in(simulator, password=lambda: passwords[-1], refusals=shelf)
    for _ in range(3):
        with pytest.raises(ConfigurationError) as caught:
            post(transport)
        assert caught.value.reason == "refused"
    passwords.append(PASSWORD)
    with pytest.raises(ConfigurationError):
        post(transport)
    shelf.kept = ""
    assert post(transport) == 200
    assert simulator.control("GET", "state")["failed_sign_ins"] == {"FABRIKAM\\connector": 1}


def test_one_that_is_signed_in_asks_before_it_signs_in_again(simulate, sign_in):
    """The domain changed the password, and another process was refused the old one first."""
    shelf = Shelf()
    transport = sign_in(simulate(), refusals=shelf)
    assert post(transport) == 200
    shelf.keep("GP refuses the user.")
    transport.close()  # as a connection that is lost
    with pytest.raises(ConfigurationError, match="GP refuses the user") as caught:
        post(transport)
    assert caught.value.reason == "refused"


def test_an_accepted_password_clears_what_was_kept_once(simulate, sign_in):
    shelf = Shelf()
    transport = sign_in(simulate(), refusals=shelf)
    assert [post(transport) for _ in range(4)] == [200] * 4
    assert (shelf.kept, shelf.cleared) == ("", 1)


def test_a_password_that_is_changed_meanwhile_costs_one_attempt(simulate, sign_in):
    """All lanes are signed in when the domain changes the password and the server asks each to sign in again."""
    simulator = simulate(latency_seconds=0.05)
    transport = sign_in(simulator, max_requests=5)
    with ThreadPoolExecutor(5) as pool:
        while simulator.control("GET", "state")["connections_opened"] < 5:  # until all five have met
            assert set(pool.map(lambda _: post(transport), range(10))) == {200}
        file = simulator.accounts._file
        file.write_text(file.read_text().replace(PASSWORD, "another"))
        simulator.control("POST", "settings", {"auth_per_request": True})
        ended = list(pool.map(lambda _: told(transport), range(30)))
    assert ended[-1] is ConfigurationError
    assert simulator.control("GET", "state")["failed_sign_ins"] == {"FABRIKAM\\connector": 1}


def told(transport):
    try:
        return post(transport)
    except ConfigurationError as error:
        return type(error)


def test_a_new_transport_tries_the_new_password(simulate, sign_in):
    simulator = simulate()
    with pytest.raises(ConfigurationError):
        post(sign_in(simulator, password="wrong"))
    assert post(sign_in(simulator)) == 200


def test_connections_that_the_server_ended_are_opened_anew(simulate, sign_in):
    simulator = simulate()
    transport = sign_in(simulator)
    assert post(transport) == 200
    simulator.end_connections()
    assert post(transport) == 200
    assert simulator.control("GET", "state")["connections_opened"] == 2


def test_an_idle_connection_that_dies_under_the_request_is_opened_anew(simulate, sign_in):
    simulator = simulate()
    transport = sign_in(simulator)
    assert post(transport) == 200
    simulator.control("POST", "faults", {"faults": [{"kind": "drop", "operation": COMPANIES}]})
    assert post(transport) == 200


@pytest.mark.parametrize("per_request", [False, True])
def test_what_is_sent_once_has_a_connection_of_its_own(simulate, sign_in, per_request):
    simulator = simulate(auth_per_request=per_request)
    transport = sign_in(simulator)
    for _ in range(3):
        assert transport.send_once("POST", BODY, HEADERS, 120).status == 200
    assert simulator.control("GET", "state")["connections_opened"] == 3
    assert post(transport) == 200
    assert simulator.control("GET", "state")["connections_opened"] == 3, "a reading goes on over the last one"


@pytest.mark.parametrize("kind", ["drop", "cut_after_work"])
def test_what_is_sent_once_is_not_sent_again(simulate, sign_in, kind):
    simulator = simulate()
    transport = sign_in(simulator)
    assert post(transport) == 200
    simulator.control("POST", "faults", {"faults": [{"kind": kind, "operation": COMPANIES, "count": 2}]})
    with pytest.raises(RetryableError) as error:
        transport.send_once("POST", BODY, HEADERS, 120)
    assert not isinstance(error.value, NotDoneError)
    assert simulator.control("GET", "faults")["faults"][0]["count"] == 1


def test_what_was_not_sent_was_not_done(simulate, sign_in):
    simulator = simulate()
    transport = sign_in(simulator)
    assert post(transport) == 200
    simulator.stop()
    with pytest.raises(NotDoneError):
        transport.send_once("POST", BODY, HEADERS, 120)


def test_a_fresh_connection_that_breaks_off_is_told(simulate, sign_in):
    simulator = simulate()
    simulator.control("POST", "faults", {"faults": [{"kind": "drop", "operation": COMPANIES}]})
    with pytest.raises(RetryableError, match="broke off"):
        post(sign_in(simulator))


def test_kerberos_only_never_falls_back(simulate, sign_in):
    simulator = simulate()
    with pytest.raises(ConfigurationError, match=r"Kerberos|Signing in"):
        post(sign_in(simulator, mechanism="kerberos"))
    assert simulator.control("GET", "state")["handshakes"] == {}


def test_nobody_listens(sign_in):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(RetryableError, match="no connection on this port"):
            post(sign_in(f"http://127.0.0.1:{port}/DynamicsGPService.asmx"))


def test_a_wrong_path_is_told(simulate, sign_in):
    simulator = simulate()
    assert post(sign_in(simulator.url + "/elsewhere.asmx")) == 404


@pytest.fixture
def server_certificate(tmp_path):
    """A self-signed certificate for 127.0.0.1: (certificate file, key file)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gp.example.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "server.pem", tmp_path / "server.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return tuple(map(str, files))


def test_a_certificate_nobody_vouches_for_is_not_trusted(simulate, sign_in, server_certificate):
    simulator = simulate(tls=server_certificate)
    with pytest.raises(ConfigurationError, match="not trusted") as caught:
        post(sign_in(simulator))
    assert "ca_file" in caught.value.remedy
    assert post(sign_in(simulator, ca_file=server_certificate[0])) == 200
    with pytest.raises(ConfigurationError, match="not trusted"):
        post(sign_in(simulator.endpoint.replace("127.0.0.1", "localhost"), ca_file=server_certificate[0]))


COMPANIES_BY_SBA = "/GPService/Tenants(DefaultTenant)/Companies"


def test_a_reading_goes_to_any_path_of_the_same_server_signed_in_and_trusted(
    simulate, sign_in, server_certificate
):
    simulator = simulate(tls=server_certificate)
    with pytest.raises(ConfigurationError, match="not trusted"):
        sign_in(simulator.sba_address).get(COMPANIES_BY_SBA, {}, 20)
    transport = sign_in(simulator.sba_address, ca_file=server_certificate[0])
    for _ in range(3):
        answer = transport.get(COMPANIES_BY_SBA, {"Accept": "application/json"}, 20)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    state = simulator.control("GET", "state")
    assert (state["handshakes"], state["operations"]) == ({"negotiate": 1}, {"GET Companies": 3})


def test_a_sign_in_is_bound_to_the_servers_certificate(server_certificate):
    pem = Path(server_certificate[0]).read_bytes()
    certificate = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    expected = b"tls-server-end-point:" + hashlib.sha256(certificate).digest()
    assert channel_binding(certificate).application_data == expected


def test_a_ca_file_without_certificates_is_told(simulate, sign_in, tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ConfigurationError, match="no certificates"):
        sign_in("https://gp.example.test/x.asmx", ca_file=tmp_path / "empty.pem")


class Scripted(threading.Thread):
    """A web server that gives each request the next answer of its script, and the last one from then on."""

    def __init__(self, *heads: str):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.answers = [f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode() for head in heads]
        self.asked: list[bytes] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/DynamicsGPService.asmx"

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.serve(connection)

    def serve(self, connection):
        while request := connection.recv(65536):
            while b"\r\n\r\n" not in request or (
                b"Content-Length: 0" not in request and b"</s:Env" not in request
            ):
                request += connection.recv(65536)
            self.asked.append(request)
            answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
            connection.sendall(answer)
            if b"Connection: close" in answer:
                return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()


@pytest.fixture
def scripted(opened):
    def start(*heads: str) -> Scripted:
        server = Scripted(*heads)
        server.start()
        opened.callback(server.close)
        return server

    return start


def test_a_server_that_offers_no_windows_sign_in_is_told(scripted, sign_in):
    server = scripted('401 No\r\nWWW-Authenticate: Basic realm="GP"\r\nConnection: close')
    transport = sign_in(server.endpoint)
    with pytest.raises(ConfigurationError, match="it offers Basic"):
        post(transport)
    assert not any(b"Basic" in request for request in server.asked), "the password is never sent in the clear"


def test_where_only_ntlm_is_offered_negotiate_takes_it(scripted, sign_in):
    server = scripted("401 No\r\nWWW-Authenticate: NTLM\r\nConnection: close")
    transport = sign_in(server.endpoint)
    with pytest.raises(ConfigurationError):
        post(transport)
    assert b"Authorization: Negotiate" in server.asked[0]
    assert b"Authorization: NTLM" in server.asked[-1]


def test_a_server_that_asks_nobody_to_sign_in_is_simply_asked(scripted, sign_in):
    server = scripted("400 Empty", "200 OK")
    transport = sign_in(server.endpoint)
    assert post(transport) == 200
    assert BODY in server.asked[-1]
    assert b"Authorization" not in server.asked[-1]
    transport.close()


#: What a server answers to the first message of NTLM.
CHALLENGE = (
    "401 No\r\nWWW-Authenticate: NTLM TlRMTVNTUAACAAAADAAMADgAAAA1gomir+oh7hQ3Y5gAAAAAAAAAAGIAYgBEAAAABgEAAAAAAA9U"
    "AEUAUwBUAEEAQgACAAwAVABFAFMAVABBAEIAAQAEAEcAUAAEABIAdABlAHMAdAAuAHQAZQBzAHQAAwAYAGcAcAAuAHQAZQBzAHQALgB0AGUAcwB0"
    "AAcACAAAAAAAAAAAAAAAAAA="
)


def test_a_proxy_that_keeps_no_connections_is_not_taken_for_a_wrong_password(scripted, sign_in):
    transport = sign_in(scripted(f"{CHALLENGE}\r\nConnection: close").endpoint, mechanism="ntlm")
    for _ in range(2):
        with pytest.raises(RetryableError, match="middle of signing in"):
            post(transport)


@pytest.mark.parametrize("mechanism", ["negotiate", "ntlm"])
def test_a_server_that_ends_the_connection_with_its_answer_is_asked_on_another(scripted, sign_in, mechanism):
    """So does http.sys while the service behind it is stopped."""
    server = scripted("503 Service Unavailable\r\nConnection: close")
    assert post(sign_in(server.endpoint, mechanism=mechanism)) == 503
    assert BODY in server.asked[-1]


def test_a_lane_whose_sign_in_ends_together_with_its_connection_signs_in_anew(scripted, sign_in):
    ended = "401 No\r\nWWW-Authenticate: NTLM\r\nConnection: close"
    server = scripted(CHALLENGE, "200 OK", ended, CHALLENGE, "200 OK")
    transport = sign_in(server.endpoint, mechanism="ntlm")
    assert [post(transport), post(transport)] == [200, 200]
    assert len(server.asked) == 5
    transport.close()


class Endless(Scripted):
    """A server whose answer does not end before whoever asked hangs up."""

    def __init__(self, piece: int, pause_seconds: float):
        super().__init__("200 OK")
        self.piece, self.pause_seconds, self.sent = bytes(piece), pause_seconds, 0

    def serve(self, connection):
        connection.recv(65536)
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                time.sleep(self.pause_seconds)
                connection.sendall(self.piece)
                self.sent += len(self.piece)
        except OSError:
            return


@pytest.fixture
def endless(opened):
    def start(piece: int, pause_seconds: float = 0.0) -> Endless:
        server = Endless(piece, pause_seconds)
        server.start()
        opened.callback(server.close)
        return server

    return start


def test_an_answer_without_end_is_given_up_at_64_megabytes(endless, sign_in):
    server = endless(MEGABYTE)
    with pytest.raises(ConfigurationError, match="larger than 64 MB"):
        post(sign_in(server.endpoint))
    assert server.sent <= 64 * MEGABYTE + ON_THE_WAY


def test_an_answer_that_comes_byte_by_byte_is_given_up_in_time(endless, sign_in):
    """No single wait is long; without an end to all of them this would last as long as the server likes."""
    transport = sign_in(endless(1, 0.01).endpoint)
    with pytest.raises(RetryableError, match="did not answer within 1"):
        transport.post(BODY, HEADERS, 1)
