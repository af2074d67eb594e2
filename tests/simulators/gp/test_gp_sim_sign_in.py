"""Windows sign-in on the wire, by spnego's client."""

from __future__ import annotations

import ssl
import subprocess

import pytest
from gp_sim_wire import PASSWORD, USER, Wire, context, message

from ml_connector.simulators.gp import Account, GpOptions, GpSimulator

OPERATION = "GetWSEnabledCompanyForUserList"
BODY = message(OPERATION, context())


def test_without_credentials_both_schemes_are_offered(wire):
    reply = wire.post(BODY, OPERATION)

    assert reply.status == 401
    assert reply.headers.get_all("WWW-Authenticate") == ["Negotiate", "NTLM"]


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_a_connection_stays_signed_in(gp, scheme):
    with Wire(gp.url, scheme=scheme) as wire:
        first = wire.sign_in(BODY, OPERATION)
        second = wire.post(BODY, OPERATION)

    assert (first.status, second.status) == (200, 200)
    assert first.headers["Persistent-Auth"] == "true"
    assert gp.control("GET", "state")["handshakes"] == {scheme.lower(): 1}


def test_raw_ntlm_is_taken_under_negotiate(gp):
    with Wire(gp.url) as wire:
        wire.protocol = "ntlm"

        assert wire.sign_in(BODY, OPERATION).status == 200


def test_a_user_principal_name_is_an_account_too(gp):
    with Wire(gp.url, user="connector@FABRIKAM") as wire:
        assert wire.sign_in(BODY, OPERATION).status == 200


def test_another_connection_is_not_signed_in(gp, wire):
    wire.sign_in(BODY, OPERATION)

    with Wire(gp.url) as other:
        assert other.post(BODY, OPERATION).status == 401


def test_two_simulators_keep_their_accounts_apart(gp):
    theirs = Account("FABRIKAM", "connector", "another")
    with GpSimulator(GpOptions(accounts=(theirs,))) as other, Wire(other.url) as wire, Wire(gp.url) as ours:
        assert wire.sign_in(BODY, OPERATION).status == 401
        assert ours.sign_in(BODY, OPERATION).status == 200


def test_per_request_every_request_is_challenged():
    with GpSimulator(GpOptions(auth_per_request=True)) as gp, Wire(gp.url) as wire:
        statuses = [
            step.status
            for _ in range(2)
            for step in (wire.post(BODY, OPERATION), wire.sign_in(BODY, OPERATION))
        ]

        assert statuses == [401, 200, 401, 200]
        assert gp.control("GET", "state")["connections_opened"] == 1
        assert gp.control("GET", "state")["handshakes"] == {"negotiate": 2}


def test_the_mode_can_be_changed_while_it_runs(gp, wire):
    wire.sign_in(BODY, OPERATION)
    gp.control("POST", "settings", {"auth_per_request": True})

    assert [wire.post(BODY, OPERATION).status for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_a_wrong_password_is_counted_and_ends_the_connection(gp, scheme):
    with Wire(gp.url, password="wrong", scheme=scheme) as wire:
        reply = wire.sign_in(BODY, OPERATION)

    assert reply.status == 401
    assert reply.headers["Connection"] == "close"
    assert reply.headers.get_all("WWW-Authenticate") == ["Negotiate", "NTLM"]
    assert gp.control("GET", "state")["failed_sign_ins"] == {USER: 1}


def test_an_unknown_account_is_refused_and_counted(gp):
    with Wire(gp.url, user="FABRIKAM\\nobody") as wire:
        assert wire.sign_in(BODY, OPERATION).status == 401

    assert gp.control("GET", "state")["failed_sign_ins"] == {"FABRIKAM\\nobody": 1}


def test_an_account_locks_and_then_refuses_the_right_password():
    with GpSimulator(GpOptions(lockout_after=2)) as gp:
        for password, status in (
            ("wrong", 401),
            (PASSWORD, 200),
            ("wrong", 401),
            ("wrong", 401),
            (PASSWORD, 401),
        ):
            with Wire(gp.url, password=password) as wire:
                assert wire.sign_in(BODY, OPERATION).status == status
        assert gp.control("GET", "state")["locked_accounts"] == [USER]

        gp.control("POST", "unlock", {"account": USER})
        with Wire(gp.url) as wire:
            assert wire.sign_in(BODY, OPERATION).status == 200


@pytest.mark.parametrize("header", ["Negotiate !!!", "NTLM Zm9v", "NTLM", "Negotiate"])
def test_a_token_that_is_none_is_refused(wire, header):
    assert wire.post(BODY, OPERATION, header).status == 401


def test_another_scheme_is_challenged(wire):
    assert wire.post(BODY, OPERATION, "Basic Zm9vOmJhcg==").status == 401


def test_a_failed_handshake_takes_the_sign_in_away(wire):
    wire.sign_in(BODY, OPERATION)

    assert wire.post(BODY, OPERATION, "NTLM Zm9v").status == 401


def test_over_tls_with_a_certificate_nobody_vouches_for(tmp_path):
    certificate, key = tmp_path / "gp.crt", tmp_path / "gp.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    with GpSimulator(GpOptions(tls=(str(certificate), str(key)))) as gp:
        with (
            Wire(gp.url, tls=ssl.create_default_context()) as wire,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            wire.post(BODY, OPERATION)
        with Wire(gp.url, tls=ssl.create_default_context(cafile=str(certificate))) as wire:
            assert wire.sign_in(BODY, OPERATION).status == 200


@pytest.mark.parametrize("principal", [USER, "connector@FABRIKAM", "Fabrikam\\CONNECTOR"])
def test_a_trusted_proxy_has_signed_in(principal):
    with GpSimulator(GpOptions(trusted_proxy=True)) as gp, Wire(gp.url) as wire:
        assert wire.post(BODY, OPERATION, **{"X-Remote-User": principal}).status == 200
        assert gp.control("GET", "requests")["log"][0]["mechanism"] == "proxy"


def test_behind_a_trusted_proxy_nobody_else_signs_in():
    with GpSimulator(GpOptions(trusted_proxy=True)) as gp, Wire(gp.url) as wire:
        assert wire.sign_in(BODY, OPERATION).status == 401
        assert wire.post(BODY, OPERATION, **{"X-Remote-User": "FABRIKAM\\nobody"}).status == 401


def test_only_a_proxy_on_this_machine_is_trusted():
    with pytest.raises(ValueError, match="loopback"):
        GpSimulator(GpOptions(trusted_proxy=True, host="0.0.0.0")).start()


def test_without_the_switch_nobody_is_believed(wire):
    assert wire.post(BODY, OPERATION, **{"X-Remote-User": USER}).status == 401
