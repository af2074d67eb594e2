"""Whether both systems say the same of every customer, vendor and document; compared by the simulators alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from people import DOCUMENTS, KEYS, of_gp
from words import plain

from systems import World

Row = Mapping[str, Any]
Difference = tuple[str, str, object, object]  #: record, field, in GP, in Zoho


def differences(world: World, deal_of: Mapping[str, str]) -> list[Difference]:
    """Everything that the two say differently. ``deal_of``: the deals of sales orders, whatever became of these."""
    return [*_of_masters(world), *_of_documents(world), *_of_deals(world, deal_of)]


def documents(world: World) -> Counter[str]:
    """How many documents of GP each record of Zoho has."""
    return Counter(row["integration_id"] for kind in ("Order", "Quote") for row in of_gp(world, kind))


# -- customers and vendors


def _address(row: Row, role: str) -> Row:
    return next(one for one in row["addresses"] if one["id"] == row[role])


def _of_address(role: str, member: str) -> Callable[[Row], object]:
    return lambda row: _address(row, role)[member]


def _credit(row: Row) -> object:
    limit = row["credit_limit"]
    return None if limit["unlimited"] else limit["amount"] or 0


#: Of Zoho's fields: what GP has for it.
CUSTOMER: Mapping[str, Callable[[Row], object]] = {
    "Account_Name": lambda row: row["name"],
    "Phone": _of_address("bill_to_address", "phone1"),
    "GP_Email": lambda row: _address(row, "bill_to_address")["email"]["to"],
    "Billing_Street": _of_address("bill_to_address", "line1"),
    "Billing_City": _of_address("bill_to_address", "city"),
    "Shipping_City": _of_address("ship_to_address", "city"),
    "GP_Customer_Class": lambda row: row["class_id"],
    "GP_Credit_Limit": _credit,
    "GP_Balance": lambda row: row["balance"],
}
VENDOR: Mapping[str, Callable[[Row], object]] = {
    "Account_Name": lambda row: row["name"],
    "Phone": _of_address("purchase_address", "phone1"),
    "Billing_City": _of_address("remit_to_address", "city"),
    "Shipping_Street": _of_address("ship_from_address", "line1"),
    "Shipping_City": _of_address("ship_from_address", "city"),
    "GP_Vendor_Class": lambda row: row["class_id"],
}
_BOTH = VENDOR.keys() & CUSTOMER.keys()


def _of_masters(world: World) -> Iterator[Difference]:
    accounts = world.accounts()
    for entity, rows, fields in (
        ("customers", world.customers(), CUSTOMER),
        ("vendors", world.vendors(), VENDOR),
    ):
        there = Counter(one[KEYS[entity]] for one in accounts if one.get(KEYS[entity]))
        by_key = {one[KEYS[entity]]: one for one in accounts if one.get(KEYS[entity])}
        for row in rows:
            key = row["id"].rstrip()
            if there[key] != 1:
                yield key, "Accounts", 1, there[key]
            else:
                yield from _of_master(entity, row, by_key[key], fields)


def _of_master(
    entity: str, row: Row, account: Row, fields: Mapping[str, Callable[[Row], object]]
) -> Iterator[Difference]:
    is_both = entity == "vendors" and account.get(KEYS["customers"])
    for name, value in fields.items():
        if is_both and name in _BOTH:
            continue  # the customer's counts
        if not same(value(row), account[name]):
            yield row["id"].rstrip(), name, value(row), account[name]


def same(gp: object, zoho: object) -> bool:
    """Whether it is the same value; a number of noughts is none."""
    return plain(gp).removeprefix("0000000000") == plain(zoho)


# -- orders and quotes


def _of_documents(world: World) -> Iterator[Difference]:
    """Each record that is due has one document, which says the same; whatever it is that a person withdrew."""
    for module, (kind, _) in DOCUMENTS.items():
        rows = [row for row in of_gp(world, kind) if row["id"].startswith(_PREFIX[module])]
        times = Counter(row["integration_id"] for row in rows)
        yield from ((key, "documents", many, 1) for key, many in times.items() if many != 1)
        by_record = {row["integration_id"]: row for row in rows}
        for record in world.records(module):
            if record["id"] in by_record:
                yield from _of_document(world, module, by_record[record["id"]], record)
            elif _is_due(module, record):
                yield record["id"], "documents", 0, 1


_PREFIX = {"Sales_Orders": "ZO", "Quotes": "ZQ"}


def _is_due(module: str, record: Row) -> bool:
    if module == "Quotes":
        return bool(record["Quote_Stage"] in ("Delivered", "Confirmed"))
    return bool(record["Status"] != "Cancelled")


def _of_document(world: World, module: str, there: Row, record: Row) -> Iterator[Difference]:
    told = told_of_order(world, there) if module == "Sales_Orders" else _told_of_quote(there)
    expected = told | ({} if _is_withdrawn(record) else content_of_gp(module, there))
    found = {name: record.get(name) for name in told} | content_of_zoho(module, record)
    for name, value in expected.items():
        if name not in told and value != found[name]:
            yield record["id"], name, value, found[name]
        if name in told and plain(value) != plain(found[name]):
            yield record["id"], name, value, found[name]


def _is_withdrawn(record: Row) -> bool:
    return bool(record.get("Status") == "Cancelled")


def content_of_gp(module: str, there: Row) -> dict[str, object]:
    """What was ordered, and under which number of the customer's."""
    lines = Counter(
        (line["item_id"].rstrip(), plain(line["quantity"]), plain(line["unit_price"]))
        for line in there["lines"]
    )
    return {"lines": lines} | ({"po": there["customer_po"].strip()} if module == "Sales_Orders" else {})


def content_of_zoho(module: str, record: Row) -> dict[str, object]:
    """The same."""
    lines = Counter(
        (line["Product_Name"]["name"], plain(line["Quantity"]), plain(line["List_Price"]))
        for line in record[DOCUMENTS[module][1]]
    )
    return {"lines": lines} | ({"po": record["Purchase_Order"]} if module == "Sales_Orders" else {})


def _told_of_quote(there: Row) -> dict[str, object]:
    return {
        "GP_Quote_Number": there["id"].rstrip(),
        "GP_Quote_Status": _status(there),
        "GP_Quoted_Amount": 0 if there["is_voided"] else there["total"],
    }


def told_of_order(world: World, there: Row) -> dict[str, object]:
    """What Zoho is to show of an order."""
    rows = world.gp.control("GET", "sales?type=Invoice&limit=100000")["rows"]
    invoices = [row for row in rows if row["original_id"] == there["id"] and not row["is_voided"]]
    return {
        "GP_Order_Number": there["id"].rstrip(),
        "GP_Order_Status": _status(there),
        "GP_Ordered_Amount": 0 if there["is_voided"] else there["total"],
        "GP_Invoiced_Amount": sum((Decimal(row["total"]) for row in invoices), Decimal(0)),
        "GP_Invoices": ", ".join(sorted(row["id"].rstrip() for row in invoices)),
    }


def _status(there: Row) -> str:
    def total(member: str) -> Decimal:
        return sum((Decimal(line[member]) for line in there["lines"]), Decimal(0))

    invoiced, wanted = total("invoiced"), total("quantity") - total("cancelled")
    if there["is_voided"]:
        return "Voided"
    if invoiced and invoiced >= wanted:
        return "Invoiced"
    if there["state"] == "History":
        return "In history"
    if invoiced:
        return "Partly invoiced"
    reserved = [Decimal(line["allocated"]) >= Decimal(line["quantity"]) for line in there["lines"]]
    return "Allocated" if all(reserved) else "Entered"


# -- deals


def _of_deals(world: World, deal_of: Mapping[str, str]) -> Iterator[Difference]:
    """A deal is told what its orders come to, whether they are its own or those of its sales orders."""
    orders = {row["integration_id"]: told_of_order(world, row) for row in of_gp(world, "Order")}
    by_deal: dict[str, list[Row]] = {}
    for record, deal in deal_of.items():
        if record in orders:
            by_deal.setdefault(deal, []).append(orders[record])
    for deal in world.records("Deals"):
        told = by_deal.get(deal["id"], []) + ([orders[deal["id"]]] if deal["id"] in orders else [])
        numbers = ", ".join(sorted(str(one["GP_Order_Number"]) for one in told))
        amount = sum((Decimal(str(one["GP_Ordered_Amount"])) for one in told), Decimal(0))
        if (numbers, amount) != (deal["GP_Order_Number"] or "", Decimal(str(deal["GP_Ordered_Amount"] or 0))):
            yield deal["id"], "deal", (numbers, amount), (deal["GP_Order_Number"], deal["GP_Ordered_Amount"])
        if deal["Stage"] == "Closed Won" and not told:
            yield deal["id"], "documents", 0, 1
