"""Sales documents as SBA's JSON, both ways. No public sample of any exists (facts 1.6): all names are invented.

What comes in is put in the form that SOAP would have sent, so that both dialects make a document of it by the same
rules. Amounts are in the document's own currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lxml import etree

from ml_connector.simulators.gp import sales_members as names
from ml_connector.simulators.gp.answers import moment
from ml_connector.simulators.gp.requests import GP
from ml_connector.simulators.gp.sales_documents import (
    Batch,
    DocumentType,
    SalesDocument,
    SalesLine,
    UserDefined,
)
from ml_connector.simulators.gp.sba_json import amount, day, place
from ml_connector.simulators.gp.sba_request import RefusedError

Json = dict[str, Any]

_TEXT, _KEY, _VALUE, _CURRENCY = "text", "key", "value", "currency"
Shapes = Mapping[str, tuple[str, str]]
"""Member of SOAP -> (name in JSON, shape)."""

_DOCUMENT: Shapes = {
    "Key": ("SalesId", _KEY),
    "Date": ("DocumentDate", _TEXT),
    "FreightAmount": ("FreightAmount", _VALUE),
    "MiscellaneousAmount": ("MiscellaneousAmount", _VALUE),
    "TaxAmount": ("TaxAmount", _VALUE),
    "CustomerName": ("CustomerName", _TEXT),
    "CustomerPONumber": ("CustomerPONumber", _TEXT),
    "Reference": ("Reference", _TEXT),
    "RequestedShipDate": ("RequestedShipDate", _TEXT),
    "Comment": ("Comment", _TEXT),
    "Note": ("Note", _TEXT),
    "FrontOfficeIntegrationId": ("FrontOfficeIntegrationId", _TEXT),
    "IntegrationSource": ("IntegrationSource", _TEXT),
    "IntegrationId": ("IntegrationId", _TEXT),
    "DocumentTypeKey": ("DocumentTypeId", _KEY),
    "ShippingMethodKey": ("ShippingMethodId", _KEY),
    "WarehouseKey": ("SiteId", _KEY),
    "CustomerKey": ("CustomerId", _KEY),
    "SalesTerritoryKey": ("SalesTerritoryId", _KEY),
    "SalespersonKey": ("SalespersonId", _KEY),
    "BatchKey": ("BatchId", _KEY),
    "BillToAddressKey": ("BillToAddressId", _KEY),
    "ShipToAddressKey": ("ShipToAddressId", _KEY),
    "PaymentTermsKey": ("PaymentTermsId", _KEY),
    "CurrencyKey": ("CurrencyCode", _CURRENCY),
    "PriceLevelKey": ("PriceLevel", _KEY),
    "ExpirationDate": ("ExpirationDate", _TEXT),
}
_LINE: Shapes = {
    "UnitPrice": ("UnitPrice", _VALUE),
    "Quantity": ("Quantity", _VALUE),
    "ItemDescription": ("ItemDescription", _TEXT),
    "IsNonInventory": ("IsNonInventory", _TEXT),
    "RequestedShipDate": ("RequestedShipDate", _TEXT),
    "Comment": ("Comment", _TEXT),
    "UofM": ("UnitOfMeasure", _TEXT),
    "DeleteOnUpdate": ("Delete", _TEXT),
    "TaxAmount": ("TaxAmount", _VALUE),
    "SalesGLAccountKey": ("SalesAccount", _KEY),
    "IntegrationId": ("IntegrationId", _TEXT),
    "WarehouseKey": ("SiteId", _KEY),
    "ItemKey": ("ItemId", _KEY),
    "PriceLevelKey": ("PriceLevel", _KEY),
    "QuantityToBackorder": ("QuantityToBackorder", _VALUE),
    "QuantityCanceled": ("QuantityCanceled", _VALUE),
}
_ADDRESS: Shapes = {
    "Line1": ("Address1", _TEXT),
    "Line2": ("Address2", _TEXT),
    "Line3": ("Address3", _TEXT),
    "City": ("City", _TEXT),
    "State": ("State", _TEXT),
    "PostalCode": ("PostalCode", _TEXT),
    "CountryRegion": ("Country", _TEXT),
    "Phone1": ("Phone1", _VALUE),
    "Phone2": ("Phone2", _VALUE),
    "Phone3": ("Phone3", _VALUE),
    "Fax": ("Fax", _VALUE),
    "CountryRegionCodeKey": ("CountryCode", _KEY),
    "Name": ("AddressName", _TEXT),
    "ContactPerson": ("ContactPerson", _TEXT),
}
_USER_DEFINED: Shapes = {name: (f"User{name.replace('0', '')}", _TEXT) for name in names.USER_DEFINED}
_DISCOUNTS = ("DiscountPercent", "DiscountAmount")
_DONE = ("SalesType", "State", "IsVoided", "LineTotal", "TotalAmount", "MasterNumber", "CreatedDate", "ModifiedDate",
         "OriginalId", "OriginalType")  # fmt: skip
_LINE_DONE = ("LineSequence", "ExtendedAmount", "QuantityAllocated", "QuantityFulfilled", "QuantityRemaining")


def message(given: object, kind: DocumentType) -> etree._Element:
    """Return a document as SOAP would have sent it; RefusedError for a name that is not known."""
    body = _object(given)
    known = {name for name, _ in _DOCUMENT.values()} | {name for name, _ in _USER_DEFINED.values()}
    _only(body, {*known, *_DISCOUNTS, *_DONE, "ShipTo", "Lines"})
    document = _element("document")
    for member in names.DOCUMENT_MEMBERS[kind]:
        if member == "TradeDiscount":
            _discount(document, member, body)
        elif member == "ShipToAddress" and body.get("ShipTo") is not None:
            _nested(document, member, _object(body["ShipTo"]), _ADDRESS, names.BUSINESS_ADDRESS)
        elif member == "UserDefined":
            _nested(document, member, body, _USER_DEFINED, names.USER_DEFINED)
        elif member == "Lines":
            _lines(document, body.get("Lines", []), kind)
        else:
            _member(document, member, body, _DOCUMENT)
    return document


def _object(given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise RefusedError(400, "A JSON object was expected.")
    return given


def _only(given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(given) - known):
        raise RefusedError(400, f"There is no {', '.join(unknown)} here.")


def _lines(document: etree._Element, lines: object, kind: DocumentType) -> None:
    if not isinstance(lines, list):
        raise RefusedError(400, "Lines is an array.")
    array = _element("Lines", parent=document)
    for one in map(_object, lines):
        _only(one, {*(name for name, _ in _LINE.values()), *_DISCOUNTS, *_LINE_DONE})
        line = _element(f"Sales{kind}Line", parent=array)
        for member in names.LINE_MEMBERS[kind]:
            if member == "Key" and one.get("LineSequence"):
                key = _element("Key", parent=line)
                _element("LineSequenceNumber", _written(one["LineSequence"]), key)
            elif member == "Discount":
                _discount(line, member, one)
            else:
                _member(line, member, one, _LINE)


def _member(parent: etree._Element, member: str, given: Mapping[str, Any], shapes: Shapes) -> None:
    name, shape = shapes.get(member, ("", ""))
    if given.get(name) is None:
        return
    written = _written(given[name])
    if shape == _TEXT:
        _element(member, written, parent)
        return
    inside = {_KEY: "Id", _CURRENCY: "ISOCode"}.get(shape, "Value")
    _element(inside, written, _element(member, parent=parent))


def _discount(parent: etree._Element, member: str, given: Mapping[str, Any]) -> None:
    percent, amount = (given.get(name) for name in _DISCOUNTS)
    if percent is not None or amount is not None:
        choice = _element(member, parent=parent)
        chosen = ("Percent", percent) if percent is not None else ("Amount", amount)
        _element("Value", _written(chosen[1]), _element(chosen[0], parent=choice))


def _nested(
    parent: etree._Element, member: str, given: Mapping[str, Any], shapes: Shapes, order: tuple[str, ...]
) -> None:
    inside = _element(member, parent=parent)
    for one in order:
        _member(inside, one, given, shapes)


def _element(name: str, text: str | None = None, parent: etree._Element | None = None) -> etree._Element:
    tag = f"{{{GP}}}{name}"
    made = etree.Element(tag) if parent is None else etree.SubElement(parent, tag)
    made.text = text
    return made


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(Decimal(str(value)))
    raise RefusedError(400, f"{value!r} is no text, number or boolean.")


# ---- out


def summary(document: SalesDocument) -> Json:
    """What a list of documents gives of one."""
    return {
        "SalesId": document.id,
        "SalesType": document.type,
        "State": document.state,
        "IsVoided": document.is_voided,
        "CustomerId": document.customer_id,
        "CustomerPONumber": document.customer_po,
        "TotalAmount": amount(document.total),
        "CurrencyCode": document.currency,
        "ModifiedDate": moment(document.modified_at),
    }


def whole(document: SalesDocument) -> Json:
    """A document with its lines; what stays in it when it is sent back is what it was."""
    return {
        **summary(document),
        **_amounts(document),
        **_keys(document),
        "DocumentDate": day(document.on),
        "CustomerName": document.customer_name,
        "Reference": document.reference,
        "RequestedShipDate": day(document.requested_on),
        "Comment": document.comment,
        "Note": document.note,
        "FrontOfficeIntegrationId": document.front_office_id,
        "IntegrationSource": document.integration_source,
        "IntegrationId": document.integration_id,
        "ExpirationDate": day(document.expires_on) if document.type == "Quote" else None,
        "ShipTo": place(document.ship_to_address),
        **_user_defined(document.user_defined),
        "MasterNumber": document.master_number,
        "OriginalId": document.original_id,
        "OriginalType": document.original_type,
        "CreatedDate": day(document.created_on),
        "Lines": [_line(line) for line in document.lines],
    }


def _amounts(document: SalesDocument) -> Json:
    return {
        "FreightAmount": amount(document.freight),
        "MiscellaneousAmount": amount(document.miscellaneous),
        "TaxAmount": amount(document.tax),
        **_shown_discount(document.trade_discount.percent, document.trade_discount.amount),
        "LineTotal": amount(document.line_total),
    }


def _keys(document: SalesDocument) -> Json:
    return {
        "DocumentTypeId": document.document_type,
        "ShippingMethodId": document.shipping_method,
        "SiteId": document.site,
        "SalesTerritoryId": document.territory,
        "SalespersonId": document.salesperson,
        "BatchId": document.batch,
        "BillToAddressId": document.bill_to,
        "ShipToAddressId": document.ship_to,
        "PaymentTermsId": document.payment_terms,
        "PriceLevel": document.price_level,
    }


def _line(line: SalesLine) -> Json:
    return {
        "LineSequence": line.sequence,
        "ItemId": line.item_id,
        "ItemDescription": line.description,
        "IsNonInventory": line.is_non_inventory,
        "Quantity": amount(line.quantity),
        "UnitOfMeasure": line.unit,
        "UnitPrice": amount(line.unit_price),
        **_shown_discount(line.discount.percent, line.discount.amount),
        "ExtendedAmount": amount(line.extended),
        "TaxAmount": amount(line.tax),
        "SiteId": line.site,
        "PriceLevel": line.price_level,
        "RequestedShipDate": day(line.requested_on),
        "Comment": line.comment,
        "SalesAccount": line.sales_account,
        "IntegrationId": line.integration_id,
        "QuantityCanceled": amount(line.cancelled),
        "QuantityToBackorder": amount(line.back_ordered),
        "QuantityAllocated": amount(line.allocated),
        "QuantityFulfilled": amount(line.fulfilled),
        "QuantityRemaining": amount(line.remaining),
    }


def batch(batch: Batch, documents: int) -> Json:
    """A batch, and how many documents wait in it."""
    return {"BatchSource": batch.source, "BatchId": batch.id, "NumberOfTransactions": documents}


def _user_defined(own: UserDefined) -> Json:
    shown: Json = {f"UserList{number}": getattr(own, f"list{number}") for number in (1, 2, 3)}
    shown |= {f"UserText{number}": getattr(own, f"text{number}") for number in range(1, 6)}
    return {"UserDate1": day(own.date1), "UserDate2": day(own.date2), **shown}


def _shown_discount(percent: Decimal | None, money: Decimal | None) -> Json:
    shown = None if percent is None else amount(percent)
    return {"DiscountPercent": shown, "DiscountAmount": None if money is None else amount(money)}
