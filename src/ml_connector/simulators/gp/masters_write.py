"""CreateCustomer, UpdateCustomer and UpdateVendor; the answers are empty.

An update has the last word: the service does not ask whether the record has changed since it was read (inferred: no
member carries a version). It stamps the master and the addresses that were sent (inferred from facts 3.1: every write
of a row stamps it).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from ml_connector.simulators.gp import masters_members as names
from ml_connector.simulators.gp import masters_read, sales_rules
from ml_connector.simulators.gp.company import (
    NO_ADDRESS,
    Company,
    CreditLimit,
    Customer,
    Vendor,
    find_address,
)
from ml_connector.simulators.gp.faults import SystemFaultError, ValidationError
from ml_connector.simulators.gp.operation import NOTHING, Answer, CompanyOperation, found
from ml_connector.simulators.gp.requests import Call
from ml_connector.simulators.gp.sales_rules import Reason
from ml_connector.simulators.gp.sent import Sent
from ml_connector.simulators.gp.state import Simulation

ID_MISSING = Reason(6101, "A new record needs an id.", ("Key",))
DUPLICATE = Reason(6102, "The id {} already exists.", ("Key",))
NAME_MISSING = Reason(6103, "A name is required.", ("Name",))
CLASS_UNKNOWN = Reason(6104, "The class {} does not exist.", ("ClassKey",))
ADDRESS_UNKNOWN = Reason(6105, "There is no address {}.", ("Addresses",))


class CustomerClass(NamedTuple):
    """What a class (RM00201) gives to a new customer."""

    payment_terms: str
    price_level: str
    credit_limit: CreditLimit


CUSTOMER_CLASSES = {
    class_id: CustomerClass("Net 30", "RETAIL", CreditLimit(unlimited=True))
    for class_id in ("USA-ILMO-T1", "USA-MNWI-T1", "CAN-ONMB-T2")
} | {"RETAIL": CustomerClass("Due on Receipt", "RETAIL", CreditLimit())}
"""The classes that generated customers are of; what they give is invented."""


def create_customer(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Create a customer; what is left out comes from its class (the general fact is 2.9's, the detail inferred)."""
    _policy(simulation, call, company)
    sent, now = _sent(call, "customer", names.CUSTOMER), simulation.now()
    blank = Customer(_id(sent).rstrip(" "), "", default_address="", created_on=now.date())
    made = masters_read.customer(sent, blank, now)
    add_customer(simulation, company, of_class(made, limit_sent="CreditLimit" in sent), now)
    return NOTHING


def add_customer(simulation: Simulation, company: Company, made: Customer, at: datetime) -> None:
    """Add a new customer; a validation fault for what is against it."""
    with simulation.sales[company.id].lock:
        errors = against(made, "Customer")
        if not made.id:
            errors.append(ID_MISSING.of("Customer"))
        elif company.customers.get(made.id) is not None:
            errors.append(DUPLICATE.of("Customer", made.id))
        sales_rules.refuse(errors)
        kept = stamped(simulation, made, at)
        company.customers.put(kept)
    simulation.track(company, None, kept)


def of_class(made: Customer, *, limit_sent: bool) -> Customer:
    """Fill in what class and first address give."""
    first = made.default_address or next((address.id for address in made.addresses), "")
    given = CUSTOMER_CLASSES.get(made.class_id.rstrip(" ").upper())
    if given is not None:
        made = replace(
            made,
            payment_terms=made.payment_terms or given.payment_terms,
            price_level=made.price_level or given.price_level,
            credit_limit=made.credit_limit if limit_sent else given.credit_limit,
        )
    return replace(
        made,
        short_name=made.short_name or made.name[:15],
        statement_name=made.statement_name or made.name,
        default_address=first,
        ship_to_address=made.ship_to_address or first,
        bill_to_address=made.bill_to_address or first,
        statement_address=made.statement_address or first,
    )


def update_customer(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Lay what was sent over a customer."""
    _policy(simulation, call, company)
    sent, now = _sent(call, "customer", names.CUSTOMER), simulation.now()
    with simulation.sales[company.id].lock:
        old = found(company.customers.get(_id(sent)))

        def changed(customer: Customer) -> Customer:
            made = masters_read.customer(sent, customer, now)
            sales_rules.refuse(against(made, "Customer", customer.class_id))
            return stamped(simulation, made, now)

        new = company.change_customer(old.id, changed)
    simulation.track(company, old, new)
    return NOTHING


def update_vendor(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Lay what was sent over a vendor."""
    _policy(simulation, call, company)
    sent, now = _sent(call, "vendor", names.VENDOR), simulation.now()
    old = found(company.vendors.get(_id(sent)))

    def changed(vendor: Vendor) -> Vendor:
        made = masters_read.vendor(sent, vendor, now)
        sales_rules.refuse(against(made, "Vendor"))
        return replace(made, modified_at=simulation.said(now))

    simulation.track(company, old, company.change_vendor(old.id, changed))
    return NOTHING


def _policy(simulation: Simulation, call: Call, company: Company) -> None:
    simulation.policies[company.id].of_call(call.operation, call.arguments.get("policy"))


def _sent(call: Call, argument: str, members: tuple[str, ...]) -> Sent:
    element = call.arguments.get(argument)
    if element is None:
        raise SystemFaultError
    return Sent(element, members, call.operation)


def _id(sent: Sent) -> str:
    return sent.key("Key")


def stamped(simulation: Simulation, customer: Customer, at: datetime) -> Customer:
    """Stamp a customer."""
    return replace(customer, modified_at=simulation.said(at), row_stamp_at=at)


def against(record: Customer | Vendor, name: str, old_class: str = "") -> list[ValidationError]:
    """Return what is against a record; a class that it has already is not asked for."""
    errors = [
        sales_rules.TOO_LONG.of(name, *what) for what in masters_read.too_long(record, masters_read.WIDTHS)
    ]
    if not record.name.strip():
        errors.append(NAME_MISSING.of(name))
    new_class = record.class_id.rstrip(" ").upper()
    is_new = bool(new_class) and new_class != old_class.rstrip(" ").upper()
    if isinstance(record, Customer) and is_new and new_class not in CUSTOMER_CLASSES:
        errors.append(CLASS_UNKNOWN.of(name, record.class_id))
    for address in record.addresses:
        errors += [
            sales_rules.TOO_LONG.of(f"{name}Address", *what)
            for what in masters_read.too_long(address, masters_read.ADDRESS_WIDTHS)
        ]
    main = record.default_address
    if main and find_address(record.addresses, main) is NO_ADDRESS:
        errors.append(ADDRESS_UNKNOWN.of(name, main))
    return errors


OPERATIONS: dict[str, CompanyOperation] = {
    "CreateCustomer": CompanyOperation(("customer", "context", "policy"), create_customer),
    "UpdateCustomer": CompanyOperation(("customer", "context", "policy"), update_customer),
    "UpdateVendor": CompanyOperation(("vendor", "context", "policy"), update_vendor),
}
