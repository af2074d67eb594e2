"""What a person gets wrong: a sentence with what to do, an exit code that is not 0, and nothing written."""

from __future__ import annotations

import ipaddress
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import ml_connector
from ml_connector.simulators.gp import GpSimulator
from systems import FOR_EVER, PASSWORD, SECRETS, World, gp_options, opened, zoho_options

MAPPINGS = Path(ml_connector.__file__).parent / "mappings"
Breaks = Callable[[World], Iterator[None]]


@dataclass
class Approved:
    """A world whose plan is made and not yet run."""

    world: World
    approve: str


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Approved]:
    with opened(tmp_path_factory.mktemp("bad"), gp=gp_options(30)) as world:
        world.write_settings(gp__max_requests="5", sync__max_wait_seconds="1")
        yield Approved(world, world.plan())


@contextmanager
def settings(world: World, **changes: str) -> Iterator[None]:
    """Other settings for one case."""
    before, kept = world.settings.read_text(), dict(world.values)
    world.write_settings(**changes)
    try:
        yield
    finally:
        world.values.clear()
        world.values.update(kept)
        world.settings.write_text(before)


def in_settings(**changes: str) -> Callable[[World], object]:
    return lambda world: settings(world, **changes)


@contextmanager
def untrusted(world: World) -> Iterator[None]:
    """GP behind a certificate that nobody here has signed."""
    pem, key = self_signed(world.folder)
    with (
        GpSimulator(gp_options(30, tls=(str(pem), str(key)))) as gp,
        settings(world, gp__endpoint=f"'{gp.endpoint}'"),
    ):
        yield


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gp.example.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(here, critical=False).sign(key, hashes.SHA256())
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    pem, key_file = folder / "gp.pem", folder / "gp.key"
    pem.write_bytes(certificate.public_bytes(encoding))
    key_file.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    return pem, key_file


@contextmanager
def mapping(world: World, old: str, new: str) -> Iterator[None]:
    """A mapping folder in which one line differs."""
    folder = world.folder / "mappings"
    shutil.copytree(MAPPINGS, folder)
    file = folder / "customer_accounts.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    try:
        with settings(world, mappings__folder="'mappings'"):
            yield
    finally:
        shutil.rmtree(folder)


def in_mapping(old: str, new: str) -> Callable[[World], object]:
    return lambda world: mapping(world, old, new)


@contextmanager
def broken_database(world: World) -> Iterator[None]:
    (world.folder / "other.db").write_text("This is no database, and long enough to be seen as none. " * 20)
    with settings(world, store__url=f"'sqlite:///{world.folder / 'other.db'}'"):
        yield


@contextmanager
def without_key(world: World) -> Iterator[None]:
    key = world.folder / "data" / "master.key"
    key.rename(key.with_suffix(".away"))
    try:
        yield
    finally:
        key.with_suffix(".away").rename(key)


@contextmanager
def open_key(world: World) -> Iterator[None]:
    key = world.folder / "data" / "master.key"
    key.chmod(0o644)
    try:
        yield
    finally:
        key.chmod(0o600)


CASES = {
    "unknown host": (
        in_settings(gp__endpoint="'http://gp.invalid/DynamicsGPService.asmx'"),
        4,
        ["gp.invalid"],
    ),
    "refused": (
        in_settings(gp__endpoint="'http://127.0.0.1:9/DynamicsGPService.asmx'"),
        4,
        ["127.0.0.1", "Check the port"],
    ),
    "tls": (untrusted, 2, ["certificate", "ca_file"]),
    "unknown key": (
        in_settings(sync__window_sise="5"),
        2,
        ["window_sise", "window_size", "ml-connector.toml, line"],
    ),
    "source field": (
        in_mapping('"bill_to.city"', '"bill_to.citty"'),
        2,
        ["customer_accounts.toml, line ", "bill_to.citty", "bill_to.city"],
    ),
    "Zoho field": (in_mapping("Billing_City", "Billing_Citty"), 2, ["Accounts.Billing_Citty"]),
    "database folder": (in_settings(store__url="'sqlite:////nowhere/at/all.db'"), 2, ["/nowhere/at/all.db"]),
    "no database": (broken_database, 2, ["other.db"]),
    "no master key": (without_key, 2, ["master.key"]),
    "key for everybody": (open_key, 2, ["master.key", "chmod 600"]),
}


def test_an_unknown_flow_and_a_wrong_hash_and_no_approval(approved: Approved) -> None:
    world = approved.world
    assert_refused(world, world.run("sync", "custmers"), 2, "custmers", "customers")
    assert_refused(world, world.run("sync", "--approve", "0123456789abcdef"), 2, "0123456789abcdef", "plan")
    assert_refused(world, world.run("sync"), 3, "approve", "ml-connector plan")


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_and_nothing_written(approved: Approved, name: str) -> None:
    breaks, code, words = CASES[name]
    with breaks(approved.world):
        said = approved.world.run("sync", "--approve", approved.approve)
    assert_refused(approved.world, said, code, *words)


def assert_refused(world: World, said, code: int, *words: str) -> None:
    """Ended with this code and said these words, in whole sentences; Zoho has nothing."""
    assert said.code == code, (said.code, said.text)
    assert [word for word in words if word not in said.err] == [], said.err
    assert len([end for end in said.err.split(".") if end.strip()]) >= 2, said.err
    assert "bug" not in said.err
    assert world.accounts() == []


def test_a_wrong_password_is_tried_exactly_once(approved: Approved) -> None:
    world = approved.world
    world.here("secrets", "set", "gp.password", stdin="not-the-one")
    try:
        said = world.run("sync", "--approve", approved.approve)
    finally:
        world.here("secrets", "set", "gp.password", stdin=PASSWORD)
    assert sum(world.gp.control("GET", "state")["failed_sign_ins"].values()) == 1
    assert world.gp.control("GET", "state")["locked_accounts"] == []
    assert_refused(world, said, 2, "password", r"FABRIKAM\connector", "ml-connector secrets set gp.password")


def test_a_company_that_is_not_there(approved: Approved) -> None:
    with settings(approved.world, gp__company_id="77"):
        for command, code in (("plan", 2), ("ping", 1)):
            said = approved.world.run(command)
            assert said.code == code, said.text
            assert "77" in said.text
            assert "company" in said.text


def test_a_wrong_client_secret_and_a_revoked_refresh_token(approved: Approved) -> None:
    world = approved.world
    world.zoho_call("POST", "tokens/expire")
    world.here("secrets", "set", "zoho.client_secret", stdin="not-the-one")
    try:
        said = world.run("sync", "--approve", approved.approve)
    finally:
        world.here("secrets", "set", "zoho.client_secret", stdin=SECRETS[1])
    assert_refused(world, said, 2, "client secret", "ml-connector secrets")
    world.zoho_call("POST", "tokens/revoke", {})
    assert_refused(
        world, world.run("sync", "--approve", approved.approve), 2, "refresh token", "zoho authorize"
    )


@pytest.mark.parametrize(
    ("scopes", "command", "missing"),
    [
        ("ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.org.READ", "plan", "ZohoCRM.coql.READ"),
        (
            "ZohoCRM.modules.READ,ZohoCRM.settings.ALL,ZohoCRM.org.READ,ZohoCRM.coql.READ",
            "sync",
            "ZohoCRM.modules.accounts.CREATE",
        ),
    ],
)
def test_a_missing_scope_is_named(tmp_path: Path, scopes: str, command: str, missing: str) -> None:
    with opened(tmp_path, gp=gp_options(30), zoho=zoho_options(scopes=scopes)) as world:
        words = ["--approve", world.plan("customers")] if command == "sync" else []
        assert_refused(world, world.run(command, "customers", *words), 2, missing, "zoho authorize")


def test_two_syncs_at_once(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(30)) as world:
        approve = world.plan("customers")
        world.gp_faults({"kind": "delay", "operation": "GetCustomerList", "seconds": FOR_EVER})
        first = world.start("sync", "customers", "--approve", approve)
        try:
            while world.gp.control("GET", "faults")["faults"]:  # until the first is at work, and stays so
                assert first.poll() is None
                time.sleep(0.05)
            said = world.run("sync", "customers")
            assert_refused(world, said, 4, "Another ml-connector process", "Wait until it has finished")
        finally:
            world.gp_faults()
            done = world.finish(first)
        assert done.code == 0, done.err
        assert len(world.accounts()) == len(world.customers())
