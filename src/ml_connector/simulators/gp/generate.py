"""Larger companies than Fabrikam: any number of customers, vendors and journal entries, the same for the same seed.

All instants lie before GENERATED_UNTIL, so that what is changed later is later by its stamp too. Nearly a
third of the records carry the stamp of one of a few mass updates: many records in one second, as imports and
year-end routines leave.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

from ml_connector.simulators.gp import chart, fabrikam, ledger_generate
from ml_connector.simulators.gp.company import (
    ZERO,
    Address,
    Company,
    CreditLimit,
    Customer,
    InternetAddress,
    PayablesDocument,
    Receivables,
    Vendor,
)
from ml_connector.simulators.gp.fabrikam import NO_PHONE
from ml_connector.simulators.gp.names import IdMaker, company_name, slug
from ml_connector.simulators.gp.options import GpOptions, MoreCompany, StampGranularity
from ml_connector.simulators.gp.people import People

GENERATED_UNTIL = datetime(2026, 6, 30, 18, 0, tzinfo=UTC)
ONE_SECOND = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
"""The stamp of everything where the option same_second is set."""

_SPREAD_SECONDS = 3 * 365 * 86_400
_MASS_UPDATES = tuple(
    GENERATED_UNTIL - timedelta(days=90 * n, hours=5 * n, seconds=17 * n) for n in range(1, 6)
)
_DAYS = tuple(date(2015, 1, 2) + timedelta(days=n) for n in range(3000))
_DUE = tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(200))
_TERMS = ("Net 30", "Net 30", "Net 15", "2% 10/Net 30", "2% EOM/Net 15th", "3% 15th/Net 30", "Due on Receipt")
_CONTACTS = ("", "Ann Beebe", "Bob Gage", "Zoë Hernández", "Jean-Luc Dubois", "Pat Coleman", "Mary O'Neill",
             "Kim Akers", "Lee Chia", "Max Benson", "Eva Corets", "Jörg Müller")  # fmt: skip
_STREETS = ("Main Street", "Oak Avenue", "Market Street", "W. Washington Blvd.", "5th Avenue", "Lake Drive",
            "Industrial Park Rd", "Rue de l'Église", "Königstraße")  # fmt: skip
_SALESPEOPLE = ("PAUL W.", "GREG E.", "SANDRA M.", "GARY W.", "NANCY B.", "FRANCINE B.", "ERIN J.", "IAN M.")
# city, state, postal code, country, area code, currency, country code
_PLACES = (
    ("Chicago", "IL", "60601", "USA", "312", "USD", "US"),
    ("St. Paul", "MN", "55101", "USA", "651", "USD", "US"),
    ("Dallas", "TX", "75201", "USA", "214", "USD", "US"),
    ("New York", "NY", "10001", "USA", "212", "USD", "US"),
    ("Los Angeles", "CA", "90012", "USA", "213", "USD", "US"),
    ("Denver", "CO", "80202", "USA", "303", "USD", "US"),
    ("Coeur d'Alene", "ID", "83814", "USA", "208", "USD", "US"),
    ("Atlanta", "GA", "30303", "USA", "404", "USD", "US"),
    ("Boston", "MA", "02108", "USA", "617", "USD", "US"),
    ("Seattle", "WA", "98101", "USA", "206", "USD", "US"),
    ("San José", "CA", "95113", "USA", "408", "USD", "US"),
    ("Phoenix", "AZ", "85004", "USA", "602", "USD", "US"),
    ("Montréal", "QC", "H3A 1B9", "Canada", "514", "CAD", "CA"),
    ("Toronto", "ON", "M5J 2N8", "Canada", "416", "CAD", "CA"),
    ("London", "", "EC1A 1BB", "United Kingdom", "207", "GBP", "GB"),
    ("Düsseldorf", "", "40213", "Germany", "211", "EUR", "DE"),
)  # fmt: skip
_LIMITS = tuple(Decimal(1000 * n) for n in range(1, 100))
# National accounts: one in so many customers, which of these it is, and its branches behind it.
_FAMILY, _PARENT, _BRANCHES = 40, 20, (1, 2, 3)
_DOCUMENT_TYPES = ("Invoice",) * 16 + (
    "Credit Memo",
    "Payment",
    "Return",
    "Finance Charge",
    "Miscellaneous Charge",
)
_STATES = ("Open",) * 15 + ("History",) * 4 + ("Work",)


def company(options: GpOptions) -> Company:
    """Return company -1: Fabrikam's own records and as many more as the options ask for."""
    collecting = gc.isenabled()
    gc.disable()  # nothing made here is garbage; looking for some costs a quarter of the time
    try:
        return _company(options)
    finally:
        if collecting:
            gc.enable()


def further_company(options: GpOptions, more: MoreCompany) -> Company:
    """Return a company beside Fabrikam, made in the same way with sizes and a seed of its own."""
    asked = replace(options, customers=more.customers, vendors=more.vendors, seed=more.seed)
    made = company(asked)
    made.id, made.name = more.id, more.name or f"Company {more.id}"
    return made


def _company(options: GpOptions) -> Company:
    made = fabrikam.company()
    stamps = _Stamps(options)
    customers = [*fabrikam.customers(), *_customers(options, stamps)]
    vendors = [*fabrikam.vendors(), *_vendors(options, stamps)]
    made.customers.load(map(stamps.settle, customers))
    made.vendors.load(map(stamps.settle, vendors))
    made.load_documents(_documents(vendors[sum(1 for _ in fabrikam.vendors()) :], options.seed))
    made.accounts.load(chart.accounts())
    made.segments, made.separator, made.categories = chart.SEGMENTS, chart.SEPARATOR, chart.CATEGORIES
    made.journals.load(ledger_generate.entries(options, made))
    return made


Master = TypeVar("Master", Customer, Vendor)


class _Stamps:
    """Deals out stamps, and settles them on masters as the options want them."""

    def __init__(self, options: GpOptions) -> None:
        self._random = Random(options.seed * 3 + 1)
        self._same_second = options.same_second
        self._granularity: StampGranularity = options.stamp_granularity

    def deal(self) -> datetime | None:
        """Return a stamp; one in a thousand is GP's empty date."""
        draw = self._random.random()
        if draw < 0.001:
            return None
        if draw < 0.3:
            return _MASS_UPDATES[int(draw * 997) % len(_MASS_UPDATES)]
        return GENERATED_UNTIL - timedelta(seconds=int(self._random.random() * _SPREAD_SECONDS))

    def settle(self, master: Master) -> Master:
        """Put all into one second, or make days of the stamps, where the options say so."""
        if not self._same_second and self._granularity == "second":
            return master
        stamp = ONE_SECOND if self._same_second else master.modified_at
        said = stamp
        if stamp is not None and self._granularity == "day":
            said = stamp.replace(hour=0, minute=0, second=0)
        if isinstance(master, Customer):
            return replace(master, modified_at=said, row_stamp_at=stamp)
        return replace(master, modified_at=said)


@dataclass(frozen=True, slots=True)
class _Draws:
    """The random streams that one kind of masters is made from."""

    random: Random
    people: People


def _ids(masters: Iterable[Customer] | Iterable[Vendor]) -> IdMaker:
    return IdMaker(frozenset(master.id.upper() for master in masters))


def _customers(options: GpOptions, stamps: _Stamps) -> Iterator[Customer]:
    """Yield customers; of forty one after the other, three are branches that another one pays for."""
    own = list(fabrikam.customers())
    make_id, draws = _ids(own), _Draws(Random(options.seed * 3 + 2), People("customers", options.seed))
    parent = ""
    for number in range(options.customers - len(own)):
        name = company_name(number, options.seed)
        made = _customer(make_id(name, number), name, number, draws, stamps.deal())
        parent = made.id if number % _FAMILY == _PARENT else parent
        yield _in_family(made, number, parent)


def _in_family(customer: Customer, number: int, parent: str) -> Customer:
    """A national account: its branches name it; every other one names itself, as some versions of GP write it."""
    place = number % _FAMILY - _PARENT
    if place in _BRANCHES or (place == 0 and number // _FAMILY % 2):
        return replace(customer, corporate_id=parent)
    return customer


def _customer(customer_id: str, name: str, number: int, draws: _Draws, stamp: datetime | None) -> Customer:
    random = draws.random
    place = _PLACES[number % 7919 % len(_PLACES)]
    main = "MAIN" if number % 33 == 5 else "PRIMARY"
    seller = "" if number % 23 == 9 else _SALESPEOPLE[len(name) % len(_SALESPEOPLE)]
    addresses = _addresses((main, "WAREHOUSE"), name, place, draws, stamp or GENERATED_UNTIL)
    if not seller:
        addresses = tuple(replace(address, salesperson="") for address in addresses)
    return Customer(
        id=customer_id,
        name=name + "   " if number % 41 == 3 and len(name) < 60 else name,
        short_name=name[:15],
        statement_name=name,
        class_id=("USA-ILMO-T1", "USA-MNWI-T1", "CAN-ONMB-T2", "RETAIL")[number % 4],
        is_active=number % 29 != 11,
        is_on_hold=number % 47 == 13,
        salesperson=seller,
        currency=place[5],
        payment_terms=_TERMS[number % len(_TERMS)],
        price_level="RETAIL",
        credit_limit=_credit(random),
        default_address=main,
        ship_to_address="WAREHOUSE" if len(addresses) > 1 else main,
        bill_to_address=main,
        statement_address=main,
        created_on=_DAYS[number % len(_DAYS)],
        modified_at=stamp,
        row_stamp_at=stamp,
        addresses=addresses,
        receivables=_receivables(random, number),
    )


def _addresses(
    ids: tuple[str, str], name: str, place: tuple[str, ...], draws: _Draws, stamp: datetime
) -> tuple[Address, ...]:
    """Return the main address and, for three in ten, a second one with a contact of its own or none."""
    random, people = draws.random, draws.people
    plain = _CONTACTS[int(random.random() * len(_CONTACTS))]
    contact = people.contact(plain)
    phone = f"{place[4]}555{int(random.random() * 10_000):04d}"
    who = contact.mailbox or "office"
    email = InternetAddress("" if phone[-1] == "9" else f"{who}@{slug(name)}.example", modified_at=stamp)
    street = 1 + int(random.random() * 9999)
    if not people.keeps_codes():
        place = (*place[:6], "")
    first = _address((ids[0], contact.written), name, place, street, phone, email)
    if random.random() >= 0.3:
        return (first,)
    other = people.other()
    email = people.email(other, name, stamp)
    return first, _address((ids[1], other.written), name, place, street + 1, phone, email)


def _address(
    labels: tuple[str, str],
    name: str,
    place: tuple[str, ...],
    number: int,
    phone: str,
    email: InternetAddress,
) -> Address:
    address_id, contact = labels
    city, state, postal_code, country, _, _, country_code = place
    return Address(
        id=address_id,
        name=name,
        contact=contact,
        line1=f"{number} {_STREETS[number % len(_STREETS)]}",
        line2="Suite 100" if phone[-1] == "7" else "",
        city=city,
        state=state,
        postal_code=postal_code,
        country=country,
        country_code=country_code,
        phone1=phone + ("0042" if phone[-1] == "3" else "0000"),
        phone2=NO_PHONE,
        phone3=NO_PHONE,
        fax=NO_PHONE,
        shipping_method="GROUND",
        tax_schedule="USASTCITY-6*",
        salesperson=_SALESPEOPLE[len(name) % len(_SALESPEOPLE)] if address_id != "REMIT TO" else "",
        created_on=_DAYS[0],
        modified_at=email.modified_at,
        email=email,
    )


def _cents(random: Random, below: int) -> Decimal:
    return Decimal(100 + int(random.random() * (below - 100))).scaleb(-2)


def _credit(random: Random) -> CreditLimit:
    draw = random.random()
    if draw < 0.15:
        return CreditLimit(unlimited=True)
    return CreditLimit() if draw < 0.25 else CreditLimit(amount=_LIMITS[int(draw * 9973) % len(_LIMITS)])


def _receivables(random: Random, number: int) -> Receivables:
    if number % 4 == 3:
        return Receivables()
    aging = (
        _cents(random, 2_000_000),
        _cents(random, 500_000) if number % 3 == 0 else ZERO,
        _cents(random, 100_000) if number % 5 == 0 else ZERO,
        -_cents(random, 50_000) if number % 19 == 0 else ZERO,  # unapplied credit
        ZERO,
        ZERO,
        ZERO,
    )
    day = _DUE[number % len(_DUE)]
    return Receivables(
        aging=aging,
        last_aged_on=_DUE[-1],
        on_order=_cents(random, 90_000) if number % 6 == 0 else ZERO,
        last_payment=aging[0],
        last_payment_on=day,
        last_transaction=aging[0],
        last_transaction_on=day,
        sales_this_year=aging[0] * 4,
        sales_last_year=aging[0] * 11,
        sales_ever=aging[0] * 40,
    )


def _vendors(options: GpOptions, stamps: _Stamps) -> Iterator[Vendor]:
    """Yield vendors; every twentieth is a company that is a customer too, under another id or the same."""
    own = list(fabrikam.vendors())
    make_id, draws = _ids(own), _Draws(Random(options.seed * 3 + 3), People("vendors", options.seed))
    customers = options.customers - sum(1 for _ in fabrikam.customers())
    for number in range(options.vendors - len(own)):
        shared = number % 20 == 7 and number < customers
        name = company_name(number if shared else number + 300_000, options.seed)
        yield _vendor(make_id(name, number), name, number, draws, stamps.deal())


def _vendor(vendor_id: str, name: str, number: int, draws: _Draws, stamp: datetime | None) -> Vendor:
    place = _PLACES[number % 7919 % len(_PLACES)]
    main = "MAIN" if number % 37 == 5 else "PRIMARY"
    addresses = _addresses((main, "REMIT TO"), name, place, draws, stamp or GENERATED_UNTIL)
    return Vendor(
        id=vendor_id,
        name=name + "   " if number % 41 == 3 and len(name) < 60 else name,
        short_name=name[:15],
        check_name=name,
        class_id=("USA-US-I", "USA-US-M", "CAN-ON-I")[number % 3],
        is_active=number % 31 != 11,
        is_on_hold=number % 43 == 13,
        is_one_time=number % 97 == 1,
        account_number=f"{number:07d}" if number % 3 == 0 else "",
        currency=place[5],
        payment_terms=_TERMS[number % len(_TERMS)],
        payment_priority="1",
        tax_id=f"{number % 90 + 10}-{number % 10_000_000:07d}",
        credit_limit=_credit(draws.random),
        default_address=main,
        purchase_address=main,
        remit_to_address="REMIT TO" if len(addresses) > 1 else main,
        ship_from_address=main,
        created_on=_DAYS[number % len(_DAYS)],
        modified_at=stamp,
        addresses=addresses,
    )


def _documents(vendors: Iterable[Vendor], seed: int) -> Iterator[PayablesDocument]:
    """Yield none to three payables documents for each vendor; voucher numbers begin where Fabrikam's end."""
    random, number = Random(seed * 3 + 4), 1000
    for vendor in vendors:
        for _ in range(random.randrange(4)):
            number += 1
            yield _document(number, vendor, random)


def _document(number: int, vendor: Vendor, random: Random) -> PayablesDocument:
    kind = _DOCUMENT_TYPES[random.randrange(len(_DOCUMENT_TYPES))]
    state = _STATES[random.randrange(len(_STATES))]
    amount, day = _cents(random, 1_500_000), number % (len(_DUE) - 30)
    paid = amount if state == "History" else (amount / 4).quantize(Decimal("0.01"))
    partly = state == "History" or (kind == "Invoice" and state == "Open" and number % 5 == 0)
    return PayablesDocument(
        id=f"{number:017d}",
        vendor_id=vendor.id,
        amount=amount,
        type=kind,
        state=state,
        on=_DUE[day],
        due_on=_DUE[day + 30],
        number=f"INV-{number}",
        description="Services",
        batch="PMTRX001" if state == "Work" else "",
        currency=vendor.currency,
        payment_terms=vendor.payment_terms,
        payments=paid if partly else ZERO,
        modified_at=GENERATED_UNTIL - timedelta(seconds=number * 61 % _SPREAD_SECONDS),
    )
