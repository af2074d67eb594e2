"""The match index: what stands in a module, what recognises it now, and up to when that is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.core.ports import Candidate
from ml_connector.store import links, match_index
from ml_connector.store.links import DELETED, Link, Pair
from ml_connector.store.match_index import Refresh, Twin

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
KEY, OTHER = "GP_Customer_ID", "GP_Vendor_ID"


def candidate(target_id: str, name: str = "Acme, Inc.", at: datetime = AT, **values: str) -> Candidate:
    return Candidate(target_id, name, values, at)


def put(tx, module: str, rows: list[Candidate], at: datetime = AT) -> None:
    match_index.put(tx, module, rows, at)


def carrying(tx, value: str, field: str = KEY) -> list[str]:
    found = match_index.by_value(tx, "Accounts", field, [value])
    return sorted(c.target_id for group in found.values() for c in group)


def by_name(tx, name: str) -> list[str]:
    return sorted(c.target_id for c in match_index.by_name(tx, "Accounts", [name]).get(name, []))


def test_records_are_found_by_key_and_by_name(tx):
    rows = [
        candidate("1", **{KEY: "Aaron", OTHER: "V1"}),
        candidate("2", "ACME INC"),
        candidate("3", "Other"),
    ]
    for _ in range(2):
        put(tx, "Accounts", rows)
    assert match_index.by_value(tx, "Accounts", KEY, ["AARON ", "x"]) == {"aaron": [rows[0]]}
    assert match_index.by_value(tx, "Accounts", OTHER, ["aaron"]) == {}
    found = match_index.by_name(tx, "Accounts", ["acme inc", "other", "nobody"])
    assert {name: sorted(c.target_id for c in group) for name, group in found.items()} == {
        "acme inc": ["1", "2"],
        "other": ["3"],
    }
    assert found["other"] == [rows[2]]
    assert match_index.count(tx, "Accounts") == 3


def test_a_record_is_remembered_as_it_stands_now(tx):
    put(tx, "Accounts", [candidate("1", **{KEY: "A", OTHER: "V"})])
    put(tx, "Accounts", [candidate("1", "New", LATER, **{KEY: "B"})])
    assert carrying(tx, "A") == carrying(tx, "V", OTHER) == by_name(tx, "acme inc") == []
    assert carrying(tx, "b") == by_name(tx, "new") == ["1"]
    assert match_index.stamps(tx, "Accounts", ["1", "2"]) == {"1": LATER}


def test_two_records_with_one_key_are_both_told(tx):
    put(tx, "Accounts", [candidate("1", **{KEY: "A"}), candidate("2", **{KEY: "a "})])
    assert carrying(tx, "A") == ["1", "2"]


def test_an_empty_key_is_none(tx):
    put(tx, "Accounts", [candidate("1", **{KEY: ""})])
    assert match_index.by_name(tx, "Accounts", ["acme inc"])["acme inc"][0].values == {}


def test_a_key_of_ours_is_added_beside_the_others(tx):
    put(tx, "Accounts", [candidate("1", **{OTHER: "V"})])
    for _ in range(2):
        match_index.put_key(tx, "Accounts", [("1", KEY, "A")])
    ((found,),) = match_index.by_value(tx, "Accounts", KEY, ["a"]).values()
    assert found == candidate("1", **{OTHER: "V", KEY: "A"})
    match_index.put_key(tx, "Accounts", [("1", KEY, "B")])
    assert (carrying(tx, "A"), carrying(tx, "B")) == ([], ["1"])
    match_index.put_key(tx, "Accounts", [])


def test_what_is_gone_is_found_no_more(tx):
    rows = [candidate("1", **{KEY: "A"}), candidate("2", **{KEY: "B"})]
    put(tx, "Accounts", rows)
    put(tx, "Contacts", rows)
    for _ in range(2):
        match_index.remove(tx, "Accounts", ["1", "9"])
        assert (carrying(tx, "A"), carrying(tx, "B"), by_name(tx, "acme inc")) == ([], ["2"], ["2"])
    match_index.remove(tx, "Accounts", [])
    match_index.sweep(tx, "Accounts", AT)
    assert carrying(tx, "B") == ["2"]
    put(tx, "Accounts", [candidate("3", **{KEY: "C"})], LATER)
    match_index.sweep(tx, "Accounts", LATER)
    assert (match_index.count(tx, "Accounts"), match_index.count(tx, "Contacts")) == (1, 2)
    assert (carrying(tx, "B"), carrying(tx, "C")) == ([], ["3"])
    assert match_index.by_value(tx, "Contacts", KEY, ["b"])["b"] == [rows[1]]


def test_a_record_is_found_by_any_field_that_was_asked_for(tx):
    rows = [
        candidate("1", **{KEY: "A", "Email": "Info@Acme.example", "Billing_City": "Zürich"}),
        candidate("2", Billing_City="ZÜRICH ", Parent_Account="1"),
        candidate("3", Billing_City=""),
    ]
    put(tx, "Accounts", rows)
    assert carrying(tx, "INFO@acme.example", "Email") == ["1"]
    assert carrying(tx, "zürich", "Billing_City") == ["1", "2"]
    assert carrying(tx, "1", "Parent_Account") == ["2"]
    assert carrying(tx, "", "Billing_City") == []
    assert match_index.candidates(tx, "Accounts", ["2", "3", "4"]) == {"2": rows[1], "3": candidate("3")}
    assert match_index.candidates(tx, "Contacts", ["2"]) == {}
    assert match_index.by_value(tx, "Accounts", "Billing_City", []) == {}


def test_which_ids_are_known(tx):
    put(tx, "Accounts", [candidate("1"), candidate("2")])
    assert match_index.known(tx, "Accounts", ["1", "2", "3"]) == {"1", "2"}
    assert match_index.known(tx, "Contacts", ["1"]) == set()
    assert match_index.known(tx, "Accounts", []) == set()


def test_the_names_of_what_carries_no_key_are_told_one_after_the_other(tx):
    rows = [
        candidate(f"{n:05}", f"Name {n}", **({KEY: f"K{n}"} if n % 3 else {OTHER: "V"})) for n in range(4000)
    ]
    put(tx, "Accounts", rows)
    put(tx, "Contacts", [candidate("00007")])
    told = []
    for target_id, name in match_index.names_without(tx, "Accounts", KEY):
        told.append((target_id, name))
        if len(told) % 500 == 0:  # others are asked meanwhile
            assert match_index.known(tx, "Accounts", [target_id]) == {target_id}
    assert told == [(row.target_id, row.name) for row in rows if KEY not in row.values]
    assert list(match_index.names_without(tx, "Deals", KEY)) == []


PAIR = Pair("-1", "customers", "Accounts")


def created(key: str, target_id: str, linked_by: str = "created") -> Link:
    return Link(key, target_id, linked_by, AT, AT)


def test_a_namesake_of_what_we_created_is_told(tx):
    put(tx, "Accounts", [candidate("1", **{KEY: "A"}), candidate("2", "ACME INC"), candidate("3", "Other")])
    links.put(tx, PAIR, [created("A", "1")])
    expected = Twin("1", "Acme, Inc.", "2", "ACME INC", AT)
    assert match_index.twins(tx, PAIR, KEY) == [expected]
    put(tx, "Accounts", [candidate("4", "acme inc", **{OTHER: "V"})])  # the key of others is no key
    assert match_index.twins(tx, PAIR, KEY) == [expected, Twin("1", "Acme, Inc.", "4", "acme inc", AT)]


def test_people_are_twins_by_their_address_below_one_account(tx):
    people = Pair("-1", "customers", "Contacts")
    alike = ("Email", "Account_Name")
    ours = candidate("1", "John Smith", **{KEY: "A:john smith"}, Email="j@acme.example", Account_Name="7")
    rows = [
        candidate("2", "J. Smith", Email="J@Acme.example", Account_Name="7"),
        candidate("3", "John Smith", Email="j@acme.example", Account_Name="8"),
        candidate("4", "John Smith", Email="j@home.example", Account_Name="7"),
        candidate("5", "John Smith"),
        candidate("6", "John Smith", **{KEY: "B:john smith"}, Email="j@acme.example", Account_Name="7"),
    ]
    put(tx, "Contacts", [ours, *rows])
    put(tx, "Accounts", [candidate("9", Email="j@acme.example", Account_Name="7")])
    links.put(tx, people, [created("A", "1")])
    assert [twin.twin_id for twin in match_index.twins(tx, people, KEY, alike)] == ["2"]
    assert [twin.twin_id for twin in match_index.twins(tx, people, KEY, ("Email",))] == ["2", "3"]


NO_TWINS = {
    "it carries a key": ([candidate("2", **{KEY: "B"})], [created("A", "1")], PAIR),
    "it is linked": ([candidate("2")], [created("A", "1"), created("B", "2", "name")], PAIR),
    "ours was there before": ([candidate("2")], [created("A", "1", "name")], PAIR),
    "ours has no link": ([candidate("2")], [], PAIR),
    "another company": ([candidate("2")], [created("A", "1")], Pair("2", "customers", "Accounts")),
    "another entity": ([candidate("2")], [created("A", "1")], Pair("-1", "vendors", "Accounts")),
    "another module": ([candidate("2")], [created("A", "1")], Pair("-1", "customers", "Contacts")),
    "without a name": ([candidate("1", "?"), candidate("2", "!")], [created("A", "1")], PAIR),
}


@pytest.mark.parametrize(("others", "linked", "asked"), NO_TWINS.values(), ids=NO_TWINS)
def test_no_twin_is_told_where(tx, others, linked, asked):
    put(tx, "Accounts", [candidate("1", **{KEY: "A"}), *others])
    links.put(tx, PAIR, linked)
    assert match_index.twins(tx, asked, KEY) == []


def test_no_twin_is_told_of_what_is_linked_by_another_flow_or_gone(tx):
    put(tx, "Accounts", [candidate("1", **{KEY: "A"}), candidate("2")])
    links.put(tx, PAIR, [created("A", "1")])
    links.put(tx, Pair("-1", "vendors", "Accounts"), [created("V", "2", "name")])
    assert match_index.twins(tx, PAIR, KEY) == []
    links.remove(tx, Pair("-1", "vendors", "Accounts"), "V")
    assert len(match_index.twins(tx, PAIR, KEY)) == 1
    links.lose(tx, "Accounts", ["1"], DELETED)
    assert match_index.twins(tx, PAIR, KEY) == []


def test_up_to_when_the_index_is_right(tx):
    assert match_index.refreshed(tx, "Accounts", [KEY]) is None
    for at in (AT, LATER, LATER):
        match_index.mark_refreshed(tx, "Accounts", [OTHER, KEY], Refresh(at, AT))
    assert match_index.refreshed(tx, "Accounts", [KEY]) == Refresh(LATER, AT)
    assert match_index.refreshed(tx, "Accounts", [KEY, OTHER]) == Refresh(LATER, AT)
    assert match_index.refreshed(tx, "Accounts", [KEY, "GP_Third"]) is None  # filled without that key
    assert match_index.refreshed(tx, "Contacts", [KEY]) is None
