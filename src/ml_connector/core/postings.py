"""The money lines of journal entries as they are kept, whatever of them goes to the CRM: compact and exact. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter

from ml_connector.core.catalogue import OWN_CODES, POSTING_UNREADABLE
from ml_connector.core.entity import PostingFields
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.record import Fields, Record, Value

#: What an outcome is kept under that says that a record's postings are kept; no mapping can have such a name.
POSTINGS = "(postings)"
#: Amounts are kept with so many: GP's tables have no more (numeric(19,5)).
DECIMALS = 5
#: From here on an amount is none: GP's own forms take thirteen digits before the point.
TOO_MUCH = Decimal(10) ** 13
_FINEST = Decimal(1).scaleb(-DECIMALS)


@dataclass(frozen=True, slots=True)
class Posting:
    """One money line of a journal entry. Texts are as the source writes them, empty where it says nothing."""

    line: str  #: names it within its entry
    on: date
    account: str
    debit: Decimal
    credit: Decimal
    currency: str  #: of the two amounts
    is_posted: bool
    is_voided: bool
    customer_id: str
    vendor_id: str
    document_id: str  #: of the document that it comes from
    document_control_id: str
    source_document: str  #: what kind of document made the entry, such as "SJ"
    series: str  #: "Sales", "Purchasing", ...

    @property
    def month(self) -> str:
        """Such as "2026-04"."""
        return self.on.isoformat()[:7]


def postings_of(record: Record, where: PostingFields) -> list[Posting]:
    """The record's parts that have an amount. Raises RecordRejectedError for one that cannot be kept as it is."""
    return [
        posting
        for line, own in record.parts.items()
        if (posting := _posting(record, line, own, where.fields))
    ]


def _posting(record: Record, line: str, own: Fields, where: Mapping[str, str]) -> Posting | None:
    told = {name: own.get(field, record.fields.get(field)) for name, field in where.items()}
    if told["debit"] is None and told["credit"] is None:
        return None  # a quantity is no money
    on, account = told["on"], str(told["account"] or "").rstrip()
    if not isinstance(on, date) or not account:
        raise _unreadable(line, "it has no date" if account else "it has no account")
    text = {name: str(value or "") for name, value in told.items()}
    return Posting(
        line=line,
        on=on,
        account=account,
        debit=_amount(line, told["debit"]),
        credit=_amount(line, told["credit"]),
        currency=text["currency"],
        is_posted=told["is_posted"] is True,
        is_voided=told["is_voided"] is True,
        customer_id=text["customer_id"],
        vendor_id=text["vendor_id"],
        document_id=text["document_id"],
        document_control_id=text["document_control_id"],
        source_document=text["source_document"],
        series=text["series"],
    )


def _amount(line: str, value: Value) -> Decimal:
    amount = Decimal(0) if value is None else Decimal(str(value))
    if abs(amount) >= TOO_MUCH or amount % _FINEST:
        raise _unreadable(line, f"{amount} is no amount that a ledger has")
    return amount


def _unreadable(line: str, why: str) -> RecordRejectedError:
    code = POSTING_UNREADABLE
    return RecordRejectedError(
        f"Line {line} cannot be kept as a posting: {why}.", OWN_CODES[code].remedy, code=code
    )


def digest_of(postings: Sequence[Posting]) -> str:
    """Hash of an entry's postings: equal ones, equal hash; 12.50 equals 12.5."""
    told = [(_of_posting(one), one.debit.normalize(), one.credit.normalize()) for one in postings]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


_of_posting = attrgetter(*(name for name in Posting.__dataclass_fields__ if name not in ("debit", "credit")))
