"""What the CRM is to be told of its records and their deals: kept with each reading of a document of the ERP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ml_connector.core.deal_fields import DEALS
from ml_connector.core.document_fields import QUOTES
from ml_connector.core.document_status import (
    Came,
    Chain,
    is_of_order,
    orders_in,
    says_more,
    tells_of,
    together,
    told_of_order,
    told_of_orders_of,
    told_of_quote,
    told_of_removed,
)
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Kind
from ml_connector.flows.documents_deals import keep_deal
from ml_connector.store import documents
from ml_connector.store.database import Connection
from ml_connector.store.documents import Became, Told


def keep_told(tx: Connection, became: Became, chain: Chain, read_at: datetime) -> None:
    """Keep what this reading of its document tells, of the record and of its deal; an older reading tells nothing.

    ``read_at``: when the reading began.
    """
    standing, came = chain.document, _without_others(tx, became, chain.came)
    is_open = not standing.is_in_history or chain.came.is_open
    if standing.document.kind is Kind.QUOTE:
        own, numbers = told_of_quote(chain) | told_of_orders_of(came), came.numbers
    else:
        own, numbers = told_of_order(chain), [standing.document.number, *came.numbers]
    _keep(tx, became, Told(own, {}, read_at, standing.master_number, is_open), numbers)


def keep_removed(tx: Connection, became: Became, came: Came, read_at: datetime) -> None:
    """The same of a document that the ERP removed when this came from it."""
    known = documents.find_told(tx, became.module, [became.key])[became.key]
    own = _without_others(tx, became, came)
    told = Told(told_of_removed(known.own, own), {}, read_at, known.master_number, came.is_open)
    _keep(tx, became, told, own.numbers)


def keep_nothing(tx: Connection, before: Became, read_at: datetime) -> None:
    """The record has no document any more: neither it nor its deal is told of one."""
    assert before.linked is not None
    known = documents.find_told(tx, before.module, [before.key]).get(before.key, Told())
    documents.put_told(tx, before, Told(tells=dict.fromkeys(known.tells), as_of=read_at))
    keep_deal(tx, before.company, [before.linked.number], "")
    if deal := _deal_of(before):
        keep_told_of_deal(tx, before.company, deal, read_at)


def _without_others(tx: Connection, became: Became, came: Came) -> Came:
    """What came from its quote without the orders that other records became, which tell of these themselves."""
    numbers = [one.document.number for one in came.orders]
    others = documents.of_documents(tx, became.company, numbers, ())
    return came.without(
        {fold_key(one.linked.number) for one in others if one.linked and one.module != QUOTES}
    )


def _keep(tx: Connection, became: Became, read: Told, numbers: Sequence[str]) -> None:
    """``numbers``: the documents that are its deal's."""
    known = documents.find_told(tx, became.module, [became.key]).get(became.key, Told())
    assert read.as_of is not None
    if not says_more(known.as_of, read.as_of):
        return
    documents.put_told(
        tx, became, replace(read, tells=known.tells if became.module == DEALS else tells_of(read.own))
    )
    deal = _deal_of(became)
    keep_deal(tx, became.company, numbers, deal)
    for each in sorted({deal, *_taken_from_quotes(tx, became, read)} - {""}):
        keep_told_of_deal(tx, became.company, each, read.as_of)


def _taken_from_quotes(tx: Connection, became: Became, read: Told) -> list[str]:
    """The deals of the quotes that told of this order while it was nobody's: they are read again without it."""
    deals: list[str] = []
    if became.module == QUOTES:
        return deals
    chain = documents.of_documents(tx, became.company, (), [read.master_number])
    for quote in (one for one in chain if one.module == QUOTES):
        told = documents.find_told(tx, QUOTES, [quote.key])[quote.key]
        if {*orders_in(told.own)} & {*orders_in(read.own)}:
            documents.put_told(tx, quote, replace(told, own=tells_of(told.own), is_open=True))
            deals.append(quote.deal)
    return deals


def _deal_of(became: Became) -> str:
    return became.key if became.module == DEALS else became.deal


def keep_told_of_deal(tx: Connection, company: str, deal: str, read_at: datetime) -> None:
    """A deal is told of its own order and of those of its sales orders and quotes together; of none any more, too."""
    rows = [one for one in documents.of_deal(tx, deal) if one.linked and one.module != DEALS]
    known = documents.find_told(tx, DEALS, [deal]).get(deal, Told())
    each = [documents.find_told(tx, one.module, [one.key])[one.key].own for one in rows]
    told = [own for own in (known.own, *each) if is_of_order(own)]
    as_of = max(known.as_of, read_at) if known.as_of else read_at
    kept = replace(known, tells=together(told) or dict.fromkeys(known.tells), as_of=as_of)
    documents.put_told(tx, Became(company, DEALS, deal), kept)
