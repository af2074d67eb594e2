"""Whom the domain knows a user as: the account's name and its realm, without asking anybody."""

from __future__ import annotations

import pytest

from ml_connector.connectors.dynamics_gp.tickets import Principal, principal_of

DEBIAN, OURS = "ATHENA.MIT.EDU", "CORP.EXAMPLE.COM"


@pytest.mark.parametrize(
    ("user", "realm", "default_realm", "name"),
    [
        ("svc@corp.example.com", "", DEBIAN, "svc@CORP.EXAMPLE.COM"),
        ("svc@CORP.EXAMPLE.COM", "corp.example.com", "", "svc@CORP.EXAMPLE.COM"),
        ("corp.example.com\\svc", "", DEBIAN, "svc@CORP.EXAMPLE.COM"),
        ("CORP\\svc", "", OURS, "svc@CORP.EXAMPLE.COM"),
        ("corp\\svc", "Corp.Example.Com", DEBIAN, "svc@CORP.EXAMPLE.COM"),
        ("svc", "corp.example.com", "", "svc@CORP.EXAMPLE.COM"),
        ("CORP\\a/b", "corp.example.com", "", "a\\/b@CORP.EXAMPLE.COM"),
    ],
)
def test_the_realm_is_known(user, realm, default_realm, name):
    assert principal_of(user, realm, default_realm) == Principal(name)


def test_a_suffix_that_is_not_the_domains_name_is_looked_up_by_the_domain():
    expected = Principal("svc@example.com@CORP.EXAMPLE.COM", enterprise=True)
    assert principal_of("svc@example.com", "corp.example.com", "") == expected


@pytest.mark.parametrize("user", ["CORP\\svc", "svc", "CORP\\", "@corp.example.com"])
def test_the_realm_is_never_guessed(user):
    """Debian's krb5.conf comes with the realm of a university."""
    assert principal_of(user, "", DEBIAN) is None
