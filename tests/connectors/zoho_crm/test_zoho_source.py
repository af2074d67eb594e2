"""Zoho as a source: what a record looks like however it is read, what that costs, what happens between two calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.connectors.zoho_crm import ZohoSource
from ml_connector.connectors.zoho_crm.documents import MODULES, module_of, modules_with
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Absent, Unreadable, Write, Written
from ml_connector.core.record import Record

DUE = "2026-12-31"


@dataclass
class Books:
    """Sales orders of an organisation, made and changed by people."""

    org: object
    source: ZohoSource
    target: object

    def make(self, orders=1, lines=2, **more):
        records = [self.order(n, lines) | more for n in range(orders)]
        ids = []
        for start in range(0, orders, 100):
            made = self.org.control("POST", "create/Sales_Orders", {"records": records[start : start + 100]})
            assert not made["errors"], made["errors"][:1]
            ids += made["ids"]
        return ids

    def order(self, number, lines):
        items = [
            {
                "Product_Name": {"id": self.product()},
                "Quantity": n + 0.5,
                "List_Price": 19.99,
                "Discount": 1.1,
            }
            for n in range(lines)
        ]
        return {"Subject": f"Order {number}", "Due_Date": DUE, "Ordered_Items": items, "Status": "Created"}

    def product(self):
        if not hasattr(self.org, "product"):
            wish = {"Product_Name": "Phone", "Product_Code": "PHON-1"}
            self.org.product = self.org.control("POST", "create/Products", {"records": [wish]})["ids"][0]
        return self.org.product

    def edit(self, order, **values):
        made = self.org.control("POST", "edit/Sales_Orders", {"records": [{"id": order, **values}]})
        assert not made["errors"], made

    def spent(self, ask):
        """The calls that ``ask`` makes, by path, and their credits; our own are counted, too."""
        self.source.clock_difference()  # signed in, and the fields are read
        list(self.source.fetch("Sales_Orders", self.make(2)))
        self.org.control("DELETE", "requests")
        before = self.org.counts()["credits_used"]
        ask()
        asked = [one["path"] for one in self.org.control("GET", "requests") if "/crm/" in one["path"]]
        return asked, self.org.counts()["credits_used"] - before


@pytest.fixture
def books(org, clock):
    target = org.target()
    source = ZohoSource(target.client, clock)
    org.opened.append(source)
    return Books(org, source, target)


def fetched(books, ids, entity="Sales_Orders"):
    return list(books.source.fetch(entity, ids))


def plain(record):
    assert isinstance(record, Record), record
    return record.key, record.fields, record.parts


def test_a_record_is_the_same_read_alone_and_among_others(books):
    account = books.org.control("POST", "create/Accounts", {"records": [{"Account_Name": "Aaron Fitz"}]})[
        "ids"
    ][0]
    ids = books.make(3, lines=3, Account_Name={"id": account}, Purchase_Order="PO 7", Adjustment=-0.07)
    together = fetched(books, ids)
    alone = [fetched(books, [one])[0] for one in ids]
    assert list(map(plain, together)) == list(map(plain, alone))
    (_, fields, parts) = plain(together[0])
    assert fields["Account_Name.id"] == account
    assert fields["Account_Name.name"] == "Aaron Fitz"
    assert (fields["Deal_Name.id"], fields["Deal_Name.name"], fields["Quote_Name.id"]) == (None, None, None)
    assert fields["Due_Date"] == date(2026, 12, 31)
    assert fields["Adjustment"] == Decimal("-0.07")
    assert fields["Purchase_Order"] == "PO 7"
    assert fields["Modified_Time"].utcoffset() == timedelta(0)
    lines = list(parts.values())
    assert [line["line.Quantity"] for line in lines] == [Decimal("0.5"), Decimal("1.5"), Decimal("2.5")]
    assert {line["line.List_Price"] for line in lines} == {Decimal("19.99")}
    assert {(line["line.Product_Name.Product_Code"], line["line.Product_Name.name"]) for line in lines} == {
        ("PHON-1", "Phone")
    }
    assert [line["line.Sequence_Number"] for line in lines] == [1, 2, 3]
    assert sum(line["line.Net_Total"] for line in lines) == fields["Sub_Total"]


def test_a_hundred_orders_with_all_their_lines_are_two_calls_for_three_credits(books):
    ids = books.make(100, lines=8)
    paths, price = books.spent(lambda: fetched(books, ids))
    assert paths == ["/crm/v8/Sales_Orders", "/crm/v8/coql"]
    assert price == 3
    assert all(len(record.parts) == 8 for record in fetched(books, ids))


def test_one_order_is_one_call(books):
    (order,) = books.make(1)
    paths, price = books.spent(lambda: fetched(books, [order]))
    assert paths == [f"/crm/v8/Sales_Orders/{order}"]
    assert price == 1


def test_more_lines_than_a_query_gives_are_all_there(books):
    ids = books.make(100, lines=33)
    records = fetched(books, ids)
    assert [len(record.parts) for record in records] == [33] * 100
    assert [record.key for record in records] == ids


def test_listing_what_changed_costs_one_credit(books):
    now = datetime.now(UTC)
    books.make(150)
    listed = []
    paths, price = books.spent(
        lambda: listed.append(books.source.list_changes("Sales_Orders", now - timedelta(minutes=1), None))
    )
    assert (paths, price) == (["/crm/v8/coql"], 1)
    assert len(listed[0].rows) == 152
    assert listed[0].rows[0].name == "Order 0"
    assert listed[0].answered_at is not None


class Meddled:
    """A client between two of whose calls somebody does something."""

    def __init__(self, client, after: str, does: Callable[[], None]):
        self.client, self.after, self.does = client, after, does

    def __getattr__(self, name):
        asked = getattr(self.client, name)
        if name != self.after:
            return asked

        def then(*args):
            answer = asked(*args)
            self.does()
            return answer

        return then


def test_what_changes_between_the_two_calls_is_read_as_of_one_moment(books, clock):
    ids = books.make(5)
    books.org.control("POST", "settings", {"clock_offset_seconds": 10})

    def does():
        items = [{"Product_Name": {"id": books.product()}, "Quantity": 7, "List_Price": 1}]
        books.edit(ids[2], Subject="New", Ordered_Items=items)

    source = ZohoSource(Meddled(books.target.client, "list_whole", does), clock)
    records = list(source.fetch("Sales_Orders", ids))
    source.close()
    assert [record.fields["Subject"] for record in records] == [
        f"Order {n}" if n != 2 else "New" for n in range(5)
    ]
    assert [len(record.parts) for record in records] == [2, 2, 3, 2, 2]


def test_what_is_deleted_between_the_two_calls_is_absent(books, clock):
    ids = books.make(3)
    gone = lambda: books.org.control("POST", "delete/Sales_Orders", {"ids": ids[1:2]})  # noqa: E731
    source = ZohoSource(Meddled(books.target.client, "list_whole", gone), clock)
    results = list(source.fetch("Sales_Orders", ids))
    source.close()
    assert [isinstance(result, Absent) for result in results] == [False, True, False]


def test_an_order_whose_lines_were_all_taken_away_has_none(books):
    ids = books.make(3)
    lines = [{"id": line, "_delete": None} for line in fetched(books, ids)[0].parts]
    books.edit(ids[0], Ordered_Items=lines)
    assert [len(record.parts) for record in fetched(books, ids)] == [0, 2, 2]


def test_where_no_query_gives_the_lines_each_order_is_read_by_itself(books):
    ids = books.make(3)
    fetched(books, ids)
    change = {"api_name": "Net_Total", "remove": True}
    books.org.control("POST", "fields/Ordered_Items", {"changes": [change]})
    records = fetched(books, ids)
    assert [len(record.parts) for record in records] == [2, 2, 2]
    assert all(line["line.Net_Total"] is None for record in records for line in record.parts.values())
    asked = [one["path"] for one in books.org.control("GET", "requests")]
    fetched(books, ids)
    again = [one["path"] for one in books.org.control("GET", "requests")][len(asked) :]
    assert again == ["/crm/v8/Sales_Orders", *(f"/crm/v8/Sales_Orders/{one}" for one in ids)]


def with_columns(books, clock, columns, lines=None):
    module = MODULES["Sales_Orders"].with_columns(columns, lines)
    source = ZohoSource(books.target.client, clock, {"Sales_Orders": module})
    books.org.opened.append(source)
    return source


def custom_fields(books, number):
    names = [f"GP_Field_{n}" for n in range(number)]
    changes = [{"api_name": name, "data_type": "text", "length": 255} for name in names]
    books.org.control("POST", "fields/Sales_Orders", {"changes": changes})
    return names


def test_fields_that_the_settings_name_are_read_however_many(books, clock):
    names = custom_fields(books, 60)
    source = with_columns(books, clock, dict.fromkeys(names, "text"))
    ids = books.make(2, **{name: f"value of {name}" for name in names})
    records = list(source.fetch("Sales_Orders", ids))
    alone = list(source.fetch("Sales_Orders", ids[:1]))
    assert all(record.fields[name] == f"value of {name}" for record in (*records, *alone) for name in names)
    assert set(names) <= source.entities["Sales_Orders"].fields.keys()


def test_a_named_field_that_is_not_there_stops_and_is_not_taken_for_empty(books, clock):
    source = with_columns(books, clock, {"GP_Field_0": "text"})
    ids = books.make(2)
    for some in (ids, ids[:1]):
        with pytest.raises(ConfigurationError, match="Sales_Orders has no field GP_Field_0 in Zoho"):
            list(source.fetch("Sales_Orders", some))
    custom_fields(books, 1)
    assert len(list(source.fetch("Sales_Orders", ids))) == 2
    change = {"api_name": "GP_Field_0", "remove": True}
    books.org.control("POST", "fields/Sales_Orders", {"changes": [change]})
    for some in (ids, ids[:1]):
        with pytest.raises(ConfigurationError, match="Sales_Orders has no field GP_Field_0 in Zoho"):
            list(source.fetch("Sales_Orders", some))


def test_a_named_field_of_the_lines_is_read_and_missed_when_it_is_gone(books, clock):
    source = with_columns(books, clock, {}, {"GP_Site": "text"})
    ids = books.make(2)
    with pytest.raises(ConfigurationError, match="Ordered_Items has no field GP_Site"):
        list(source.fetch("Sales_Orders", ids))
    field = {"api_name": "GP_Site", "data_type": "text", "length": 20}
    books.org.control("POST", "fields/Ordered_Items", {"changes": [field]})
    for some in (ids, ids[:1]):
        for record in source.fetch("Sales_Orders", some):
            assert all(line["line.GP_Site"] is None for line in record.parts.values())


def test_a_field_that_this_organisation_has_not_is_empty(books):
    ids = books.make(2)
    change = {"api_name": "Excise_Duty", "remove": True}
    books.org.control("POST", "fields/Sales_Orders", {"changes": [change]})
    assert [record.fields["Excise_Duty"] for record in fetched(books, ids)] == [None, None]


def test_a_text_that_a_list_may_have_cut_is_read_by_itself(books):
    ids = books.make(2, Description="x" * 500)
    paths, _ = books.spent(lambda: fetched(books, ids))
    assert paths == ["/crm/v8/Sales_Orders", *(f"/crm/v8/Sales_Orders/{one}" for one in ids)]


def test_who_changed_a_record_last_is_told(books):
    ids = books.make(2)
    (written,) = books.target.write("Sales_Orders", [Write({"Pending": "GP"}, ids[0])])
    assert isinstance(written, Written)
    ours, theirs = fetched(books, ids)
    assert ours.fields["Modified_By.id"] == books.source.own_user
    assert theirs.fields["Modified_By.id"] not in ("", None, books.source.own_user)


@pytest.mark.parametrize("kind", ["together", "alone"])
def test_a_value_that_cannot_be_read_holds_its_record_alone(books, kind, start):
    ids = books.make(3)
    seen = Garbled(books.target.client, ids[1])
    source = ZohoSource(seen, books.org.clock)
    asked = ids if kind == "together" else ids[1:2]
    results = dict(zip(asked, source.fetch("Sales_Orders", asked), strict=True))
    source.close()
    bad = results.pop(ids[1])
    assert isinstance(bad, Unreadable)
    assert (bad.error.code, bad.error.field) == ("UNREADABLE_VALUE", "Due_Date")
    assert "31/12/2026" in bad.error.happened
    assert all(isinstance(result, Record) for result in results.values())


class Garbled:
    """A client whose answers have, for one record, a date as no date is."""

    def __init__(self, client, record_id):
        self.client, self.record_id = client, record_id

    def __getattr__(self, name):
        asked = getattr(self.client, name)
        if name not in ("list_whole", "get_record"):
            return asked

        def then(*args):
            told = json.dumps(asked(*args), default=str)
            found = json.loads(told, parse_float=Decimal)
            for row in found if isinstance(found, list) else [found]:
                if row["id"] == self.record_id:
                    row["Due_Date"] = "31/12/2026"
            return found

        return then


def test_any_module_may_be_read(books, clock):
    accounts = module_of(
        "Accounts", {"Parent_Account": "lookup", "Annual_Revenue": "money", "Website": "text"}
    )
    source = ZohoSource(books.target.client, clock, {"Accounts": accounts})
    books.org.opened.append(source)
    wish = {"Account_Name": "Aaron Fitz", "Annual_Revenue": 1200.5}
    made = books.org.control(
        "POST", "create/Accounts", {"records": [wish, wish | {"Website": "fitz.example"}]}
    )
    records = list(source.fetch("Accounts", made["ids"]))
    assert [record.fields["Website"] for record in records] == [None, "fitz.example"]
    assert records[0].fields["Annual_Revenue"] == Decimal("1200.5")
    assert records[0].fields["Account_Name"] == "Aaron Fitz"
    assert records[0].parts == {}


def test_a_module_is_asked_only_for_what_it_can_have():
    with pytest.raises(ConfigurationError, match="'number' is no kind of field"):
        module_of("Cases", {"Amount": "number"})
    with pytest.raises(ConfigurationError, match="Deals has no line items"):
        MODULES["Deals"].with_columns({}, {"Quantity": "decimal"})
    with pytest.raises(ConfigurationError, match="is not an API name"):
        module_of("Cases; drop", {})


def test_columns_of_records_and_of_their_lines_may_be_named_together():
    modules = modules_with(
        {"Sales_Orders": {"GP_Site": "text", "line.GP_Unit": "text"}, "Cases": {"Opened": "date"}}
    )
    assert modules.keys() == {"Sales_Orders", "Quotes", "Deals", "Cases"}
    fields = modules["Sales_Orders"].entity().fields
    assert (fields["GP_Site"].each, fields["line.GP_Unit"].each) == ("", "lines")
    assert {"Name", "Opened", "Modified_By.id"} <= modules["Cases"].entity().fields.keys()
    assert modules["Quotes"] is MODULES["Quotes"]
    with pytest.raises(ConfigurationError, match="Deals has no line items"):
        modules_with({"Deals": {"line.GP_Unit": "text"}})


def told(checks):
    return {check.name: check.detail if check.ok else f"no: {check.detail}" for check in checks}


def test_ping_tries_every_way_of_reading(books):
    found = told(books.source.checks(["Sales_Orders", "Deals"]))
    assert found == dict.fromkeys(
        [
            "read Sales_Orders one by one",
            "read Sales_Orders by the hundred",
            "query Sales_Orders",
            "read deleted Sales_Orders",
            "query Ordered_Items",
            "read Deals one by one",
            "read Deals by the hundred",
            "query Deals",
            "read deleted Deals",
        ],
        "allowed",
    )


def test_ping_tells_of_lines_that_no_query_gives_and_of_fields_that_are_missing(books, clock):
    fetched(books, books.make(2))
    books.org.control("POST", "fields/Ordered_Items", {"changes": [{"api_name": "Tax", "remove": True}]})
    found = told(books.source.checks(["Sales_Orders"]))
    assert (
        found["query Ordered_Items"] == "not possible: each of Sales_Orders is read by itself, for a credit"
    )
    source = with_columns(books, clock, {"GP_Site": "text"})
    found = told(source.checks(["Sales_Orders"]))
    assert "no field GP_Site" in found["read Sales_Orders by the hundred"]
    assert found["query Ordered_Items"] == "allowed"


def test_the_texts_of_every_record_and_when_it_was_made(books, clock):
    wish = [{"Deal_Name": f"Deal {n}", "Stage": "Closed Won" if n % 2 else "Negotiation"} for n in range(5)]
    made = books.org.control("POST", "create/Deals", {"records": wish})["ids"]
    source = ZohoSource(books.target.client, clock, page_rows=2)
    books.org.opened.append(source)
    found = list(source.list_texts("Deals", ["Stage"]))
    assert [(one.key, one.fields["Stage"]) for one in found] == [
        (key, one["Stage"]) for key, one in zip(made, wish, strict=True)
    ]
    (whole,) = fetched(books, made[:1], "Deals")
    assert found[0].fields["Created_Time"] == whole.fields["Created_Time"]
