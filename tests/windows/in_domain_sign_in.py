"""Inside the domain (see ``test_windows_domain.py``): a Samba domain, Apache with mod_auth_gssapi, and winbind."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from windows_acceptor import NtlmAuth
from windows_domain import (
    ALIAS,
    DOMAIN,
    FOLDER,
    GP,
    LOCKS_AFTER,
    PASSWORD,
    REALM,
    SIMULATOR_PORT,
    USER,
    wrong_passwords,
)
from windows_sending import post

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate
from ml_connector.core.errors import ConfigurationError
from ml_connector.simulators.gp import Account, GpOptions, GpSimulator

LAB = Path(os.environ[FOLDER])


@pytest.fixture(autouse=True)
def gp(opened, monkeypatch):
    """GP behind Apache, which tells who has signed in: by Kerberos as user@REALM, by NTLM as DOMAIN\\user."""
    monkeypatch.setenv("KRB5_CONFIG", str(LAB / "krb5.conf"))
    names = (USER, "count-me")
    accounts = tuple(Account(domain, name, PASSWORD) for domain in (REALM, DOMAIN) for name in names)
    options = GpOptions(trusted_proxy=True, port=SIMULATOR_PORT, accounts=accounts)
    return opened.enter_context(GpSimulator(options))


@pytest.fixture
def here(request):
    """A part of the path that is this test's own, to find its lines in Apache's log."""
    return re.sub(r"\W+", "-", request.node.name)


@pytest.fixture
def log(here):
    """What Apache was asked by this test: (path, status, user, whether it carried a sign-in).

    A line is written after its answer, so it is waited for as many as were answered with 200; what a connection was
    answered before stands before.
    """

    def lines(answered=0):
        for _ in range(600):
            text = (LAB / "apache" / "access.log").read_text()
            found = [tuple(line.split()) for line in text.splitlines() if f"/{here}/" in line]
            if sum(line[1] == "200" for line in found) >= answered:
                return found
            time.sleep(0.1)
        return found

    return lines


@pytest.fixture
def enter(sign_in, here):
    """A transport to one of Apache's locations."""

    def open_transport(path="both", host=GP, **settings):
        wanted = {"user": f"{USER}@{REALM}", "password": PASSWORD, "ca_file": LAB / "tls" / "ca.pem"}
        return sign_in(f"https://{host}/{path}/{here}/DynamicsGPService.asmx", **(wanted | settings))

    return open_transport


def users(gp):
    return {line["user"] for line in gp.control("GET", "requests")["log"]}


@pytest.mark.parametrize("user", [f"{USER}@{REALM}", f"{USER}@example.test", f"{DOMAIN}\\{USER}"])
def test_the_stored_password_is_enough_for_kerberos(gp, enter, user):
    transport = enter(user=user, mechanism="kerberos")
    assert [post(transport) for _ in range(3)] == [200] * 3
    assert transport.mechanism == "kerberos"
    assert users(gp) == {f"{REALM}\\{USER}"}


def test_an_account_by_another_suffix_is_found_by_the_domain(gp, enter):
    transport = enter(user="count@mail.test", realm="example.test", mechanism="kerberos")
    assert post(transport) == 200
    assert users(gp) == {f"{REALM}\\count-me"}


def test_ntlm_through_the_same_server(gp, enter):
    transport = enter(user=f"{DOMAIN}\\{USER}", mechanism="ntlm")
    assert [post(transport) for _ in range(3)] == [200] * 3
    assert transport.mechanism == "ntlm"
    assert users(gp) == {f"{DOMAIN}\\{USER}"}


@pytest.mark.parametrize("mechanism", ["kerberos", "ntlm"])
def test_four_lanes_sign_in_four_times(gp, enter, log, mechanism):
    transport = enter(user=f"{DOMAIN}\\{USER}", mechanism=mechanism, max_requests=4)
    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda _: post(transport), range(200))) == {200}
    assert gp.control("GET", "state")["requests"] == 200
    asked = log(200)
    signed = [line for line in asked if line[3] != "-"]
    legs = 1 if mechanism == "kerberos" else 2
    assert len(signed) <= 4 * legs
    assert len(asked) == 200 + len(signed) * (legs - 1) // legs


def test_a_location_that_asks_on_every_request_is_found_out(gp, enter, log):
    transport = enter("each", max_requests=2)
    assert [post(transport) for _ in range(6)] == [200] * 6
    assert transport.signs_in_each_request
    assert Counter(line[1] for line in log(6)) == {"200": 6, "401": 2}


def test_the_source_reads_and_ping_says_by_which_mechanism(gp, opened, tmp_path, clock):
    config = GpConfig(
        endpoint=f"https://{GP}/both/ping/DynamicsGPService.asmx",
        company_id=-1,
        user=f"{USER}@{REALM}",
        ca_file=LAB / "tls" / "ca.pem",
    )
    gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock)))
    source = opened.enter_context(closing(GpSource(GpClient(config, lambda: PASSWORD, gate, clock))))
    checks = {check.name: check for check in source.checks()}
    assert all(check.ok for check in checks.values())
    assert checks["sign in"].detail == f"{USER}@{REALM} by kerberos"
    [customer] = source.fetch("customers", ["AARONFIT0001"])
    assert customer.key.rstrip() == "AARONFIT0001"


def test_a_name_without_a_service_goes_over_to_ntlm_and_says_so(gp, enter):
    with pytest.raises(ConfigurationError, match=f"no service name for {ALIAS}"):
        post(enter(host=ALIAS, mechanism="kerberos"))
    transport = enter(host=ALIAS, user=f"{DOMAIN}\\{USER}")
    assert post(transport) == 200
    assert f"no service name for {ALIAS}" in transport.downgrade
    assert users(gp) == {f"{DOMAIN}\\{USER}"}


def test_kerberos_only_where_the_server_takes_ntlm_only(gp, enter):
    with pytest.raises(ConfigurationError, match="does not take"):
        post(enter("ntlm", mechanism="kerberos"))
    transport = enter("ntlm", user=f"{DOMAIN}\\{USER}")
    assert post(transport) == 200
    assert transport.mechanism == "ntlm"
    assert transport.downgrade


def test_a_wrong_password_reaches_the_domain_once(enter, log):
    assert wrong_passwords(LAB, "count-me") == 0
    transport = enter(user=f"{DOMAIN}\\count-me", password="wrong", max_requests=5)

    def attempt(_):
        with pytest.raises(ConfigurationError, match="refuses the password"):
            post(transport)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(attempt, range(36)))
    assert wrong_passwords(LAB, "count-me") == 1
    assert log() == [], "nothing was sent to the web server"


@pytest.mark.parametrize(
    ("user", "sentence"),
    [("must-change", "has expired, or has to be changed"), ("switched-off", "locked or disabled")],
)
def test_an_account_that_may_not_sign_in(enter, log, user, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        post(enter(user=f"{user}@{REALM}"))
    assert log() == []


def test_a_locked_account_is_told(enter, log):
    for _ in range(LOCKS_AFTER):
        with pytest.raises(ConfigurationError, match="refuses the password"):
            post(enter(user=f"lock-me@{REALM}", password="wrong"))
    with pytest.raises(ConfigurationError, match="locked or disabled"):
        post(enter(user=f"lock-me@{REALM}"))
    assert log() == []


@pytest.mark.parametrize(
    ("helper", "scheme"), [("squid-2.5-ntlmssp", "NTLM"), ("gss-spnego", "Negotiate")]
)  # fmt: skip
def test_sambas_own_acceptor_takes_our_ntlm(accept, sign_in, helper, scheme):
    acceptor = accept("", begin=lambda: NtlmAuth(helper), offered=(scheme,))
    transport = sign_in(acceptor.endpoint, password=PASSWORD, user=f"{DOMAIN}\\{USER}", mechanism="ntlm")
    assert [post(transport) for _ in range(4)] == [200] * 4
    assert len(acceptor.signed) == 1
    with pytest.raises(ConfigurationError, match="refuses the user"):
        post(sign_in(acceptor.endpoint, password="wrong", user=f"{DOMAIN}\\{USER}", mechanism="ntlm"))
    assert len(acceptor.refused) == 1
