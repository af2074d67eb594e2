"""Sales documents as tables: which field of ours stands in which member of GP's, and in what form (facts.md 2.7, 2.9).

``IntegrationId`` is where GP keeps what names a document or a line elsewhere; a line's discount is what is taken off
the price of one unit (MRKDNAMT).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.connectors.dynamics_gp import soap, values
from ml_connector.connectors.dynamics_gp.elements import Content
from ml_connector.connectors.dynamics_gp.values import Node, Tree
from ml_connector.core.sales import Document, Kind

#: What GP calls them.
TYPES: Mapping[Kind, str] = {Kind.QUOTE: "Quote", Kind.ORDER: "Order", Kind.INVOICE: "Invoice"}
KINDS: Mapping[str, Kind] = {name: kind for kind, name in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Operations:
    """What is called for a kind; empty: GP makes these alone."""

    read: str
    create: str = ""
    update: str = ""
    void: str = ""


OPERATIONS: Mapping[Kind, Operations] = {
    Kind.QUOTE: Operations("GetSalesQuoteByKey", "CreateSalesQuote", "UpdateSalesQuote", "VoidSalesQuote"),
    Kind.ORDER: Operations("GetSalesOrderByKey", "CreateSalesOrder", "UpdateSalesOrder", "VoidSalesOrder"),
    Kind.INVOICE: Operations("GetSalesInvoiceByKey"),
}
BATCH_SOURCE = "Sales Entry"  #: from memory (facts.md 2.9)


@dataclass(frozen=True, slots=True)
class Form:
    """How a value stands in a member."""

    path: tuple[str, ...]  #: where in the member
    read: Callable[[Node], Any]
    write: Callable[[Any, Document], Content]
    empty: object = None  #: what it is where nothing stands


def _text(node: Node) -> str:
    return values.to_text(node) or ""


def _money(value: Decimal, document: Document) -> Content:
    named = {"Currency": document.currency} if document.currency else {}
    return {**named, "Value": f"{value:f}", "DecimalDigits": str(_digits(value))}


def _quantity(value: Decimal, _: Document) -> Content:
    return {"Value": f"{value:f}", "DecimalDigits": str(_digits(value))}


def _digits(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _day(value: date, _: Document) -> Content:
    return soap.day_text(value)


TEXT = Form((), _text, lambda value, _: value, "")
DAY = Form((), values.to_date, _day)
FLAG = Form((), values.to_boolean, lambda value, _: "true" if value else "false", empty=False)
MONEY = Form(("Value",), values.to_money, _money)
QUANTITY = Form(("Value",), values.to_money, _quantity)
DISCOUNT = Form(("Amount", "Value"), values.to_money, lambda v, document: {"Amount": _money(v, document)})
KEY = Form(("Id",), _text, lambda value, _: {"Id": value}, "")
CURRENCY = Form(("ISOCode",), _text, lambda value, _: {"ISOCode": value}, "")
ACCOUNT = Form(("Id",), _text, lambda value, _: {"Id": value, "IsEncrypted": "false"}, "")
BATCH = Form(("Id",), _text, lambda value, _: {"Source": BATCH_SOURCE, "Id": value}, "")
TYPE = Form(("Id",), _text, lambda value, document: {"Type": TYPES[document.kind], "Id": value}, "")
PHONE = Form((), lambda node: values.to_phone(node) or "", lambda value, _: {"Value": value}, "")


def says_something(value: object) -> bool:
    """Whether a value is sent: an amount of nothing is one, and an item for nothing has that price."""
    return value is not None and value is not False and value != ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of ours."""

    name: str
    member: str
    form: Form

    def read(self, tree: Tree) -> Any:  # noqa: ANN401 -- of the field's own type
        """What stands in GP's object."""
        value = self.form.read(values.find(tree, (self.member, *self.form.path)))
        return self.form.empty if value is None else value

    def content(self, value: object, document: Document) -> Content | None:
        """What is to stand in the member; None: nothing."""
        return self.form.write(value, document) if says_something(value) else None


DOCUMENT: tuple[Field, ...] = (
    Field("number", "Key", KEY),
    Field("on", "Date", DAY),
    Field("freight", "FreightAmount", MONEY),
    Field("miscellaneous", "MiscellaneousAmount", MONEY),
    Field("tax", "TaxAmount", MONEY),
    Field("trade_discount", "TradeDiscount", DISCOUNT),
    Field("customer_po", "CustomerPONumber", TEXT),
    Field("requested_on", "RequestedShipDate", DAY),
    Field("comment", "Comment", TEXT),
    Field("reference", "IntegrationId", TEXT),
    Field("type_id", "DocumentTypeKey", TYPE),
    Field("shipping_method", "ShippingMethodKey", KEY),
    Field("site", "WarehouseKey", KEY),
    Field("customer", "CustomerKey", KEY),
    Field("batch", "BatchKey", BATCH),
    Field("ship_to_key", "ShipToAddressKey", KEY),
    Field("currency", "CurrencyKey", CURRENCY),
    Field("price_level", "PriceLevelKey", KEY),
    Field("expires_on", "ExpirationDate", DAY),
)
LINE: tuple[Field, ...] = (
    Field("unit_price", "UnitPrice", MONEY),
    Field("quantity", "Quantity", QUANTITY),
    Field("discount", "Discount", DISCOUNT),
    Field("description", "ItemDescription", TEXT),
    Field("is_non_inventory", "IsNonInventory", FLAG),
    Field("requested_on", "RequestedShipDate", DAY),
    Field("comment", "Comment", TEXT),
    Field("unit", "UofM", TEXT),
    Field("tax", "TaxAmount", MONEY),
    Field("account", "SalesGLAccountKey", ACCOUNT),
    Field("reference", "IntegrationId", TEXT),
    Field("site", "WarehouseKey", KEY),
    Field("item", "ItemKey", KEY),
)
SHIP_TO: tuple[Field, ...] = (
    Field("line1", "Line1", TEXT),
    Field("line2", "Line2", TEXT),
    Field("line3", "Line3", TEXT),
    Field("city", "City", TEXT),
    Field("state", "State", TEXT),
    Field("postal_code", "PostalCode", TEXT),
    Field("country", "CountryRegion", TEXT),
    Field("phone", "Phone1", PHONE),
    Field("name", "Name", TEXT),
    Field("contact", "ContactPerson", TEXT),
)


def text_member(number: int) -> str:
    """The member of a user-defined text, which are numbered from 1 to 5."""
    return f"Text{number:02d}"


def of(kind: Kind) -> tuple[Field, ...]:
    """The fields that documents of a kind have."""
    return tuple(field for field in DOCUMENT if field.name != "expires_on" or kind is Kind.QUOTE)
