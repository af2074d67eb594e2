"""Customers and vendors as they were sent, laid over the ones there are.

Facts say of sales documents that an update wants the whole object back; that customers and vendors are treated alike
is inferred, and so is the detail: a text or a key that is left out is cleared; a number, a boolean, a credit limit
that is left out stays; addresses that are not sent stay, `DeleteOnUpdate` removes one; an address without
InternetAddresses keeps its e-mail, which is in another table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from ml_connector.simulators.gp import masters_members as names
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import (
    EXCHANGE_RATES,
    Address,
    CreditLimit,
    Customer,
    InternetAddress,
    Vendor,
)
from ml_connector.simulators.gp.sales_documents import cents
from ml_connector.simulators.gp.sales_members import PHONE
from ml_connector.simulators.gp.sent import Sent

Master = TypeVar("Master", Customer, Vendor)
_CENT = Decimal("0.01")

# member -> field, of the texts and keys and of the booleans
_CUSTOMER_TEXTS = {
    "Name": "name", "Shortname": "short_name", "StatementName": "statement_name", "Comment1": "comment1",
    "Comment2": "comment2", "Notes": "notes", "TaxRegistrationNumber": "tax_registration",
    "UserDefined1": "user_defined1", "UserDefined2": "user_defined2",
}  # fmt: skip
_CUSTOMER_KEYS = {
    "ClassKey": "class_id", "PaymentTermsKey": "payment_terms", "PriceLevelKey": "price_level",
    "CorporateAccountKey": "corporate_id", "DefaultAddressKey": "default_address",
    "ShipToAddressKey": "ship_to_address", "BillToAddressKey": "bill_to_address",
    "StatementToAddressKey": "statement_address",
}  # fmt: skip
_VENDOR_TEXTS = {
    "Name": "name", "ShortName": "short_name", "CheckName": "check_name", "VendorAccountNumber": "account_number",
    "Comment1": "comment1", "Comment2": "comment2", "Notes": "notes", "PaymentPriority": "payment_priority",
    "TaxSchedule": "tax_schedule", "TaxIdentificationNumber": "tax_id", "TaxRegistrationNumber": "tax_registration",
    "UserDefined1": "user_defined1", "UserDefined2": "user_defined2",
}  # fmt: skip
_VENDOR_KEYS = {
    "ClassKey": "class_id", "PaymentTermsKey": "payment_terms", "DefaultAddressKey": "default_address",
    "PurchaseAddressKey": "purchase_address", "RemitToAddressKey": "remit_to_address",
    "ShipFromAddressKey": "ship_from_address",
}  # fmt: skip
_BOOLEANS = {"IsOnHold": "is_on_hold", "IsActive": "is_active", "IsOneTime": "is_one_time"}


def customer(sent: Sent, old: Customer, at: datetime) -> Customer:
    """Return the customer that a request makes of one."""
    values = _values(sent, old, _CUSTOMER_TEXTS, _CUSTOMER_KEYS)
    balance = sent.text("BalanceType").strip()
    return replace(
        old,
        **values,
        priority=sent.integer("Priority", old.priority),
        balance_forward=balance == "Balance Forward" if balance else old.balance_forward,
        addresses=_addresses(sent, old, ("CustomerAddress", names.CUSTOMER_ADDRESS), at),
    )


def vendor(sent: Sent, old: Vendor, at: datetime) -> Vendor:
    """Return the vendor that a request makes of one."""
    values = _values(sent, old, _VENDOR_TEXTS, _VENDOR_KEYS)
    least = sent.money("MinimumOrderAmount")
    return replace(
        old,
        **values,
        minimum_order=old.minimum_order
        if least is None
        else _functional(least, sent.currencies, old.minimum_order, old),
        addresses=_addresses(sent, old, ("VendorAddress", names.VENDOR_ADDRESS), at),
    )


def _values(
    sent: Sent, old: Customer | Vendor, texts: Mapping[str, str], keys: Mapping[str, str]
) -> dict[str, Any]:
    discount = sent.quantity("TradeDiscountPercent")
    booleans = {member: field for member, field in _BOOLEANS.items() if hasattr(old, field)}
    return {
        **{field: sent.text(member) for member, field in texts.items()},
        **{field: sent.key(member) for member, field in keys.items()},
        **{field: sent.boolean(member, getattr(old, field)) for member, field in booleans.items()},
        "currency": sent.key("CurrencyKey").strip() or old.currency,
        "trade_discount": old.trade_discount if discount is None else discount,
        "credit_limit": _credit_limit(sent, old),
    }


def _credit_limit(sent: Sent, old: Customer | Vendor) -> CreditLimit:
    inside = sent.inside("CreditLimit", names.CREDIT_LIMIT)
    special, amount = inside.text("SpecialAmount").strip(), inside.money("Amount")
    if amount is not None:
        was = old.credit_limit.amount
        return CreditLimit(amount=_functional(amount, inside.currencies, was, old))
    specials = {"Unlimited Credit": CreditLimit(unlimited=True), "No Credit": CreditLimit()}
    return specials.get(special, old.credit_limit)


def _functional(
    amount: Decimal, currencies: set[str], was: Decimal | None, old: Customer | Vendor
) -> Decimal:
    """Return an amount in the company's currency; what comes back as it was shown is what it was."""
    rate = EXCHANGE_RATES.get(old.currency, Decimal(1)) if old.currency in currencies else Decimal(1)
    shown = None if was is None else (was / rate).quantize(_CENT)
    return was if was is not None and shown == amount.quantize(_CENT) else cents(amount * rate)


def _addresses(
    sent: Sent, old: Customer | Vendor, kind: tuple[str, tuple[str, ...]], at: datetime
) -> tuple[Address, ...]:
    kept = {collation_key(address.id): address for address in old.addresses}
    for one in sent.items("Addresses", *kind):
        address_id = one.inside("Key", names.ADDRESS_KEY).text("Id")
        key = collation_key(address_id)
        if one.boolean("DeleteOnUpdate"):
            kept.pop(key, None)
        elif address_id.strip():
            kept[key] = _address(one, kept.get(key, Address(address_id, created_on=at.date())), at)
    return tuple(kept.values())


def _address(one: Sent, old: Address, at: datetime) -> Address:
    def phone(name: str) -> str:
        return one.inside(name, PHONE).text("Value")

    return replace(
        old,
        name=one.text("Name"),
        contact=one.text("ContactPerson"),
        line1=one.text("Line1"),
        line2=one.text("Line2"),
        line3=one.text("Line3"),
        city=one.text("City"),
        state=one.text("State"),
        postal_code=one.text("PostalCode"),
        country=one.text("CountryRegion"),
        country_code=one.key("CountryRegionCodeKey"),
        phone1=phone("Phone1"),
        phone2=phone("Phone2"),
        phone3=phone("Phone3"),
        fax=phone("Fax"),
        ups_zone=one.text("UPSZone"),
        shipping_method=one.key("ShippingMethodKey"),
        tax_schedule=one.key("TaxScheduleKey"),
        salesperson=one.key("SalespersonKey"),
        territory=one.key("SalesTerritoryKey"),
        warehouse=one.key("WarehouseKey"),
        user_defined1=one.text("UserDefined1"),
        user_defined2=one.text("UserDefined2"),
        modified_at=at,
        email=_email(one, old.email, at),
    )


def _email(one: Sent, old: InternetAddress, at: datetime) -> InternetAddress:
    if "InternetAddresses" not in one:
        return old
    inside = one.inside("InternetAddresses", names.INTERNET_ADDRESSES)
    new = replace(
        old,
        to=inside.text("EmailToAddress"),
        cc=inside.text("EmailCcAddress"),
        bcc=inside.text("EmailBccAddress"),
        internet1=inside.text("InternetField1"),
    )
    return old if new == old else replace(new, modified_at=at)


WIDTHS: Mapping[str, int] = {"id": 15, "name": 65, "short_name": 15, "payment_terms": 21}
ADDRESS_WIDTHS: Mapping[str, int] = {
    "id": 15, "line1": 61, "line2": 61, "line3": 61, "city": 35, "state": 29, "postal_code": 11, "contact": 61,
    "phone1": 21, "phone2": 21, "phone3": 21, "fax": 21,
}  # fmt: skip
"""Characters a column takes (facts 3.2)."""


def too_long(record: Customer | Vendor | Address, widths: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the fields that hold more than their column takes, with what it takes."""
    there = {one.name for one in fields(record)}
    return [
        (field, width)
        for field, width in widths.items()
        if field in there and len(getattr(record, field).rstrip(" ")) > width
    ]
