"""Whether both systems say the same of every customer, vendor and document; compared by the simulators alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sides import DOCUMENTS, FIELDS, GP, KEYS, ZOHO, Place, Row, masters, of_gp
from words import Words, plain

from systems import World


@dataclass(frozen=True)
class Difference:
    """Something that the two say differently."""

    record: str  #: as holds name it
    field: str
    gp: object
    zoho: object
    kept: Place | None = None  #: where the side says it whose value counts
    other: Place | None = None  #: and where the other one does

    def is_let_be(self, words: Words) -> bool:
        """Whether it is no fault: a person wrote into the other side, later than into the one whose value counts.

        Or it is an Account that was made after sales began to keep the field, and sales never said it.
        """
        if self.kept is None or self.other is None:
            return False
        if self.zoho is None and self.kept[0] == ZOHO and self.kept not in words.last:
            return True
        return words.stands_since(self.other) > words.last.get(self.kept, (0, None))[0]


def differences(world: World, deal_of: Mapping[str, str]) -> list[Difference]:
    """All of them. ``deal_of``: the deals of sales orders, whatever became of these."""
    return [*_of_masters(world), *_of_documents(world), *_of_deals(world, deal_of)]


# -- customers and vendors


def _of_masters(world: World) -> Iterator[Difference]:
    accounts = world.accounts()
    for entity, name in KEYS.items():
        there = Counter(one[name] for one in accounts if one.get(name))
        by_key = {one[name]: one for one in accounts if one.get(name)}
        for key, row in masters(world, entity).items():
            if there[key] != 1:
                yield Difference(key, "Accounts", 1, there[key])
            else:
                yield from _of_master(entity, row, by_key[key])


def _of_master(entity: str, row: Row, account: Row) -> Iterator[Difference]:
    fields = FIELDS[entity]
    if entity == "vendors" and account.get(KEYS["customers"]):  # the customer's count
        fields = {name: one for name, one in fields.items() if name not in FIELDS["customers"]}
    for name, one in fields.items():
        stands = one.value(row)
        if plain(stands).removeprefix(_NO_NUMBER) != plain(account[name]):
            places = one.place(row), (ZOHO, account["id"], name)
            kept, other = places if one.owner == GP else places[::-1]
            yield Difference(row["id"].rstrip(), name, stands, account[name], kept, other)


_NO_NUMBER = "0000000000"  # of a telephone


# -- orders and quotes


def _of_documents(world: World) -> Iterator[Difference]:
    """Each record that is due has one document, which says the same, or is finished where a person withdrew it."""
    for module, (kind, _) in DOCUMENTS.items():
        rows = [row for row in of_gp(world, kind) if row["id"].startswith(_PREFIX[module])]
        times = Counter(row["integration_id"] for row in rows)
        yield from (Difference(key, "documents", many, 1) for key, many in times.items() if many != 1)
        by_record = {row["integration_id"]: row for row in rows}
        records = {record["id"]: record for record in world.records(module)}
        for key in records.keys() | by_record.keys():
            yield from _of_document(world, module, by_record.get(key), records.get(key))


_PREFIX = {"Sales_Orders": "ZO", "Quotes": "ZQ"}


def _of_document(world: World, module: str, there: Row | None, record: Row | None) -> Iterator[Difference]:
    if there is None:
        if record is not None and _is_due(module, record):
            yield Difference(record["id"], "documents", 0, 1)
        return
    if (record is None or record.get("Status") == "Cancelled") and not _is_finished(there):
        yield Difference(there["integration_id"], "is open", there["id"], None)
    if record is not None:
        told = told_of_order(world, there) if module == "Sales_Orders" else _told_of_quote(there)
        for name, value in told.items():
            if plain(value) != plain(record.get(name)):
                yield Difference(record["id"], name, value, record.get(name))
        if record.get("Status") != "Cancelled":
            yield from _of_content(module, there, record)


def _is_due(module: str, record: Row) -> bool:
    if module == "Quotes":
        return bool(record["Quote_Stage"] in ("Delivered", "Confirmed"))
    return bool(record["Status"] != "Cancelled")


def _is_finished(there: Row) -> bool:
    return bool(there["is_voided"] or there["state"] == "History")


def _of_content(module: str, there: Row, record: Row) -> Iterator[Difference]:
    """What was ordered, and under which number of the customer's."""
    gp = {
        f"{line['integration_id']} {name}": plain(line[member])
        for line in there["lines"]
        for name, member in (("item", "item_id"), ("quantity", "quantity"), ("price", "unit_price"))
    }
    zoho = {
        f"{line['id']} {name}": plain(value)
        for line in record[DOCUMENTS[module][1]]
        for name, value in (
            ("item", line["Product_Name"]["name"]),
            ("quantity", line["Quantity"]),
            ("price", line["List_Price"]),
        )
    }
    if module == "Sales_Orders":
        gp["Purchase_Order"], zoho["Purchase_Order"] = there["customer_po"].strip(), record["Purchase_Order"]
    for name in gp.keys() | zoho.keys():
        if gp.get(name) != zoho.get(name):
            kept, other = (ZOHO, record["id"], name), (GP, there["id"], name)
            yield Difference(record["id"], name, gp.get(name), zoho.get(name), kept, other)


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
    for deal in world.records("Deals"):
        mine = [record for record in orders if deal["id"] in (record, deal_of.get(record))]
        numbers = ", ".join(sorted(str(orders[record]["GP_Order_Number"]) for record in mine))
        amount = sum((Decimal(str(orders[record]["GP_Ordered_Amount"])) for record in mine), Decimal(0))
        for name, value in (("GP_Order_Number", numbers), ("GP_Ordered_Amount", amount)):
            if (plain(value) or "0") != (plain(deal[name]) or "0"):
                yield Difference(deal["id"], name, value, deal[name])
        if deal["Stage"] == "Closed Won" and not mine:
            yield Difference(deal["id"], "documents", 0, 1)
