"""What the two sides have in common: which field of an Account is which of GP's, and which side keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from systems import World

Row = Mapping[str, Any]
Place = tuple[str, str, str]  #: system, record, field: where a value is written
GP, ZOHO = "GP", "Zoho"


@dataclass(frozen=True)
class Field:
    """Where GP says it of a customer or vendor."""

    role: str  #: of the address in which it stands; empty: in the record itself
    member: str
    owner: str = GP

    def place(self, row: Row) -> Place:
        return GP, row["id"].rstrip(), f"{row[self.role]} {self.member}" if self.role else self.member

    def value(self, row: Row) -> object:
        if not self.role:
            return row[self.member]
        stands = next(one for one in row["addresses"] if one["id"] == row[self.role])[self.member]
        return stands["to"] if self.member == "email" else stands

    def change(self, row: Row, value: str) -> dict[str, object]:
        """What GP's simulator is to be told for it."""
        if self.role:
            kind, member = ("email", "to") if self.member == "email" else ("address", self.member)
            return {kind: {"id": row[self.role], member: value}}
        return {"set": {self.member: value}}


class Limit(Field):
    """A limit of credit, which may be none."""

    def value(self, row: Row) -> object:
        limit = row[self.member]
        return None if limit["unlimited"] else limit["amount"] or 0


#: Entity -> the fields of an Account that people change on either side, or see changed.
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "customers": {
        "Account_Name": Field("", "name"),
        "Phone": Field("bill_to_address", "phone1", ZOHO),
        "GP_Email": Field("bill_to_address", "email", ZOHO),
        "Billing_Street": Field("bill_to_address", "line1", ZOHO),
        "Billing_City": Field("bill_to_address", "city"),
        "Shipping_City": Field("ship_to_address", "city"),
        "GP_Customer_Class": Field("", "class_id"),
        "GP_Credit_Limit": Limit("", "credit_limit"),
        "GP_Balance": Field("", "balance"),
    },
    "vendors": {
        "Account_Name": Field("", "name"),
        "Phone": Field("purchase_address", "phone1", ZOHO),
        "Billing_City": Field("remit_to_address", "city"),
        "Shipping_Street": Field("ship_from_address", "line1", ZOHO),
        "Shipping_City": Field("ship_from_address", "city"),
        "GP_Vendor_Class": Field("", "class_id"),
    },
}
#: Entity -> those that sales keeps.
OWNED = {
    entity: [name for name, one in fields.items() if one.owner == ZOHO] for entity, fields in FIELDS.items()
}
#: Entity -> the field of an Account with its key.
KEYS = {"customers": "GP_Customer_ID", "vendors": "GP_Vendor_ID"}
#: Module -> what it is in GP, and its field with the lines.
DOCUMENTS = {"Sales_Orders": ("Order", "Ordered_Items"), "Quotes": ("Quote", "Quoted_Items")}


def masters(world: World, entity: str) -> dict[str, dict[str, Any]]:
    """GP's customers or vendors, by key."""
    rows = world.customers() if entity == "customers" else world.vendors()
    return {row["id"].rstrip(): row for row in rows}


def of_gp(world: World, kind: str) -> list[dict[str, Any]]:
    """The documents of GP that are ours."""
    rows: list[dict[str, Any]] = world.gp.control("GET", f"sales?type={kind}&limit=100000")["rows"]
    return [row for row in rows if row["integration_id"] and row["id"].startswith("Z")]
