"""``ml-connector simulate``: a simulator of either system as a process, until it is told to stop."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

from ml_connector.cli.show import note, say
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from ml_connector.simulators.gp import Account, MoreCompany

app = typer.Typer(help="Stand-ins for both systems that speak their real protocols.", no_args_is_help=True)

# The defaults below are those of GpOptions and ZohoOptions (a test compares them); reading them from there would
# load both simulators for every command.

Edition = Literal["free", "standard", "professional", "enterprise", "ultimate"]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Latency = Annotated[float, typer.Option(min=0, help="Seconds added to every operation.")]
Entries = Annotated[int, typer.Option(min=0, help="Journal entries in all; 0: Fabrikam's own.")]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DOMAIN\\USER:PASSWORD", help="Windows account that may sign in; several may be given."
    ),
]
Companies = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID:CUSTOMERS[:VENDORS[:SEED]]",
        help="A company beside Fabrikam (-1), in which the accounts have rights, too; several may be given.",
    ),
]


class Simulator(Protocol):
    """What both simulators can do."""

    @property
    def url(self) -> str: ...
    def start(self) -> object: ...
    def stop(self) -> None: ...


@app.command()
def gp(  # noqa: PLR0913 -- one parameter an option
    *,
    port: Port = 0,
    host: Host = "127.0.0.1",
    customers: Annotated[int, typer.Option(min=0, help="Customers in all; 0: Fabrikam's own.")] = 0,
    vendors: Annotated[int, typer.Option(min=0, help="Vendors in all; 0: Fabrikam's own.")] = 0,
    journal_entries: Entries = 0,
    seed: Annotated[int, typer.Option(help="Another seed makes another company.")] = 1,
    account: Accounts = None,
    company: Companies = None,
    row_limit: Annotated[int, typer.Option(min=1, help="Rows that a list gives at most, silently.")] = 1000,
    auth_per_request: Annotated[bool, typer.Option(help="Every request is challenged anew.")] = False,
    same_second: Annotated[bool, typer.Option(help="All records carry one and the same stamp.")] = False,
    action_tracking: Annotated[bool, typer.Option(help="GP keeps a track of what is changed.")] = False,
    latency: Latency = 0.0,
) -> None:
    """Dynamics GP Web Services (SOAP) behind Windows authentication."""
    from ml_connector.simulators.gp import GpOptions, GpSimulator

    companies = tuple(map(_company, company or ()))
    rights = (-1, 2, *(more.id for more in companies))
    accounts = tuple(map(_account, account or ())) or GpOptions().accounts
    options = GpOptions(
        host=host,
        port=port,
        customers=customers,
        vendors=vendors,
        journal_entries=journal_entries,
        seed=seed,
        row_limit=row_limit,
        auth_per_request=auth_per_request,
        same_second=same_second,
        action_tracking=action_tracking,
        latency_seconds=latency,
        accounts=tuple(replace(one, companies=rights) for one in accounts),
        companies=companies,
    )
    _run(lambda: GpSimulator(options), "gp")


def _company(text: str) -> MoreCompany:
    """The company that its id, its sizes and its seed describe."""
    from ml_connector.simulators.gp import MoreCompany

    try:
        given = [int(number) for number in text.split(":")]
        number, customers, vendors, seed = (*given, *(0, 2)[len(given) - 2 :])
        return MoreCompany(number, customers, vendors, seed)
    except ValueError:
        raise ConfigurationError(
            "A company of the simulator has another form.",
            "Write ID:CUSTOMERS, and behind further colons VENDORS and SEED.",
        ) from None


def _account(text: str) -> Account:
    """The account that DOMAIN, user and password describe."""
    from ml_connector.simulators.gp import Account

    name, colon, password = text.partition(":")
    domain, backslash, user = name.partition("\\")
    if not (colon and backslash and user):
        raise ConfigurationError(
            "An account of the simulator has another form.", "Write DOMAIN\\USER:PASSWORD."
        )
    return Account(domain, user, password)


@app.command()
def zoho(  # noqa: PLR0913 -- one parameter an option
    *,
    port: Port = 0,
    host: Host = "127.0.0.1",
    client_id: Annotated[
        str, typer.Option(help="Id of the client that may ask for tokens.")
    ] = "1000.SIMULATEDCLIENT",
    client_secret: Annotated[str, typer.Option(help="Its secret, made up.")] = "simulated-client-secret",  # noqa: S107 -- made up
    refresh_token: Annotated[
        str, typer.Option(help="A refresh token that works at once.")
    ] = "1000.simulated.refresh",  # noqa: S107 -- made up
    grant_code: Annotated[
        list[str] | None, typer.Option(help="A grant code, good once; several may be given.")
    ] = None,
    edition: Annotated[Edition, typer.Option(help="Edition of the organisation: its limits.")] = "enterprise",
    users: Annotated[int, typer.Option(min=1, help="Licences bought; they raise the credits.")] = 5,
    latency: Latency = 0.0,
    bulk_seconds: Annotated[float, typer.Option(min=0, help="Seconds that a bulk job takes.")] = 3.5,
) -> None:
    """Zoho CRM (API v8) with its token endpoint."""
    from ml_connector.simulators.zoho import GrantCode, ZohoOptions, ZohoSimulator

    options = ZohoOptions(
        host=host,
        port=port,
        client_id=client_id,
        client_secret=client_secret,
        refresh_token=refresh_token,
        grant_codes=tuple(GrantCode(code) for code in grant_code or ()),
        edition=edition,
        users=users,
        latency_seconds=latency,
        bulk_seconds=bulk_seconds,
    )
    _run(lambda: ZohoSimulator(options), "zoho")


def _run(make: Callable[[], Simulator], name: str) -> None:
    """Serve until SIGTERM or SIGINT; one line of JSON says where, once it can be reached."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    try:
        simulator = make()
        simulator.start()
    except OSError as error:
        raise ConfigurationError(
            f"The {name} simulator cannot listen there: {error.strerror}.",
            "Give another --port (0: any free one) or --host, or end what listens there.",
        ) from error
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        place = {"simulator": name, "url": simulator.url, "control": f"{simulator.url}/_control/"}
        # Of the GP one: the SOAP service and SBA behind the address.
        services = {
            "endpoint": getattr(simulator, "endpoint", None),
            "sba": getattr(simulator, "sba_address", None),
        }
        say(json.dumps(place | {service: where for service, where in services.items() if where}))
        stop.wait()
    finally:
        simulator.stop()
    note(f"The {name} simulator has stopped.")
