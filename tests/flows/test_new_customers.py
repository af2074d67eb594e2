"""Customers of the ERP that are made of Accounts: one each, whatever dies, and no second Account."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from memory import FakeClock, MemorySource, MemoryTarget
from memory_crm import DyingDatabase
from memory_crm import KilledError as DiedError
from memory_documents import Fault, KilledError, away, late, lost, unsure
from memory_masters import MastersOfSource
from ml_connector.core.catalogue import CUSTOMER_MISSING
from ml_connector.core.errors import RecordRejectedError, RetryableError
from ml_connector.core.mapping import FieldRule
from ml_connector.core.new_customer import CustomerTerms
from ml_connector.core.numbering import number_of
from ml_connector.flows.new_customers import NewCustomers
from ml_connector.store import intents, links, verdicts
from ml_connector.store.database import Database
from ml_connector.store.links import Pair
from world import CUSTOMER, World

TERMS = CustomerTerms("ZC", "USA")
RULES = (FieldRule("Account_Name", ("name",)), FieldRule("City", ("city",)), FieldRule("Phone", ("phone",)))


@dataclass
class Making(World):
    """What docs need: Accounts that sales typed, and the flow of customers that runs beside."""

    masters: MastersOfSource = field(kw_only=True)

    def customers(self, **other: object) -> NewCustomers:
        return replace(
            NewCustomers(
                "-1",
                "orders",
                "run",
                self.target,
                self.masters,
                self.database,
                self.clock,
                RULES,
                "GP_Customer_ID",
                TERMS,
            ),
            **other,
        )

    def account(self, name: str = "Contoso", **fields: object) -> str:
        return self.target.seed(name, City="Chicago", **fields)

    def made(self) -> list[str]:
        return [key for entity, key in self.masters.records if entity == "customers" and key.startswith("zc")]

    def created(self, key: str) -> list[dict[str, object]]:
        return [
            row for row in self.rows(key) if (row["mapping"], row["action"]) == ("(back)", "record:created")
        ]


@pytest.fixture
def making(database: Database) -> Making:
    clock = FakeClock()
    source, target = MemorySource(clock), MemoryTarget(clock)
    masters = MastersOfSource(clock, source=source)
    world = Making(clock, source, target, database, {"customers": [CUSTOMER]}, masters=masters)
    masters.put("customers", "C1", name="Aaron Fitz", city="Chicago")
    target.seed("Nobody's", City="-", Phone="-")
    world.first("customers")
    return world


def code(told: object) -> str:
    assert isinstance(told, RecordRejectedError)
    return told.code


def assert_one(making: Making, account_id: str) -> None:
    """One customer, linked, told once; the flow of customers makes no second Account and marks the one there is."""
    key = number_of(account_id, "ZC")
    accounts = len(making.target.of())
    assert making.customers().customer_of([account_id]) == {account_id: key}
    making.clock.sleep(60)
    assert making.sync()["state"] == "done"
    assert making.held() == []
    assert len(making.target.of()) == accounts
    assert making.target.by_key(key) == [account_id]
    assert making.customers().customer_of([account_id]) == {account_id: key}
    assert making.made() == [key.casefold()]
    assert len(making.created(key)) == 1
    pair = Pair("-1", "customers", "Accounts")
    with making.database.read() as tx:
        assert links.on(tx, pair, [account_id])[account_id].source_key == key
        assert intents.open_keys(tx, Pair("-1", "Accounts", "customers")) == []
        assert verdicts.find(tx, pair, [key]) == {} or not verdicts.find(tx, pair, [key]).popitem()[1].chosen
    writes = len(making.target.writes)
    making.clock.sleep(3600)
    making.sync()
    assert len(making.target.writes) == writes


def test_one_is_made_and_linked(making: Making) -> None:
    account_id = making.account(Phone="555-1")
    key = number_of(account_id, "ZC")
    assert making.customers().customer_of([account_id, account_id]) == {account_id: key}
    erp = making.masters.records["customers", key.casefold()]
    assert (erp["name"], erp["city"], erp["phone"], erp["class_id"]) == ("Contoso", "Chicago", "555-1", "USA")
    [row] = making.created(key)
    assert json.loads(str(row["after"]))["name"] == "Contoso"
    assert_one(making, account_id)


def test_who_has_one_has_that(making: Making) -> None:
    [account_id] = making.target.by_key("C1")
    assert making.customers().customer_of([account_id]) == {account_id: "C1"}
    assert making.customers(terms=None).customer_of([account_id]) == {account_id: "C1"}
    assert making.masters.calls.made == []


def test_where_none_is_to_be_made_it_is_said(making: Making) -> None:
    account_id = making.account()
    told = making.customers(terms=None).customer_of([account_id])[account_id]
    assert code(told) == CUSTOMER_MISSING
    assert making.made() == []
    assert making.customers(terms=None).key_of(account_id) == making.customers().key_of("no id") == ""
    assert making.customers().key_of(account_id) == number_of(account_id, "ZC")


@pytest.mark.parametrize("why", ["gone", "carries", "alike", "refused", "nameless"])
def test_what_is_not_certain_is_not_made(making: Making, why: str) -> None:
    account_id = making.account(Phone="555-1")
    other = making.account("Another")
    if why == "gone":
        making.target.gone.add(account_id)
    elif why == "carries":
        making.target.edit(account_id, GP_Customer_ID="C9")
    elif why == "alike":
        making.masters.put("customers", "C9", name="CONTOSO ", city="Boston")
        making.sync()
        with making.database.begin() as tx:
            links.remove(tx, Pair("-1", "customers", "Accounts"), "C9")
    elif why == "refused":
        making.masters.refuses[number_of(account_id, "ZC")] = "CLASS_UNKNOWN"
    else:
        making.target.edit(account_id, Account_Name="")
    if why == "alike":
        making.target.edit(account_id, GP_Customer_ID=None)
    told = making.customers().customer_of([account_id, other])
    assert code(told[account_id]) in (CUSTOMER_MISSING, "CLASS_UNKNOWN", "VALUE_MISSING")
    assert told[account_id].heals  # it is tried again by itself: nothing tells of an Account that was mended
    assert told[other] == number_of(other, "ZC")  # the others go on
    assert making.made() == [number_of(other, "ZC").casefold()]
    with making.database.read() as tx:
        assert intents.open_keys(tx, Pair("-1", "Accounts", "customers")) == []
        assert verdicts.find(tx, Pair("-1", "customers", "Accounts"), [number_of(account_id, "ZC")]) == {}


def test_a_namesake_that_is_another_account_s_is_in_nobody_s_way(making: Making) -> None:
    account_id = making.account("Aaron Fitz")
    assert making.customers().customer_of([account_id]) == {account_id: number_of(account_id, "ZC")}


@pytest.mark.parametrize("fault", [away, unsure, lost, late])
@pytest.mark.parametrize("runs_between", [False, True])
def test_a_create_without_an_answer(making: Making, fault, *, runs_between: bool) -> None:
    account_id = making.account()
    making.masters.calls.faults = [fault()]
    with pytest.raises(RetryableError):
        making.customers().customer_of([account_id])
    making.masters.calls.do_late()
    making.clock.sleep(60)
    if runs_between:  # the flow of customers meets the customer before it is linked, and under another name
        making.target.edit(account_id, Account_Name="Renamed")
        assert making.sync()["state"] == "done"
        assert len(making.target.of()) == 3
    assert_one(making, account_id)


@pytest.mark.parametrize("runs_between", [False, True])
@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("at", range(1, 5))
def test_killed_at_any_transaction(making: Making, at: int, *, committed: bool, runs_between: bool) -> None:
    account_id = making.account()
    dying = DyingDatabase(making.database, at, committed)
    with suppress(DiedError):
        making.customers(database=dying).customer_of([account_id])
    making.clock.sleep(60)
    if runs_between:
        making.target.edit(account_id, Account_Name="Renamed")
        making.sync()
        assert len(making.target.of()) == 3
    assert_one(making, account_id)


@pytest.mark.parametrize("after", [False, True])
def test_killed_in_the_create(making: Making, *, after: bool) -> None:
    account_id = making.account()
    making.masters.calls.faults = [Fault(KilledError(), after=after)]
    with pytest.raises(KilledError):
        making.customers().customer_of([account_id])
    making.clock.sleep(60)
    making.target.edit(account_id, Account_Name="Renamed")
    making.sync()
    assert_one(making, account_id)


def test_two_at_the_same_time_make_one(making: Making) -> None:
    """Another thread makes it, links it and tells of it between our look and our create."""
    account_id = making.account()
    create = making.masters.create

    def after_another(entity: str, key: str, fields: dict[str, object]) -> object:
        making.masters.create = create
        assert making.customers().customer_of([account_id]) == {account_id: key}
        return create(entity, key, fields)

    making.masters.create = after_another
    assert making.customers().customer_of([account_id]) == {account_id: number_of(account_id, "ZC")}
    assert_one(making, account_id)


def test_another_makes_it_before_our_intent(making: Making) -> None:
    account_id = making.account()
    read = making.target.read

    def after_another(module: str, ids: list[str], fields: list[str]) -> object:
        making.target.read = read
        found = read(module, ids, fields)
        making.customers().customer_of([account_id])
        return found

    making.target.read = after_another
    assert making.customers().customer_of([account_id]) == {account_id: number_of(account_id, "ZC")}
    assert_one(making, account_id)
