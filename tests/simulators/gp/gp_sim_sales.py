"""Requests about sales documents, put together as a stranger would: text, with what is not wanted left out."""

from __future__ import annotations

from gp_sim_wire import Reply, Wire

POLICIES = {
    "CreateSalesOrder": "4d060bdc-fa1e-4ea1-9e89-e1d19a5cb2ce",
    "UpdateSalesOrder": "150401c6-7467-4853-9146-236fc5fa7bf8",
}
CUSTOMER = "AARONFIT0001"


def money(name: str, value: object, currency: str = "USD") -> str:
    return (
        f"<g:{name}><g:Currency>{currency}</g:Currency><g:Value>{value}</g:Value>"
        f"<g:DecimalDigits>2</g:DecimalDigits></g:{name}>"
    )


def key(name: str, value: object) -> str:
    return f"<g:{name}><g:Id>{value}</g:Id></g:{name}>"


def line(item: str = "100XLG", quantity: object = 2, **more: str) -> str:
    """One line of an order; `more` are whole members by name, in any order."""
    members = {
        "Quantity": f"<g:Quantity><g:Value>{quantity}</g:Value></g:Quantity>",
        "ItemKey": key("ItemKey", item),
        **more,
    }
    return _ordered(members, _LINE)


def document(number: str = "", customer: str = CUSTOMER, lines: tuple[str, ...] = (), **more: str) -> str:
    """The inside of an order or a quote, with the members that Microsoft's sample has."""
    members = {
        "CustomerKey": key("CustomerKey", customer),
        "BatchKey": key("BatchKey", "ZOHO"),
        **({"Key": key("Key", number)} if number else {}),
        "Lines": "".join(lines or (f"<g:SalesOrderLine>{line()}</g:SalesOrderLine>",)),
        **more,
    }
    members["Lines"] = f"<g:Lines>{members['Lines']}</g:Lines>"
    return _ordered(members, _DOCUMENT)


def order_line(item: str = "100XLG", quantity: object = 2, **more: str) -> str:
    return f"<g:SalesOrderLine>{line(item, quantity, **more)}</g:SalesOrderLine>"


def quote_line(item: str = "100XLG", quantity: object = 2, **more: str) -> str:
    return f"<g:SalesQuoteLine>{line(item, quantity, **more)}</g:SalesQuoteLine>"


def _ordered(members: dict[str, str], names: tuple[str, ...]) -> str:
    assert set(members) <= set(names), set(members) - set(names)
    return "".join(members[name] for name in names if name in members)


_DOCUMENT = ("Key", "Date", "FreightAmount", "MiscellaneousAmount", "TaxAmount", "TradeDiscount", "CustomerPONumber",
             "Reference", "RequestedShipDate", "Comment", "Note", "LineTotalAmount", "TotalAmount", "IntegrationId",
             "DocumentTypeKey", "ShippingMethodKey", "WarehouseKey", "CustomerKey", "BatchKey", "ShipToAddressKey",
             "CurrencyKey", "PriceLevelKey", "ShipToAddress", "UserDefined", "ExpirationDate", "Lines")  # fmt: skip
_LINE = ("Key", "UnitPrice", "TotalAmount", "Quantity", "Discount", "ItemDescription", "IsNonInventory", "UofM",
         "DeleteOnUpdate", "TaxAmount", "SalesGLAccountKey", "WarehouseKey", "ItemKey", "PriceLevelKey")  # fmt: skip


def policy_of(wire: Wire, operation: str) -> str:
    found = POLICIES.get(operation)
    if found is None:
        reply = wire.call("GetPolicyByOperation", f"<g:operation>{operation}</g:operation>")
        found = reply.text("GetPolicyByOperationResult/Key/Id")
    return f"<g:policy><g:Key><g:Id>{found}</g:Id></g:Key></g:policy>"


def send(wire: Wire, operation: str, argument: str, inside: str, policy: str | None = None) -> Reply:
    """Ask an operation that changes something: argument, context, policy."""
    sent = f"<g:{argument}>{inside}</g:{argument}>"
    return wire.change(operation, sent, policy_of(wire, operation) if policy is None else policy)


def create(wire: Wire, inside: str, kind: str = "Order", policy: str | None = None) -> Reply:
    return send(wire, f"CreateSales{kind}", f"sales{kind}", inside, policy)


def update(wire: Wire, inside: str, kind: str = "Order", policy: str | None = None) -> Reply:
    return send(wire, f"UpdateSales{kind}", f"sales{kind}", inside, policy)


def act(wire: Wire, operation: str, number: str) -> Reply:
    return send(wire, operation, "key", f"<g:Id>{number}</g:Id>")


def reasons(wire: Wire, reply: Reply) -> list[str | None]:
    """The messages that the GUID of a fault leads to."""
    assert reply.status == 500, reply.body
    found = wire.call("GetLoggedValidationResultByKey", f"<g:logId>{reply.log_id}</g:logId>")
    return found.texts("ValidationError/Message")


def select(wire: Wire, operation: str, **options: int) -> None:
    """Set behaviours as the administrator, by their names with underscores for blanks."""
    status, told = wire.control(
        "POST", f"policies/{operation}", {name.replace("_", " "): option for name, option in options.items()}
    )
    assert status == 200, told


def entered(wire: Wire, **given: object) -> dict:
    """A document that a person entered in GP."""
    status, told = wire.control("POST", "sales", {"customer_id": CUSTOMER, "batch": "ZOHO", **given})
    assert status == 200, told
    return told


def dumped(wire: Wire, path: str) -> dict:
    status, told = wire.control("GET", f"sales/{path}")
    assert status == 200, told
    return told
