"""Kerberos against MIT's key distribution centre and MIT's acceptor."""

from __future__ import annotations

import gc
import os
import re
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from windows_acceptor import Gss, Ways
from windows_parts import FAKETIME, NTLMSSP, need
from windows_realm import PASSWORD, USER
from windows_sending import accept_ntlm, post

from ml_connector.connectors.dynamics_gp import GpConfig, meanings
from ml_connector.connectors.dynamics_gp.tickets import Tickets
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.simulators.gp import Account, GpOptions, GpSimulator


class Shelf:
    """What later processes know of the account."""

    def __init__(self):
        self.kept = ""

    def find(self):
        return self.kept

    def keep(self, reason):
        self.kept = reason

    def clear(self):
        self.kept = ""


@pytest.fixture
def gp(opened):
    """A GP simulator, which takes NTLM only; it is asked by its name."""
    names = (("GP.TEST", USER), ("GP.TEST", "nobody"), ("OTHER", USER))
    accounts = tuple(Account(domain, user, PASSWORD) for domain, user in names)
    return opened.enter_context(GpSimulator(GpOptions(accounts=accounts)))


def by_name(simulator) -> str:
    return simulator.endpoint.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("user", [f"{USER}@GP.TEST", f"{USER}@gp.test", f"GP\\{USER}", f"gp.test\\{USER}"])
def test_all_lanes_share_one_ticket(realm, accept, sign_in, user, tmp_path):
    acceptor = accept(realm.keytab)
    transport = sign_in(acceptor.endpoint, user=user, max_requests=4)
    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda _: post(transport), range(60))) == {200}
    assert transport.mechanism == "kerberos"
    assert transport.downgrade == ""
    assert {step.user for step in acceptor.signed} == {f"{USER}@GP.TEST"}
    assert len(acceptor.signed) <= 4
    assert acceptor.messages == 60, "the ticket goes with a call, not before it"
    assert realm.issued("AS_REQ") == 1
    assert realm.issued("TGS_REQ") == 1
    assert not (tmp_path / "ccache").exists()


def test_a_server_that_asks_on_every_request_is_found_out(realm, accept, sign_in):
    acceptor = accept(realm.keytab, per_request=True)
    transport = sign_in(acceptor.endpoint, max_requests=2)
    assert [post(transport) for _ in range(8)] == [200] * 8
    assert transport.signs_in_each_request
    assert len(acceptor.signed) == 8
    assert acceptor.messages == 8 + 2, "two calls hoped to be signed in; the others took one message each"
    assert (realm.issued("AS_REQ"), realm.issued("TGS_REQ")) == (1, 1)


def test_the_ticket_is_taken_anew_before_its_end(realm, accept, sign_in, clock):
    transport = sign_in(accept(realm.keytab, per_request=True).endpoint)
    assert post(transport) == 200
    clock.ahead = timedelta(hours=10) - timedelta(minutes=6)
    assert post(transport) == 200
    assert realm.issued("AS_REQ") == 1
    clock.ahead = timedelta(hours=10) - timedelta(minutes=4)
    assert [post(transport) for _ in range(3)] == [200] * 3
    assert realm.issued("AS_REQ") == 2


def test_a_ticket_that_cannot_be_renewed_serves_to_its_end(realm, accept, sign_in, clock):
    transport = sign_in(accept(realm.keytab, per_request=True).endpoint, mechanism="kerberos")
    assert post(transport) == 200
    realm.stop()
    clock.ahead = timedelta(hours=10) - timedelta(minutes=4)
    assert post(transport) == 200
    clock.ahead = timedelta(hours=11)
    with pytest.raises(RetryableError, match="No domain controller"):
        post(transport)
    realm.start()
    assert post(transport) == 200


def test_a_server_with_a_new_key_is_given_a_new_ticket(realm, accept, sign_in, tmp_path):
    acceptor = accept(realm.keytab)
    transport = sign_in(acceptor.endpoint)
    assert post(transport) == 200
    realm.export(tmp_path / "new.keytab")
    renewed = accept(tmp_path / "new.keytab")
    stale = sign_in(renewed.endpoint)
    assert post(stale) == 200
    transport.close()
    acceptor.ways.begin = renewed.ways.begin
    assert post(transport) == 200
    assert len(acceptor.refused) == 1
    assert transport.downgrade == ""


def spoil_keys(keytab):
    """Change every key of a keytab and leave its version: the service name belongs to another account."""
    content = bytearray(keytab.read_bytes())
    entry = 2
    while entry < len(content):
        (size,) = struct.unpack_from(">i", content, entry)
        at = entry + 4
        (parts,) = struct.unpack_from(">H", content, at)
        at += 2
        for _ in range(parts + 1):  # and the realm
            at += 2 + struct.unpack_from(">H", content, at)[0]
        at += 11  # type of name, time, version, encryption
        content[at + 2] ^= 1
        entry += 4 + abs(size)
    keytab.write_bytes(content)


def test_a_service_whose_key_is_another_accounts_is_not_taken_for_a_wrong_password(realm, accept, sign_in):
    spoil_keys(realm.keytab)
    shelf = Shelf()
    transport = sign_in(accept(realm.keytab).endpoint, refusals=shelf, mechanism="kerberos")
    with pytest.raises(ConfigurationError, match="does not take the Kerberos ticket"):
        post(transport)
    assert shelf.kept == ""


def test_lanes_that_are_refused_with_one_ticket_take_one_new_one(realm, sign_in, clock):
    config = GpConfig(endpoint="http://localhost/x", company_id=-1, user=f"{USER}@GP.TEST")
    tickets = Tickets(config, lambda: PASSWORD, clock)
    refused = tickets.cache()
    tickets.drop(refused)
    taken = tickets.cache()
    for _ in range(3):  # the other lanes, somewhat later
        tickets.drop(refused)
    assert tickets.cache() == taken
    assert realm.issued("AS_REQ") == 2


@pytest.mark.parametrize("mechanism", ["negotiate", "kerberos"])
def test_a_password_that_the_domain_refuses_is_sent_once(realm, gp, sign_in, mechanism):
    shelf = Shelf()
    transport = sign_in(by_name(gp), "wrong", shelf, mechanism=mechanism, max_requests=5)

    def attempt(_):
        with pytest.raises(ConfigurationError, match="refuses the password"):
            post(transport)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(attempt, range(36)))
    assert realm.failures() == 1
    assert gp.control("GET", "state")["failed_sign_ins"] == {}, "never by NTLM after that"
    later = sign_in(by_name(gp), "wrong", shelf, mechanism=mechanism)
    with pytest.raises(ConfigurationError, match="refuses the password"):
        post(later)
    assert realm.failures() == 1


def test_two_transports_of_a_process_share_the_ticket_and_its_refusal(realm, accept, sign_in, clock):
    """As where one service of GP is asked beside another."""
    config = GpConfig(endpoint="http://localhost/x.asmx", company_id=-1, user=f"{USER}@GP.TEST")
    for password, issued in ((PASSWORD, 1), ("wrong", 1)):
        tickets = Tickets(config, lambda password=password: password, clock)
        for _ in range(2):
            transport = sign_in(accept(realm.keytab).endpoint, password, tickets=tickets)
            if password == PASSWORD:
                assert post(transport) == 200
            else:
                with pytest.raises(ConfigurationError, match="refuses the password"):
                    post(transport)
        assert realm.issued("AS_REQ") == issued
    assert realm.failures() == 1


@pytest.mark.parametrize(
    ("user", "sentence"),
    [("old-password", "has expired, or has to be changed"), ("old-account", "account .* has expired"),
     ("locked", "locked or disabled")],
)  # fmt: skip
def test_an_account_that_may_not_sign_in_is_not_tried_by_ntlm(realm, gp, sign_in, user, sentence):
    shelf = Shelf()
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        post(sign_in(by_name(gp), refusals=shelf, user=f"{user}@GP.TEST"))
    assert shelf.kept == caught.value.happened
    assert "ml-connector" in caught.value.remedy
    assert gp.control("GET", "state")["challenges"] == 0, "nothing was sent to GP's server"


def test_too_many_wrong_passwords_lock_the_account_and_that_is_told(realm, accept, sign_in):
    acceptor = accept(realm.keytab)
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="refuses the password"):
            post(sign_in(acceptor.endpoint, "wrong"))
    with pytest.raises(ConfigurationError, match="locked or disabled"):
        post(sign_in(acceptor.endpoint))
    assert acceptor.messages == 0


def unknown_service(realm):
    realm.admin("renprinc -force HTTP/localhost HTTP/elsewhere\n")


NOT_TO_BE_HAD = [
    (unknown_service, {}, "knows no service name for localhost", ConfigurationError),
    (lambda realm: realm.stop(), {}, "No domain controller", RetryableError),
    (lambda realm: None, {"user": "nobody@GP.TEST"}, "does not know the user nobody@GP.TEST", ConfigurationError),
    (lambda realm: None, {"user": f"OTHER\\{USER}"}, "realm of OTHER.* is not known", ConfigurationError),
]  # fmt: skip


@pytest.mark.parametrize("case", NOT_TO_BE_HAD, ids=lambda case: case[2])
def test_where_kerberos_is_not_to_be_had_ntlm_is_taken_and_said(realm, gp, sign_in, case):
    spoil, settings, sentence, kind = case
    spoil(realm)
    transport = sign_in(by_name(gp), max_requests=2, **settings)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: post(transport), range(8))) == {200}
    assert transport.mechanism == "ntlm"
    assert re.search(sentence, transport.downgrade)
    with pytest.raises(kind, match=sentence):
        post(sign_in(by_name(gp), mechanism="kerberos", **settings))


def test_a_downgrade_is_logged_once(realm, gp, sign_in, clock):
    """Kerberos is looked for again after a while, and the same news is no news."""
    unknown_service(realm)
    transport = sign_in(by_name(gp))
    gp.control("POST", "settings", {"auth_per_request": True})
    with capture_logs() as logged:
        assert [post(transport) for _ in range(3)] == [200] * 3
        asked = realm.log().count("Server not found")
        assert asked > 0
        clock.ahead = timedelta(minutes=20)
        assert post(transport) == 200
    told = str(logged)
    assert told.count("localhost is signed in to by NTLM, not by Kerberos") == 1
    assert "setspn" in told
    assert realm.log().count("Server not found") == 2 * asked


def test_kerberos_is_taken_up_when_it_is_there_again(realm, accept, sign_in, clock, monkeypatch, tmp_path):
    need((NTLMSSP,))
    ntlm = accept_ntlm(accept, monkeypatch, tmp_path)
    transport = sign_in(ntlm.endpoint, user=f"GP\\{USER}")
    realm.stop()
    assert post(transport) == 200
    assert transport.mechanism == "ntlm"
    realm.start()
    ntlm.ways = Ways(lambda: Gss(str(realm.keytab)), per_request=True)
    transport.close()
    clock.ahead = timedelta(minutes=20)
    assert post(transport) == 200
    assert (transport.mechanism, transport.downgrade) == ("kerberos", "")


def test_a_server_that_offers_ntlm_alone(realm, accept, sign_in, monkeypatch, tmp_path):
    need((NTLMSSP,))
    acceptor = accept_ntlm(accept, monkeypatch, tmp_path, offered=("NTLM",))
    transport = sign_in(acceptor.endpoint, user=f"GP\\{USER}")
    assert [post(transport) for _ in range(3)] == [200] * 3
    assert transport.mechanism == "ntlm"
    assert "it offers NTLM" in transport.downgrade
    with pytest.raises(ConfigurationError, match="does not take kerberos to sign in; it offers NTLM"):
        post(sign_in(acceptor.endpoint, mechanism="kerberos"))
    assert len(acceptor.signed) == 1


def test_a_ticket_that_the_server_does_not_take(realm, gp, sign_in):
    """As where the service name is registered for another account than the one that the service runs as."""
    with pytest.raises(ConfigurationError, match="does not take the Kerberos ticket") as caught:
        post(sign_in(by_name(gp), mechanism="kerberos"))
    assert "HTTP/localhost" in caught.value.remedy
    assert gp.control("GET", "state")["failed_sign_ins"] == {}
    transport = sign_in(by_name(gp))
    assert [post(transport) for _ in range(3)] == [200] * 3
    assert "does not take the Kerberos ticket" in transport.downgrade


def test_the_clocks_differ(in_realm, gp, sign_in):
    need((FAKETIME,))
    in_realm(ahead="+2h")
    with pytest.raises(ConfigurationError, match="clocks of this machine"):
        post(sign_in(by_name(gp), mechanism="kerberos"))
    transport = sign_in(by_name(gp))
    assert post(transport) == 200
    assert "clocks of this machine" in transport.downgrade


def test_the_servers_clock_differs_from_the_domains(in_realm, accept, sign_in):
    """Ours is put right by the domain's, which MIT's library does unless told otherwise; the server says it is not."""
    need((FAKETIME,))
    realm = in_realm(ahead="+2h")
    realm.config.write_text(realm.config.read_text().replace("kdc_timesync = 0", "kdc_timesync = 1"))
    acceptor = accept(realm.keytab)
    with pytest.raises(ConfigurationError, match="clocks of this machine, of the domain and of localhost"):
        post(sign_in(acceptor.endpoint, mechanism="kerberos"))
    assert acceptor.signed == []


@pytest.mark.parametrize("user", [USER, "old-account"])
def test_what_failed_is_collected_without_harm(realm, gp, sign_in, user):
    """The library's objects must not be reached from an exception: freed in another order they end the process."""
    unknown_service(realm)
    for _ in range(20):
        with pytest.raises(ConfigurationError) as caught:
            post(sign_in(by_name(gp), user=f"{user}@GP.TEST", mechanism="kerberos"))
        caught.value.itself = caught
    del caught
    assert gc.collect() > 0


def test_an_address_instead_of_a_name(realm, gp, sign_in):
    with pytest.raises(ConfigurationError, match=r"knows servers by name, and 127\.0\.0\.1 is an address"):
        post(sign_in(gp.endpoint, mechanism="kerberos"))


def test_without_the_library():
    """As on a machine that has ml-connector without its kerberos extra."""
    program = (
        "import sys; sys.modules['krb5'] = None\n"
        "from datetime import UTC, datetime\n"
        "from ml_connector.connectors.dynamics_gp import GpConfig\n"
        "from ml_connector.connectors.dynamics_gp.tickets import NoTicketError, Tickets\n"
        "config = GpConfig(endpoint='http://gp.example.test/x.asmx', company_id=-1, user='a@EXAMPLE.TEST')\n"
        "try:\n    Tickets(config, lambda: '', None).cache()\n"
        "except NoTicketError as error:\n    print(error.meaning.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == meanings.NO_KERBEROS.code


def test_ours_stands_after_the_configuration_of_the_machine(realm, accept, sign_in):
    sign_in(accept(realm.keytab).endpoint)
    first, ours = os.environ["KRB5_CONFIG"].split(":")
    assert first == str(realm.config)
    assert ours.endswith("dynamics_gp/krb5.conf")
