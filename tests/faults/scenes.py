"""What the crash matrix is made over: every flow as it is shipped, with a handful of records."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ml_connector.bootstrap import open_app
from ml_connector.cli.sync import run_flows
from ml_connector.core.ports import Target
from ml_connector.core.write_plan import JobPrice, WritePrices
from ml_connector.flows import approval
from ml_connector.flows.range import EVERYTHING
from ml_connector.settings_file import load_settings
from systems import World

COMPANY = "company=2"  #: GP's empty one, so that there is only what a scene makes
SALES, COSTS, CASH = "000-4100-00", "000-4500-00", "000-1100-00"
Step = Callable[[World], None]


@dataclass(frozen=True)
class Scene:
    """One flow: what it needs, what is there at its first load, and what changes after that."""

    flow: str
    first: Step
    change: Step
    settings: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()  #: flows whose first load is done before
    words: tuple[str, ...] = ()  #: the command; empty: sync of the flow
    run: Callable[[Path, str], None] | None = (
        None  #: instead of the command: (settings, hash that is approved)
    )
    prepared: Step | None = None  #: what is made behind the flows before
    approved: bool = True  #: its first load waits for an approval
    has_first: bool = True

    @property
    def phases(self) -> tuple[str, ...]:
        """Which of its runs are killed."""
        return ("first", "change") if self.has_first else ("change",)

    @property
    def command(self) -> tuple[str, ...]:
        return self.words or ("sync", self.flow)


def sync_here(world: World, *words: str) -> None:
    """A run within this process."""
    world.here("sync", *words)
    logging.getLogger("dbos").handlers.clear()  # they write to what was standard error for a moment


def make_customers(world: World) -> None:
    for number in range(3):
        _customer(world, f"C{number}", f"Harbour {number} Stores", f"Ann Nr{number}")


def change_customers(world: World) -> None:
    """A new one, another name, another address and another balance."""
    _customer(world, "C9", "New Harbour Stores", "Bob Newman")
    _post(world, "customers/C0", {"set": {"class_id": "RETAIL"}})
    _post(world, "customers/C1", {"balance": {"amount": "77.50"}})
    _post(world, "customers/C2", {"address": {"id": "PRIMARY", "city": "Utrecht"}, "touch": False})


def _customer(world: World, key: str, name: str, person: str) -> None:
    address = {"id": "PRIMARY", "contact": person, "city": "Delft"}
    _post(world, "customers", {"id": key, "name": name, "addresses": [address]})


def make_vendors(world: World) -> None:
    for number in range(3):
        _post(world, "vendors", {"id": f"V{number}", "name": f"Quarry {number} Supplies"})


def change_vendors(world: World) -> None:
    _post(world, "vendors", {"id": "V9", "name": "New Quarry Supplies"})
    _post(world, "vendors/V0", {"set": {"class_id": "STONE"}})


def make_accounts(world: World) -> None:
    for number, text, category in (
        (SALES, "Sales", "Sales"),
        (COSTS, "Costs", "Cost of Goods Sold"),
        (CASH, "Cash", "Cash"),
    ):
        _post(world, "accounts", {"id": number, "description": text, "category": category})


def change_accounts(world: World) -> None:
    _post(world, "accounts", {"id": "000-9000-00", "description": "New"})
    _post(world, f"accounts/{COSTS}", {"set": {"description": "Costs of sales"}})


def make_books(world: World) -> None:
    make_accounts(world)
    post_entry(world, "100.00", "2026-04-02")
    post_entry(world, "250.00", "2026-05-12")


def change_books(world: World) -> None:
    post_entry(world, "42.00", "2026-05-20")


def change_months(world: World) -> None:
    change_books(world)
    sync_here(world, "journal_entries")


def post_entry(world: World, amount: str, on: str, customer: str = "", number: str = "") -> None:
    lines: list[dict[str, object]] = [
        {"account": CASH, "debit": amount},
        {"account": SALES, "credit": amount},
    ]
    if customer:
        origin = {
            "control_id": number,
            "document": number,
            "master_id": customer,
            "master_name": "-",
            "type": 3,
        }
        lines = [line | {"origin": origin} for line in lines]
    _post(world, "journals", {"on": on, "lines": lines, "series": "Sales", "source_document": "SJ"})


def make_earnings(world: World) -> None:
    """What the flows before those over deals bring."""
    make_accounts(world)
    _customer(world, "C0", "Harbour Stores", "")
    post_entry(world, "900.00", "2026-05-12", "C0", "INV1")


def first_deals(world: World) -> None:
    add_deals(world, "Quay", "Pier")


def more_deals(world: World) -> None:
    add_deals(world, "Mole", "Jetty")


def more_earnings(world: World) -> None:
    post_entry(world, "42.00", "2026-05-20", "C0", "INV2")
    sync_here(world, "journal_entries")


def add_deals(world: World, *names: str) -> None:
    account = world.account("C0")["id"]
    deals = [{"Deal_Name": name, "Stage": "Closed Won", "Account_Name": {"id": account}} for name in names]
    world.seed(*deals, module="Deals")


def change_by_hand(world: World) -> None:
    """People change in Zoho what is GP's."""
    world.here("reconcile", "fields", "customers")
    time.sleep(1.1)  # Zoho's stamps are to the second
    for number, name in enumerate(("Leiden", "Gouda")):
        world.edit(world.account(f"C{number}")["id"], Billing_City=name)


class Early:
    """A target whose bulk jobs pay from five records on."""

    def __init__(self, inner: Target) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def write_prices(self, module: str) -> WritePrices:
        prices = self._inner.write_prices(module)
        return WritePrices(2, 1, JobPrice(10, 3, 5)) if prices.job else prices


def sync_in_jobs(settings: Path, approve: str) -> None:
    """As the command, but that bulk jobs pay early."""
    with open_app(load_settings(settings)) as app:
        if approve:
            approval.approve(app.database, app.roster.in_order(["customers"]), approve)
        run_flows(replace(app, works=replace(app.works, target=Early(app.target))), {"customers": EVERYTHING})


def make_many(world: World) -> None:
    for number in range(7):
        _customer(world, f"B{number}", f"Bulk {number} Stores", "")


def change_many(world: World) -> None:
    for number in range(7):
        _post(world, f"customers/B{number}", {"set": {"class_id": "BULK"}})


def _post(world: World, path: str, given: Mapping[str, object]) -> None:
    world.gp.control("POST", f"{path}?{COMPANY}", dict(given))


_BOOKS = {"flows__gl_accounts": "{ enabled = true }", "flows__journal_entries": "{ enabled = true }"}
_KEPT = {
    "flows__gl_accounts": "{ enabled = true }",
    "flows__journal_entries": "{ enabled = true, mappings = [] }",
}
_DEALS = _KEPT | {
    "flows__vendors": "{ enabled = false }",
    "flows__deal_tagging": "{ enabled = true }",
    "flows__profitability": "{ enabled = true }",
    "deals_rules__all": f"{{ account = '{SALES}' }}",
}
_JOBS = {"zoho__bulk_poll_seconds": "0.2", "zoho__bulk_timeout_seconds": "3", "sync__max_change_ratio": "1"}
_BEFORE_DEALS = ("gl_accounts", "customers", "journal_entries")

SCENES: Mapping[str, Scene] = {
    "customers": Scene("customers", make_customers, change_customers),
    "vendors": Scene("vendors", make_vendors, change_vendors),
    "GL accounts": Scene("gl_accounts", make_accounts, change_accounts, _BOOKS),
    "journal lines": Scene("journal_entries", make_books, change_books, _BOOKS, ("gl_accounts",)),
    "account months": Scene(
        "account_months",
        make_books,
        change_months,
        _KEPT | {"flows__account_months": "{ enabled = true }"},
        ("gl_accounts", "journal_entries"),
    ),
    "deal tagging": Scene(
        "deal_tagging",
        make_earnings,
        more_deals,
        _DEALS,
        _BEFORE_DEALS,
        prepared=first_deals,
        approved=False,
    ),
    "profitability": Scene(
        "profitability",
        make_earnings,
        more_earnings,
        _DEALS,
        _BEFORE_DEALS,
        prepared=first_deals,
        approved=False,
    ),
    "fields put back": Scene(
        "customers",
        make_customers,
        change_by_hand,
        words=("reconcile", "fields", "customers", "--put-back"),
        has_first=False,
    ),
    "bulk jobs": Scene("customers", make_many, change_many, _JOBS, run=sync_in_jobs),
}
