"""The year-end close of the general ledger: everything of the year to History, and its balances into the next year.

Closing makes one entry. Its header has the source document BBF, balance brought forward. It brings forward each
balance sheet account as it stands, and on the account of the retained earnings a line more: what the year earned. That
the header says BBF, and that the line of the earnings is called P/L in the tables (GL20000 has SOURCDOC on each line),
is told by consultants who looked; the web service's line has no source document (facts 2.6). Inferred: that the entry
is dated on the new year's first day, that it is in the web service's list at all, its reference, and that unit
accounts are brought forward as if "Clear Balance During Year-End Close" is not marked. Simplified: one line of
earnings, where GP has one for each currency that was posted; one account of retained earnings, where a company may have
one a division.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from ml_connector.simulators.gp.company import Company
from ml_connector.simulators.gp.ledger import SEQUENCE_STEP, Entry, Line

BROUGHT_FORWARD = "BBF"
_RETAINED, _PROFIT_LOSS = "Retained Earnings", "ProfitLoss"


class Closed(NamedTuple):
    """What a close did."""

    moved: int
    """Entries that went to History."""
    entry: Entry | None
    """What brings the balances forward; None: nothing of the year, or before it, was open."""


def close(company: Company, year: int, at: datetime) -> Closed:
    """Close a year, and what is still open before it, in one go. LookupError without an account for the earnings."""
    journals = company.journals
    with journals.lock:
        closing = journals.open_until(year)
        if not closing:
            return Closed(0, None)
        lines = tuple(_lines(company, year, closing))
        journals.to_history(closing, at)
        if not lines:
            return Closed(len(closing), None)
        made = Entry(
            journals.next_id(), date(year + 1, 1, 1), lines, fiscal_year=year + 1,
            reference="Balances brought forward", source_document=BROUGHT_FORWARD, modified_at=at,
        )  # fmt: skip
        journals.put(made)
    return Closed(len(closing), made)


def _lines(company: Company, year: int, closing: Iterable[Entry]) -> Iterator[Line]:
    posted = (entry for entry in company.journals.within(None, None) if entry.fiscal_year <= year)
    everything, of_years = _balances(posted), _balances(closing)
    earning = {account.id for account in company.accounts.rows() if account.posting_type == _PROFIT_LOSS}
    earned = sum(of_years[key] for key in of_years if key[0] in earning)
    before = sum(everything[key] for key in everything if key[0] in earning) - earned
    retained = (_retained(company), False)
    everything[retained] += before  # what earlier years earned was closed to it
    kept = sorted((key, left) for key, left in everything.items() if key[0] not in earning and left)
    told = [*kept, (retained, earned)] if earned else kept
    for number, ((account, is_unit), left) in enumerate(told, 1):
        debit, credit = max(left, 0), max(-left, 0)
        yield Line(number * SEQUENCE_STEP, account, debit, credit, debit, credit, is_unit=is_unit)


def _balances(entries: Iterable[Entry]) -> Counter[tuple[str, bool]]:
    """Account, and whether it counts units -> debits less credits of what was posted; closes themselves apart."""
    balances: Counter[tuple[str, bool]] = Counter()
    for entry in entries:
        if entry.state != "Work" and not entry.is_voided and entry.source_document != BROUGHT_FORWARD:
            for line in entry.lines:
                balances[line.account, line.is_unit] += line.debit - line.credit
    return balances


def _retained(company: Company) -> str:
    """The account that the setup of the general ledger names for the earnings; here the first of the category."""
    found = [account.id for account in company.accounts.rows() if account.category == _RETAINED]
    if not found:
        raise LookupError("the company has no account of retained earnings")
    return found[0]
