"""Channel binding, checked by acceptors that are not ours: MIT's Kerberos and gss-ntlmssp."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from windows_parts import NTLMSSP, need
from windows_realm import USER
from windows_sending import accept_ntlm, post

from ml_connector.core.errors import ConfigurationError

NTLM = {"mechanism": "ntlm", "user": f"GP\\{USER}"}
KERBEROS = {"mechanism": "kerberos"}
DIGESTS = [hashes.SHA256(), hashes.SHA384()]


def binding_of(certificate_file: str, digest: hashes.HashAlgorithm) -> bytes:
    """tls-server-end-point by RFC 5929 4.1, computed here and not by the connector."""
    der = ssl.PEM_cert_to_DER_cert(Path(certificate_file).read_text())
    hashed = hashes.Hash(digest)
    hashed.update(der)
    return b"tls-server-end-point:" + hashed.finalize()


@pytest.fixture(params=["kerberos", "ntlm"])
def way(request, realm, accept, monkeypatch, tmp_path):
    """A server that takes this mechanism, and the settings that use it."""

    def start(**ways):
        if request.param == "kerberos":
            return accept(realm.keytab, **ways), KERBEROS
        need((NTLMSSP,))
        return accept_ntlm(accept, monkeypatch, tmp_path, **ways), NTLM

    return start


@pytest.mark.parametrize("digest", DIGESTS, ids=lambda digest: digest.name)
def test_a_matching_binding_is_accepted_and_seen(way, authority, sign_in, digest):
    tls = authority.issue("localhost", f"right-{digest.name}", digest)
    acceptor, settings = way(tls=tls, binding=binding_of(tls[0], digest))
    assert post(sign_in(acceptor.endpoint, ca_file=authority.file, **settings)) == 200
    assert [step.bound for step in acceptor.signed] == [True]


def test_a_connection_that_somebody_between_us_ends_is_refused(way, authority, sign_in):
    """The authority vouches for both, but the server behind has another certificate."""
    between = authority.issue("localhost", "between", hashes.SHA256())
    behind = authority.issue("localhost", "behind", hashes.SHA256())
    acceptor, settings = way(tls=between, binding=binding_of(behind[0], hashes.SHA256()))
    with pytest.raises(ConfigurationError, match=r"does not take the Kerberos ticket|refuses the user"):
        post(sign_in(acceptor.endpoint, ca_file=authority.file, **settings))
    assert acceptor.signed == []
    assert acceptor.refused


def test_without_tls_nothing_is_bound(way, sign_in):
    acceptor, settings = way(binding=b"tls-server-end-point:" + bytes(32))
    assert post(sign_in(acceptor.endpoint, **settings)) == 200
    assert [step.bound for step in acceptor.signed] == [False]


def test_an_authority_that_nobody_named_is_not_trusted(way, authority, sign_in):
    acceptor, settings = way(tls=authority.issue("localhost", "private", hashes.SHA256()))
    with pytest.raises(ConfigurationError, match="not trusted"):
        post(sign_in(acceptor.endpoint, **settings))
    assert acceptor.messages == 0
