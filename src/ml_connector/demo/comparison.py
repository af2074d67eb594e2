"""Whether two simulators agree, by their own dumps: nothing of the connector's mapping or store is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from ml_connector.demo.systems import Systems

Record = dict[str, Any]
Expected = Mapping[str, Callable[[Record], object]]  #: Zoho field -> what GP says

#: What the simulated company writes before and behind a name, and where it knows nobody.
_TITLES = ("Mr. ", "Mrs. ", "Ms. ", "Dr. ", "Mr ", "Herr ", "Mme ")
_DEGREE = ", CPA"
_CENT = Decimal("0.01")
_NOBODY = frozenset({"", "n/a", "-"})


def _address(role: str, record: Record) -> Record:
    """The record's address for this purpose; without one, empty."""
    found = (a for a in record["addresses"] if a["id"].rstrip() == record[f"{role}_address"].rstrip())
    return next(found, {"email": {}})


def _part(role: str, name: str) -> Callable[[Record], object]:
    return lambda record: _address(role, record).get(name)


def _email(role: str, record: Record) -> object:
    return _address(role, record)["email"].get("to")


def _street(role: str, record: Record) -> str:
    lines = (str(_address(role, record).get(name) or "").rstrip() for name in ("line1", "line2", "line3"))
    return "\n".join(filter(None, lines))


def _number(role: str, name: str, record: Record) -> str:
    """The digits: ten of the number, and four of an extension unless they are zeros."""
    digits = str(_address(role, record).get(name) or "").rstrip()
    if not digits.strip("0"):
        return ""
    return digits[:10] + (digits[10:14] if digits[10:14].strip("0") else "")


def person_of(customer: Record) -> str:
    """The first and the last name of the person at its default address; empty: nobody."""
    named = str(_address("default", customer).get("contact") or "").strip()
    for title in _TITLES:
        named = named.removeprefix(title)
    last, comma, first = named.removesuffix(_DEGREE).partition(", ")
    return "" if named.casefold() in _NOBODY else f"{first} {last}" if comma else last


def _place(prefix: str, role: str) -> dict[str, Callable[[Record], object]]:
    return {
        f"{prefix}_Street": partial(_street, role),
        f"{prefix}_City": _part(role, "city"),
        f"{prefix}_State": _part(role, "state"),
        f"{prefix}_Code": _part(role, "postal_code"),
        f"{prefix}_Country": _part(role, "country"),
    }


def _reach(role: str) -> dict[str, Callable[[Record], object]]:
    return {
        "Phone": partial(_number, role, "phone1"),
        "Fax": partial(_number, role, "fax"),
        "GP_Email": partial(_email, role),
    }


def _aging(period: int, record: Record) -> object:
    return record["receivables"]["aging"][period]


def _always(value: str, _record: Record) -> str:
    return value


def _credit_type(customer: Record) -> str:
    limit = customer["credit_limit"]
    return "Unlimited" if limit["unlimited"] else "No credit" if limit["amount"] is None else "Amount"


def _available(customer: Record) -> Decimal | None:
    """What is left of the limit; of an unlimited one nothing is said."""
    limit = customer["credit_limit"]
    used = Decimal(customer["balance"]) + Decimal(customer["receivables"]["on_order"])
    return None if limit["unlimited"] else Decimal(limit["amount"] or 0) - used


def _payable(name: str, vendor: Record) -> object:
    return vendor["payables"][name]


def _sales(customer: Record) -> Decimal:
    return Decimal(customer["receivables"]["sales_this_year"])


#: Of an Account that is a customer. The simulated company posts all of them to the same GL accounts; who bought
#: this year pays after 30 days, and owed a quarter of it at most.
_CUSTOMER: Expected = {
    "Account_Name": lambda c: c["name"],
    "Account_Type": partial(_always, "Customer"),
    **_reach("bill_to"),
    **_place("Billing", "bill_to"),
    **_place("Shipping", "ship_to"),
    "GP_Payment_Terms": lambda c: c["payment_terms"],
    "GP_Customer_Class": lambda c: c["class_id"],
    "GP_Customer_Active": lambda c: c["is_active"],
    "GP_Customer_On_Hold": lambda c: c["is_on_hold"],
    "GP_Credit_Limit": lambda c: (
        None if c["credit_limit"]["unlimited"] else c["credit_limit"]["amount"] or "0"
    ),
    "GP_Credit_Type": _credit_type,
    "GP_Available_Credit": _available,
    "GP_Balance": lambda c: c["balance"],
    **{f"GP_Aging_Period_{number + 1}": partial(_aging, number) for number in range(7)},
    "GP_Last_Aged": lambda c: c["receivables"]["last_aged_on"],
    "GP_Average_Days_To_Pay": lambda c: 30 if _sales(c) else 0,
    "GP_High_Balance": lambda c: (_sales(c) / 4).quantize(_CENT, ROUND_HALF_UP),
    "GP_On_Order": lambda c: c["receivables"]["on_order"],
    "GP_Last_Payment": lambda c: c["receivables"]["last_payment"],
    "GP_Last_Payment_Date": lambda c: c["receivables"]["last_payment_on"],
    "GP_Sales_This_Year": lambda c: c["receivables"]["sales_this_year"],
    "GP_Sales_Last_Year": lambda c: c["receivables"]["sales_last_year"],
    "GP_Sales_Account": partial(_always, "000-4110-01"),
    "GP_Receivables_Account": partial(_always, "000-1200-00"),
}
_PAYABLES = (
    "GP_Payables",
    "GP_Payables_Basis",
    "GP_Open_Documents",
    "GP_Oldest_Due",
    "GP_Last_Vendor_Payment",
    "GP_Last_Vendor_Payment_On",
)
#: Of an Account that is a vendor.
_VENDOR: Expected = {
    "GP_Vendor_Terms": lambda v: v["payment_terms"],
    "GP_Vendor_Class": lambda v: v["class_id"],
    "GP_Vendor_Active": lambda v: v["is_active"],
    "GP_Vendor_On_Hold": lambda v: v["is_on_hold"],
    **{name: partial(_payable, name) for name in _PAYABLES},
    "GP_Purchases_Account": partial(_always, "000-6500-00"),
    "GP_Payables_Account": partial(_always, "000-2100-00"),
}
#: Of a vendor that is no customer as well: there the customer's values stand.
_VENDOR_ALONE: Expected = {
    **_VENDOR,
    "Account_Name": lambda v: v["name"],
    "Account_Type": partial(_always, "Vendor"),
    **_reach("purchase"),
    **_place("Billing", "remit_to"),
    **_place("Shipping", "ship_from"),
}
#: Of the Contact of a customer's person.
_CONTACT: Expected = {
    "Full_Name": person_of,
    "Email": partial(_email, "default"),
    "Phone": partial(_number, "default", "phone1"),
    "Other_Phone": partial(_number, "default", "phone2"),
    "Fax": partial(_number, "default", "fax"),
    "Mailing_Street": partial(_street, "default"),
    "Mailing_City": _part("default", "city"),
    "Mailing_State": _part("default", "state"),
    "Mailing_Zip": _part("default", "postal_code"),
    "Mailing_Country": _part("default", "country"),
}
_NUMBERS = frozenset({"Phone", "Other_Phone", "Fax"})
_CREDITS = ("Credit Memo", "Return", "Payment")
_PAYMENTS_BACK = timedelta(days=400)  #: so far back the last payment to a vendor is looked for


def disagreements(systems: Systems, seeded: Collection[str] = ()) -> Iterator[str]:
    """A sentence for each record that is missing, double, too many, or not as GP says.

    ``seeded``: the ids of records that were there before, of which one without a key may be called like one of GP.
    """
    accounts = list(systems.zoho.rows("records/Accounts", "data"))
    customers = list(systems.gp.rows("customers", "rows"))
    vendors = _with_what_is_owed(systems)
    yield from _side(accounts, "GP_Customer_ID", customers)
    yield from _side(accounts, "GP_Vendor_ID", vendors)
    names = {_folded(record["name"]) for record in (*customers, *vendors)}
    for account in accounts:
        keyless = not account.get("GP_Customer_ID") and not account.get("GP_Vendor_ID")
        if keyless and account["id"] not in seeded and _folded(account["Account_Name"]) in names:
            yield f"{account['Account_Name']}: Zoho has it once more, without a key."
    yield from _people(list(systems.zoho.rows("records/Contacts", "data")), accounts, customers, seeded)


def _people(
    contacts: list[Record], accounts: list[Record], customers: list[Record], seeded: Collection[str]
) -> Iterator[str]:
    """Every customer's person against the one Contact of his below its Account; who left is marked."""
    owners = {a["id"]: a["GP_Customer_ID"] for a in accounts if a.get("GP_Customer_ID")}
    below: dict[str, list[Record]] = defaultdict(list)
    for contact in contacts:
        owner = owners.get((contact.get("Account_Name") or {}).get("id", ""), "")
        key = str(contact.get("GP_Contact_Key") or "")
        if key and not key.startswith(f"{owner}:"):
            yield f"{key}: the Contact is below the Account of {owner or 'nobody'}."
        elif owner and not contact.get("GP_Former_Contact"):
            below[owner].append(contact)
    for customer in customers:
        yield from _one_person(customer, below[customer["id"].rstrip()], seeded)


def _one_person(customer: Record, found: list[Record], seeded: Collection[str]) -> Iterator[str]:
    person = person_of(customer)
    ours = [contact for contact in found if contact.get("GP_Contact_Key")]
    if len(ours) != bool(person):
        yield f"{customer['id']}: GP names {person or 'nobody'}, and Zoho has {len(ours)} Contacts of it."
        return
    for contact in found:
        if contact in ours:
            yield from _differences(customer, contact, _CONTACT)
        elif contact["id"] not in seeded and _folded(contact["Full_Name"]) == _folded(person):
            yield f"{customer['id']}: Zoho has {person} once more, without a key."


def _with_what_is_owed(systems: Systems) -> list[Record]:
    """Every vendor with what its documents say, as far as GP's lists tell: whole amounts, and no due dates."""
    documents: dict[str, list[Record]] = defaultdict(list)
    for document in systems.gp.rows("documents", "rows"):
        if document["state"] in ("Open", "History"):
            documents[document["vendor_id"].rstrip()].append(document)
    vendors = systems.gp.rows("vendors", "rows")
    return [vendor | {"payables": _payables(documents[vendor["id"].rstrip()])} for vendor in vendors]


def _payables(documents: list[Record]) -> Record:
    opened = [document for document in documents if document["state"] == "Open"]
    debts = [document for document in opened if document["type"] not in _CREDITS]
    since = (datetime.now(UTC) - _PAYMENTS_BACK).date().isoformat()
    payments = [d for d in documents if d["type"] == "Payment" and d["on"] > since]
    last = max(payments, key=lambda payment: (payment["on"], payment["id"]), default={})
    values = (
        sum(Decimal(d["amount"]) * (1 if d in debts else -1) for d in opened),
        "estimated" if opened else "exact",
        len(opened),
        min((debt["on"] for debt in debts), default=None),
        last.get("amount"),
        last.get("on"),
    )
    return dict(zip(_PAYABLES, values, strict=True))


def _side(accounts: list[Record], key_field: str, records: list[Record]) -> Iterator[str]:
    """Every record against the one Account that has its key."""
    by_key: dict[str, list[Record]] = {}
    for account in accounts:
        if account.get(key_field):
            by_key.setdefault(account[key_field], []).append(account)
    for record in records:
        yield from _compare(record, by_key.pop(record["id"].rstrip(), []), key_field)
    for key in by_key:
        yield f"{key}: Zoho has it and GP does not."


def _compare(record: Record, found: list[Record], key_field: str) -> Iterator[str]:
    if len(found) != 1:
        yield f"{record['id']}: GP has it once and Zoho {len(found)} times."
        return
    [account] = found
    vendor = _VENDOR if account.get("GP_Customer_ID") else _VENDOR_ALONE
    yield from _differences(record, account, _CUSTOMER if key_field == "GP_Customer_ID" else vendor)


def _differences(record: Record, found: Record, fields: Expected) -> Iterator[str]:
    for name, expected in fields.items():
        wanted, there = expected(record), found.get(name)
        if not (_same_number if name in _NUMBERS else _same)(wanted, there):
            yield f"{record['id']}: {name} is {there!r} in Zoho and {wanted!r} in GP."


def _same_number(gp: object, zoho: object) -> bool:
    """The same digits; in Zoho the code of the country may stand before them."""
    wanted, there = str(gp), "".join(filter(str.isdecimal, str(zoho or "")))
    return there.endswith(wanted) and len(there) - len(wanted) <= (3 if wanted else 0)


def _same(gp: object, zoho: object) -> bool:
    if isinstance(gp, bool) or isinstance(zoho, bool):
        return gp is zoho
    if isinstance(zoho, int | float):
        return gp is not None and Decimal(str(gp)) == Decimal(str(zoho))
    return str(gp or "").rstrip() == str(zoho or "")


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
