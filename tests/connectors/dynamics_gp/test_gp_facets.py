"""What GP does not stamp on the master: addresses, e-mail, balances; whole, by what changed, in the fewest calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.core.change import Page
from ml_connector.core.record import Reading, fold_key

HOUR = timedelta(hours=1)
DOCUMENTS, EMAILS = "GetPayablesDocumentList", "GetChangedInternetAddressKeyList"


def readings(source, entity: str, facet: str, since: datetime | None = None) -> dict[str, Reading]:
    """All pages of a facet, by folded key."""
    after, found = None, {}
    while True:
        page: Page[Reading] = source.list_readings(entity, facet, after, since)
        found |= {fold_key(row.key): row for row in page.rows}
        after = page.next_after
        if after is None:
            return found


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def calls(simulator) -> dict[str, int]:
    """What was asked since the last look, by operation."""
    operations = simulator.control("GET", "state")["operations"]
    simulator.control("DELETE", "requests")
    return operations


def pay(simulator, number: int, vendor: str, **more: object) -> None:
    document = {"id": f"NEW{number:05}", "vendor_id": vendor, "amount": "100.00", **more}
    simulator.control("POST", "documents", document)


def vendors(simulator) -> list[str]:
    return [row["id"] for row in simulator.control("GET", "vendors?limit=100000")["rows"]]


@pytest.mark.parametrize("basis", ["estimated", "exact"])
@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_vendors_whose_documents_changed_are_recomputed_and_no_others(simulate, connect, limit, basis):
    simulator = simulate(vendors=40, row_limits={"payables": limit})
    source = connect(simulator, payables=basis)
    before = readings(source, "vendors", "payables")
    some = vendors(simulator)[3:30:3]
    for number, vendor in enumerate(some):
        pay(simulator, number, vendor, state="Open" if number % 3 else "History", type="Payment")
    changed = readings(source, "vendors", "payables", now() - HOUR)
    assert set(changed) == {fold_key(key) for key in some}
    after = readings(source, "vendors", "payables")
    assert {key: row.digest for key, row in changed.items()} == {key: after[key].digest for key in changed}
    assert {key for key in after if after[key] != before.get(key)} <= set(changed)


def test_a_vendor_that_owes_nothing_more_is_told_as_the_empty_facet_is(simulate, connect):
    simulator = simulate()
    source = connect(simulator)
    pay(simulator, 1, "ACETRAVE0001", amount="5.00")
    for row in simulator.control("GET", "documents?vendor=ACETRAVE0001")["rows"]:
        if row["id"] != "NEW00001":
            simulator.control("DELETE", f"documents/{row['id']}")
    simulator.control("POST", "documents/NEW00001", {"set": {"state": "History"}})
    (reading,) = readings(source, "vendors", "payables", now() - HOUR).values()
    empty = next(facet.empty for facet in source.entities["vendors"].facets if facet.name == "payables")
    assert reading.fields == empty


def test_documents_stamped_by_the_day_are_looked_at_some_days_back(simulate, connect):
    simulator = simulate()
    source = connect(simulator)
    yesterday = (now() - timedelta(days=1)).replace(hour=0, minute=0, second=0)
    pay(simulator, 1, "ACETRAVE0001", modified_at=yesterday.isoformat())
    assert set(readings(source, "vendors", "payables", now() - HOUR)) == {"acetrave0001"}
    pay(simulator, 2, "ADVANCED0001")
    assert set(readings(source, "vendors", "payables", now() - HOUR)) == {"advanced0001"}, "finer than a day"


def test_a_look_at_what_changed_costs_a_few_calls_where_the_whole_list_costs_many(simulate, connect):
    simulator = simulate(vendors=400, row_limits={"payables": 100})
    source = connect(simulator)
    calls(simulator)
    readings(source, "vendors", "payables")
    whole = calls(simulator)[DOCUMENTS]
    readings(source, "vendors", "payables", now() - HOUR)
    assert calls(simulator)[DOCUMENTS] == 1, "nothing changed"
    for number, vendor in enumerate(vendors(simulator)[:30]):
        pay(simulator, number, vendor)
    readings(source, "vendors", "payables", now() - HOUR)
    assert calls(simulator)[DOCUMENTS] <= 10 < whole


def test_balances_of_all_customers_come_a_thousand_a_call(simulate, connect):
    simulator = simulate(customers=3500)
    source = connect(simulator)
    calls(simulator)
    assert len(readings(source, "customers", "receivables")) == 3500
    told = calls(simulator)
    assert set(told) == {"GetCustomerReceivablesSummaryList"}
    assert told["GetCustomerReceivablesSummaryList"] <= 2 * 4


@pytest.mark.parametrize("entity", ["customers", "vendors"])
def test_an_address_pass_costs_list_calls_only_and_differs_only_where_an_address_does(
    simulate, connect, entity
):
    simulator = simulate(customers=600, vendors=600, row_limits={"addresses": 250})
    source = connect(simulator)
    operation = f"Get{entity.removesuffix('s').title()}AddressList"
    calls(simulator)
    before = readings(source, entity, "addresses")
    told = calls(simulator)
    rows = sum(len(row["addresses"]) for row in simulator.control("GET", f"{entity}?limit=9999")["rows"])
    assert set(told) == {operation}
    pages = -(-rows // 250)
    assert told[operation] <= 3 * pages + 2, "two lists a page, and the addresses of its last owner"
    keys = list(before)[10:500:100]
    for number, key in enumerate(keys):
        change = {"id": "WAREHOUSE", "city": f"Moved {number}"} if number % 2 else {"city": "Elgin"}
        simulator.control("POST", f"{entity}/{before[key].key}", {"address": change})
    after = readings(source, entity, "addresses")
    assert {key for key in after if after[key].digest != before[key].digest} == set(keys)


@pytest.mark.parametrize("limit", [1, 2, 1000])
@pytest.mark.parametrize("entity", ["customers", "vendors"])
def test_the_track_names_whose_email_changed(simulate, connect, entity, limit):
    simulator = simulate(customers=60, vendors=60, action_tracking=True, row_limits={"changed_keys": limit})
    source = connect(simulator)
    assert readings(source, entity, "emails", now() - HOUR) == {}
    assert not source.follows(entity, "emails"), "an empty track proves nothing"
    keys = [row["id"] for row in simulator.control("GET", f"{entity}?limit=100")["rows"]][:50:10]
    for other in ("customers", "vendors"):
        simulator.control("POST", f"{other}", {"id": "OTHER", "name": f"Other of {other}"})
    for key in keys:
        simulator.control("POST", f"{entity}/{key}", {"email": {"to": "new@fabrikam.example"}})
    assert source.follows(entity, "emails")
    found = readings(source, entity, "emails", now() - HOUR)
    assert set(found) == {*map(fold_key, keys), "other"}
    assert all(not reading.fields for reading in found.values())
    assert readings(source, entity, "emails", now() + HOUR) == {}


def test_an_address_that_was_edited_is_named_without_the_daily_pass(simulate, connect):
    simulator = simulate(action_tracking=True)
    simulator.control("POST", "customers/AARONFIT0001", {"address": {"city": "Elgin"}})
    assert set(readings(connect(simulator), "customers", "emails", now() - HOUR)) == {"aaronfit0001"}


def test_a_second_edit_under_the_same_stamp_is_told_however_soon_it_is_asked_for(simulate, connect):
    """While an instant is of this very moment every reading differs, so that the record is read each time."""
    simulator = simulate(action_tracking=True, clock_offset_seconds=600.0)
    source = connect(simulator)
    simulator.control("POST", "customers/AARONFIT0001", {"email": {"to": "a@fabrikam.example"}})

    def digests() -> list[str]:
        source.clock_difference()
        told = [readings(source, "customers", "emails", now() - HOUR) for _ in range(3)]
        return [one["aaronfit0001"].digest for one in told]

    simulator.control("POST", "settings", {"clock_offset_seconds": 300.0})  # the stamp has not passed yet
    assert len(set(digests())) == 3
    simulator.control("POST", "settings", {"clock_offset_seconds": 1200.0})  # it has long passed
    assert len(set(digests())) == 1


def test_a_track_that_the_account_may_not_see_counts_as_none(simulate, connect):
    simulator = simulate(action_tracking=True, denied_operations={"FABRIKAM\\connector": (EMAILS,)})
    simulator.control("POST", "customers/AARONFIT0001", {"email": {"to": "a@fabrikam.example"}})
    source = connect(simulator)
    assert not source.follows("customers", "emails")
    (told,) = [check for check in source.checks(["customers"]) if "tracking" in check.name]
    assert told.ok
    assert "not to be had" in told.detail
    assert "email_sweep_nights" in told.detail


def test_ping_says_whether_edits_of_an_email_alone_are_seen(simulate, connect):
    simulator = simulate(action_tracking=True)
    source = connect(simulator)

    def told() -> dict[str, str]:
        return {c.name.split()[-1]: c.detail for c in source.checks() if "tracking" in c.name}

    assert all("off, or silent for 30 days" in detail for detail in told().values())
    simulator.control("POST", "customers/AARONFIT0001", {"email": {"to": "a@fabrikam.example"}})
    assert told()["customers"].startswith("on: ")
    assert told()["vendors"].startswith("off"), "each is proved by rows of its own"


def test_only_documents_and_emails_are_followed(simulate, connect):
    source = connect(simulate())
    followed = {
        (entity, facet.name)
        for entity, told in source.entities.items()
        for facet in told.facets
        if source.follows(entity, facet.name)
    }
    assert followed == {("vendors", "payables")}


def test_what_was_owed_is_the_sum_of_open_documents(simulate, connect):
    simulator = simulate()
    pay(simulator, 1, "ACETRAVE0001", amount="7.00")
    found = readings(connect(simulator), "vendors", "payables", now() - HOUR)
    open_documents = [
        row
        for row in simulator.control("GET", "documents?vendor=ACETRAVE0001")["rows"]
        if row["state"] == "Open"
    ]
    signs = {"Return": -1, "Credit Memo": -1, "Payment": -1}
    owed = sum(signs.get(row["type"], 1) * Decimal(row["amount"]) for row in open_documents)
    assert found["acetrave0001"].fields["payables.balance"] == owed
