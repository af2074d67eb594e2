"""What records of the CRM became in the ERP: the link with what was left on both sides, what is open, what is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from ml_connector.core.document_decisions import How, Intent, Left, Linked
from ml_connector.core.record import Fields, dump_fields, load_fields
from ml_connector.core.sales import Kind
from ml_connector.store.database import Found, select_in, upsert
from ml_connector.store.tables import documents

_READ = ("master_number", "is_open", "own", "tells", "as_of")
_BLANK: dict[str, object] = {
    "master_number": 0,
    "is_open": False,
    "own": None,
    "tells": None,
    "as_of": None,
    "told": None,
}
_PORTION = 10_000  #: parameters of a statement


@dataclass(frozen=True, slots=True)
class Became:
    """What a record became, as far as it is known; of a record that was never seen all is empty."""

    company: str  #: of the ERP; empty: it is not known
    module: str
    key: str  #: the record's id
    linked: Linked | None = None
    intent: Intent | None = None
    is_total_open: bool = False
    wanted: str = ""  #: a digest of what the record wanted when it was last settled; empty: it is not settled
    deal: str = ""
    quote: str = ""
    won_at: datetime | None = None
    next_at: datetime | None = None  #: when it is looked at again


@dataclass(frozen=True, slots=True)
class Telling:
    """What the CRM is to be told of a record."""

    module: str
    key: str
    fields: Fields
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What a document of its own tells of a record, and what the CRM was told of it."""

    own: Fields = field(default_factory=dict)
    tells: Fields = field(default_factory=dict)
    as_of: datetime | None = None
    master_number: int = 0  #: of the chain that its document is in
    is_open: bool = False  #: that document may change still


def find(tx: sa.Connection, module: str, keys: Collection[str]) -> dict[str, Became]:
    """Id -> what that record of the module became."""
    query = sa.select(documents).where(documents.c.module == module)
    return {row.key: _became(row) for row in select_in(tx, query, documents.c.key, keys)}


def of_deal(tx: sa.Connection, deal: str) -> list[Became]:
    """Every record that says it belongs to this deal."""
    query = sa.select(documents).where(documents.c.deal == deal)
    return [_became(row) for row in tx.execute(query.order_by(documents.c.module, documents.c.key))]


def put(tx: sa.Connection, row: Became) -> None:
    """Remember it; what the CRM is told stays as it was."""
    upsert(tx, documents, [_values(row) | _BLANK], keep=tuple(_BLANK))


def put_won(tx: sa.Connection, company: str, module: str, keys: Collection[str], at: datetime) -> None:
    """These are won since then, as far as it is not known since when; all else that is known of them stays."""
    known = find(tx, module, keys)
    new = [key for key in keys if key not in known or known[key].won_at is None]
    rows = [_values(Became(company, module, key, won_at=at)) | _BLANK for key in new]
    upsert(tx, documents, rows, keep=sorted({*rows[0]} - {"module", "key", "won_at"}) if rows else ())


def look_again(tx: sa.Connection, row: Became, at: datetime) -> None:
    """Have the record looked at then, although nothing changed; nothing, if it is linked otherwise by now."""
    c = documents.c
    number = row.linked.number if row.linked else ""
    these = sa.and_(c.module == row.module, c.key == row.key, c.number == number)
    tx.execute(sa.update(documents).where(these).values(next_at=at, wanted=""))


def waiting(tx: sa.Connection, module: str, now: datetime) -> list[str]:
    """The ids of the records whose time has come to be looked at again."""
    c = documents.c
    query = sa.select(c.key).where(c.module == module, c.next_at.is_not(None), c.next_at <= now)
    return list(tx.execute(query.order_by(c.next_at, c.key)).scalars())


def next_due(tx: sa.Connection, module: str) -> datetime | None:
    """When the first record of the module is to be looked at again; None: none is."""
    c = documents.c
    query = sa.select(c.next_at).where(c.module == module, c.next_at.is_not(None))
    return next(iter(tx.execute(query.order_by(c.next_at).limit(1)).scalars()), None)


def _values(row: Became) -> dict[str, object]:
    linked, intent = row.linked, row.intent
    left = linked.left if linked else None
    return {
        "company": row.company,
        "module": row.module,
        "key": row.key,
        "kind": linked.kind.value if linked else "",
        "number": linked.number if linked else "",
        "how": linked.how.value if linked else "",
        "sent": dump_fields(left.sent) if left else None,
        "stood": dump_fields(left.stood) if left else None,
        "intent_at": intent.at if intent else None,
        "intent": dump_fields(intent.sent) if intent else None,
        "total_open": row.is_total_open,
        "wanted": row.wanted,
        "deal": row.deal,
        "quote": row.quote,
        "won_at": row.won_at,
        "next_at": row.next_at,
    }


def _became(row: Found) -> Became:
    left = None if row.sent is None else Left(load_fields(row.sent), load_fields(row.stood))
    linked = Linked(Kind(row.kind), row.number, How(row.how), left) if row.kind else None
    intent = None if row.intent is None else Intent(row.intent_at, load_fields(row.intent))
    return Became(
        row.company,
        row.module,
        row.key,
        linked,
        intent,
        row.total_open,
        row.wanted,
        row.deal,
        row.quote,
        row.won_at,
        row.next_at,
    )


# -- what the CRM is told


def find_told(tx: sa.Connection, module: str, keys: Collection[str]) -> dict[str, Told]:
    """Id -> what the ERP told of these records last."""
    c = documents.c
    query = sa.select(c.key, *(c[name] for name in _READ)).where(c.module == module)
    return {row.key: _told(row) for row in select_in(tx, query, c.key, keys)}


def _told(row: Found) -> Told:
    own, tells = (load_fields(text or "{}") for text in (row.own, row.tells))
    return Told(own, tells, row.as_of, row.master_number, row.is_open)


def put_told(tx: sa.Connection, row: Became, told: Told) -> None:
    """Keep what the ERP tells of this record; what it became, and what the CRM was told of it, stay as they were."""
    values: dict[str, object] = {"own": dump_fields(told.own), "tells": dump_fields(told.tells)}
    values |= {"as_of": told.as_of, "master_number": told.master_number, "is_open": told.is_open}
    others = {*_values(row), "told"} - {"module", "key"}
    upsert(tx, documents, [_values(row) | _BLANK | values], keep=sorted(others))


def of_documents(
    tx: sa.Connection, company: str, numbers: Collection[str], chains: Collection[int]
) -> list[Became]:
    """The records that became one of these documents of the company, or one of these chains."""
    c = documents.c
    query = sa.select(documents).where(c.company == company, c.kind != "")
    found = {(row.module, row.key): _became(row) for row in select_in(tx, query, c.number, numbers)}
    wanted = sorted(set(chains) - {0})
    for start in range(0, len(wanted), _PORTION):
        some = query.where(c.master_number.in_(wanted[start : start + _PORTION]))
        found |= {(row.module, row.key): _became(row) for row in tx.execute(some)}
    return [found[name] for name in sorted(found)]


def not_read_since(tx: sa.Connection, company: str, at: datetime, most: int) -> list[Became]:
    """The records whose documents may change still and were read last before ``at``, the longest ago first."""
    c = documents.c
    query = sa.select(documents).where(c.company == company, c.kind != "", c.is_open, c.as_of < at)
    return [_became(row) for row in tx.execute(query.order_by(c.as_of, c.module, c.key).limit(most))]


def untold(tx: sa.Connection, module: str, most: int, after: str = "") -> list[Telling]:
    """The records of which the CRM was told something else than is to be told now, in the order of their ids."""
    c = documents.c
    query = (
        sa.select(documents).where(c.module == module, c.key > after, _untold()).order_by(c.key).limit(most)
    )
    return [Telling(row.module, row.key, load_fields(row.tells), row.as_of) for row in tx.execute(query)]


def untold_among(tx: sa.Connection, keys: Collection[str]) -> set[str]:
    """Those of these records, of whatever module, of which the CRM was not told what is to be told now."""
    c = documents.c
    return {row.key for row in select_in(tx, sa.select(c.key).where(_untold()), c.key, keys)}


def _untold() -> sa.ColumnElement[bool]:
    c = documents.c
    return sa.and_(c.tells.is_not(None), c.tells != "{}", sa.or_(c.told.is_(None), c.told != c.tells))


def tell(tx: sa.Connection, told: Sequence[Telling]) -> None:
    """The CRM was told this."""
    c = documents.c
    for one in told:
        these = sa.and_(c.module == one.module, c.key == one.key)
        tx.execute(sa.update(documents).where(these).values(told=dump_fields(one.fields)))
