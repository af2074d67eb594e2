"""Reading what is owed to vendors: all open documents, or those of the vendors whose documents changed.

A payment that is applied, a document that is posted, voided or paid off changes its ModifiedDate or moves it to history
with a new one (facts.md 3.1), so between two whole readings the documents modified since name the vendors to recompute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_connector.connectors.dynamics_gp import payables, schema, soap
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.listing import Lister
from ml_connector.connectors.dynamics_gp.masters import PAYABLES, PAYMENTS, PAYMENTS_BACK, VENDORS
from ml_connector.connectors.dynamics_gp.payables import Owed
from ml_connector.connectors.dynamics_gp.schema import Listing
from ml_connector.connectors.dynamics_gp.soap import Where
from ml_connector.connectors.dynamics_gp.values import Tree, to_instant
from ml_connector.core.change import DAY_OVERLAP, Page, is_midnight
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.record import Reading, digest, fold_key

INVOICE = "GetPayablesInvoiceByKey"
_TOGETHER = 50  # vendors whose documents are asked for in one call
_OPEN: Where = {"TransactionState": {"EqualValue": "Open"}}
_POSTED = ("Open", "History")

#: The lister of a listing, begun anew where ``after`` is None.
ListerOf = Callable[[Listing, str | None, Where], Lister]
#: Keeps what a listing taught: its first rows, if it is a whole one, and whether it goes on.
Keep = Callable[[Lister, Sequence[Tree], "str | None"], None]
#: Several invoices by their numbers, side by side.
Invoices = Callable[[Callable[[str], "Owed | None"], Sequence[str]], Iterator["Owed | None"]]


@dataclass(frozen=True, slots=True)
class PayablesReader:
    """Reads the facet ``payables`` of one company."""

    client: GpClient
    lister: ListerOf
    keep: Keep
    side_by_side: Invoices

    def everything(self, after: str | None) -> Page[Reading]:
        """Open documents set the page's range of vendors; payments are then read for the same range."""
        lister = self.lister(PAYABLES, after, _OPEN)
        documents, next_after = lister.page(after)
        self.keep(lister, documents if after is None else (), next_after)
        paid = Lister(PAYMENTS, self.client.list_rows, lister.limit, self._paid())
        payments = paid.between(after, next_after)
        payments += [] if next_after is None else paid.at(next_after)
        return Page(self._readings(documents, payments), next_after)

    def changed(self, after: str | None, since: datetime) -> Page[Reading]:
        """The vendors of one page of the documents that were modified at or after ``since``, recomputed whole."""
        where: Where = {
            "ModifiedDate": {"GreaterThan": soap.instant_text(since - DAY_OVERLAP - timedelta(seconds=1))},
            "TransactionState": {"Items": _POSTED},
        }
        lister = self.lister(PAYABLES, after, where)
        lister.hint_where = _OPEN
        rows, next_after = lister.page(after)
        self.keep(lister, (), next_after)
        vendors = list(by_record(PAYABLES, _modified_since(rows, since)).values())
        keys = [schema.key_of(PAYABLES.levels[0], group[0]) for group in vendors]
        readings: list[Reading] = []
        for start in range(0, len(keys), _TOGETHER):
            some = keys[start : start + _TOGETHER]
            documents = self._of_vendors(PAYABLES, _OPEN, some, lister)
            payments = self._of_vendors(PAYMENTS, self._paid(), some, lister)
            readings += self._readings(documents, payments, some)
        return Page(readings, next_after)

    def _paid(self) -> Where:
        """Recent payments, open or not."""
        since = self.client.clock.now() - PAYMENTS_BACK
        return {
            "TransactionState": {"Items": _POSTED},
            "Type": {"EqualValue": "Payment"},
            "Date": {"GreaterThan": soap.instant_text(since)},
        }

    def _of_vendors(
        self, listing: Listing, where: Where, vendors: Sequence[str], lister: Lister
    ) -> list[Tree]:
        """All documents of these vendors, in as few calls as the row limit allows.

        An answer that may be cut off is asked for by halves: shorter ones are whole, for so long an answer came.
        """
        rows = self.client.list_rows(listing, {**where, "VendorId": {"Items": tuple(vendors)}})
        is_whole = lister.limit.judge(len(rows))
        lister.limit.see(len(rows))
        if is_whole or (is_whole is None and lister.prove(len(rows))):
            return rows
        if len(vendors) == 1:
            return Lister(listing, self.client.list_rows, lister.limit, where).at(vendors[0])
        middle = len(vendors) // 2
        halves = (vendors[:middle], vendors[middle:])
        return [row for half in halves for row in self._of_vendors(listing, where, half, lister)]

    def _readings(
        self, documents: Sequence[Tree], payments: Sequence[Tree], vendors: Sequence[str] = ()
    ) -> list[Reading]:
        """The reading of each vendor that has a document or a payment, and of all of ``vendors``."""
        by_vendor, paid = by_record(PAYABLES, documents), by_record(PAYABLES, payments)
        exact = self._exact(documents) if self.client.config.payables == "exact" else {}
        shown = {fold_key(key): key for key in vendors}
        readings = []
        for folded in {**shown, **by_vendor, **paid}:
            rows, money = by_vendor.get(folded, []), paid.get(folded, [])
            fields = payables.summarise(rows, money, exact) if rows or money else VENDORS.empty["payables"]
            found = [*rows, *money]
            key = schema.key_of(PAYABLES.levels[0], found[0]) if found else shown[folded]
            readings.append(Reading(key, "payables", fields, digest(fields)))
        return readings

    def _exact(self, documents: Sequence[Tree]) -> dict[str, Owed]:
        """What is left of each open invoice, one call for each; one that GP refuses stays an estimate."""
        numbers = [payables.document_id(row) for row in documents if payables.document_type(row) == "Invoice"]
        owed = zip(numbers, self.side_by_side(self._invoice, numbers), strict=True)
        return {number: item for number, item in owed if item is not None}

    def _invoice(self, number: str) -> Owed | None:
        try:
            invoice = self.client.read(INVOICE, number)
        except RecordRejectedError:
            return None
        return None if invoice is None else payables.from_invoice(invoice)


def by_record(listing: Listing, rows: Sequence[Tree]) -> dict[str, list[Tree]]:
    """The rows of each record, by its key as GP compares it."""
    groups: dict[str, list[Tree]] = {}
    for row in rows:
        groups.setdefault(fold_key(schema.key_of(listing.levels[0], row)), []).append(row)
    return groups


def _modified_since(rows: Sequence[Tree], since: datetime) -> list[Tree]:
    """The rows that were modified since; all of them where the stamps are days, which may be local dates."""
    stamps = [_stamp(row) for row in rows]
    if all(at is None or is_midnight(at) for at in stamps):
        return list(rows)
    return [row for row, at in zip(rows, stamps, strict=True) if at is None or at >= since]


def _stamp(row: Tree) -> datetime | None:
    try:
        return to_instant(row.get("ModifiedDate"))
    except RecordRejectedError:
        return None  # unreadable: the vendor is recomputed
