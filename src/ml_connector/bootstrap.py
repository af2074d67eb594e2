"""The only place where real things are made and joined."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from ml_connector.app import App
from ml_connector.connectors.dynamics_gp import (
    GpClient,
    GpConfig,
    GpSource,
    GpTarget,
    RequestGate,
    SbaReader,
)
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.connectors.dynamics_gp.tickets import Tickets
from ml_connector.connectors.slots import OpenLocks
from ml_connector.connectors.zoho_crm import (
    AccessToken,
    Allowance,
    CallGuard,
    ZohoClient,
    ZohoSource,
    ZohoTarget,
    open_client,
)
from ml_connector.connectors.zoho_crm import RequestGate as ZohoGate
from ml_connector.connectors.zoho_crm.documents import modules_with
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Clock
from ml_connector.gp_company import GpCompany
from ml_connector.roster import load_roster
from ml_connector.settings import Settings
from ml_connector.store.checkpoints import CheckpointFile
from ml_connector.store.credits import Credits
from ml_connector.store.database import Database
from ml_connector.store.identity import Identity
from ml_connector.store.master_keys import load_master_keys
from ml_connector.store.place_locks import AdvisoryLocks
from ml_connector.store.refusals import Refusals
from ml_connector.store.row_limits import RowLimits
from ml_connector.store.secrets import Secrets
from ml_connector.store.token_shelf import TokenShelf
from ml_connector.store.trail import Trail
from ml_connector.works import Works

#: A thread that waits for GP's answer takes several turns in a call of 20 ms; at Python's 5 ms each, and even at
#: half a millisecond, a good part of the rate is lost while the main thread plans and records.
SWITCH_SECONDS = 0.0001


class SystemClock:
    """This machine's time."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        time.sleep(seconds)


@contextmanager
def open_secrets(settings: Settings) -> Iterator[Secrets]:
    """The secrets of the store; its tables are made where they are not there yet."""
    with ExitStack() as stack:
        yield _secrets(settings, _database(settings, stack), SystemClock())


@contextmanager
def open_trail(settings: Settings) -> Iterator[Trail]:
    """The audit trail alone: who looks through it needs neither system nor secret."""
    with ExitStack() as stack:
        yield _trail(settings, _database(settings, stack), SystemClock())


def _trail(settings: Settings, database: Database, clock: Clock) -> Trail:
    own = settings.audit
    assert own.checkpoint_file is not None
    every = timedelta(minutes=own.checkpoint_minutes)
    return Trail(database, CheckpointFile(own.checkpoint_file), clock, every)


@contextmanager
def open_store(settings: Settings) -> Iterator[Database]:
    """The database alone; its tables are made where they are not there yet."""
    with ExitStack() as stack:
        yield _database(settings, stack)


@contextmanager
def open_app(
    settings: Settings, tell: Callable[[str], None] = lambda _: None, clock: Clock | None = None
) -> Iterator[App]:
    """Everything that the settings describe; closed at the end of the block. ``tell``: what a person waits for.

    ``clock``: whose time it is for all of it; None: this machine's.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    clock = clock or SystemClock()
    with ExitStack() as stack:
        database = _database(settings, stack)
        secrets = _secrets(settings, database, clock)
        refusals = Refusals(database, "gp.password", f"{settings.gp.user} {settings.gp.endpoint}", clock)
        transports = _transports(settings, secrets, refusals, clock)
        companies = _companies(settings, database, secrets, transports, stack, clock)
        zoho = _zoho(settings, database, secrets, stack, clock)
        target = ZohoTarget(zoho)
        stack.callback(target.close)
        roster = load_roster(settings, database)
        columns = {flow.module: flow.mapping.columns for flow in roster.document_flows.values()}
        sales = ZohoSource(zoho, clock, modules_with(columns))
        stack.callback(sales.close)
        identity = Identity(database, settings.every_company)
        works = Works(settings, database, companies, identity, target, sales, roster, clock, tell)
        trail = _trail(settings, database, clock)
        yield App(works, secrets, zoho, refusals, trail, partial(_sign_in_anew, transports), tell)


def _transports(
    settings: Settings, secrets: Secrets, refusals: Refusals, clock: Clock
) -> tuple[WindowsTransport, WindowsTransport | None]:
    """To GP and to SBA, for all companies."""
    password = secrets.reader("gp.password")
    tickets = Tickets(settings.gp, password, clock, refusals.find)
    transport = WindowsTransport(settings.gp, password, refusals, tickets)
    return transport, _sba_transport(settings.gp, password, refusals, tickets)


def _sign_in_anew(transports: Sequence[WindowsTransport | None]) -> None:
    for transport in filter(None, transports):
        transport.sign_in_anew()


def _companies(
    settings: Settings,
    database: Database,
    secrets: Secrets,
    transports: tuple[WindowsTransport, WindowsTransport | None],
    stack: ExitStack,
    clock: Clock,
) -> dict[str, GpCompany]:
    """Every company of GP, by its key: one gate, one account and one set of connections for all of them."""
    gate = RequestGate(
        settings.store.folder,
        settings.gp.max_requests,
        settings.gp.delay_seconds,
        clock,
        _place_locks(database),
    )
    stack.callback(gate.close)
    password, (transport, sba_transport) = secrets.reader("gp.password"), transports
    companies = {}
    for company in settings.every_company:
        config = settings.gp_of(company)
        client = partial(GpClient, config, password, gate, clock, transport)
        another = partial(_source, client, sba_transport, RowLimits(database, company.key, clock), stack)
        gp = client()
        kept = RowLimits(database, company.key, clock)
        target = GpTarget(client(), kept, sba_transport if config.sba.sales.enabled else None)
        companies[company.key] = GpCompany(company, gp, another(gp), another, target)
    return companies


def _source(
    client: Callable[[], GpClient],
    sba_transport: WindowsTransport | None,
    limits: RowLimits,
    stack: ExitStack,
    gp: GpClient | None = None,
) -> GpSource:
    """One company as a source, through ``gp`` or a client of its own, which counts apart."""
    gp = gp or client()
    sba = SbaReader(gp.config.sba, gp, sba_transport) if sba_transport else None
    source = GpSource(gp, sba, limits)
    stack.callback(source.close)
    return source


def _zoho(
    settings: Settings, database: Database, secrets: Secrets, stack: ExitStack, clock: Clock
) -> ZohoClient:
    """One gate and one account of credits, shared with every process of the same data folder and database."""
    config = settings.zoho
    gate = ZohoGate(settings.store.folder, config, clock, _place_locks(database))
    stack.callback(gate.close)
    allowance = Allowance(config, Credits(database, config.client_id, clock), clock)
    shelf = TokenShelf(secrets, settings.store.folder, AccessToken)
    client_secret, refresh_token = map(secrets.reader, ("zoho.client_secret", "zoho.refresh_token"))
    return open_client(config, client_secret, refresh_token, shelf, CallGuard(gate, allowance, clock), clock)


def _place_locks(database: Database) -> OpenLocks | None:
    """What the gates of all processes of this database share; None: files in the data folder."""
    return partial(AdvisoryLocks, database) if database.engine.dialect.name == "postgresql" else None


def _sba_transport(
    config: GpConfig, password: Callable[[], str], refusals: Refusals, tickets: Tickets
) -> WindowsTransport | None:
    """To SBA's server, for all companies; it is signed in to as the same account, so a refusal counts for both."""
    if not config.sba.is_used:
        return None
    there = config.model_copy(update={"endpoint": config.sba.address})
    return WindowsTransport(there, password, refusals, tickets)


def _database(settings: Settings, stack: ExitStack) -> Database:
    folder = settings.store.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {folder} cannot be made: {error.strerror}.", "Set another one under [store]."
        ) from error
    database = Database(settings.store.url)
    stack.callback(database.close)
    database.upgrade()
    return database


def _secrets(settings: Settings, database: Database, clock: Clock) -> Secrets:
    place = settings.secrets
    keys = load_master_keys(key_file=place.key_file, key_env=place.key_env, key_command=place.key_command)
    return Secrets(database, keys, clock)
