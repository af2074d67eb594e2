"""Customers and vendors are written by SBA: their resources ship (facts 1.3), the verbs are those of facts 1.4.

``POST`` to ``Sales/Customers`` creates, ``PATCH`` to a customer, a vendor or one of their addresses changes what is in
the body and leaves alone what is not. The names are those that are read (``sba_json``), all invented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from ml_connector.simulators.gp import masters_write, sales_rules, sba_json
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import Address, Customer, InternetAddress, Vendor
from ml_connector.simulators.gp.faults import ValidationError
from ml_connector.simulators.gp.sba_request import Asked, RefusedError, Resource, Write, not_there
from ml_connector.simulators.gp.sba_write import body_of, refusing

Shown = tuple[str, object]
Master = TypeVar("Master", Customer, Vendor)

# name in JSON -> field
_SHARED = {
    "ClassId": "class_id", "IsActive": "is_active", "IsOnHold": "is_on_hold", "ShortName": "short_name",
    "PaymentTermsId": "payment_terms", "Comment1": "comment1", "Comment2": "comment2",
    "PrimaryAddressId": "default_address",
}  # fmt: skip
_CUSTOMER = {
    **_SHARED,
    "CustomerName": "name",
    "StatementName": "statement_name",
    "ParentCustomerId": "corporate_id",
    "PriceLevel": "price_level",
    "TaxRegistrationNumber": "tax_registration",
    "BillToAddressId": "bill_to_address",
    "ShipToAddressId": "ship_to_address",
    "StatementToAddressId": "statement_address",
}
_VENDOR = {
    **_SHARED,
    "VendorName": "name",
    "CheckName": "check_name",
    "VendorAccountNumber": "account_number",
    "IsOneTime": "is_one_time",
    "PurchaseAddressId": "purchase_address",
    "RemitToAddressId": "remit_to_address",
    "ShipFromAddressId": "ship_from_address",
}
_ADDRESS = {
    "AddressName": "name", "ContactPerson": "contact", "Address1": "line1", "Address2": "line2", "Address3": "line3",
    "City": "city", "State": "state", "PostalCode": "postal_code", "Country": "country", "CountryCode": "country_code",
    "Phone1": "phone1", "Phone2": "phone2", "Phone3": "phone3", "Fax": "fax", "SalespersonId": "salesperson",
}  # fmt: skip
_EMAIL = {"EmailTo": "to", "EmailCc": "cc"}


def _fields(given: Mapping[str, Any], names: Mapping[str, str], like: object) -> dict[str, Any]:
    """Return what is given for the fields of a record, each of the field's own type."""
    found: dict[str, Any] = {}
    for name, field in names.items():
        if name in given:
            if not isinstance(given[name], type(getattr(like, field))):
                raise RefusedError(400, f"{name} cannot be {given[name]!r}.")
            found[field] = given[name]
    return found


def _only(given: Mapping[str, Any], *known: Mapping[str, str] | set[str]) -> None:
    if unknown := sorted(set(given).difference(*known)):
        raise RefusedError(400, f"There is no {', '.join(unknown)} here.")


def create_customer(asked: Asked) -> Shown:
    """Create a customer of ``CustomerId``, with its ``Addresses``."""
    given, now = body_of(asked), asked.simulation.now()
    _only(given, _CUSTOMER, {"CustomerId", "CurrencyCode", "Addresses"})
    customer_id = str(given.get("CustomerId", "")).rstrip(" ")
    blank = Customer(customer_id, "", default_address="", ship_to_address="", bill_to_address="",
                     statement_address="", created_on=now.date())  # fmt: skip
    made = replace(blank, **_fields(given, _CUSTOMER, blank), addresses=_new_addresses(given, now))
    if "CurrencyCode" in given:
        made = replace(made, currency=str(given["CurrencyCode"]))
    made = masters_write.of_class(made, limit_sent=False)
    with refusing():
        masters_write.add_customer(asked.simulation, asked.company, made, now)
    kept = asked.company.customers.get(customer_id)
    assert kept is not None, "it was just made"
    return "Customer", sba_json.customer(kept)


def _new_addresses(given: Mapping[str, Any], at: datetime) -> tuple[Address, ...]:
    sent = given.get("Addresses", [])
    if not isinstance(sent, list) or not all(
        isinstance(one, Mapping) and one.get("AddressId") for one in sent
    ):
        raise RefusedError(400, "Addresses is an array of objects with an AddressId.")
    return tuple(
        _address(one, Address(str(one["AddressId"]), created_on=at.date(), modified_at=at), at)
        for one in sent
    )


def _address(given: Mapping[str, Any], old: Address, at: datetime) -> Address:
    """Lay a body over an address; its e-mail has a stamp of its own."""
    _only(given, _ADDRESS, _EMAIL, {"OwnerId", "AddressId"})
    email = replace(old.email, **_fields(given, _EMAIL, InternetAddress()))
    if email != old.email:
        old = replace(old, email=replace(email, modified_at=at))
    own = _fields(given, _ADDRESS, old)
    return replace(old, **own, modified_at=at) if own else old


def change_customer(asked: Asked) -> Shown:
    """Lay a body over a customer."""
    _only(body_of(asked), _CUSTOMER, {"CustomerId"})
    return "Customer", sba_json.customer(
        _change_customer(asked, asked.key or "", _overlaid(asked, _CUSTOMER))
    )


def change_vendor(asked: Asked) -> Shown:
    """Lay a body over a vendor."""
    _only(body_of(asked), _VENDOR, {"VendorId"})
    return "Vendor", sba_json.vendor(_change_vendor(asked, asked.key or "", _overlaid(asked, _VENDOR)))


def _overlaid(asked: Asked, names: Mapping[str, str]) -> Callable[[Master], Master]:
    given, at = body_of(asked), asked.simulation.now()

    def overlaid(master: Master) -> Master:
        new = replace(master, **_fields(given, names, master))
        if isinstance(new, Customer):
            return masters_write.stamped(asked.simulation, new, at)
        return replace(new, modified_at=asked.simulation.said(at))

    return overlaid


def change_customer_address(asked: Asked) -> Shown:
    """Lay a body over an address; the customer is not stamped (facts 3.1, inferred)."""
    owner_id, _, address_id = (asked.key or "").partition(";")
    owner = _change_customer(asked, owner_id, lambda customer: _with_address(asked, customer, address_id))
    return "CustomerAddress", sba_json.address(owner, _address_of(owner, address_id))


def change_vendor_address(asked: Asked) -> Shown:
    """Lay a body over an address; the vendor is not stamped (facts 3.1, inferred)."""
    owner_id, _, address_id = (asked.key or "").partition(";")
    owner = _change_vendor(asked, owner_id, lambda vendor: _with_address(asked, vendor, address_id))
    return "VendorAddress", sba_json.address(owner, _address_of(owner, address_id))


def _with_address(asked: Asked, master: Master, address_id: str) -> Master:
    old = _address_of(master, address_id)
    new = _address(body_of(asked), old, asked.simulation.now())
    return replace(master, addresses=tuple(new if one is old else one for one in master.addresses))


def _address_of(master: Customer | Vendor, address_id: str) -> Address:
    wanted = collation_key(address_id)
    found = next((one for one in master.addresses if collation_key(one.id) == wanted), None)
    if found is None:
        raise not_there()
    return found


def _refuse(errors: list[ValidationError]) -> None:
    with refusing():
        sales_rules.refuse(errors)


def _change_customer(asked: Asked, customer_id: str, change: Callable[[Customer], Customer]) -> Customer:
    def judged(customer: Customer) -> Customer:
        new = change(customer)
        _refuse(masters_write.against(new, "Customer", customer.class_id))
        return new

    old = asked.company.customers.get(customer_id)
    new = asked.company.change_customer(customer_id, judged)
    if new is None:
        raise not_there()
    asked.simulation.track(asked.company, old, new)
    return new


def _change_vendor(asked: Asked, vendor_id: str, change: Callable[[Vendor], Vendor]) -> Vendor:
    def judged(vendor: Vendor) -> Vendor:
        new = change(vendor)
        _refuse(masters_write.against(new, "Vendor"))
        return new

    old = asked.company.vendors.get(vendor_id)
    new = asked.company.change_vendor(vendor_id, judged)
    if new is None:
        raise not_there()
    asked.simulation.track(asked.company, old, new)
    return new


WRITES: dict[Write, Resource] = {
    ("POST", ("sales", "customers"), False): create_customer,
    ("PATCH", ("sales", "customers"), True): change_customer,
    ("PATCH", ("sales", "customeraddresses"), True): change_customer_address,
    ("PATCH", ("purchasing", "vendors"), True): change_vendor,
    ("PATCH", ("purchasing", "vendoraddresses"), True): change_vendor_address,
}
