"""What we owe a vendor, added up from its documents: GP's services have no vendor balance (facts.md 2.8). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ml_connector.connectors.dynamics_gp.values import Tree, find, to_date, to_money, to_text
from ml_connector.core.record import Value

#: Returns, credit memos and payments reduce the balance (PM document types 4 to 6, facts.md 3.3).
_SIGNS = {
    "Invoice": 1, "Finance Charge": 1, "Miscellaneous Charge": 1, "Return": -1, "Credit Memo": -1, "Payment": -1,
}  # fmt: skip


#: What makes an invoice's open amount smaller than its amount (PM20000.CURTRXAM, facts.md 2.8 and 3.2).
_TAKEN_OFF = (("TotalPayments",), ("WriteoffAmount",), ("Terms", "DiscountTakenAmount"))


@dataclass(frozen=True, slots=True)
class Owed:
    """What is left of one open document."""

    amount: Decimal  #: negative for a credit
    due_on: date | None  #: None for a credit
    exact: bool


def from_list(document: Tree) -> Owed:
    """An open document as the list tells it: its whole amount, although part of it may be paid.

    The list has no due date either, so the document's own date stands for it: the true one is that or later.
    """
    sign = _SIGNS.get(document_type(document), 1)
    return Owed(
        sign * _amount(document, ("DocumentAmount",)),
        to_date(document.get("Date")) if sign > 0 else None,
        exact=False,
    )


def from_invoice(invoice: Tree) -> Owed:
    """An open invoice as GetPayablesInvoiceByKey tells it: what is open of it, due by its terms."""
    taken_off = sum((_amount(invoice, path) for path in _TAKEN_OFF), Decimal(0))
    due_on = to_date(find(invoice, ("Terms", "DueDate"))) or to_date(invoice.get("Date"))
    return Owed(_amount(invoice, ("DocumentAmount",)) - taken_off, due_on, exact=True)


def document_type(document: Tree) -> str:
    """Invoice, Credit Memo, Payment, ..."""
    return to_text(document.get("Type")) or ""


def document_id(document: Tree) -> str:
    """The document's number in GP (the voucher, not the vendor's own number)."""
    return to_text(find(document, ("Key", "Id"))) or ""


def summarise(
    documents: Sequence[Tree], payments: Sequence[Tree], exact: Mapping[str, Owed]
) -> dict[str, Value]:
    """The payables fields of one vendor; ``exact`` has what is known of invoices by number.

    The basis is "exact" only if every open document is known exactly: what is left of a credit is not told by GP.
    """
    owed = [
        exact.get(document_id(document), from_list(document))
        if document_type(document) == "Invoice"
        else from_list(document)
        for document in documents
    ]
    due = [item.due_on for item in owed if item.due_on is not None]
    last = max(payments, key=_paid_on, default=None)
    return {
        "payables.balance": sum((item.amount for item in owed), Decimal(0)),
        "payables.basis": "exact" if all(item.exact for item in owed) else "estimated",
        "payables.open_documents": len(documents),
        "payables.oldest_due_on": min(due, default=None),
        "payables.last_payment_amount": None
        if last is None
        else to_money(find(last, ("DocumentAmount", "Value"))),
        "payables.last_payment_on": None if last is None else to_date(last.get("Date")),
        "payables.currency": next(filter(None, map(_currency, [*documents, *payments])), None),
    }


def _paid_on(payment: Tree) -> tuple[date, str]:
    return to_date(payment.get("Date")) or date.min, document_id(payment)


def _currency(document: Tree) -> str | None:
    return to_text(find(document, ("DocumentAmount", "Currency")))


def _amount(document: Tree, path: tuple[str, ...]) -> Decimal:
    return to_money(find(document, (*path, "Value"))) or Decimal(0)
