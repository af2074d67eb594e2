"""A realm for each test, an authority for all, and transports that sign in to what a test starts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest
from windows_acceptor import Acceptor, Gss, Ways
from windows_certificates import Authority
from windows_parts import REALM as REALM_PARTS
from windows_parts import need
from windows_realm import PASSWORD, USER, Realm

from ml_connector.connectors.dynamics_gp import GpConfig
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.connectors.dynamics_gp.tickets import Tickets


class MovableClock:
    """The machine's clock, moved by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(min(seconds, 0.005))


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def in_realm(opened, tmp_path, monkeypatch) -> Callable[..., Realm]:
    """Start a realm, which this process then belongs to."""

    def start(**options: str) -> Realm:
        need(REALM_PARTS)
        folder = tmp_path / "realm"
        folder.mkdir()
        realm = opened.enter_context(Realm(folder, **options))
        for name, value in realm.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KRB5RCACHENAME", "none:")
        monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/ccache")
        return realm

    return start


@pytest.fixture
def realm(in_realm) -> Realm:
    return in_realm()


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def accept(opened) -> Callable[..., Acceptor]:
    """Start a server that takes Kerberos by a realm's keytab; further ``Ways`` by name."""

    def start(keytab, *, binding: bytes | None = None, **ways) -> Acceptor:
        begin = ways.pop("begin", lambda: Gss(str(keytab), binding))
        return opened.enter_context(Acceptor(Ways(begin, **ways)))

    return start


@pytest.fixture
def sign_in(opened, clock) -> Callable[..., WindowsTransport]:
    """A transport to an address; settings by name, and ``password``, ``refusals`` and ``tickets``."""

    def open_transport(
        endpoint: str, password: str = PASSWORD, refusals=None, tickets=None, **settings
    ) -> WindowsTransport:
        wanted = {"company_id": -1, "user": f"{USER}@GP.TEST", "timeout_seconds": 120, "endpoint": endpoint}
        config = GpConfig.model_validate(wanted | settings)
        tickets = tickets or Tickets(config, lambda: password, clock)
        transport = WindowsTransport(config, lambda: password, refusals, tickets)
        return opened.enter_context(closing(transport))

    return open_transport
