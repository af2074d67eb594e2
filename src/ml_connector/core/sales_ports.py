"""What the flows need of an ERP that documents and master records are written to, whichever it is.

`tests/connectors/contract_sales.py` holds every promise. A record's own fault is a result, never an error. Errors:
RetryableError (of what changes something: it may have been done or not), NotDoneError (it was not, for certain),
ConfigurationError (it was not, and a person has to change something first).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ml_connector.core.change import Page
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ports import Refused
from ml_connector.core.record import Record, Value
from ml_connector.core.sales import Document, Kind, Listed, Standing


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ERP has done it."""

    number: str  #: of the document, or the key of the record; empty: the ERP gave one and does not say which


@dataclass(frozen=True, slots=True)
class Taken:
    """The ERP created nothing, because it has one of this number: ours of an earlier attempt, or another."""

    error: RecordRejectedError


@dataclass(frozen=True, slots=True)
class Unsure:
    """The ERP failed on this one and hides why: it may have been done or not. The others go on."""

    error: RecordRejectedError


#: Refused: it was not done, for certain; ``gone``: there is none to change; ``overtaken``: it is not as it was read.
Outcome = Accepted | Taken | Refused | Unsure


@dataclass(frozen=True, slots=True)
class Sought:
    """Which documents are listed: those to which all of this applies."""

    kinds: frozenset[Kind] = frozenset(Kind)
    customer: str = ""
    customer_po: str = ""
    master_number: int = 0  #: all documents of one chain
    since: datetime | None = (
        None  #: changed at or after it; by stamps that are days only, on that day or later
    )


class Documents(Protocol):
    """The sales documents of one company. Keys are compared as the ERP does: case and blanks behind do not count."""

    def find(self, kind: Kind, number: str) -> Standing | None:
        """The document, in work or in history; None: there is none. It sees what was written a moment ago.

        RecordRejectedError: the ERP has it and cannot show it, or shows what cannot be read.
        """

    def list_documents(self, sought: Sought, after: str | None) -> Page[Listed]:
        """One page of these documents, complete or an error; ``after`` is the last page's ``next_after``."""

    def create(self, document: Document) -> Outcome:
        """Have the ERP make a quote or an order. The ERP may change its prices: ``find`` tells what stands there.

        With a number, the same again is Taken. Without one, every call that is done makes another document.
        """

    def update(self, before: Standing, after: Document) -> Outcome:
        """Change the document that was found as ``before``: what differs in ``after`` is written, the rest is kept.

        A line is known by its ``sequence``: one that is missing in ``after`` is removed, one with 0 is new. What is
        None or empty in ``after`` and was not before, is taken away or goes back to what the ERP gives by itself.
        The kind, the number and the customer of a document never change. Refused as overtaken where the document is
        no longer as it was found; between that look and the change itself, the last word wins.
        """

    def void(self, kind: Kind, number: str) -> Outcome:
        """Have it void: it stays in history under its number, which stays taken."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Some fields of a customer or vendor that is there; the names are those of the entity's fields."""

    entity: str
    key: str
    fields: Mapping[str, Value]
    expected: Mapping[
        str, Value
    ]  #: what stood in fields when this was decided: other values now, and it is overtaken
    unmodified_since: datetime | None = (
        None  #: a later stamp on the record, or an address of ``fields``: overtaken
    )


class MasterEdits(Protocol):
    """Customers and vendors of one company, as far as they are edited from outside."""

    def editable(self, entity: str) -> frozenset[str]:
        """The fields that ``edit`` takes."""

    def settable(self, entity: str) -> frozenset[str]:
        """The fields that ``create`` takes; none: it does not create these."""

    def read(self, entity: str, key: str) -> Record | None:
        """The record as it stands now, with its addresses; None: there is none. RecordRejectedError as for a fetch."""

    def edit(self, edit: Edit) -> Outcome:
        """Change these fields alone. A value None or empty takes it away. ValueError: a field that is not editable.

        Refused, too, where two roles are to have two values in one address that they share, or one has no address.
        """

    def create(self, entity: str, key: str, fields: Mapping[str, Value]) -> Outcome:
        """Create a record of this key; what is left out is given by its class and the ERP.

        The same again is Taken. ValueError: a field that is not settable, or an address without its address_id.
        """


class Thing(StrEnum):
    """What a document refers to."""

    ITEM = "item"
    UNIT = "unit of measure"
    SITE = "site"
    BATCH = "batch"
    PRICE_LEVEL = "price level"
    SHIPPING_METHOD = "shipping method"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that documents will refer to."""

    thing: Thing
    id: str
    item: str = ""  #: of a unit: of which item; of a site: the item that has to be kept there, empty: any


class SetUp(Protocol):
    """What an ERP has to have before documents can be made in it."""

    def missing(self, needs: Sequence[Need]) -> Mapping[Need, str]:
        """Those that a document could not refer to now, each with a sentence why."""
