"""Orders of Accounts that are no customers yet: one customer each, made when a document needs it and no sooner."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
from sales_world import COMPANY, SalesWorld

from memory import MemoryTarget
from memory_crm import DyingDatabase
from memory_crm import KilledError as DiedError
from memory_documents import Fault, KilledError, MemoryDocuments, MemoryMasterEdits, away, late, lost, unsure
from memory_sales import DEALS, ORDERS
from ml_connector.core.catalogue import CUSTOMER_MISSING
from ml_connector.core.mapping import FieldRule
from ml_connector.core.new_customer import CustomerTerms
from ml_connector.core.numbering import number_of
from ml_connector.core.sales_ports import Accepted, Outcome
from ml_connector.flows.document_work import DocumentWork
from ml_connector.flows.new_customers import NewCustomers
from ml_connector.store import links
from ml_connector.store.database import Database
from ml_connector.store.links import Pair

ORDER, OTHER = "5725767000000000900", "5725767000000000901"
RULES = (FieldRule("Account_Name", ("name",)),)


@dataclass
class Masters(MemoryMasterEdits):
    """Whoever is made can be sold to."""

    erp: MemoryDocuments = field(kw_only=True)

    def _create(self, entity: str, key: str, fields: dict[str, object]) -> Outcome:
        outcome = super()._create(entity, key, fields)
        if isinstance(outcome, Accepted):
            self.erp.customers[key] = ""
        return outcome


@dataclass
class NewWorld(SalesWorld):
    """An Account that sales typed, and orders of it."""

    is_on: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.accounts = MemoryTarget(self.clock)
        self.masters = Masters(self.clock, erp=self.erp)
        self.account = self.accounts.seed("Contoso")

    @property
    def customer(self) -> str:
        return number_of(self.account, "ZC")

    def work(self, module: str = ORDERS, database: Database | None = None) -> DocumentWork:
        own = super().work(module, database)
        maker = NewCustomers(
            COMPANY, "sales_orders", "", self.accounts, self.masters, own.database, self.clock, RULES,
            "GP_Customer_ID", CustomerTerms("ZC"),
        )  # fmt: skip
        return replace(own, customers=maker if self.is_on else None)

    def order(self, key: str = ORDER, **fields: object) -> None:
        self.crm.edit(ORDERS, key, **{"Account_Name__id": self.account, **fields})
        self.pass_time(minutes=1)

    def made(self) -> list[str]:
        return [key for entity, key in self.masters.records if entity == "customers"]


@pytest.fixture
def new(database: Database) -> NewWorld:
    return NewWorld(database)


def test_two_orders_of_one_new_account_are_two_of_one_new_customer(new: NewWorld) -> None:
    new.at_once = 2
    new.order()
    new.order(OTHER)
    assert new.run()["counts"]["created"] == 2
    assert {one.document.customer for one in new.erp.every()} == {new.customer}
    assert new.made() == [new.customer.casefold()]
    with new.database.read() as tx:
        assert links.on(tx, Pair(COMPANY, "customers", "Accounts"), [new.account])
    assert new.story(new.account) == ["created"]
    assert new.is_quiet()


def test_where_none_is_made_the_order_waits_for_the_customer(new: NewWorld) -> None:
    new.is_on = False
    new.order()
    new.run()
    new.pass_time(minutes=1)
    new.run()
    assert (new.held(), new.made()) == ([CUSTOMER_MISSING], [])
    new.is_on = True
    new.pass_time(minutes=1)
    new.run()
    assert (new.held(), new.only().document.customer) == ([], new.customer)


@pytest.mark.parametrize("fields", [{"Status": "Draft"}, {"Status": "Cancelled"}])
def test_no_customer_is_made_for_what_does_not_go(new: NewWorld, fields: dict[str, str]) -> None:
    new.more_rules = {"stages": frozenset({"approved"})}
    new.order(**fields)
    new.run()
    assert (new.made(), new.erp.every(), new.held()) == ([], [], [])
    new.order(Status="Approved")
    new.run()
    assert new.only().document.customer == new.customer


def test_a_won_deal_is_left_alone_first(new: NewWorld) -> None:
    new.crm.edit(DEALS, ORDER, Account_Name__id=new.account, Stage="Closed Won")
    new.run(DEALS)
    assert new.made() == []
    new.pass_time(hours=25)
    new.run(DEALS)
    assert (new.made(), new.only().document.customer) == ([new.customer.casefold()], new.customer)


def test_a_customer_that_cannot_be_made_holds_the_order_and_is_tried_again(new: NewWorld) -> None:
    new.masters.refuses[new.customer] = "CLASS_UNKNOWN"
    new.order()
    new.run()
    assert (new.held(), new.sent()) == (["CLASS_UNKNOWN"], [])
    new.masters.refuses.clear()
    new.pass_time(hours=12)
    new.run()
    assert (new.held(), new.only().document.customer) == ([], new.customer)


@pytest.mark.parametrize("fault", [away, unsure, lost, late])
def test_a_customer_whose_making_is_not_answered(new: NewWorld, fault) -> None:
    new.order()
    new.masters.calls.faults = [fault()]
    new.run()
    new.masters.calls.do_late()
    new.pass_time(minutes=20)
    new.run()
    assert_one(new)


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("at", range(1, 16))
def test_killed_at_any_transaction(new: NewWorld, at: int, *, committed: bool) -> None:
    new.order()
    with suppress(DiedError):
        new.run(database=DyingDatabase(new.database, at, committed))
    new.pass_time(minutes=20)
    new.run()
    assert_one(new)


@pytest.mark.parametrize("after", [False, True])
def test_killed_in_the_making(new: NewWorld, *, after: bool) -> None:
    new.order()
    new.masters.calls.faults = [Fault(KilledError(), after=after)]
    with pytest.raises(KilledError):
        new.run()
    new.pass_time(minutes=20)
    new.run()
    assert_one(new)


def assert_one(new: NewWorld) -> None:
    assert (new.held(), new.made()) == ([], [new.customer.casefold()])
    assert new.only().document.customer == new.customer
    assert new.story(new.account) == ["created"]
    assert new.is_quiet()


def test_an_order_without_an_account_waits_for_one_and_is_not_looked_at_before(new):
    new.crm.edit(ORDERS, OTHER, Account_Name__id=None)
    for _ in range(3):
        new.pass_time(minutes=5)
        new.run()
    assert new.story(OTHER) == ["held"]
    new.crm.edit(ORDERS, OTHER, Account_Name__id=new.account)
    new.pass_time(minutes=5)
    new.run()
    assert (new.held(), new.only().document.customer) == ([], new.customer)
