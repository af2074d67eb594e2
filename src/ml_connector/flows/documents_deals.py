"""Which deal an order of the ERP and its invoices belong to: what was posted of them points to that deal."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.core.deals import JOURNAL
from ml_connector.store import asked, document_deals, postings
from ml_connector.store.database import Connection

_WHY = "the deal of its document is another one"


def keep_deal(tx: Connection, company: str, numbers: Sequence[str], deal: str) -> None:
    """These documents belong to this deal; empty: to none.

    A journal line that came before its document's deal was known waits for it, and points to it from the next run on.
    Of documents that belonged to another deal the entries are looked at again.
    """
    if moved := document_deals.put(tx, company, numbers, deal):
        asked.put(tx, company, JOURNAL, postings.entries_of(tx, company, moved), _WHY)
