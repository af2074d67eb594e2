"""From an order, a quote or a won deal of the CRM to the document that the ERP should have: tables of fields, applied.

What a value has to be is said here (``HEADER``, ``LINES``); where it comes from, by a mapping file; in the ERP's words,
by the tables of the settings. Lengths are those of GP's columns (reference gp/facts.md 2.9; of descriptions, comments
and addresses from memory).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum

from ml_connector.core.needs import FieldNeed
from ml_connector.core.record import Value
from ml_connector.core.sales import Document, Kind


class Type(Enum):
    """What a value of a document is."""

    TEXT = "a text"
    AMOUNT = "an amount"
    DAY = "a date"
    YES_NO = "yes or no"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the ERP takes as one value of a document."""

    type: Type = Type.TEXT
    longest: int = 0  #: characters of a text; 0: any
    is_cut: bool = (
        False  #: a longer text is cut off; otherwise it is refused, since half of it would be another
    )
    may_be_negative: bool = False


_DAY, _AMOUNT, _TEXT = Shape(Type.DAY), Shape(Type.AMOUNT), Shape()
_COMMENT = Shape(longest=500, is_cut=True)

HEADER: Mapping[str, Shape] = {
    "customer": Shape(longest=15),
    "customer_po": Shape(longest=20),
    "on": _DAY,
    "expires_on": _DAY,
    "requested_on": _DAY,
    **{f"text_{number}": Shape(longest=20) for number in range(1, 6)},
    "currency": Shape(longest=15),
    "price_level": Shape(longest=10),
    "shipping_method": Shape(longest=15),
    "site": Shape(longest=10),
    "comment": _COMMENT,
    "ship_to_key": Shape(longest=15),
    "ship_to.name": Shape(longest=64),
    "ship_to.contact": Shape(longest=60),
    "ship_to.street": _TEXT,
    "ship_to.city": Shape(longest=35),
    "ship_to.state": Shape(longest=29),
    "ship_to.postal_code": Shape(longest=10),
    "ship_to.country": Shape(longest=60),
    "ship_to.phone": Shape(longest=21),
    "trade_discount": _AMOUNT,
    "adjustment": Shape(Type.AMOUNT, may_be_negative=True),
    "freight": _AMOUNT,
    "tax": _AMOUNT,
    "total": _AMOUNT,
    # What the plan asks for, and the ERP does not get:
    "stage": _TEXT,
    "deal": _TEXT,
    "quote": _TEXT,
}

LINES: Mapping[str, Shape] = {
    "item": Shape(longest=30),
    "description": Shape(longest=100, is_cut=True),
    "quantity": _AMOUNT,
    "unit": Shape(longest=8),
    "unit_price": _AMOUNT,
    "discount": _AMOUNT,
    "tax": _AMOUNT,
    "site": Shape(longest=10),
    "requested_on": _DAY,
    "comment": _COMMENT,
    "account": Shape(longest=128),
    "is_non_inventory": Shape(Type.YES_NO),
}

#: The tables of the settings: a value of the CRM -> what the ERP calls it.
TABLES = ("units", "sites", "price_levels", "shipping_methods")


ROW = "line."  #: a field of a row begins with it
#: What kind of field has a value of this type; what of a record it points to has a kind of its own.
_KINDS: Mapping[Type, str] = {
    Type.TEXT: "text",
    Type.AMOUNT: "decimal",
    Type.DAY: "date",
    Type.YES_NO: "boolean",
}
_LOOKUPS = {"Product_Code": "product"}
#: There without being asked for, or only where the organisation has several currencies.
_NOT_ASKED = ("id", "Currency")


class Numbering(StrEnum):
    """Who numbers a document."""

    OWN = "own"  #: we do, by its id in the CRM, so that the ERP itself refuses a second one
    GP = (
        "gp"  #: the ERP does; our number goes where the customer's own is, whose place is the first text then
    )


@dataclass(frozen=True, slots=True)
class DocumentRule:
    """Where one value of a document comes from: fields of the CRM and a transform, or a constant."""

    target: str  #: one of ``HEADER`` or of ``LINES``
    sources: tuple[str, ...] = ()  #: "Due_Date", "Account_Name.id", of a row "line.Quantity"
    transform: str = "copy"
    constant: Value = None
    lookup: str = ""  #: a module: the value is what its record of this id is called in the ERP
    table: str = ""  #: one of ``TABLES``


@dataclass(frozen=True, slots=True)
class DocumentMapping:
    """One mapping file of documents."""

    name: str
    module: str  #: of the CRM
    kind: Kind
    header: tuple[DocumentRule, ...]
    lines: tuple[DocumentRule, ...]
    rows: str = ""  #: the subform whose rows are the lines; empty: the record itself is the only line
    fingerprint: str = ""  #: changes when the file's meaning changes

    @property
    def rules(self) -> Iterator[tuple[DocumentRule, Shape]]:
        """Every rule, with what its value has to be."""
        yield from ((rule, HEADER[rule.target]) for rule in self.header)
        yield from ((rule, LINES[rule.target]) for rule in self.lines)

    @property
    def columns(self) -> dict[str, str]:
        """What of the module is read: API name, of a row behind ``line.``, and what kind of field that has to be."""
        found: dict[str, str] = {}
        for rule, shape in self.rules:
            for source in rule.sources:
                at, name, inner = _parted(source)
                kind = _LOOKUPS.get(inner, "lookup") if inner else _KINDS[shape.type]
                if found.get(at + name) != _LOOKUPS["Product_Code"]:
                    found[at + name] = kind
        return found

    @property
    def needs(self) -> list[FieldNeed]:
        """The fields that have to be there in the CRM; of another module's record, the lookup to it."""
        found = {
            (self.rows if at else self.module, name)
            for at, name, _ in (_parted(source) for rule, _ in self.rules for source in rule.sources)
            if name not in _NOT_ASKED
        }
        return [FieldNeed(module, name, is_only_read=True) for module, name in sorted(found)]


def _parted(source: str) -> tuple[str, str, str]:
    """("line." or nothing, API name, what of the record that it points to)."""
    at = ROW if source.startswith(ROW) else ""
    name, _, inner = source.removeprefix(at).partition(".")
    return at, name, inner


@dataclass(frozen=True, slots=True)
class Pointed:
    """A record of the CRM that a lookup points to."""

    module: str
    record_id: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say of documents of one kind."""

    prefix: str
    numbering: Numbering = Numbering.OWN
    type_id: str = ""  #: which of the ERP's own types of such documents
    batch: str = ""  #: may have a date in it, as strftime writes it
    site: str = ""  #: of what says none
    item: str = ""  #: of lines that say none
    currency: str = ""  #: of documents that say none: the CRM's home currency
    price_decimals: int = 2  #: how many the ERP's prices have
    total_tolerance: Decimal = Decimal(0)
    tables: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict
    )  #: name of a table -> folded value of the CRM -> what the ERP calls it


def meaning_of(mapping: DocumentMapping, terms: Terms) -> str:
    """A hash of what decides what an existing document should say, beside the record itself."""
    tables = sorted((name, sorted(table.items())) for name, table in terms.tables.items())
    told = (terms.numbering.value, terms.site, terms.item, terms.currency, terms.price_decimals, tables)
    return hashlib.sha256(repr((mapping.fingerprint, told)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around a record when its document is made."""

    today: date  #: where the company is
    names: Mapping[Pointed, str] = field(default_factory=dict)  #: what records are called in the ERP


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the CRM wants of the ERP."""

    document: Document
    total: Decimal | None  #: what it comes to as the CRM shows it; None: it does not say, the ERP is to
    meaning: str = ""  #: changes when mapping or settings mean something else
    stage: str = ""
    deal: str = ""  #: id of its deal
    quote: str = ""  #: id of the quote that it was made from
