"""Inside the domain: the program as a user runs it, from the stored password to records in Zoho."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from windows_domain import DOMAIN, FOLDER, GP, PASSWORD, REALM, SIMULATOR_PORT, USER, wrong_passwords

import systems
from ml_connector.simulators.gp import Account, GpOptions

LAB = Path(os.environ[FOLDER])


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("KRB5_CONFIG", str(LAB / "krb5.conf"))
    accounts = tuple(Account(domain, USER, PASSWORD) for domain in (REALM, DOMAIN))
    options = GpOptions(customers=40, trusted_proxy=True, port=SIMULATOR_PORT, accounts=accounts)
    with systems.opened(tmp_path, gp=options) as world:
        world.write_settings(
            gp__endpoint=f"'https://{GP}/both/journey/DynamicsGPService.asmx'",
            gp__user=f"'{DOMAIN}\\{USER}'",
            gp__ca_file=f"'{LAB}/tls/ca.pem'",
        )
        world.here("secrets", "set", "gp.password", stdin=PASSWORD)
        yield world


def test_the_first_load_by_kerberos(world):
    assert f"{DOMAIN}\\{USER} by kerberos" in world.ok("ping").text
    world.first("customers")
    systems.assert_whole(world)
    log = world.gp.control("GET", "requests?limit=10000")["log"]
    assert {line["user"] for line in log} == {f"{REALM}\\{USER}"}


def test_what_the_domain_refuses_is_a_sentence_and_is_asked_once(world):
    world.here("secrets", "set", "gp.password", stdin="wrong-password")
    before = wrong_passwords(LAB, USER)
    for _ in range(3):
        said = world.run("plan", "customers")
        assert said.code != 0
        assert "The domain refuses the password of" in said.text
    assert wrong_passwords(LAB, USER) == before + 1
    assert world.gp.control("GET", "state")["requests"] == 0
